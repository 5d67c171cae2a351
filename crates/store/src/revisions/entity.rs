//! The table of revisions.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde_json::json;

use super::{Kind, Revision, State};
use crate::json::Json;

/// A [`Revision`] as a row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "revisions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tool_id: Uuid,
    pub number: i32,
    pub digest: String,
    pub name: String,
    pub description: String,
    pub kind: Kind,
    pub uri: Option<String>,
    pub imported: Option<Json>,
    pub python_code: String,
    pub timeout_ms: Option<i32>,
    pub timeout_inherited: bool,
    pub capabilities: Json,
    pub input_schema: Json,
    pub schema_given: bool,
    pub output_schema: Option<Json>,
    pub remarks: Json,
    pub state: State,
    pub change_summary: String,
    pub change_source: String,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub requested_at: Option<DateTime<Utc>>,
    pub requested_by: Option<String>,
    pub notes: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by: Option<String>,
    pub rejection_reason: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Revision {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            tool_id: row.tool_id,
            number: row.number,
            digest: row.digest,
            name: row.name,
            description: row.description,
            kind: row.kind,
            uri: row.uri,
            imported: row.imported.and_then(|imported| serde_json::from_value(imported.0).ok()),
            python_code: row.python_code,
            timeout_ms: row.timeout_ms,
            timeout_inherited: row.timeout_inherited,
            capabilities: row.capabilities.0,
            input_schema: row.input_schema.0,
            schema_given: row.schema_given,
            output_schema: row.output_schema.map(|schema| schema.0),
            remarks: texts(row.remarks.0),
            state: row.state,
            change_summary: row.change_summary,
            change_source: row.change_source,
            created_by: row.created_by,
            created_at: row.created_at,
            requested_at: row.requested_at,
            requested_by: row.requested_by,
            notes: row.notes,
            decided_at: row.decided_at,
            decided_by: row.decided_by,
            rejection_reason: row.rejection_reason,
        }
    }
}

impl From<Revision> for Model {
    fn from(revision: Revision) -> Self {
        Self {
            id: revision.id,
            tool_id: revision.tool_id,
            number: revision.number,
            digest: revision.digest,
            name: revision.name,
            description: revision.description,
            kind: revision.kind,
            uri: revision.uri,
            imported: revision.imported.map(|imported| Json(json!(imported))),
            python_code: revision.python_code,
            timeout_ms: revision.timeout_ms,
            timeout_inherited: revision.timeout_inherited,
            capabilities: Json(revision.capabilities),
            input_schema: Json(revision.input_schema),
            schema_given: revision.schema_given,
            output_schema: revision.output_schema.map(Json),
            remarks: Json(revision.remarks.into()),
            state: revision.state,
            change_summary: revision.change_summary,
            change_source: revision.change_source,
            created_by: revision.created_by,
            created_at: revision.created_at,
            requested_at: revision.requested_at,
            requested_by: revision.requested_by,
            notes: revision.notes,
            decided_at: revision.decided_at,
            decided_by: revision.decided_by,
            rejection_reason: revision.rejection_reason,
        }
    }
}

/// The texts of a JSON list.
fn texts(list: serde_json::Value) -> Vec<String> {
    let serde_json::Value::Array(items) = list else { return Vec::new() };
    items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
