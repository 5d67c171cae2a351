//! Signing in to the API.

use std::net::SocketAddr;

use app::{App, accounts, policy};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::one;
use crate::entry;
use crate::errors::{Answer, Problem};
use crate::extract::Body;
use crate::session::{self, SignedIn};

#[derive(Deserialize)]
pub(crate) struct Credentials {
    username: String,
    password: String,
}

#[derive(Deserialize)]
pub(crate) struct Refresh {
    refresh_token: String,
}

#[derive(Deserialize)]
pub(crate) struct Passwords {
    current_password: String,
    new_password: String,
}

/// GET /auth/status
pub(crate) async fn status(State(app): State<App>) -> Answer {
    let setup_required = accounts::setup_required(&app).await?;
    let onboarding_completed = policy::get(&app).await?.onboarding_completed;
    Ok(one(json!({
        "setup_required": setup_required,
        "onboarding_completed": onboarding_completed,
    })))
}

/// POST /auth/setup
pub(crate) async fn setup(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Body(body): Body<Credentials>,
) -> Answer {
    let address = Some(peer.ip());
    let admin = accounts::setup_from(&app, &body.username, &body.password, address).await?;
    let body = json!({"username": admin.username(), "message": "account made; sign in with it"});
    Ok((StatusCode::CREATED, one(body)).into_response())
}

/// POST /auth/login
pub(crate) async fn login(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Body(body): Body<Credentials>,
) -> Answer {
    let admin = entry::sign_in(&app, &body.username, &body.password, peer).await?;
    let tokens = accounts::open_api_session(&app, &admin).await?;
    Ok(Json(tokens).into_response())
}

/// POST /auth/refresh
pub(crate) async fn refresh(State(app): State<App>, Body(body): Body<Refresh>) -> Answer {
    let tokens = accounts::refresh(&app, &body.refresh_token).await?;
    Ok(Json(tokens).into_response())
}

/// POST /auth/logout; the refresh token of the same sign-in ends too.
pub(crate) async fn logout(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    headers: HeaderMap,
) -> Answer {
    if let Some(token) = session::bearer(&headers) {
        accounts::sign_out(&app, &admin, token).await?;
    }
    Ok(one(json!({"message": "signed out"})))
}

/// POST /auth/change-password
pub(crate) async fn change_password(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(body): Body<Passwords>,
) -> Answer {
    let changing =
        accounts::change_password(&app, &admin, &body.current_password, &body.new_password);
    changing.await.map_err(|error| match error {
        error @ app::Error::Invalid { field: "current_password", .. } => {
            Problem::from(error).with_status(StatusCode::BAD_REQUEST)
        }
        error => error.into(),
    })?;
    Ok(one(json!({"message": "password changed; sign in again"})))
}

/// GET /auth/me
pub(crate) async fn me(SignedIn(admin): SignedIn) -> Response {
    one(json!({"username": admin.username(), "role": "admin"}))
}
