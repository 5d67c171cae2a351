//! The connections to sources that are in use: one per source and process, made when it is first needed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use outbound::Policy;
use outbound::grant::Grant;
use outbound::mcp::{self, Access, Listener, Open, Place, Program, Setup, Source, Web};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::external_sources::{AuthType, ExternalSource, Transport};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::breaker::Breaker;
use super::credentials::{self, FromSecret};
use super::shown::{AllShown, without_credentials};
use super::{command_of, grants_of, not_granted, oauth};
use crate::{App, Error, Result, Tie, clock};

/// A connection that nobody used for so long is ended.
const IDLE: Duration = Duration::from_mins(10);

/// The first and the longest pause before a stream of notices that broke off is taken up again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// What begins the value of a variable of a process that is a secret of the server.
pub(super) const SECRET: &str = "secret:";

/// All connections of this process.
#[derive(Default)]
pub(crate) struct Connections {
    open: Mutex<HashMap<Uuid, Arc<Connection>>>,
    /// The tokens that requests carry.
    pub(super) tokens: oauth::Cache,
    /// What sources were shown of credentials.
    pub(super) shown: AllShown,
    /// Sources whose list of tools may be another one now.
    pub(super) changed: Arc<Changed>,
}

/// Which sources said that their tools changed.
#[derive(Default)]
pub(super) struct Changed {
    sources: Mutex<Vec<Uuid>>,
    pub(super) told: Notify,
}

