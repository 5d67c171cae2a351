//! `/gateways`: how programs register MCP servers here, in the manner of MCP gateways.

mod body;
mod shown;

use app::external_sources::registration::{self, understand};
use app::external_sources::{self, Detail};
use app::identity::Admin;
use app::{App, Listed, Page};
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::http::request::Parts;
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use self::shown::shown;
use crate::errors::{Answer, Problem};
use crate::extract::{Body, Search};
use crate::session::{SignedIn, WithoutToken};

/// How many gateways a page of a list holds unless the client says otherwise.
const PAGE: u64 = 50;

/// What a client says in the address.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// `contextforge`: answers as that gateway gives them.
    compat: Option<String>,
    #[serde(default)]
    include_pagination: bool,
    cursor: Option<u64>,
    limit: Option<u64>,
}

impl Asked {
    fn is_contextforge(&self) -> bool {
        self.compat.as_deref() == Some("contextforge")
    }
}

/// Who changes something.
pub(crate) struct Registrar {
    admin: Admin,
    /// Whether it came without a token, as the operator allows programs of this machine.
    is_unsigned: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Registrar {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let SignedIn(admin) = SignedIn::from_request_parts(parts, state).await?;
        Ok(Self { admin, is_unsigned: parts.extensions.get::<WithoutToken>().is_some() })
    }
}

impl Registrar {
    /// Refuses a command of this machine from whoever did not sign in.
    fn check(&self, is_command: bool) -> Result<(), Problem> {
        if self.is_unsigned && is_command {
            let detail = "a gateway over stdio is a command of this machine: send the access token of POST /auth/login";
            return Err(Problem::new(StatusCode::FORBIDDEN, "denied", detail));
        }
        Ok(())
    }
}

/// POST /gateways
pub(crate) async fn register(
    State(app): State<App>,
    registrar: Registrar,
    Search(asked): Search<Asked>,
    Body(body): Body<Value>,
) -> Answer {
    let (mut written, ignored) = body::read(body)?;
    if written.transport.is_none() && written.command.is_none() && asked.is_contextforge() {
        written.transport = Some("sse".to_owned());
    }
    let registration = understand(&written, None)?;
    registrar.check(registration.is_command())?;
    let source = registration::register(&app, &registrar.admin, &registration).await?;
    let id = source.id;
    let warnings = with_ignored(registration.warnings().to_vec(), &ignored);
    let status = if asked.is_contextforge() { StatusCode::OK } else { StatusCode::CREATED };
    let body =
        told((&app, &registrar.admin), external_sources::get(&app, id).await?, &warnings, &asked)
            .await?;
    Ok((status, [(LOCATION, format!("/gateways/{id}"))], Json(body)).into_response())
}

/// GET /gateways
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Search(asked): Search<Asked>,
) -> Answer {
    let size = asked.limit.unwrap_or(PAGE).clamp(1, 100);
    let mut number = asked.cursor.unwrap_or(1).max(1);
    let mut gateways = Vec::new();
    loop {
        let page = Page { number, size };
        let Listed { items, total } = external_sources::list(&app, None, page).await?;
        for detail in items {
            gateways.push(told((&app, &admin), detail, &[], &asked).await?);
        }
        let next = (number * size < total).then_some(number + 1);
        if asked.include_pagination {
            let next = next.map(|next| next.to_string());
            return Ok(Json(json!({ "gateways": gateways, "nextCursor": next })).into_response());
        }
        let Some(next) = next.filter(|_| asked.limit.is_none()) else {
            return Ok(Json(gateways).into_response());
        };
        number = next;
    }
}

/// GET /gateways/{id}
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Path(id): Path<String>,
    Search(asked): Search<Asked>,
) -> Answer {
    let detail = found(&app, &id).await?;
    Ok(Json(told((&app, &admin), detail, &[], &asked).await?).into_response())
}

/// PUT and PATCH /gateways/{id}: what is absent stays.
pub(crate) async fn change(
    State(app): State<App>,
    registrar: Registrar,
    Path(id): Path<String>,
    Search(asked): Search<Asked>,
    Body(body): Body<Value>,
) -> Answer {
    let Detail { source, .. } = found(&app, &id).await?;
    registration::check_own(&registrar.admin, &source)?;
    let (written, ignored) = body::read(body)?;
    let registration = understand(&written, Some(&source))?;
    registrar.check(registration.is_command())?;
    registration::change(&app, &registrar.admin, &source, &registration).await?;
    let warnings = with_ignored(registration.warnings().to_vec(), &ignored);
    let detail = external_sources::get(&app, source.id).await?;
    Ok(Json(told((&app, &registrar.admin), detail, &warnings, &asked).await?).into_response())
}

/// DELETE /gateways/{id}
pub(crate) async fn remove(
    State(app): State<App>,
    registrar: Registrar,
    Path(id): Path<String>,
) -> Answer {
    let Detail { source, .. } = found(&app, &id).await?;
    registrar.check(source.command.is_some())?;
    let name = source.name.clone();
    registration::unregister(&app, &registrar.admin, source).await?;
    let message = format!("Gateway {name} is removed, with the tools that were imported from it");
    Ok(Json(json!({ "status": "success", "message": message })).into_response())
}

/// PATCH /gateways/{id}/auth: a client brings the token that it has renewed.
pub(crate) async fn renew(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Path(id): Path<String>,
    Search(asked): Search<Asked>,
    Body(body): Body<Value>,
) -> Answer {
    let Detail { source, .. } = found(&app, &id).await?;
    let tokens = body::renewed(body)?;
    let (detail, warnings) = registration::bring(&app, &admin, &source, &tokens).await?;
    Ok(Json(told((&app, &admin), detail, &warnings, &asked).await?).into_response())
}

/// The gateway of an id, or of a name that only one has.
async fn found(app: &App, id: &str) -> Result<Detail, Problem> {
    if let Ok(id) = id.parse::<Uuid>() {
        return Ok(external_sources::get(app, id).await?);
    }
    Ok(external_sources::named(app, id).await?)
}

async fn told(
    (app, admin): (&App, &Admin),
    mut detail: Detail,
    warnings: &[String],
    asked: &Asked,
) -> Result<Value, Problem> {
    if registration::check_own(admin, &detail.source).is_err() {
        // An address may hold a key.
        detail.source.url = external_sources::address_of(&detail.source);
    }
    let standing = registration::standing(app, detail).await?;
    Ok(shown(&standing, warnings, asked.is_contextforge()))
}

fn with_ignored(mut warnings: Vec<String>, ignored: &[String]) -> Vec<String> {
    if !ignored.is_empty() {
        warnings.push(format!(
            "these fields mean nothing here and are ignored: {}",
            ignored.join(", ")
        ));
    }
    warnings
}
