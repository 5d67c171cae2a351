//! Secrets of servers in the API. No answer holds a value, those to wrong requests included.

use app::App;
use app::identity::Who;
use app::secrets::{self, Secret};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{listed, one};
use crate::errors::{Answer, Problem};
use crate::extract::{Body, Id, IdAndName, Paging, Search};
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct New {
    #[serde(alias = "key")]
    key_name: String,
    #[serde(default)]
    description: Option<String>,
}

/// GET /api/servers/{id}/secrets
pub(crate) async fn list(
    State(app): State<App>,
    Id(id): Id,
    Search(paging): Search<Paging>,
) -> Answer {
    let page = paging.page()?;
    let (_, found) = secrets::list(&app, id, page).await?;
    Ok(listed(found, page, |secret| shown(id, &secret)))
}

/// POST /api/servers/{id}/secrets
pub(crate) async fn create(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Body(new): Body<New>,
) -> Answer {
    let description = new.description.unwrap_or_default();
    let who = Who::from(admin);
    let secret = secrets::create(&app, &who, id, &new.key_name, &description).await?;
    let place = [(LOCATION, format!("/api/servers/{id}/secrets/{}", secret.key))];
    Ok((StatusCode::CREATED, place, one(shown(id, &secret))).into_response())
}

/// PUT /api/servers/{id}/secrets/{key}
pub(crate) async fn set(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    IdAndName(id, key): IdAndName,
    Body(body): Body<Value>,
) -> Answer {
    // Read by hand: what a deserializer says of a wrong value repeats it.
    let Some(Value::String(value)) = body.get("value") else {
        return Err(Problem::invalid("value", "expected an object with a text as `value`"));
    };
    let secret = secrets::set(&app, &admin, id, &key, value.as_str().into()).await?;
    Ok(one(shown(id, &secret)))
}

/// POST /api/servers/{id}/secrets/{key}/clear
pub(crate) async fn clear(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    IdAndName(id, key): IdAndName,
) -> Answer {
    let secret = secrets::clear(&app, &admin, id, &key).await?;
    Ok(one(shown(id, &secret)))
}

/// DELETE /api/servers/{id}/secrets/{key}
pub(crate) async fn delete(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    IdAndName(id, key): IdAndName,
) -> Answer {
    secrets::delete(&app, &admin, id, &key).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn shown(server_id: Uuid, secret: &Secret) -> Value {
    json!({
        "server_id": server_id,
        "key_name": secret.key,
        "description": secret.description,
        "has_value": secret.has_value,
        "is_short": secret.is_short,
        "created_by": secret.created_by,
        "created_at": secret.created_at,
        "updated_by": secret.updated_by,
        "updated_at": secret.updated_at,
    })
}
