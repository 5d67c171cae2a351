//! Streams on which clients hear of changes: the GET stream of a session, and `subscriptions/listen` of requests that stand alone.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;

use app::metrics;
use axum::body::Bytes;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::events;
use crate::identity::Identity;
use crate::news::{Change, Listener};
use crate::rpc::{self, Error, Id};
use crate::server::Server;
use crate::session::{Lists, SUBSCRIPTIONS_MAX, Session, StreamGuard};
use crate::version::Version;
use crate::{resources, result};

/// The longest URI of a subscription.
pub(crate) const URI_MAX_BYTES: usize = 2_000;

/// The most bytes of all URIs of one stream together, which are held for as long as it is open.
const URIS_MAX_BYTES: usize = 64 * 1024;

/// What a client names that comes back to its stream of changes. What it missed is told whatever it names.
const CHANGES: &str = "changes";

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// What a stream tells its client of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wants {
    tools: bool,
    prompts: bool,
    resources: bool,
    uris: BTreeSet<String>,
}

impl Wants {
    /// What a session's client hears of: all lists, and what it subscribed to.
    fn of_session(session: &Session) -> Self {
        let uris = session.subscriptions();
        Self { tools: true, prompts: true, resources: true, uris }
    }

    /// The notifications of a change: their methods, and what each says.
    fn notifications(&self, change: &Change) -> Vec<(&'static str, Map<String, Value>)> {
        let mut told = Vec::new();
        let lists = [
            (self.tools && change.tools, "notifications/tools/list_changed"),
            (self.prompts && change.prompts, "notifications/prompts/list_changed"),
            (self.resources && change.resources, "notifications/resources/list_changed"),
        ];
        for (_, method) in lists.into_iter().filter(|(is_told, _)| *is_told) {
            told.push((method, Map::new()));
        }
        let is_updated =
            |uri: &&String| change.updated.iter().any(|updated| resources::covers(updated, uri));
        for uri in self.uris.iter().filter(is_updated) {
            let params = Map::from_iter([("uri".to_owned(), Value::from(uri.as_str()))]);
            told.push(("notifications/resources/updated", params));
        }
        told
    }
}

/// What keeps a stream going, whichever it is.
struct Stream {
    server: Arc<Server>,
    identity: Identity,
    news: Listener,
    form: Form,
    /// What goes out before anything else is waited for.
    ready: VecDeque<Bytes>,
    heartbeat: Interval,
    /// Whether the last message is out.
    is_over: bool,
    _counted: metrics::Open,
}

enum Form {
    /// Of a session; with what else is to be told on it.
    Session(StreamGuard, mpsc::Receiver<String>),
    /// Of a request, whose id every message repeats.
    Listen(Id, Wants),
}

/// The GET stream of a session.
///
/// # Errors
/// When the database fails.
pub(crate) async fn of_session(
    server: Arc<Server>,
    identity: Identity,
    session: &Arc<Session>,
) -> app::Result<Response> {
    let news = Listener::open(&server.catalogs, is_author(&identity)).await?;
    let (guard, lines) = session.open_stream();
    let told = session.told();
    let mut missed = Change::since(session.hear(news.prints()), news.prints());
    missed.tools |= told.tools;
    missed.prompts |= told.prompts;
    missed.resources |= told.resources;
    let form = Form::Session(guard, lines);
    let mut stream = Stream::new(server, identity, news, form);
    stream.tell(&missed);
    Ok(stream.response())
}

/// `subscriptions/listen`.
///
/// # Errors
/// -32602 for a filter of another shape, -32603 when the database fails.
pub(crate) async fn listen(
    server: Arc<Server>,
    identity: Identity,
    id: Id,
    params: &Map<String, Value>,
) -> Result<Response, Error> {
    let mut wants = wants(params)?;
    let news = Listener::open(&server.catalogs, is_author(&identity)).await?;
    wants.uris = resources::those_that_are(&server.app, &identity.caller(None), wants.uris).await?;
    let acknowledged = accepted(&wants);
    let mut stream = Stream::new(server, identity, news, Form::Listen(id, wants));
    stream.say("notifications/subscriptions/acknowledged", acknowledged);
    Ok(stream.response())
}

