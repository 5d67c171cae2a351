//! The forms for the modules that all tools may import.

use app::{App, grants};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use crate::errors::Answer;
use crate::extract::Fields;
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct Module {
    name: String,
}

/// POST /approvals/allowed-modules/remove
pub(crate) async fn remove_module(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Fields(module): Fields<Module>,
) -> Answer {
    grants::remove_module(&app, &admin, &module.name).await?;
    Ok(Redirect::to("/approvals/requests#modules").into_response())
}

/// POST /approvals/allowed-modules/add
pub(crate) async fn add_module(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Fields(module): Fields<Module>,
) -> Answer {
    grants::change_modules(&app, &admin, &[module.name.trim().to_owned()], &[]).await?;
    Ok(Redirect::to("/approvals/requests#modules").into_response())
}

/// POST /approvals/allowed-modules/reset
pub(crate) async fn reset_modules(State(app): State<App>, SignedIn(admin): SignedIn) -> Answer {
    grants::reset_modules(&app, &admin).await?;
    Ok(Redirect::to("/approvals/requests#modules").into_response())
}
