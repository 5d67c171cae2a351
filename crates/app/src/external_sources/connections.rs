//! The connections to sources that are in use: one per source and process, made when it is first needed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use outbound::mcp::{Program, Setup, Source};
use serde_json::json;
use store::external_sources::{ExternalSource, Standing, Transport};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::breaker::Breaker;
use super::listening::{Changed, Observer, listen};
use super::outcomes::Heard;
pub(super) use super::outcomes::wants_login;
pub(super) use super::reach::{SECRET, info, policy};
use super::shown::AllShown;
use super::standing::{self, Ending};
use super::told::page;
use super::{not_granted, oauth, reach};
use crate::{App, Error, Result};

/// A connection that nobody used for so long is ended.
const IDLE: Duration = Duration::from_mins(10);

/// So soon ends the process of a source that nobody has called a tool of: it was only asked what it offers.
const IDLE_PROCESS: Duration = Duration::from_secs(30);

/// All connections of this process.
#[derive(Default)]
pub(crate) struct Connections {
    open: Mutex<HashMap<Uuid, Arc<Connection>>>,
    /// Those that nobody is given any more, for as long as calls over them are under way.
    leaving: Mutex<Vec<Weak<Connection>>>,
    /// The tokens that requests carry.
    pub(super) tokens: oauth::Cache,
    /// What sources were shown of credentials.
    pub(super) shown: AllShown,
    /// Held by an import: two of one source would make each tool twice.
    pub(super) importing: tokio::sync::Mutex<()>,
    /// Sources whose list of tools may be another one now.
    pub(super) changed: Arc<Changed>,
}

/// A connection to a source.
pub(super) struct Connection {
    pub(super) id: Uuid,
    /// Of which version of its row it was made.
    made_of: DateTime<Utc>,
    pub(super) source: Arc<Source>,
    pub(super) breaker: Arc<Breaker>,
    used: Mutex<Instant>,
    is_process: bool,
    /// Whether one of its tools was called.
    is_called: AtomicBool,
    pub(super) heard: Heard,
    /// Hears what the source tells beside its answers.
    listening: Mutex<Option<AbortOnDropHandle<()>>>,
}

/// A lock that nobody can break.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connections {
    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.open).is_empty() && lock(&self.leaving).is_empty()
    }

    /// Ends connections that nobody used for a time, and those that may not stay as all sources stand now.
    pub(super) fn sweep(&self, sources: &[Standing], now: Instant) {
        let of = |id: Uuid| sources.iter().find(|source| source.id == id);
        self.shown.retain(|id| of(id).is_some());
        let unused = |connection: &Connection| {
            let time = now.saturating_duration_since(connection.last_used());
            (time >= connection.idle()).then_some(Ending::Gently)
        };
        self.end_where(|connection| {
            let ending = standing::ending(connection.made_of, of(connection.id));
            ending.or_else(|| unused(connection))
        });
    }

    /// Ends what there is of a source if it may not stay as the source stands now; nothing where it is gone.
    pub(super) fn heed(&self, id: Uuid, now: Option<&Standing>) {
        self.end_where(|connection| {
            if connection.id == id { standing::ending(connection.made_of, now) } else { None }
        });
    }

    /// Gives the connection to a source to nobody any more.
    fn leave(&self, id: Uuid) {
        let known = lock(&self.open).remove(&id);
        if let Some(known) = known {
            self.end(known, Ending::Gently);
        }
    }

    fn end_where(&self, ending: impl Fn(&Connection) -> Option<Ending>) {
        let mut ended = Vec::new();
        lock(&self.leaving).retain(|leaving| {
            let Some(leaving) = leaving.upgrade() else { return false };
            let stays = ending(&leaving) != Some(Ending::AtOnce);
            if !stays {
                ended.push((leaving, Ending::AtOnce));
            }
            stays
        });
        lock(&self.open).retain(|_, connection| {
            let ending = ending(connection);
            ended.extend(ending.map(|ending| (Arc::clone(connection), ending)));
            ending.is_none()
        });
        for (connection, ending) in ended {
            self.end(connection, ending);
        }
    }

    /// Ends a connection that is not among the open ones any more.
    fn end(&self, connection: Arc<Connection>, ending: Ending) {
        drop(lock(&connection.listening).take());
        match ending {
            Ending::AtOnce => drop(tokio::spawn(async move { connection.source.stop().await })),
            Ending::Gently => {
                lock(&self.leaving).push(Arc::downgrade(&connection));
                drop(tokio::spawn(async move { connection.source.retire().await }));
            }
        }
    }

    /// Begins to hear what a source tells, if the connection is among the open ones.
    fn listen(&self, connection: &Arc<Connection>) -> bool {
        let open = lock(&self.open);
        let is_open = open.get(&connection.id).is_some_and(|known| Arc::ptr_eq(known, connection));
        if is_open {
            let listening = listen(Arc::clone(&connection.source), Arc::clone(&connection.breaker));
            let listening = tokio::spawn(listening);
            *lock(&connection.listening) = Some(AbortOnDropHandle::new(listening));
        }
        is_open
    }

    /// Ends them all.
    pub(crate) async fn close(&self) {
        let open: Vec<_> = lock(&self.open).drain().map(|(_, connection)| connection).collect();
        let leaving: Vec<_> = lock(&self.leaving).drain(..).filter_map(|it| it.upgrade()).collect();
        futures::future::join_all(open.iter().chain(&leaving).map(async |connection| {
            drop(lock(&connection.listening).take());
            connection.source.close().await;
            connection.source.stop().await;
        }))
        .await;
    }
}

