//! Requests for modules and hosts, and what is allowed, in the API.

use app::identity::Admin;
use app::requests::{self, Kind, Named, Request, State as RequestState};
use app::{App, grants, network, packages};
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{listed, one};
use crate::errors::{Answer, Problem};
use crate::extract::{Body, Id, IdAndName, Paging, Search, Status};
use crate::requests::decision;
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct Act {
    action: String,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Host {
    host: String,
    #[serde(default)]
    port: Option<u16>,
}

#[derive(Deserialize)]
pub(crate) struct Change {
    #[serde(default)]
    add_modules: Vec<String>,
    #[serde(default)]
    remove_modules: Vec<String>,
}

/// GET /api/approvals/modules
pub(crate) async fn modules(
    State(app): State<App>,
    Search(paging): Search<Paging>,
    Search(search): Search<Status>,
) -> Answer {
    queue(&app, Kind::Module, &paging, search.status.as_deref()).await
}

/// GET /api/approvals/network
pub(crate) async fn network(
    State(app): State<App>,
    Search(paging): Search<Paging>,
    Search(search): Search<Status>,
) -> Answer {
    queue(&app, Kind::Host, &paging, search.status.as_deref()).await
}

/// POST /api/approvals/modules/{id}/action
pub(crate) async fn decide_module(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(act): Body<Act>,
) -> Answer {
    decide(&app, &admin, (Kind::Module, id), act).await
}

/// POST /api/approvals/network/{id}/action
pub(crate) async fn decide_network(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(act): Body<Act>,
) -> Answer {
    decide(&app, &admin, (Kind::Host, id), act).await
}

/// GET /api/settings/modules
pub(crate) async fn allowed_modules(State(app): State<App>) -> Answer {
    let modules = requests::modules(&app, None).await?;
    let mut allowed: Vec<&str> = modules.default.clone();
    allowed.extend(modules.granted.iter().map(String::as_str));
    allowed.sort_unstable();
    Ok(one(json!({
        "allowed_modules": allowed,
        "default_modules": modules.default,
        "is_custom": !modules.granted.is_empty(),
    })))
}

/// PATCH /api/settings/modules
pub(crate) async fn change_modules(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(change): Body<Change>,
) -> Answer {
    grants::change_modules(&app, &admin, &change.add_modules, &change.remove_modules).await?;
    allowed_modules(State(app)).await
}

/// POST /api/servers/{id}/allowed-hosts
pub(crate) async fn allow_host(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(host): Body<Host>,
) -> Answer {
    grants::add_host(&app, &admin, id, &host.host, host.port).await?;
    allowed_hosts(&app, id).await
}

/// DELETE /api/servers/{id}/allowed-hosts?host=…
pub(crate) async fn remove_named_host(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Search(host): Search<Host>,
) -> Answer {
    let name = host.port.map_or_else(|| host.host.clone(), |port| format!("{}:{port}", host.host));
    grants::remove_host(&app, &admin, id, &name).await?;
    allowed_hosts(&app, id).await
}

/// DELETE /api/servers/{id}/allowed-hosts/{host}
pub(crate) async fn remove_host(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    IdAndName(id, host): IdAndName,
) -> Answer {
    grants::remove_host(&app, &admin, id, &host).await?;
    allowed_hosts(&app, id).await
}

pub(super) async fn queue(app: &App, kind: Kind, paging: &Paging, status: Option<&str>) -> Answer {
    let page = paging.page()?;
    let state = match status.unwrap_or("pending") {
        "all" => None,
        named => Some(named.parse::<RequestState>().map_err(|_unknown| {
            Problem::invalid("status", "expected pending, approved, rejected or all")
        })?),
    };
    let found = requests::list(app, kind, state, page).await?;
    Ok(listed(found, page, |named| shown(&named)))
}

async fn decide(app: &App, admin: &Admin, (kind, id): (Kind, Uuid), act: Act) -> Answer {
    let reason = act.reason.unwrap_or_default();
    let request = requests::decide(app, admin, kind, id, decision(&act.action, &reason)?).await?;
    Ok(one(decided(&request)))
}

/// A request that was decided about just now.
pub(super) fn decided(request: &Request) -> Value {
    let message = format!("the request for `{}` is {}", request.name, request.state);
    let mut body = fields(request);
    if let Value::Object(body) = &mut body {
        body.insert("success".to_owned(), json!(true));
        body.insert("message".to_owned(), json!(message));
    }
    body
}

async fn allowed_hosts(app: &App, server_id: Uuid) -> Answer {
    let hosts = grants::of(app, server_id).await?.hosts;
    Ok(one(json!({ "server_id": server_id, "allowed_hosts": hosts })))
}

fn shown(Named { request, tool_name, server_name }: &Named) -> Value {
    let mut body = fields(request);
    if let Value::Object(body) = &mut body {
        body.insert("tool_name".to_owned(), json!(tool_name));
        body.insert("server_name".to_owned(), json!(server_name));
    }
    body
}

pub(super) fn fields(request: &Request) -> Value {
    let mut body = json!({
        "id": request.id,
        "tool_id": request.tool_id,
        "server_id": request.server_id,
        "justification": request.justification,
        "requested_by": request.requested_by,
        "status": request.state,
        "reviewed_by": request.reviewed_by,
        "reviewed_at": request.reviewed_at,
        "rejection_reason": request.rejection_reason,
        "created_at": request.created_at,
    });
    if let Value::Object(body) = &mut body {
        match request.kind {
            Kind::Module => {
                body.insert("module_name".to_owned(), json!(request.name));
            }
            Kind::Host => {
                let (host, port) = network::parts(&request.name);
                body.insert("host".to_owned(), json!(host));
                body.insert("port".to_owned(), json!(port));
            }
            Kind::Package => {
                let (package, version) = packages::parts(&request.name);
                body.insert("package".to_owned(), json!(package));
                body.insert("version".to_owned(), json!(version));
            }
        }
    }
    body
}
