//! The table of calls.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use super::Call;
use crate::{json::Json, revisions::Kind, search::storable};

/// A [`Call`] as a row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "calls")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub server_id: Uuid,
    pub tool_id: Uuid,
    pub revision_id: Uuid,
    pub digest: String,
    pub tool_name: String,
    pub kind: Kind,
    pub caller: String,
    pub is_test: bool,
    pub arguments: Json,
    pub result: Option<Json>,
    pub requests: Json,
    pub refused: Json,
    pub stdout: String,
    pub error: Option<String>,
    pub error_kind: Option<String>,
    pub success: bool,
    pub duration_us: i64,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Call {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            server_id: row.server_id,
            tool_id: row.tool_id,
            revision_id: row.revision_id,
            digest: row.digest,
            tool_name: row.tool_name,
            kind: row.kind,
            caller: row.caller,
            is_test: row.is_test,
            arguments: row.arguments.0,
            result: row.result.map(|result| result.0),
            requests: row.requests.0,
            refused: row.refused.0,
            stdout: row.stdout,
            error: row.error,
            error_kind: row.error_kind,
            success: row.success,
            duration_us: row.duration_us,
            created_at: row.created_at,
        }
    }
}

impl From<Call> for Model {
    fn from(call: Call) -> Self {
        Self {
            id: call.id,
            server_id: call.server_id,
            tool_id: call.tool_id,
            revision_id: call.revision_id,
            digest: call.digest,
            tool_name: call.tool_name,
            kind: call.kind,
            caller: storable(call.caller),
            is_test: call.is_test,
            arguments: Json(call.arguments),
            result: call.result.map(Json),
            requests: Json(call.requests),
            refused: Json(call.refused),
            stdout: storable(call.stdout),
            error: call.error.map(storable),
            error_kind: call.error_kind,
            success: call.success,
            duration_us: call.duration_us,
            created_at: call.created_at,
        }
    }
}
