//! The connection to a source: begun when it is first needed, shared by all who use it, and begun again when it was lost.

use super::about::About;
use super::connection::Connection;
use super::door::Door;
use super::error::Error;
use super::life::Life;
use super::listener::Listener;
use super::process::Program;
use super::restart::Restart;
use super::start::Era;
use super::{event_stream, process, streamable};
use std::sync::Arc;
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;
use tracing::Instrument as _;

pub(crate) struct Link {
    pub(crate) way: Way,
    about: Arc<About>,
    observer: Arc<dyn Listener>,
    known: Mutex<Known>,
    life: Life,
    /// A connection has begun.
    has_begun: Notify,
    /// What is being begun is needed by nobody any more.
    cut: Notify,
}

pub(crate) enum Way {
    Http(Arc<Door>),
    EventStream(Arc<Door>),
    Process(Program),
}

/// What is known of the connection.
#[derive(Default)]
struct Known {
    connection: Option<Connection>,
    /// The last one was a session.
    session: bool,
    restart: Restart,
}

impl Link {
    pub(crate) fn new(way: Way, about: About, observer: Arc<dyn Listener>, life: Life) -> Self {
        let (about, known) = (Arc::new(about), Mutex::default());
        Self { way, about, observer, known, life, has_begun: Notify::new(), cut: Notify::new() }
    }

    /// The connection; begins one where there is none. What is begun goes on when whoever needed it has gone: a
    /// program that takes long to start would be started again and again, and never be there.
    pub(crate) async fn connection(self: &Arc<Self>) -> Result<Connection, Error> {
        if let Some(connection) = &self.known.lock().await.connection {
            return Ok(connection.clone());
        }
        let link = Arc::clone(self);
        let beginning = async move {
            tokio::select! {
                biased;
                () = link.cut.notified() => Err(Error::Retired { sent: false }),
                begun = link.life.within(link.begin()) => begun,
            }
        };
        match tokio::spawn(beginning.in_current_span()).await {
            Ok(begun) => begun,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The program ends.
                Err(_cancelled) => Err(Error::Retired { sent: false }),
            },
        }
    }

    /// The connection, once there is one.
    pub(crate) async fn begun(&self) -> Connection {
        loop {
            let begun = self.has_begun.notified();
            if let Some(connection) = &self.known.lock().await.connection {
                return connection.clone();
            }
            begun.await;
        }
    }

    /// Begins nothing on from here.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// Takes the connection away, if there is one, or is just begun.
    pub(crate) async fn take(&self) -> Option<Connection> {
        self.cut();
        self.known.lock().await.connection.take()
    }

    async fn begin(&self) -> Result<Connection, Error> {
        let mut known = self.known.lock().await;
        if let Some(connection) = &known.connection {
            return Ok(connection.clone());
        }
        if let Way::Process(_) = &self.way {
            known.restart.begin(Instant::now())?;
        }
        let connection = match self.connect(known.session).await {
            // It may have learnt to do without.
            Err(Error::Rpc(_) | Error::Status { .. } | Error::NotMcp(_)) if known.session => {
                known.session = false;
                self.connect(false).await
            }
            connected => connected,
        };
        let connection = connection.map_err(|error| {
            if !matches!(error, Error::NotStarted(_)) {
                known.restart.ended(false, &error, Instant::now());
            }
            error.at_start()
        })?;
        known.session = connection.started().era != Era::Modern;
        known.connection = Some(connection.clone());
        self.has_begun.notify_waiters();
        Ok(connection)
    }

    async fn connect(&self, session: bool) -> Result<Connection, Error> {
        let (about, observer) = (Arc::clone(&self.about), Arc::clone(&self.observer));
        match &self.way {
            Way::Http(door) => {
                let (first, own) = (Arc::clone(door), Arc::clone(&about));
                let begun = streamable::begin(first, own, Arc::clone(&observer), session).await;
                match begun {
                    // An address of the oldest kind takes no messages: it opens a stream.
                    Err(Error::Status { status: status @ (400 | 404 | 405), text, within }) => {
                        let oldest = event_stream::begin(Arc::clone(door), about, observer).await;
                        let refused = |_reason| Error::Status { status, text, within };
                        oldest.map(Connection::Line).map_err(refused)
                    }
                    begun => begun.map(Connection::Streamable),
                }
            }
            Way::EventStream(door) => {
                let begun = event_stream::begin(Arc::clone(door), about, observer).await?;
                Ok(Connection::Line(begun))
            }
            Way::Process(program) => {
                let begun = process::begin(program, about, observer, session).await?;
                Ok(Connection::Line(begun))
            }
        }
    }

    /// Forgets a connection that is over.
    pub(crate) async fn forget(&self, connection: &Connection, why: &Error) {
        let mut known = self.known.lock().await;
        if known.connection.as_ref().is_some_and(|current| current.is(connection)) {
            known.connection = None;
            known.restart.ended(connection.has_served(), why, Instant::now());
        }
    }
}
