//! The protocol's methods that are answered at once: what this server says of itself, its lists, completions, and what a session's client wants to hear.

use std::sync::Arc;

use app::completions::{self, Reference};
use serde_json::{Map, Value, json};

use crate::rpc::{Error, Request};
use crate::server::{Asker, Server};
use crate::session::{SUBSCRIPTIONS_MAX, Session};
use crate::streams::URI_MAX_BYTES;
use crate::version::Version;
use crate::{client, listing, resources, result};

const INSTRUCTIONS: &str = "mcpbox lets you make tools: write Python with mcpbox_create_tool, try \
it with mcpbox_test_code, then mcpbox_request_publish. A person approves it; from then on it is \
listed here as server__tool for every conversation.";

/// How a method is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By something that runs, and may say something before its result.
    Run,
    /// At once.
    Answer,
    /// By a stream of changes.
    Listen,
    /// Not at all.
    Unknown,
}

/// How a method is answered in a revision.
pub(crate) fn kind(method: &str, version: Version) -> Kind {
    match method {
        "tools/call" | "prompts/get" | "resources/read" => Kind::Run,
        "tools/list"
        | "prompts/list"
        | "resources/list"
        | "resources/templates/list"
        | "completion/complete" => Kind::Answer,
        "server/discover" if version.is_modern() => Kind::Answer,
        "subscriptions/listen" if version.is_modern() => Kind::Listen,
        "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe"
            if !version.is_modern() =>
        {
            Kind::Answer
        }
        _ => Kind::Unknown,
    }
}

/// Answers a request of a method that is answered at once.
///
/// # Errors
/// As the method says.
pub(crate) async fn answer(
    server: &Arc<Server>,
    asker: &Asker,
    request: &Request,
) -> Result<String, Error> {
    let params = &request.params;
    if let Some(session) = &asker.session {
        session.reads(&request.method);
    }
    match &*request.method {
        "tools/list" => listing::tools(server, asker, cursor(params)?).await,
        "prompts/list" => listing::prompts(server, asker, cursor(params)?).await,
        "resources/list" => resources::list(server, asker, cursor(params)?).await,
        "resources/templates/list" => listing::templates(server, asker, cursor(params)?).await,
        "completion/complete" => complete(server, asker, params).await,
        "server/discover" => Ok(discovered()),
        "ping" => Ok("{}".to_owned()),
        method => match &asker.session {
            Some(session) => wish(server, asker, session, method, params).await,
            None => Err(Error::method_not_found(method)),
        },
    }
}

/// The result of `initialize`.
pub(crate) fn initialized(version: Version) -> String {
    json!({
        "protocolVersion": version.as_str(),
        "capabilities": capabilities(),
        "serverInfo": result::server_info_in(version),
        "instructions": INSTRUCTIONS,
    })
    .to_string()
}

/// The result of `server/discover`.
fn discovered() -> String {
    let mut members = Map::new();
    members.insert("supportedVersions".to_owned(), json!(Version::names()));
    members.insert("capabilities".to_owned(), capabilities());
    members.insert("instructions".to_owned(), Value::from(INSTRUCTIONS));
    result::cache(&mut members);
    result::complete(Version::July2026, members)
}

fn capabilities() -> Value {
    json!({
        "tools": { "listChanged": true },
        "prompts": { "listChanged": true },
        "resources": { "listChanged": true, "subscribe": true },
        "completions": {},
        "logging": {},
    })
}

fn cursor(params: &Map<String, Value>) -> Result<Option<&str>, Error> {
    match params.get("cursor") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(cursor)) => Ok(Some(cursor)),
        Some(_) => Err(Error::invalid_params("Invalid params: `cursor` must be a string")),
    }
}

/// What may be put for an argument of a prompt or a variable of a template.
async fn complete(
    server: &Server,
    asker: &Asker,
    params: &Map<String, Value>,
) -> Result<String, Error> {
    let shape = || {
        Error::invalid_params(
            "Invalid params for completion/complete: expected `ref` as {\"type\": \"ref/prompt\", \"name\"} or {\"type\": \"ref/resource\", \"uri\"}, and `argument` as {\"name\", \"value\"}, all strings",
        )
    };
    let text = |object: &str, key: &str| params.get(object)?.get(key)?.as_str();
    let reference = match text("ref", "type") {
        Some("ref/prompt") => text("ref", "name").map(Reference::Prompt),
        Some("ref/resource") => text("ref", "uri").map(Reference::Resource),
        _ => None,
    };
    let argument = text("argument", "name").zip(text("argument", "value"));
    let (reference, (argument, so_far)) = reference.zip(argument).ok_or_else(shape)?;
    let caller = asker.caller();
    let values = completions::of(&server.app, &caller, reference, argument, so_far).await?;
    let told: Vec<&String> = values.iter().take(completions::ANSWER_MAX).collect();
    let has_more = values.len() > told.len();
    let completion = json!({ "values": told, "total": values.len(), "hasMore": has_more });
    let members = Map::from_iter([("completion".to_owned(), completion)]);
    Ok(result::complete(asker.version, members))
}

/// What a session's client wants to hear from now on.
async fn wish(
    server: &Server,
    asker: &Asker,
    session: &Session,
    method: &str,
    params: &Map<String, Value>,
) -> Result<String, Error> {
    let mut level = session.level();
    let mut subscriptions = session.subscriptions();
    if method == "logging/setLevel" {
        let named = params.get("level").and_then(Value::as_str).and_then(client::level);
        level = named.ok_or_else(|| {
            let levels = client::LEVELS;
            Error::invalid_params(format!(
                "Invalid params for logging/setLevel: `level` must be one of {levels}"
            ))
        })?;
    } else {
        let uri = params.get("uri").and_then(Value::as_str);
        let uri = uri.filter(|uri| uri.len() <= URI_MAX_BYTES).ok_or_else(|| {
            Error::invalid_params(format!(
                "Invalid params for {method}: `uri` must be a string of at most {URI_MAX_BYTES} bytes"
            ))
        })?;
        if method == "resources/unsubscribe" {
            subscriptions.remove(uri);
        } else if subscriptions.len() < SUBSCRIPTIONS_MAX || subscriptions.contains(uri) {
            resources::check(server, asker, uri).await?;
            subscriptions.insert(uri.to_owned());
        } else {
            return Err(Error::invalid_params(format!(
                "a session subscribes to at most {SUBSCRIPTIONS_MAX} resources; unsubscribe from some first"
            )));
        }
    }
    server.sessions.set_wishes(session, level, subscriptions).await?;
    Ok("{}".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_revision_has_its_own_methods() {
        let (old, new) = (Version::November2025, Version::July2026);
        for method in ["ping", "logging/setLevel", "resources/subscribe"] {
            assert_eq!((kind(method, old), kind(method, new)), (Kind::Answer, Kind::Unknown));
        }
        assert_eq!(kind("initialize", new), Kind::Unknown);
        assert_eq!(kind("subscriptions/listen", new), Kind::Listen);
        for method in ["subscriptions/listen", "server/discover", "tasks/get", ""] {
            assert_eq!(kind(method, old), Kind::Unknown, "{method}");
        }
        assert_eq!((kind("tools/call", old), kind("tools/call", new)), (Kind::Run, Kind::Run));
    }
}