/// Whether a caller may read the sources of tools.
fn is_author(identity: &Identity) -> bool {
    identity.caller(None).scopes.author
}

/// What a client asks to hear of.
pub(crate) fn wants(params: &Map<String, Value>) -> Result<Wants, Error> {
    let wrong = |what: &str| Error::invalid_params(format!("Invalid params: {what}"));
    let Some(Value::Object(filter)) = params.get("notifications") else {
        return Err(wrong(
            "`notifications` must be an object, such as {\"toolsListChanged\": true}",
        ));
    };
    let flag = |key: &str| match filter.get(key) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(wrong(&format!("`notifications.{key}` must be true or false"))),
    };
    let uris = match filter.get("resourceSubscriptions") {
        None => BTreeSet::new(),
        Some(Value::Array(uris)) if uris.len() <= SUBSCRIPTIONS_MAX => uris
            .iter()
            .map(|uri| uri.as_str().filter(|uri| uri.len() <= URI_MAX_BYTES).map(str::to_owned))
            .collect::<Option<_>>()
            .filter(|uris: &BTreeSet<String>| {
                uris.iter().map(String::len).sum::<usize>() <= URIS_MAX_BYTES
            })
            .ok_or_else(|| {
                wrong("`notifications.resourceSubscriptions` holds what is no URI, or too much")
            })?,
        Some(_) => {
            return Err(wrong(&format!(
                "`notifications.resourceSubscriptions` must be an array of at most {SUBSCRIPTIONS_MAX} URIs"
            )));
        }
    };
    Ok(Wants {
        tools: flag("toolsListChanged")?,
        prompts: flag("promptsListChanged")?,
        resources: flag("resourcesListChanged")?,
        uris,
    })
}

/// The part of a filter that is kept to: what this server knows, and resources that there are.
fn accepted(wants: &Wants) -> Map<String, Value> {
    let mut filter = Map::new();
    for (is_wanted, key) in [
        (wants.tools, "toolsListChanged"),
        (wants.prompts, "promptsListChanged"),
        (wants.resources, "resourcesListChanged"),
    ] {
        if is_wanted {
            filter.insert(key.to_owned(), Value::Bool(true));
        }
    }
    if !wants.uris.is_empty() {
        filter.insert("resourceSubscriptions".to_owned(), json!(wants.uris));
    }
    Map::from_iter([("notifications".to_owned(), Value::Object(filter))])
}

