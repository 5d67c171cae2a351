//! What runs for a client: `tools/call`, `prompts/get` and `resources/read`.

use std::sync::{Arc, Mutex};

use app::calls::{FailureKind, Report};
use app::identity::Caller;
use app::trace::{self, Incoming};
use http::HeaderMap;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::questions::Questions;
use crate::result::CallResult;
use crate::rpc::{Error, Request};
use crate::running::{self, Running};
use crate::server::{Asker, Server};
use crate::suspended::Binding;
use crate::talk::{Meter, Talk, Way};
use crate::{answer, listing, management, resources, result, standalone, standing};

/// Starts what a request asks for. `streams` tells whether the client takes a stream of events as the
/// answer.
pub(crate) fn start(
    server: &Arc<Server>,
    asker: Asker,
    request: Request,
    headers: &HeaderMap,
    streams: bool,
) -> Running {
    let stop = CancellationToken::new();
    let Request { id, method, params } = request;
    let incoming = incoming(headers, &params);
    let listed = asker.session.as_ref().map(|session| session.list(&id, &stop));
    let way = if let Some(session) = &asker.session {
        Way::Session(Arc::clone(session))
    } else {
        let given = answers(&params).ok().flatten().cloned().unwrap_or_default();
        Way::Alone {
            level: asker.log_level,
            questions: Arc::new(Questions::with(given)),
            binding: Binding::of(asker.identity.token(), &method, &params),
        }
    };
    let progress = Mutex::new(Meter::new(params.get("_meta")));
    let (version, abilities) = (asker.version, asker.abilities);
    let server = Arc::clone(server);
    running::start(
        stop,
        listed,
        |line| Talk { line, version, abilities, streams, way, progress },
        |talk| async move {
            let run = Box::pin(run(&server, &asker, &method, params, talk));
            trace::within(incoming, run).await
        },
    )
}

/// Which trace a request says it belongs to.
fn incoming(headers: &HeaderMap, params: &Map<String, Value>) -> Incoming {
    let meta = params.get("_meta");
    Incoming::read(
        |key| meta.and_then(|meta| meta.get(key)).and_then(Value::as_str),
        |key| headers.get(key).and_then(|value| value.to_str().ok()),
    )
}

/// The run that a request goes on with, if it goes on with one.
///
/// # Errors
/// -32602 for answers of another shape, and for a state that names no run of this caller.
pub(crate) fn resume(
    server: &Server,
    asker: &Asker,
    request: &Request,
) -> Result<Option<Running>, Error> {
    let given = answers(&request.params)?;
    let state = match request.params.get("requestState") {
        None => return Ok(None),
        Some(Value::String(state)) => state,
        Some(_) => {
            return Err(Error::invalid_params("Invalid params: `requestState` must be a string"));
        }
    };
    let binding = Binding::of(asker.identity.token(), &request.method, &request.params);
    let running = server.suspended.take(state, &binding)?;
    running.go_on(request.params.get("_meta"), given.cloned().unwrap_or_default());
    Ok(Some(running))
}

/// The client's answers: by key, each an object.
pub(crate) fn answers(params: &Map<String, Value>) -> Result<Option<&Map<String, Value>>, Error> {
    match params.get("inputResponses") {
        None => Ok(None),
        Some(Value::Object(answers)) if answers.values().all(Value::is_object) => Ok(Some(answers)),
        Some(_) => Err(Error::invalid_params(
            "Invalid params: `inputResponses` must be an object that holds, by the key of each request, the result of that request as an object",
        )),
    }
}

/// Checks what a request that stands alone repeats in headers.
///
/// # Errors
/// -32020 naming the header.
pub(crate) async fn check_headers(
    server: &Server,
    headers: &HeaderMap,
    request: &Request,
) -> Result<(), Error> {
    let name = request.params.get("name").and_then(Value::as_str);
    let Some(name) = name.filter(|_| request.method == "tools/call") else { return Ok(()) };
    // What runs is what is live now, and so is what is repeated.
    let catalog = server.catalogs.get().await?;
    let none = Map::new();
    let arguments = request.params.get("arguments").and_then(Value::as_object).unwrap_or(&none);
    standalone::check_parameters(headers, catalog.mirrored(name), arguments)
}

async fn run(
    server: &Server,
    asker: &Asker,
    method: &str,
    params: Map<String, Value>,
    talk: Arc<Talk>,
) -> Result<String, Error> {
    match method {
        "tools/call" => {
            let (name, arguments) = named(method, params)?;
            let called = call(server, asker, &name, arguments, talk).await?;
            Ok(result::complete(asker.version, called.members(asker.version)))
        }
        "prompts/get" => {
            let (name, arguments) = named(method, params)?;
            prompt(server, asker, &name, arguments, talk).await
        }
        _ => {
            let Some(uri) = params.get("uri").and_then(Value::as_str) else {
                let text = "Invalid params for resources/read: `uri` must be a string";
                return Err(Error::invalid_params(text));
            };
            resources::read(server, asker, uri, talk).await
        }
    }
}

