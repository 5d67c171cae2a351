//! The kinds of proper traffic, and how often each is chosen.

mod calls;
mod lists;
mod manage;
mod sessions;
mod streams;
mod talk;

use anyhow::{Result, bail};
use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::visitor::Visitor;

/// Names, and their shares of what is asked.
pub(crate) const SHARES: [(&str, u32); 20] = [
    ("discover", 6),
    ("list tools", 4),
    ("list others", 4),
    ("manage: look", 8),
    ("manage: test", 3),
    ("call: add", 24),
    ("call: primes", 6),
    ("call: repeat", 4),
    ("call: fail", 3),
    ("prompt", 4),
    ("resource", 4),
    ("session: short", 4),
    ("session: kept", 10),
    ("stream: session", 2),
    ("stream: listen", 2),
    ("progress", 4),
    ("cancel", 3),
    ("leave", 3),
    ("elicit: alone", 3),
    ("elicit: session", 3),
];

/// Chooses one of those that the plan has; none where it has none.
pub(crate) fn choose(only: &[String], random: &mut StdRng) -> Option<&'static str> {
    let is_chosen = |name: &str| only.is_empty() || only.iter().any(|part| name.starts_with(part));
    let chosen = || SHARES.iter().filter(|(name, _)| is_chosen(name));
    let all: u32 = chosen().map(|(_, share)| share).sum();
    let mut place = if all == 0 { return None } else { random.random_range(0..all) };
    for (name, share) in chosen() {
        match place.checked_sub(*share) {
            Some(rest) => place = rest,
            None => return Some(name),
        }
    }
    None
}

/// Does it once.
///
/// # Errors
/// Where an answer is not as it should be.
pub(crate) async fn act(name: &str, visitor: &mut Visitor) -> Result<()> {
    match name {
        "discover" => lists::discover(visitor).await,
        "list tools" => lists::tools(visitor).await,
        "list others" => lists::others(visitor).await,
        "manage: look" => manage::look(visitor).await,
        "manage: test" => manage::test(visitor).await,
        "call: add" => calls::add(visitor).await,
        "call: primes" => calls::primes(visitor).await,
        "call: repeat" => calls::repeat(visitor).await,
        "call: fail" => calls::fail(visitor).await,
        "prompt" => calls::prompt(visitor).await,
        "resource" => calls::resource(visitor).await,
        "session: short" => sessions::short(visitor).await,
        "session: kept" => sessions::kept(visitor).await,
        "stream: session" => streams::of_session(visitor).await,
        "stream: listen" => streams::listen(visitor).await,
        "progress" => talk::progress(visitor).await,
        "cancel" => talk::cancel(visitor).await,
        "leave" => talk::leave(visitor).await,
        "elicit: alone" => talk::elicit_alone(visitor).await,
        "elicit: session" => talk::elicit_in_session(visitor).await,
        other => bail!("there is no kind `{other}`"),
    }
}
