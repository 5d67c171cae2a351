//! What server and worker say to each other: length-prefixed postcard messages over a pipe.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use uuid::Uuid;

use crate::limits::Limits;
use crate::memory::{MemoryReport, Recipe};
use crate::outcome::{FailureKind, Used};
use crate::walls::Walls;

/// Changes with every change of the messages: a worker of another build is turned away.
pub(crate) const VERSION: u32 = 7;

/// The longest message in bytes, the length prefix not counted.
pub(crate) const FRAME_MAX: usize = 64 << 20;

/// The most bytes of source, arguments and secrets of one call together.
pub(crate) const TASK_MAX: usize = 16 << 20;

/// The most bytes that one operation of a guest may carry, in either direction.
pub(crate) const PAYLOAD_MAX: usize = 16 << 20;

/// The file descriptor under which a worker finds the memory image.
pub(crate) const IMAGE_DESCRIPTOR: i32 = 3;

/// The file descriptor under which a worker finds the socket that sets of packages come through.
pub(crate) const SETS_DESCRIPTOR: i32 = 4;

/// The most bytes of a prepared set that one message carries.
pub(crate) const CONTENT_MAX: usize = 1 << 20;

/// What is read of a pipe at once: most messages whole, with those that follow.
pub(crate) const READ_AT_ONCE: usize = 32 << 10;

/// A message to a worker.
#[derive(Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// The first message: the file of the compiled guest, and the recipes to try in this order. For
    /// all but [`Recipe::Pool`], the memory image is open as [`IMAGE_DESCRIPTOR`].
    Hello { version: u32, server: u32, code: String, memory: Vec<Recipe>, share: Share },
    /// Begins a call.
    Start { call: u64, group: Uuid, task: Task, limits: Limits },
    /// Ends a call whose answer nobody waits for.
    Cancel { call: u64 },
    /// Answers an operation that a guest began.
    Answer { call: u64, operation: u32, outcome: Result<Vec<u8>, String> },
    /// Asks for a sign of life.
    Ping,
    /// Has the worker keep a set of packages, whose file is the next one on the socket for them.
    Keep { set: u64, form: Form },
    /// Has it forget one that no call will need any more.
    Forget { set: u64 },
}

/// What the file of a set of packages holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Form {
    /// The memory of an instance that has loaded them.
    Snapshot,
    /// An archive that each instance has to unpack, with zeros after its end.
    Archive,
}

/// What a worker that is ready says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Readiness {
    /// How it resets the memory of its calls.
    pub(crate) memory: MemoryReport,
    /// What keeps it from the rest of the machine.
    pub(crate) walls: Walls,
}

/// The memory that the calls of one worker may hold together, in bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) bytes: usize,
    /// What all workers have together.
    pub(crate) of: usize,
}

/// How a worker stands, as far as it matters to where the next call goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Load {
    /// The last call that had come by then.
    pub(crate) seen: u64,
    /// How many calls could make use of the processor.
    pub(crate) runnable: usize,
    /// By how many bytes calls had grown.
    pub(crate) grown: usize,
}

/// What a call does.
#[derive(Serialize, Deserialize)]
pub(crate) enum Task {
    /// Reads source text, and executes its module level where asked to.
    Inspect { source: String, execute: bool, modules: String, set: Option<u64> },
    /// Runs `main`.
    Run(Program),
    /// Makes a set of packages, to have these modules, of the files that it asks for.
    Prepare { modules: Vec<String> },
}

/// A tool, and what one call of it is given; all but the source is JSON.
#[derive(Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) source: String,
    pub(crate) arguments: String,
    pub(crate) secrets: String,
    pub(crate) client: String,
    pub(crate) modules: String,
    /// The packages that it has, by the number under which the worker keeps them.
    pub(crate) set: Option<u64>,
}

impl Task {
    /// How many bytes of text there are.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Inspect { source, modules, .. } => source.len() + modules.len(),
            Self::Run(Program { source, arguments, secrets, client, modules, set: _ }) => {
                source.len() + arguments.len() + secrets.len() + client.len() + modules.len()
            }
            Self::Prepare { modules } => modules.iter().map(String::len).sum(),
        }
    }
}

/// A message from a worker.
#[derive(Serialize, Deserialize)]
pub(crate) enum FromWorker {
    /// The answer to `Hello`, or a sentence saying why the worker cannot take calls.
    Ready { version: u32, outcome: Result<Readiness, String> },
    /// What the guest wrote to standard output or error since the last such message.
    Output { call: u64, bytes: Vec<u8> },
    /// The guest asks for something.
    Operation { call: u64, operation: u32, name: String, payload: Vec<u8> },
    /// The guest no longer waits for an operation.
    Abandon { call: u64, operation: u32 },
    /// The sign of life.
    Pong,
    /// The worker has reason to doubt itself: it takes no more calls and is replaced.
    Retire { reason: String },
    /// Hands a task back: there is no memory left for one more call.
    Full { call: u64, task: Task },
    /// How the worker stands, told when it has changed.
    Load(Load),
    /// The end of a call.
    Done { call: u64, reply: Reply, used: Used, stdout_truncated: bool },
    /// A part of a set of packages, which comes before the end of the call that prepares it.
    Content { call: u64, offset: u64, bytes: Vec<u8> },
}

