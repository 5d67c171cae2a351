//! The audit log in the API.

use app::App;
use app::audit::{self, Filter};
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::listed;
use crate::errors::Answer;
use crate::extract::{Paging, Search};

#[derive(Deserialize)]
pub(crate) struct Look {
    action: Option<String>,
    actor: Option<String>,
    subject_id: Option<Uuid>,
}

/// GET /api/audit, newest first
pub(crate) async fn list(
    State(app): State<App>,
    Search(paging): Search<Paging>,
    Search(look): Search<Look>,
) -> Answer {
    let Look { action, actor, subject_id } = look;
    let page = paging.page()?;
    let found = audit::list(&app, &Filter { action, actor, subject_id }, page).await?;
    Ok(listed(found, page, |row| json!(row)))
}
