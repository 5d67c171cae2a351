//! Tokens of MCP callers in the API.

use app::tokens::{self, New, Token};
use app::{App, Listed};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{listed, one};
use crate::errors::{Answer, Problem};
use crate::extract::{Body, Id, Paging, Search};
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct Create {
    name: String,
    scopes: Vec<String>,
    #[serde(default)]
    expires_in_days: Option<u32>,
}

/// GET /api/tokens
pub(crate) async fn list(State(app): State<App>, Search(paging): Search<Paging>) -> Answer {
    let page = paging.page()?;
    let all = tokens::list(&app).await?;
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let skipped = usize::try_from((page.number - 1).saturating_mul(page.size));
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let items = all.into_iter().skip(skipped.unwrap_or(usize::MAX)).take(size).collect();
    Ok(listed(Listed { items, total }, page, |token| shown(&token)))
}

/// POST /api/tokens; the answer alone holds the token.
pub(crate) async fn create(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(body): Body<Create>,
) -> Answer {
    if body.scopes.iter().any(|scope| scope != "call" && scope != "author") {
        return Err(Problem::invalid("scopes", "the scopes are `call` and `author`"));
    }
    let has = |wanted: &str| body.scopes.iter().any(|scope| scope == wanted);
    let (call, author) = (has("call"), has("author"));
    let new = New { name: body.name, call, author, expires_in_days: body.expires_in_days };
    let (token, value) = tokens::create(&app, &admin, new).await?;
    let mut body = shown(&token);
    if let Value::Object(body) = &mut body {
        body.insert("token".to_owned(), Value::from(value));
    }
    Ok((StatusCode::CREATED, one(body)).into_response())
}

/// DELETE /api/tokens/{id}
pub(crate) async fn revoke(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    tokens::revoke(&app, &admin, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn shown(token: &Token) -> Value {
    let scopes = [("call", token.can_call), ("author", token.can_author)];
    let scopes: Vec<_> = scopes.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
    json!({
        "id": token.id,
        "name": token.name,
        "scopes": scopes,
        "created_by": token.created_by,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
    })
}