/// How a call ended.
#[derive(Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The guest's own answer to the task, JSON.
    Answered(String),
    /// The guest's reasons for not compiling the source, JSON.
    NotCompiled(String),
    /// The call was ended from outside the guest.
    Ended { kind: FailureKind, message: String },
    /// A set of packages was made: the bytes that its content has in all, what the guest says of it
    /// as JSON, and why not more of it was loaded.
    Prepared { form: Form, bytes: u64, report: String, fallen_back: Option<String> },
}

/// Writes one message.
pub(crate) async fn write<W, M>(writer: &mut W, message: &M) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
    M: Serialize,
{
    writer.write_all(&frame(message)?).await
}

/// One message as it is written.
pub(crate) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    with_length(postcard::to_extend(message, vec![0; 4]).map_err(io::Error::other)?)
}

fn with_length(mut frame: Vec<u8>) -> io::Result<Vec<u8>> {
    let length = frame.len().saturating_sub(4);
    if length > FRAME_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too long to send"));
    }
    let prefix = u32::try_from(length).map_err(io::Error::other)?.to_le_bytes();
    for (place, byte) in frame.iter_mut().zip(prefix) {
        *place = byte;
    }
    Ok(frame)
}

/// Reads one message; `None` where the pipe ended between two messages.
pub(crate) async fn read<R, M>(reader: &mut R) -> io::Result<Option<M>>
where
    R: AsyncRead + Unpin,
    M: DeserializeOwned,
{
    let mut prefix = [0; 4];
    let begun = reader.read(&mut prefix).await?;
    if begun == 0 {
        return Ok(None);
    }
    let (_, rest) = prefix.split_at_mut(begun);
    reader.read_exact(rest).await?;
    let length = usize::try_from(u32::from_le_bytes(prefix)).map_err(io::Error::other)?;
    if length > FRAME_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too long"));
    }
    // Grows as bytes arrive, so that a length alone cannot make this process allocate.
    let mut body = Vec::new();
    reader.take(u64::from(u32::from_le_bytes(prefix))).read_to_end(&mut body).await?;
    if body.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    postcard::from_bytes(&body).map(Some).map_err(io::Error::other)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{FRAME_MAX, FromWorker, Readiness, read, write};
    use crate::memory::{MemoryReport, Recipe};
    use crate::walls::tests::walls;

    /// What a worker in good order says.
    pub(crate) fn readiness() -> Readiness {
        let memory = MemoryReport { recipe: Recipe::Dropped, skipped: Vec::new() };
        Readiness { memory, walls: walls() }
    }

    #[tokio::test]
    async fn a_message_arrives_as_it_was_sent_and_the_end_is_told() {
        let mut pipe = Vec::new();
        let sent = FromWorker::Output { call: 7, bytes: b"hello".to_vec() };
        assert!(write(&mut pipe, &sent).await.is_ok());
        let mut reader = pipe.as_slice();
        let received = read(&mut reader).await;
        assert!(
            matches!(received, Ok(Some(FromWorker::Output { call: 7, bytes })) if bytes == b"hello")
        );
        assert!(matches!(read::<_, FromWorker>(&mut reader).await, Ok(None)));
    }

    #[tokio::test]
    async fn a_worker_that_is_to_be_replaced_says_so_in_two_bytes() {
        let mut pipe = Vec::new();
        let sent = FromWorker::Retire { reason: String::new() };
        assert!(write(&mut pipe, &sent).await.is_ok());
        assert_eq!(pipe, [2, 0, 0, 0, 5, 0]);
    }

    #[tokio::test]
    async fn a_message_that_breaks_off_or_is_too_long_is_an_error() {
        let mut pipe = Vec::new();
        let sent = FromWorker::Output { call: 7, bytes: b"hello".to_vec() };
        assert!(write(&mut pipe, &sent).await.is_ok());
        pipe.pop();
        assert!(read::<_, FromWorker>(&mut pipe.as_slice()).await.is_err());
        let too_long = u32::try_from(FRAME_MAX + 1).unwrap_or(u32::MAX).to_le_bytes();
        assert!(read::<_, FromWorker>(&mut too_long.as_slice()).await.is_err());
    }
}
