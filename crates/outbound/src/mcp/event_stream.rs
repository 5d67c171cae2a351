//! HTTP with a stream of events, as revision 2024-11-05 has it: answers come on the stream, requests go
//! to an address that its first event names.

use super::about::About;
use super::answer::content_type;
use super::door::Door;
use super::error::Error;
use super::events::Events;
use super::line::{Incoming, Line, Open, Way};
use super::listener::Listener;
use super::{limits, message};
use serde_json::Value;
use std::sync::Arc;

/// Where requests go.
pub(crate) struct Posts {
    door: Arc<Door>,
    /// An address of the source's own origin.
    url: String,
}

impl Posts {
    pub(crate) async fn send(&self, message: &Value) -> Result<(), Error> {
        let mut request = self.door.post(message);
        request.url.clone_from(&self.url);
        match self.door.deliver(&request).await {
            Ok(()) => Ok(()),
            Err(Error::Status { status: 404 | 410, .. }) => Err(Error::SessionLost),
            Err(Error::Status { within: Some(told), .. }) => Err(Error::Rpc(told.error)),
            Err(error) => Err(error),
        }
    }
}

/// Opens the stream and begins a session.
pub(crate) async fn begin(
    door: Arc<Door>,
    about: Arc<About>,
    observer: Arc<dyn Listener>,
) -> Result<Arc<Line>, Error> {
    let opening = tokio::time::timeout(limits::START, open(&door)).await;
    let (events, url) = opening.unwrap_or(Err(Error::Timeout(limits::START)))?;
    let way = Way::Posts(Posts { door, url });
    Open::new(way, about, observer, |incoming| read(events, incoming)).session().await
}

async fn open(door: &Door) -> Result<(Events, String), Error> {
    let request = door.request("GET").header("Accept", "text/event-stream");
    let answer = door.send(&request).await?;
    if content_type(answer.headers()) != "text/event-stream" {
        return Err(Error::NotMcp("it opens no stream of events".to_owned()));
    }
    let mut events = Events::new(answer, door.reservation())?;
    while let Some(event) = events.next().await? {
        if event.name == "endpoint" {
            let url = endpoint(door, &event.data)?;
            return Ok((events, url));
        }
    }
    Err(Error::NoAnswer)
}

/// The address that the first event names; credentials go to no other origin.
fn endpoint(door: &Door, named: &[u8]) -> Result<String, Error> {
    let named = std::str::from_utf8(named).ok().map(str::trim);
    let target = named.and_then(|named| door.target.join(named).ok()).ok_or_else(|| {
        Error::NotMcp("the address that its stream names cannot be read".to_owned())
    })?;
    if target.origin() != door.target.origin() {
        let origin = target.origin().ascii_serialization();
        return Err(Error::NotMcp(format!("its stream names an address elsewhere, at {origin}")));
    }
    Ok(target.url().to_string())
}

async fn read(mut events: Events, mut incoming: Incoming) {
    loop {
        let event = match events.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(reason) => {
                tracing::debug!(%reason, "the stream of a source ended");
                return;
            }
        };
        if !matches!(event.name.as_str(), "" | "message") {
            continue;
        }
        match message::read(&event.data) {
            Ok(messages) => messages.into_iter().for_each(|message| incoming.take(message)),
            Err(reason) => tracing::debug!(%reason, "a source sent what is no message"),
        }
    }
}
