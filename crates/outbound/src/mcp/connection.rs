//! A connection to a source, whichever way it is reached.

use super::about::Outgoing;
use super::error::Error;
use super::line::Line;
use super::start::Started;
use super::streamable::Streamable;
use serde_json::Value;
use std::sync::Arc;

/// A connection that has begun.
#[derive(Clone)]
pub(crate) enum Connection {
    Streamable(Arc<Streamable>),
    Line(Arc<Line>),
}

impl Connection {
    pub(crate) fn started(&self) -> &Started {
        match self {
            Self::Streamable(streamable) => &streamable.started,
            Self::Line(line) => &line.started,
        }
    }

    pub(crate) async fn request(&self, outgoing: &Outgoing) -> Result<Value, Error> {
        match self {
            Self::Streamable(streamable) => streamable.request(outgoing).await,
            Self::Line(line) => line.request(outgoing).await,
        }
    }

    /// Whether it answered a request since it began.
    pub(crate) fn has_served(&self) -> bool {
        match self {
            Self::Streamable(_) => true,
            Self::Line(line) => line.has_served(),
        }
    }

    pub(crate) async fn listen(&self) -> Result<(), Error> {
        match self {
            Self::Streamable(streamable) => streamable.listen().await,
            Self::Line(line) => line.listen().await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Streamable(streamable) => streamable.close().await,
            // It ends with the last that uses it.
            Self::Line(_) => (),
        }
    }

    /// Whether both are the same connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Streamable(one), Self::Streamable(other)) => Arc::ptr_eq(one, other),
            (Self::Line(one), Self::Line(other)) => Arc::ptr_eq(one, other),
            (Self::Streamable(_), Self::Line(_)) | (Self::Line(_), Self::Streamable(_)) => false,
        }
    }
}
