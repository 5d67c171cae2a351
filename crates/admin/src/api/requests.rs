//! Requests for modules and hosts, and what is allowed, in the API.

use app::grants::Grant;
use app::identity::Admin;
use app::requests::{self, Entry, Kind, Named, Request, Revoked, State as RequestState};
use app::{App, grants, network, packages};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Map, Value, json};
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
    #[serde(default)]
    reset_to_defaults: bool,
}

/// GET /api/approvals/modules
pub(crate) async fn modules(
    State(app): State<App>,
    Search(paging): Search<Paging>,
    Search(search): Search<Status>,
) -> Answer {
    queue(&app, (Kind::Module, None), &paging, &search, "pending").await
}

/// GET /api/approvals/network
pub(crate) async fn network(
    State(app): State<App>,
    Search(paging): Search<Paging>,
    Search(search): Search<Status>,
) -> Answer {
    queue(&app, (Kind::Host, None), &paging, &search, "pending").await
}

/// GET /api/approvals/server/{id}/modules
pub(crate) async fn modules_of_server(
    State(app): State<App>,
    Id(id): Id,
    Search(paging): Search<Paging>,
    Search(search): Search<Status>,
) -> Answer {
    queue(&app, (Kind::Module, Some(id)), &paging, &search, "approved").await
}

/// GET /api/approvals/server/{id}/network
pub(crate) async fn network_of_server(
    State(app): State<App>,
    Id(id): Id,
    Search(paging): Search<Paging>,
    Search(search): Search<Status>,
) -> Answer {
    queue(&app, (Kind::Host, Some(id)), &paging, &search, "approved").await
}

/// POST /api/approvals/modules/{id}/revoke
pub(crate) async fn revoke_module(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    revoke(&app, &admin, Kind::Module, id).await
}

/// POST /api/approvals/network/{id}/revoke
pub(crate) async fn revoke_network(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    revoke(&app, &admin, Kind::Host, id).await
}

/// DELETE /api/approvals/modules/{id}
pub(crate) async fn delete_module(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    requests::delete(&app, &admin, Kind::Module, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// DELETE /api/approvals/network/{id}
pub(crate) async fn delete_network(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    requests::delete(&app, &admin, Kind::Host, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
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
    Ok(one(json!({
        "allowed_modules": modules.allowed(),
        "default_modules": modules.default,
        "removed_modules": modules.removed,
        "is_custom": !(modules.granted.is_empty() && modules.removed.is_empty()),
    })))
}

/// PATCH /api/settings/modules
pub(crate) async fn change_modules(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(change): Body<Change>,
) -> Answer {
    let Change { add_modules, remove_modules, reset_to_defaults } = change;
    let lists = !(add_modules.is_empty() && remove_modules.is_empty());
    match (reset_to_defaults, lists) {
        (true, true) => {
            let reason = "stands alone: send it without add_modules and remove_modules";
            return Err(Problem::invalid("reset_to_defaults", reason));
        }
        (true, false) => grants::reset_modules(&app, &admin).await?,
        (false, true) => {
            grants::change_modules(&app, &admin, &add_modules, &remove_modules).await?;
        }
        (false, false) => {
            let reason = "nothing to change; give add_modules, remove_modules or reset_to_defaults";
            return Err(Problem::invalid("add_modules", reason));
        }
    }
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

pub(super) async fn queue(
    app: &App,
    (kind, server_id): (Kind, Option<Uuid>),
    paging: &Paging,
    look: &Status,
    status: &str,
) -> Answer {
    let page = paging.page()?;
    let state = match look.status.as_deref().unwrap_or(status) {
        "all" => None,
        named => Some(named.parse::<RequestState>().map_err(|_unknown| {
            Problem::invalid("status", "expected pending, approved, rejected or all")
        })?),
    };
    let search = requests::Search { kind: None, state, server_id, text: look.text()? };
    let found = requests::search_all(app, kind, &search, page).await?;
    Ok(listed(found, page, |entry| match entry {
        Entry::Asked(named) => shown(&named),
        Entry::Given { grant, server_name } => given(&grant, server_name.as_deref()),
    }))
}

async fn revoke(app: &App, admin: &Admin, kind: Kind, id: Uuid) -> Answer {
    let Revoked { request, still_allowed_by } = requests::revoke(app, admin, kind, id).await?;
    let mut body = decided(&request);
    if let Value::Object(body) = &mut body {
        body.insert("still_allowed_by".to_owned(), json!(still_allowed_by));
    }
    Ok(one(body))
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

fn shown(Named { request, tool_name, server_name, .. }: &Named) -> Value {
    let mut body = fields(request);
    if let Value::Object(body) = &mut body {
        body.insert("tool_name".to_owned(), json!(tool_name));
        body.insert("server_name".to_owned(), json!(server_name));
        body.insert("source".to_owned(), json!("llm"));
    }
    body
}

/// What a person allowed without being asked, in the form of an approved request.
fn given(grant: &Grant, server_name: Option<&str>) -> Value {
    let mut body = json!({
        "id": grant.id,
        "tool_id": null,
        "tool_name": null,
        "server_id": grant.server_id,
        "server_name": server_name,
        "justification": "Allowed by a person, without a request.",
        "requested_by": grant.granted_by,
        "status": RequestState::Approved,
        "reviewed_by": grant.granted_by,
        "reviewed_at": grant.granted_at,
        "rejection_reason": null,
        "created_at": grant.granted_at,
        "source": "admin",
    });
    if let Value::Object(body) = &mut body {
        body.extend(subject(grant.kind, &grant.name));
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
        body.extend(subject(request.kind, &request.name));
    }
    body
}

/// What is asked for or allowed, under the names of its kind.
fn subject(kind: Kind, name: &str) -> Map<String, Value> {
    let named = |fields: &[(&str, Value)]| {
        fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    };
    match kind {
        Kind::Module => named(&[("module_name", json!(name))]),
        Kind::Host => {
            let (host, port) = network::parts(name);
            named(&[("host", json!(host)), ("port", json!(port))])
        }
        Kind::Package => {
            let (package, version) = packages::parts(name);
            named(&[("package", json!(package)), ("version", json!(version))])
        }
    }
}
