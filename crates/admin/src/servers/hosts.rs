//! The forms for the hosts that a server's tools may reach.

use app::identity::Admin;
use app::{App, grants};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use uuid::Uuid;

use super::{Form, show_again};
use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id};
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct HostForm {
    host: String,
    #[serde(default)]
    port: String,
}

/// POST /servers/{id}/allowed-hosts
pub(crate) async fn allow_host(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<HostForm>,
) -> Answer {
    match add_host(&app, &admin, id, &form).await {
        Ok(()) => Ok(Redirect::to(&format!("/servers/{id}#hosts")).into_response()),
        Err(problem) => {
            let typed = (Form::Host, (form.host, form.port));
            show_again(&app, &admin, id, typed, problem).await
        }
    }
}

async fn add_host(app: &App, admin: &Admin, id: Uuid, form: &HostForm) -> Result<(), Problem> {
    let port = match form.port.trim() {
        "" => None,
        port => Some(port.parse().map_err(|_not_a_port| {
            Problem::invalid("port", "expected a number from 1 to 65535, or nothing for all")
        })?),
    };
    Ok(grants::add_host(app, admin, id, &form.host, port).await?)
}

/// POST /servers/{id}/allowed-hosts/remove
pub(crate) async fn remove_host(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<HostForm>,
) -> Answer {
    grants::remove_host(&app, &admin, id, &form.host).await?;
    Ok(Redirect::to(&format!("/servers/{id}#hosts")).into_response())
}