impl Stream {
    fn new(server: Arc<Server>, identity: Identity, news: Listener, form: Form) -> Self {
        let mut heartbeat =
            tokio::time::interval_at(Instant::now() + events::HEARTBEAT, events::HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let kind = match form {
            Form::Session(..) => metrics::Stream::Session,
            Form::Listen(..) => metrics::Stream::Listen,
        };
        let counted = server.app.metrics().stream(kind);
        let ready = VecDeque::new();
        Self { server, identity, news, form, ready, heartbeat, is_over: false, _counted: counted }
    }

    fn response(mut self) -> Response {
        // Something goes out at once, so that all on the way see that the stream has begun.
        match &self.form {
            Form::Session(guard, _) if guard.session.comes_back() => {
                self.ready.push_front(events::beginning(CHANGES));
            }
            _ if self.ready.is_empty() => self.ready.push_back(events::comment()),
            _ => {}
        }
        let chunks = stream::unfold(self, |mut stream| async move {
            let chunk = stream.chunk().await?;
            Some((Ok::<_, Infallible>(chunk), stream))
        });
        events::response(chunks.fuse())
    }

    fn say(&mut self, method: &str, mut params: Map<String, Value>) {
        if let Form::Listen(id, _) = &self.form {
            params.insert("_meta".to_owned(), meta(id));
        }
        let message = if params.is_empty() {
            json!({ "jsonrpc": "2.0", "method": method }).to_string()
        } else {
            rpc::notification(method, &Value::Object(params))
        };
        self.ready.push_back(events::event(&message));
    }

    fn tell(&mut self, change: &Change) {
        let wants = match &self.form {
            Form::Session(guard, _) if !guard.is_newest() => return,
            Form::Session(guard, _) => {
                let Change { tools, prompts, resources, .. } = *change;
                guard.session.tell_of(Lists { tools, prompts, resources });
                Wants::of_session(&guard.session)
            }
            Form::Listen(_, wants) => wants.clone(),
        };
        for (method, params) in wants.notifications(change) {
            self.say(method, params);
        }
    }

    /// The next part; none behind the end.
    async fn chunk(&mut self) -> Option<Bytes> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            if self.is_over {
                return None;
            }
            match self.wait().await {
                Event::Change(change) => {
                    if let Form::Session(guard, _) = &self.form
                        && guard.is_newest()
                    {
                        guard.session.hear(self.news.prints());
                    }
                    self.tell(&change);
                }
                Event::Line(line) => self.ready.push_back(events::event(&line)),
                Event::Heartbeat if self.is_still_allowed().await => {
                    self.ready.push_back(events::comment());
                }
                Event::Heartbeat | Event::End => self.end(),
            }
        }
    }

    async fn wait(&mut self) -> Event {
        let never = CancellationToken::new();
        let (ended, lines) = match &mut self.form {
            Form::Session(guard, lines) => (&guard.session.ended, Some(lines)),
            Form::Listen(..) => (&never, None),
        };
        let line = async {
            match lines {
                Some(lines) => lines.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            line = line => line.map_or(Event::End, Event::Line),
            change = self.news.next() => change.map_or(Event::End, Event::Change),
            _ = self.heartbeat.tick() => Event::Heartbeat,
            () = ended.cancelled() => Event::End,
            () = self.server.door.shutdown.cancelled() => Event::End,
        }
    }

    /// Whether the token that opened the stream is still good.
    async fn is_still_allowed(&self) -> bool {
        // Whoever cannot be asked about is asked about later.
        self.identity.is_still_good(&self.server.app).await.unwrap_or(true)
    }

    /// The end: a request that listens is answered then.
    fn end(&mut self) {
        self.is_over = true;
        if let Form::Listen(id, _) = &self.form {
            let members = Map::from_iter([("_meta".to_owned(), meta(id))]);
            let answer = rpc::answer(id, &result::complete(Version::July2026, members));
            self.ready.push_back(events::event(&answer));
        }
    }
}

/// What every message repeats of a request that listens.
fn meta(id: &Id) -> Value {
    json!({ SUBSCRIPTION_ID: id.value() })
}

enum Event {
    Change(Change),
    Line(String),
    Heartbeat,
    End,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(filter: &Value) -> Result<Wants, Error> {
        wants(json!({ "notifications": filter }).as_object().unwrap())
    }

    #[test]
    fn only_what_was_asked_for_is_told() {
        let filter = json!({"toolsListChanged": true, "resourceSubscriptions": ["a:b"]});
        let wants = asked(&filter).unwrap();
        assert_eq!(accepted(&wants)["notifications"], filter);
        let change = Change {
            tools: true,
            prompts: true,
            resources: true,
            updated: vec!["a:b".to_owned(), "a:c".to_owned()],
        };
        let told: Vec<_> =
            wants.notifications(&change).into_iter().map(|(method, _)| method).collect();
        assert_eq!(told, ["notifications/tools/list_changed", "notifications/resources/updated"]);
    }

    #[test]
    fn a_filter_of_another_shape_is_refused() {
        assert!(asked(&json!({})).is_ok());
        for filter in [
            json!([]),
            json!({"toolsListChanged": 1}),
            json!({"resourceSubscriptions": "a"}),
            json!({"resourceSubscriptions": [1]}),
            json!({"resourceSubscriptions": ["x".repeat(URI_MAX_BYTES + 1)]}),
        ] {
            assert_eq!(asked(&filter).unwrap_err().code, -32602, "{filter}");
        }
        assert!(wants(&Map::new()).is_err());
    }
}
