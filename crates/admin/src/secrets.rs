//! The forms for secrets on the page of a server. A value goes in and never comes out again.

use app::identity::{Admin, Who};
use app::{App, secrets};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use uuid::Uuid;

use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id, IdAndName};
use crate::servers::{Form, show_again};
use crate::session::SignedIn;

#[derive(Deserialize)]
pub(crate) struct New {
    key: String,
    #[serde(default)]
    description: String,
}

/// A value of one line, or of several.
#[derive(Deserialize)]
pub(crate) struct ValueForm {
    #[serde(default)]
    value: String,
    #[serde(default)]
    lines: String,
}

/// POST /servers/{id}/secrets
pub(crate) async fn create(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(new): Fields<New>,
) -> Answer {
    let who = Who::from(admin.clone());
    match secrets::create(&app, &who, id, new.key.trim(), new.description.trim()).await {
        Ok(_) => Ok(back(id)),
        Err(error) => {
            let typed = (Form::Secret, (new.key, new.description));
            show_again(&app, &admin, id, typed, error.into()).await
        }
    }
}

/// POST /servers/{id}/secrets/{key}/value
pub(crate) async fn set(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    IdAndName(id, key): IdAndName,
    Fields(form): Fields<ValueForm>,
) -> Answer {
    // Browsers send line ends as CR LF, whatever was typed or pasted.
    let value = if form.lines.is_empty() { form.value } else { form.lines.replace("\r\n", "\n") };
    let done = secrets::set(&app, &admin, id, &key, value.into()).await;
    answered(&app, &admin, id, done.map(drop)).await
}

/// POST /servers/{id}/secrets/{key}/clear
pub(crate) async fn clear(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    IdAndName(id, key): IdAndName,
) -> Answer {
    let done = secrets::clear(&app, &admin, id, &key).await;
    answered(&app, &admin, id, done.map(drop)).await
}

/// POST /servers/{id}/secrets/{key}/delete
pub(crate) async fn delete(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    IdAndName(id, key): IdAndName,
) -> Answer {
    let done = secrets::delete(&app, &admin, id, &key).await;
    answered(&app, &admin, id, done).await
}

async fn answered(app: &App, admin: &Admin, id: Uuid, done: app::Result<()>) -> Answer {
    match done {
        Ok(()) => Ok(back(id)),
        Err(error) => {
            let nothing = (String::new(), String::new());
            show_again(app, admin, id, (Form::Secret, nothing), Problem::from(error)).await
        }
    }
}

fn back(id: Uuid) -> axum::response::Response {
    Redirect::to(&format!("/servers/{id}#secrets")).into_response()
}