impl Changed {
    fn add(&self, id: Uuid) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if !sources.contains(&id) {
            sources.push(id);
        }
        drop(sources);
        self.told.notify_one();
    }

    /// Those that said so since this was asked last.
    pub(super) fn take(&self) -> Vec<Uuid> {
        std::mem::take(&mut *self.sources.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A connection to a source.
pub(super) struct Connection {
    id: Uuid,
    /// Of which version of its row it was made.
    made_of: DateTime<Utc>,
    pub(super) source: Arc<Source>,
    pub(super) breaker: Breaker,
    used: Mutex<Instant>,
    /// Whether the database says that it failed.
    failed: AtomicBool,
    /// Hears what the source tells beside its answers.
    _listening: AbortOnDropHandle<()>,
}

/// Hears that the tools of a source have changed.
struct Observer {
    id: Uuid,
    changed: Arc<Changed>,
}

impl Listener for Observer {
    fn notified(&self, method: &str, _: &Value) {
        if method == "notifications/tools/list_changed" {
            self.changed.add(self.id);
        }
    }
}

impl Connections {
    fn open(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends connections that nobody used for a time, and those of sources that there are no more.
    pub(super) fn sweep(&self, sources: &[ExternalSource]) {
        self.shown.retain(|id| sources.iter().any(|source| source.id == id));
        let mut ended = Vec::new();
        self.open().retain(|id, connection| {
            let is_used = connection.last_used().elapsed() < IDLE;
            let is_there = sources.iter().any(|source| source.id == *id);
            let stays = is_used && is_there;
            if !stays {
                ended.push(Arc::clone(connection));
            }
            stays
        });
        ended.into_iter().for_each(end);
    }

    /// Ends them all.
    pub(crate) async fn close(&self) {
        let open: Vec<_> = self.open().drain().map(|(_, connection)| connection).collect();
        futures::future::join_all(open.iter().map(|connection| connection.source.close())).await;
    }
}

/// Ends a connection once the calls over it are done with it.
fn end(connection: Arc<Connection>) {
    tokio::spawn(async move { connection.source.close().await });
}

impl Connection {
    fn last_used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Refuses while the source is left alone.
    pub(super) fn check(&self, source: &ExternalSource) -> Result<()> {
        self.breaker.check(Instant::now()).map_err(|(why, left)| {
            let reason = format!("source `{}` is left alone: {why}", source.name);
            Error::Busy { reason, retry_after_seconds: left.as_secs().max(1) }
        })
    }

    /// Notes what became of a request, here and for people to see.
    pub(super) async fn note<T>(&self, app: &App, outcome: &std::result::Result<T, mcp::Error>) {
        let now = Instant::now();
        match outcome {
            Err(mcp::Error::RateLimited { retry_after, .. }) => {
                let pause = retry_after.unwrap_or(Duration::from_mins(1));
                self.breaker.wants_pause("it wants fewer requests", pause, now);
            }
            Err(error) if !reached(error) => {
                let text = without_credentials(app, self.id, error.to_string());
                self.breaker.failed(&text, now);
            }
            Ok(_) | Err(_) => self.breaker.answered(),
        }
        let is_failed = match outcome {
            Ok(_) => false,
            Err(error) => self.breaker.is_open(now) || wants_login(error),
        };
        if self.failed.swap(is_failed, Ordering::Relaxed) != is_failed {
            let text = outcome.as_ref().err().map(ToString::to_string);
            let text = text.map(|text| without_credentials(app, self.id, text));
            let failure = text.as_deref().filter(|_| is_failed).map(|text| (text, clock::now()));
            let noted = store::external_sources::set_failure(app.store(), self.id, failure).await;
            if let Err(error) = noted {
                tracing::error!(%error, "the state of a source could not be kept");
            }
        }
    }
}

/// Whether something answered there.
fn reached(error: &mcp::Error) -> bool {
    match error {
        mcp::Error::NotSent(_)
        | mcp::Error::NotStarted(_)
        | mcp::Error::Ended { .. }
        | mcp::Error::Timeout(_)
        | mcp::Error::Broken(_)
        | mcp::Error::NoAnswer
        | mcp::Error::BotChallenge => false,
        mcp::Error::Status { status, .. } => *status < 500,
        mcp::Error::Start(inner) | mcp::Error::Begun(inner) => reached(inner),
        _ => true,
    }
}

/// Whether a person has to do something about the credentials.
pub(super) fn wants_login(error: &mcp::Error) -> bool {
    match error {
        mcp::Error::Unauthorized(_) | mcp::Error::Forbidden(_) | mcp::Error::Credentials(_) => true,
        mcp::Error::Start(inner) | mcp::Error::Begun(inner) => wants_login(inner),
        _ => false,
    }
}

/// The connection to a source; nothing is sent yet.
///
/// # Errors
/// [`Error::Conflict`] for a source that nobody allowed, or that is switched off.
pub(super) async fn connect(app: &App, source: &ExternalSource) -> Result<Arc<Connection>> {
    if source.granted_at.is_none() {
        return Err(not_granted(source));
    }
    if !source.enabled {
        return Err(Error::Conflict(format!(
            "source `{}` is switched off; a person can switch it on, on the admin page",
            source.name
        )));
    }
    let connections = app.connections();
    let known = connections.open().get(&source.id).map(Arc::clone);
    if let Some(known) = known.filter(|known| known.made_of >= source.updated_at) {
        known.touch();
        return Ok(known);
    }
    let made = Arc::new(make(app, source).await?);
    let replaced = {
        let mut open = connections.open();
        match open.get(&source.id) {
            // Another call made it meanwhile.
            Some(known) if known.made_of >= source.updated_at => return Ok(Arc::clone(known)),
            _ => open.insert(source.id, Arc::clone(&made)),
        }
    };
    replaced.into_iter().for_each(end);
    Ok(made)
}

async fn make(app: &App, source: &ExternalSource) -> Result<Connection> {
    let changed = Arc::clone(&app.connections().changed);
    let setup = Setup {
        place: place(app, source).await?,
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
    let opened = Arc::new(opened);
    let listening = tokio::spawn(listen(Arc::clone(&opened)));
    Ok(Connection {
        id: source.id,
        made_of: source.updated_at,
        source: opened,
        breaker: Breaker::default(),
        used: Mutex::new(Instant::now()),
        failed: AtomicBool::new(source.failure.is_some()),
        _listening: AbortOnDropHandle::new(listening),
    })
}

/// What sources are told of this program.
pub(super) fn info() -> Value {
    json!({ "name": "mcpbox", "title": "mcpbox", "version": env!("CARGO_PKG_VERSION") })
}

/// Hears notices for as long as there is a stream of them.
async fn listen(source: Arc<Source>) {
    let mut pause = PAUSE.0;
    loop {
        let began = Instant::now();
        match source.listen().await {
            // It has no such stream.
            Ok(()) if began.elapsed() < PAUSE.0 => return,
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "a source's stream of notices ended"),
        }
        pause = if began.elapsed() > PAUSE.1 { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
        tokio::time::sleep(pause).await;
    }
}

async fn place(app: &App, source: &ExternalSource) -> Result<Place> {
    if source.transport == Transport::Stdio {
        return Ok(Place::Process(program(app, source).await?));
    }
    let web = Web {
        url: source.url.clone().unwrap_or_default(),
        client: app.outbound()?.clone(),
        caller: format!("source:{}", source.id),
        policy: policy(app, source),
        access: access(app.tie(), app, source),
    };
    Ok(match source.transport {
        Transport::Sse => Place::EventStream(web),
        Transport::StreamableHttp | Transport::Stdio => Place::Http(web),
    })
}

/// What a person allowed a source.
pub(super) fn policy(app: &App, source: &ExternalSource) -> Policy {
    let grants = grants_of(source).iter().filter_map(|grant| grant.parse::<Grant>().ok()).collect();
    Policy::Source { grants, allow_loopback: app.external().allow_loopback }
}

fn access(tie: Tie, app: &App, source: &ExternalSource) -> Arc<dyn Access> {
    match source.auth_type {
        AuthType::None => Arc::new(Open),
        AuthType::Bearer | AuthType::Header => match FromSecret::of(app, source) {
            Some(access) => Arc::new(access),
            None => Arc::new(Open),
        },
        AuthType::Oauth => oauth::access(tie, source),
    }
}

/// The process of a source, with the values of secrets that its environment names.
async fn program(app: &App, source: &ExternalSource) -> Result<Program> {
    let command = command_of(source).ok_or_else(|| {
        Error::Conflict(format!("source `{}` has no command: write it again", source.name))
    })?;
    let mut environment = Vec::new();
    for (name, value) in command.env {
        let value = match value.strip_prefix(SECRET) {
            Some(key) => {
                let value = credentials::of_server(app, source.server_id, key).await?;
                app.connections().shown.to(source.id).add(key, value.expose_secret());
                value.expose_secret().to_owned()
            }
            None => value,
        };
        environment.push((name, value));
    }
    Ok(Program {
        command: PathBuf::from(command.command),
        arguments: command.args,
        environment,
        directory: command.cwd.map(PathBuf::from),
    })
}
