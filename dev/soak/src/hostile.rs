//! Requests that no proper client makes, and the refusal that each must get.

mod bodies;
mod heads;
mod manners;
mod raw;

use anyhow::{Result, ensure};
use rand::RngExt as _;

use crate::visitor::Visitor;

/// How a hostile request must end.
#[derive(Debug, Clone, Copy)]
struct Refusal {
    status: u16,
    /// The code of JSON-RPC; none where the refusal is one of HTTP.
    code: Option<i64>,
}

/// One of them: what it is called, what is sent, and how it must end.
struct Request {
    name: &'static str,
    bytes: fn(door: &str) -> Vec<u8>,
    refusal: Refusal,
}

const fn of_http(status: u16) -> Refusal {
    Refusal { status, code: None }
}

const fn of_rpc(status: u16, code: i64) -> Refusal {
    Refusal { status, code: Some(code) }
}

/// Does one of them, and says which.
pub(crate) async fn act(visitor: &mut Visitor) -> (&'static str, Result<()>) {
    let requests = bodies::ALL.iter().chain(heads::ALL);
    let count = requests.clone().count();
    let chosen = visitor.random.random_range(0..count + manners::ALL.len());
    match requests.clone().nth(chosen) {
        Some(request) => (request.name, refused(&visitor.stage.mcp, request).await),
        None => manners::act(visitor, chosen - count).await,
    }
}

async fn refused(door: &str, request: &Request) -> Result<()> {
    let Refusal { status, code } = request.refusal;
    let answer = raw::exchange(door, (request.bytes)(door)).await?;
    ensure!(answer.status == status, "{status} expected: {answer:?}");
    ensure!(answer.code() == code, "{code:?} expected: {answer:?}");
    Ok(())
}

/// A body that stops coming is refused after half a minute.
pub(crate) async fn stalls(door: &str) -> Result<()> {
    manners::stalls(door).await
}