impl Connection {
    fn last_used(&self) -> Instant {
        *lock(&self.used)
    }

    /// How long it stays without being used.
    fn idle(&self) -> Duration {
        let is_called = self.is_called.load(Ordering::Relaxed);
        if self.is_process && !is_called { IDLE_PROCESS } else { IDLE }
    }

    fn touch(&self) {
        *lock(&self.used) = Instant::now();
    }
}

/// Refuses a source that nobody allowed, or that is switched off.
fn check_usable(app: &App, source: &ExternalSource) -> Result<()> {
    if source.granted_at.is_none() {
        return Err(not_granted(app, source));
    }
    if !source.enabled {
        return Err(Error::Conflict(format!(
            "source `{}` is switched off; a person can switch it on {}",
            source.name,
            page(app, source.id)
        )));
    }
    Ok(())
}

/// The same as [`connect`], to call a tool.
///
/// # Errors
/// As [`connect`].
pub(super) async fn connect_to_call(app: &App, source: &ExternalSource) -> Result<Arc<Connection>> {
    let connection = Box::pin(connect(app, source)).await?;
    connection.is_called.store(true, Ordering::Relaxed);
    Ok(connection)
}

/// The connection to a source; nothing is sent yet.
///
/// # Errors
/// [`Error::Conflict`] for a source that nobody allowed, or that is switched off.
pub(super) async fn connect(app: &App, source: &ExternalSource) -> Result<Arc<Connection>> {
    check_usable(app, source)?;
    let connections = app.connections();
    let program = match reach::program(app, source).await {
        Err(error @ Error::Conflict(_)) => {
            // A secret that it was started with is none any more.
            connections.leave(source.id);
            return Err(error);
        }
        program => program?,
    };
    let fits = |known: &Connection| {
        let is_new = known.made_of >= source.updated_at;
        is_new && program.as_ref().is_none_or(|program| known.source.runs(program))
    };
    let known = lock(&connections.open).get(&source.id).map(Arc::clone);
    if let Some(known) = known.filter(|known| fits(known)) {
        known.touch();
        return Ok(known);
    }
    let made = Arc::new(make(app, source, program.clone())?);
    let replaced = {
        let mut open = lock(&connections.open);
        match open.get(&source.id) {
            // Another call made it meanwhile.
            Some(known) if fits(known) => return Ok(Arc::clone(known)),
            _ => open.insert(source.id, Arc::clone(&made)),
        }
    };
    if let Some(replaced) = replaced {
        connections.end(replaced, Ending::Gently);
    }
    // Whoever decided about the source after its row was read has ended what was there before this one.
    let now = store::external_sources::find(app.store(), source.id).await?;
    connections.heed(source.id, now.as_ref().map(standing::of).as_ref());
    if connections.listen(&made) {
        return Ok(made);
    }
    let now = now.ok_or_else(|| Error::not_found("External source", &source.id))?;
    Box::pin(connect(app, &now)).await
}

fn make(app: &App, source: &ExternalSource, program: Option<Program>) -> Result<Connection> {
    let changed = Arc::clone(&app.connections().changed);
    let setup = Setup {
        place: reach::place(app, source, program)?,
        info: info(),
        capabilities: json!({
            "elicitation": { "form": {}, "url": {} },
            "sampling": {},
            "roots": { "listChanged": false },
        }),
        log_level: Some("info".to_owned()),
        observer: Arc::new(Observer { id: source.id, changed }),
    };
    let opened = Source::new(setup).map_err(|error| Error::invalid("url", error.to_string()))?;
    Ok(Connection {
        id: source.id,
        made_of: source.updated_at,
        source: Arc::new(opened),
        breaker: Arc::default(),
        used: Mutex::new(Instant::now()),
        is_process: source.transport == Transport::Stdio,
        is_called: AtomicBool::new(false),
        heard: Heard::new(source.failure.is_some()),
        listening: Mutex::default(),
    })
}

#[cfg(test)]
mod tests {
    use outbound::mcp::Place;

    use super::*;

    /// A connection to a process that was not started yet.
    fn connection(is_process: bool, is_called: bool) -> Arc<Connection> {
        let program = Program {
            command: "/bin/true".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
        };
        let setup = Setup {
            place: Place::Process(program),
            info: info(),
            capabilities: json!({}),
            log_level: None,
            observer: Arc::new(()),
        };
        Arc::new(Connection {
            id: Uuid::now_v7(),
            made_of: DateTime::UNIX_EPOCH,
            source: Arc::new(Source::new(setup).unwrap()),
            breaker: Arc::default(),
            used: Mutex::new(Instant::now()),
            is_process,
            is_called: AtomicBool::new(is_called),
            heard: Heard::new(false),
            listening: Mutex::default(),
        })
    }

    #[tokio::test]
    async fn what_nobody_uses_ends_and_a_process_that_was_only_looked_at_soon() {
        for (is_process, is_called, idle) in [
            (false, false, IDLE),
            (false, true, IDLE),
            (true, true, IDLE),
            (true, false, IDLE_PROCESS),
        ] {
            let (connections, made) = (Connections::default(), connection(is_process, is_called));
            let standing =
                Standing { id: made.id, granted: true, enabled: true, updated_at: made.made_of };
            lock(&connections.open).insert(made.id, Arc::clone(&made));
            let last = made.last_used();
            connections.sweep(&[standing], last + idle / 2);
            assert_eq!(lock(&connections.open).len(), 1, "it is used");
            connections.sweep(&[standing], last + idle);
            assert!(lock(&connections.open).is_empty(), "nobody uses it");
        }
    }
}