/// What is called, and with which arguments.
pub(crate) fn named(
    method: &str,
    mut params: Map<String, Value>,
) -> Result<(String, Map<String, Value>), Error> {
    let Some(Value::String(name)) = params.remove("name") else {
        let text = format!("Invalid params for {method}: `name` must be a string");
        return Err(Error::invalid_params(text));
    };
    match params.remove("arguments") {
        None | Some(Value::Null) => Ok((name, Map::new())),
        Some(Value::Object(arguments)) => Ok((name, arguments)),
        Some(_) => {
            let text = format!("Invalid params for {method}: `arguments` must be an object");
            Err(Error::invalid_params(text))
        }
    }
}

/// `tools/call`.
async fn call(
    server: &Server,
    asker: &Asker,
    name: &str,
    arguments: Map<String, Value>,
    talk: Arc<Talk>,
) -> Result<CallResult, Error> {
    let caller = asker.caller();
    if name.starts_with(management::PREFIX) {
        let Some(tool) = management::find(name).filter(|_| caller.scopes.author) else {
            return Err(unknown(server, &caller, name).await);
        };
        let admin_address = Arc::from(server.door.admin_address.as_str());
        let app = server.app.clone();
        let asked = management::Asked { app, caller, admin_address, client: talk };
        return Ok(tool.call(asked, arguments).await);
    }
    if !caller.scopes.call {
        return Err(unknown(server, &caller, name).await);
    }
    match app::calls::run(&server.app, &caller, name, arguments, talk).await {
        Ok(report) => match lacking(asker, &report) {
            Some(error) => Err(error),
            None => Ok(answer::of_report(&report)),
        },
        Err(app::Error::NotFound { .. }) => Err(unknown(server, &caller, name).await),
        Err(error) => Ok(answer::of_error(&error)),
    }
}

/// `prompts/get`.
async fn prompt(
    server: &Server,
    asker: &Asker,
    name: &str,
    arguments: Map<String, Value>,
    talk: Arc<Talk>,
) -> Result<String, Error> {
    let caller = asker.caller();
    let report = match app::prompts::get(&server.app, &caller, name, arguments, talk).await {
        Ok(report) => report,
        Err(app::Error::NotFound { .. } | app::Error::Denied(_)) => {
            return Err(listing::unknown_prompt(server, &caller, name).await);
        }
        Err(error) => return Err(error.into()),
    };
    Ok(result::complete(asker.version, members(asker, &report)?))
}

/// The members of a result that a run made itself.
///
/// # Errors
/// -32602 where it was given what it does not take, -32021 where its client lacks something, else -32603.
pub(crate) fn members(asker: &Asker, report: &Report) -> Result<Map<String, Value>, Error> {
    if let Some(error) = lacking(asker, report) {
        return Err(error);
    }
    match &report.outcome {
        Ok(text) => serde_json::from_str(text).map_err(|error| {
            tracing::error!(tool = %report.tool_name, %error, "a run made no object");
            Error::internal()
        }),
        Err(failure) if failure.kind == FailureKind::Arguments => {
            Err(Error::invalid_params(report.text_of_failure()))
        }
        Err(_) => Err(Error::failure(report.text_of_failure())),
    }
}

/// The error for a client that stands alone and lacks what a run needs of it. Those with a session are
/// told in a result, as their revisions know no such error.
fn lacking(asker: &Asker, report: &Report) -> Option<Error> {
    let failure = report.outcome.as_ref().err()?;
    let is_lacking = failure.kind == FailureKind::ClientCapability && asker.version.is_modern();
    let capability = failure.detail.as_ref()?.get("capability")?.as_str()?;
    is_lacking.then(|| standalone::missing_capability(capability))
}

/// The error for a name that cannot be called.
async fn unknown(server: &Server, caller: &Caller, name: &str) -> Error {
    match standing::why_not(&server.app, caller, name, &server.door.admin_address).await {
        Some(text) => Error::invalid_params(text),
        None => listing::unknown(server, caller, name).await,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_objects_by_key() {
        let read = |value: Value| {
            let params = json!({ "inputResponses": value });
            answers(params.as_object().unwrap()).map(Option::<&_>::cloned)
        };
        assert!(read(json!({"a": {"action": "accept"}})).unwrap().is_some());
        for wrong in [json!(null), json!([]), json!({"a": 12345}), json!("x")] {
            assert_eq!(read(wrong.clone()).unwrap_err().code, -32602, "{wrong}");
        }
        assert_eq!(answers(&Map::new()).unwrap(), None);
    }

    #[test]
    fn arguments_may_lack_and_are_an_object() {
        let read = |value: Value| named("tools/call", value.as_object().cloned().unwrap());
        assert_eq!(read(json!({"name": "a"})).unwrap(), ("a".to_owned(), Map::new()));
        assert_eq!(read(json!({"name": "a", "arguments": null})).unwrap().1, Map::new());
        for wrong in [json!({}), json!({"name": 1}), json!({"name": "a", "arguments": [1]})] {
            assert_eq!(read(wrong.clone()).unwrap_err().code, -32602, "{wrong}");
        }
    }
}
