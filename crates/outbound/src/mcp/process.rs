//! A source that is a process of this machine: messages are lines on its standard streams.

use super::about::About;
use super::error::Error;
use super::limits;
use super::line::{Incoming, Line, Open, Way};
use super::listener::Listener;
use super::message;
use super::refusal::quote;
use super::start::{self, Verdict};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// A program that an operator configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program: a path, or a name that is looked for in the `PATH` of `environment`.
    pub command: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// All of its environment: it gets nothing of this program's.
    pub environment: Vec<(String, String)>,
    /// Where it runs; without this, in `/`.
    pub directory: Option<PathBuf>,
}

/// A process, which ends with this.
pub(crate) struct Process {
    frames: mpsc::Sender<Vec<u8>>,
    words: Words,
    group: Option<Group>,
    /// What writes to it and what reads its standard error.
    tasks: JoinSet<()>,
}

/// The end of what a process wrote to its standard error.
#[derive(Clone)]
struct Words {
    text: Arc<Mutex<Vec<u8>>>,
    over: watch::Receiver<bool>,
}

/// A process with all that it started, which is killed when this is dropped.
struct Group {
    child: Child,
    id: Option<Pid>,
}

/// Starts a program and finds out which era it is of. `session` says that it had sessions before.
pub(crate) async fn begin(
    program: &Program,
    about: Arc<About>,
    observer: Arc<dyn Listener>,
    session: bool,
) -> Result<Arc<Line>, Error> {
    let open = || run(program, Arc::clone(&about), Arc::clone(&observer));
    let mut opened = open()?;
    if session {
        return opened.session().await;
    }
    for _attempt in 0..2 {
        match opened.discover().await {
            // Some end when they are asked what they do not know.
            Err(Error::Ended { sent: true, .. }) => {
                opened = open()?;
                break;
            }
            outcome => match start::judge(outcome) {
                Verdict::Modern(said) => return Ok(opened.modern(said)),
                Verdict::Failed(error) => return Err(error),
                Verdict::Session => break,
                Verdict::Again => (),
            },
        }
    }
    match Arc::clone(&opened).session().await {
        Err(refused) if start::shows_modern(&refused) => {
            match start::judge(opened.discover().await) {
                Verdict::Modern(said) => Ok(opened.modern(said)),
                Verdict::Again | Verdict::Session | Verdict::Failed(_) => Err(refused),
            }
        }
        begun => begun,
    }
}

fn run(
    program: &Program,
    about: Arc<About>,
    observer: Arc<dyn Listener>,
) -> Result<Arc<Open>, Error> {
    let (process, output) = Process::start(program).map_err(Error::NotStarted)?;
    let words = process.words.clone();
    Ok(Open::new(Way::Process(Box::new(process)), about, observer, |incoming| {
        read(output, words, incoming)
    }))
}

/// Keeps others of the same user from reading the memory and the environment of this process, in which master key and
/// passwords stand: what is started here runs as that user, and outside of the sandbox.
fn close_memory() {
    #[cfg(target_os = "linux")]
    {
        let closed = rustix::process::DumpableBehavior::NotDumpable;
        if let Err(error) = rustix::process::set_dumpable_behavior(closed) {
            tracing::warn!(%error, "processes of sources could read the memory of this one");
        }
    }
}

impl Process {
    fn start(program: &Program) -> std::io::Result<(Self, ChildStdout)> {
        close_memory();
        let mut command = Command::new(&program.command);
        command.args(&program.arguments).env_clear();
        command.envs(program.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(program.directory.as_deref().unwrap_or(std::path::Path::new("/")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let missing = || std::io::Error::other("a stream of the process is missing");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        let (frames, waiting) = mpsc::channel(limits::FRAMES);
        let (over, is_over) = watch::channel(false);
        let words = Words { text: Arc::default(), over: is_over };
        let mut tasks = JoinSet::new();
        tasks.spawn(write(input, waiting));
        tasks.spawn(keep(errors, Arc::clone(&words.text), over));
        let group = Some(Group { child, id });
        Ok((Self { frames, words, group, tasks }, output))
    }

    pub(crate) async fn send(&self, message: &Value) -> Result<(), Error> {
        let mut frame = message.to_string().into_bytes();
        frame.push(b'\n');
        if self.frames.send(frame).await.is_err() {
            return Err(Error::Ended { words: self.last_words().await, sent: false });
        }
        Ok(())
    }

    /// What it wrote last to its standard error, as one line.
    pub(crate) async fn last_words(&self) -> String {
        let mut over = self.words.over.clone();
        let said = over.wait_for(|over| *over);
        // What it started may keep the stream open.
        drop(tokio::time::timeout(limits::LAST_WORDS, said).await);
        let words = self.words.text.lock().unwrap_or_else(PoisonError::into_inner);
        let most = words.len().saturating_sub(limits::QUOTE);
        quote(words.get(most..).unwrap_or_default())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The writer goes, and with it the process's input.
        self.tasks.abort_all();
        if let (Some(group), Ok(runtime)) =
            (self.group.take(), tokio::runtime::Handle::try_current())
        {
            drop(runtime.spawn(group.end()));
        }
    }
}

impl Group {
    /// Lets the process end by itself, asks it to, and then makes it end.
    async fn end(mut self) {
        if tokio::time::timeout(limits::GRACE, self.child.wait()).await.is_err() {
            self.signal(Signal::TERM);
            drop(tokio::time::timeout(limits::GRACE, self.child.wait()).await);
        }
    }

    /// The number is the group's for as long as one of it is there or was not waited for; a moment after
    /// that nobody else has it yet.
    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            let _nobody_is_left = kill_process_group(id, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

async fn write(mut input: ChildStdin, mut waiting: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = waiting.recv().await {
        if input.write_all(&frame).await.is_err() {
            return;
        }
    }
}

/// Keeps the end of what comes.
async fn keep(mut errors: ChildStderr, words: Arc<Mutex<Vec<u8>>>, over: watch::Sender<bool>) {
    let mut part = [0; 1024];
    while let Ok(length @ 1..) = errors.read(&mut part).await {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(part.get(..length).unwrap_or_default());
        let surplus = words.len().saturating_sub(limits::WORDS);
        words.drain(..surplus);
    }
    over.send_replace(true);
}

async fn read(output: ChildStdout, words: Words, mut incoming: Incoming) {
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        match whole_line(&mut lines, &mut line).await {
            Ok(true) => (),
            Ok(false) => return,
            Err(reason) => {
                let mut words = words.text.lock().unwrap_or_else(PoisonError::into_inner);
                words.extend_from_slice(reason.to_string().as_bytes());
                return;
            }
        }
        match message::read(&line) {
            Ok(messages) => messages.into_iter().for_each(|message| incoming.take(message)),
            // Some print greetings.
            Err(reason) => tracing::debug!(%reason, "a source wrote what is no message"),
        }
        line.clear();
        line.shrink_to(limits::PROBLEM);
    }
}

/// Reads up to the end of a line; false at the end of all.
async fn whole_line(
    lines: &mut BufReader<ChildStdout>,
    line: &mut Vec<u8>,
) -> std::io::Result<bool> {
    loop {
        let part = lines.fill_buf().await?;
        if part.is_empty() {
            return Ok(false);
        }
        let end = part.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(part.len(), |end| end + 1);
        if line.len() + length > limits::MESSAGE {
            let message = format!(" it wrote a line of more than {} bytes", limits::MESSAGE);
            return Err(std::io::Error::other(message));
        }
        line.extend_from_slice(part.get(..length).unwrap_or_default());
        lines.consume(length);
        if end.is_some() {
            return Ok(true);
        }
    }
}
