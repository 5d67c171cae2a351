//! Clients that send slowly, in part, or stop listening; and slow ones that mean well.

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Duration, sleep, timeout};

use super::raw::{Answer, body, modern};
use crate::connection::Gone;
use crate::visitor::Visitor;

/// How many pieces a slow body comes in, and how long each takes.
const PIECES: usize = 10;
const PIECE: Duration = Duration::from_millis(50);

/// The longest that a door may take to close a connection that is over.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) const ALL: [&str; 4] = [
    "hostile: slow body",
    "hostile: half a body",
    "hostile: half a head, then closed",
    "hostile: closed for writing",
];

/// Does the one at that place.
pub(super) async fn act(visitor: &mut Visitor, place: usize) -> (&'static str, Result<()>) {
    let door = &visitor.stage.mcp;
    let request = modern(door, "server/discover", "", &body("server/discover", ""));
    let name = ALL.get(place).copied().unwrap_or_default();
    let outcome = match place {
        0 => slowly(door, &request).await,
        1 => half(door, &request).await,
        2 => half_a_head(door, &request).await,
        _ => closed_for_writing(door, &request).await,
    };
    (name, outcome)
}

/// Slow is not wrong: the answer comes.
async fn slowly(door: &str, request: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(door).await.context(Gone)?;
    for piece in request.chunks(request.len().div_ceil(PIECES)) {
        stream.write_all(piece).await.context(Gone)?;
        sleep(PIECE).await;
    }
    answered(&read(&mut stream).await?.that_came()?)
}

/// Sends half of the body and goes away.
async fn half(door: &str, request: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(door).await.context(Gone)?;
    let (most, _) = request.split_at(request.len() - 20);
    stream.write_all(most).await.context(Gone)?;
    sleep(PIECE).await;
    Ok(())
}

/// Sends half of the head and says that no more comes: the door closes the connection, with an answer or without.
async fn half_a_head(door: &str, request: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(door).await.context(Gone)?;
    let (beginning, _) = request.split_at(40);
    stream.write_all(beginning).await.context(Gone)?;
    stream.shutdown().await.context(Gone)?;
    let answer = read(&mut stream).await?;
    ensure!([0, 400].contains(&answer.status), "{answer:?}");
    Ok(())
}

/// Sends a whole request and closes its half of the connection: the door answers or closes, too.
async fn closed_for_writing(door: &str, request: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(door).await.context(Gone)?;
    stream.write_all(request).await.context(Gone)?;
    stream.shutdown().await.context(Gone)?;
    let answer = read(&mut stream).await?;
    if answer.status == 0 { Ok(()) } else { answered(&answer) }
}

/// A body that stops coming is refused.
pub(super) async fn stalls(door: &str) -> Result<()> {
    let request = modern(door, "server/discover", "", &body("server/discover", ""));
    let mut stream = TcpStream::connect(door).await.context(Gone)?;
    let (most, _) = request.split_at(request.len() - 20);
    stream.write_all(most).await.context(Gone)?;
    let answer = read(&mut stream).await?.that_came()?;
    ensure!(answer.status == 408, "408 expected: {answer:?}");
    Ok(())
}

async fn read(stream: &mut TcpStream) -> Result<Answer> {
    let mut received = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut received)).await;
    ended.context("the connection is not closed")?.context(Gone)?;
    Answer::read(&received)
}

fn answered(answer: &Answer) -> Result<()> {
    let message = answer.message();
    let result = message.as_ref().and_then(|message| message.get("result"));
    ensure!(answer.status == 200 && result.is_some(), "{answer:?}");
    Ok(())
}
