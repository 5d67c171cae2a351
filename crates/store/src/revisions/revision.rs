//! A revision as callers see it.

use chrono::{DateTime, Utc};
use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumString, IntoStaticStr};
use uuid::Uuid;

/// A tool at one point of its history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Revision {
    /// A UUID of version 7.
    pub id: Uuid,
    /// The tool it is a revision of.
    pub tool_id: Uuid,
    /// Counts from 1 within the tool, unique there.
    pub number: i32,
    /// SHA-256 in hex over everything the revision is and may do.
    pub digest: String,
    /// The tool's name in this revision.
    pub name: String,
    /// What the tool does, in this revision.
    pub description: String,
    /// What clients get of it.
    pub kind: Kind,
    /// Where clients read it, or the template of where: of a resource, and of nothing else.
    pub uri: Option<String>,
    /// What a tool of an external source is: such a revision has no source text of its own.
    pub imported: Option<Imported>,
    /// The source that runs.
    pub python_code: String,
    /// How long a call may take, in milliseconds; the server's default where there is none.
    pub timeout_ms: Option<i32>,
    /// Whether that is the default that the server had when the revision was made.
    pub timeout_inherited: bool,
    /// What it declares to use: modules, packages, hosts, secrets, other tools, each by name.
    pub capabilities: Value,
    /// The JSON Schema of the arguments; its keys keep their order.
    pub input_schema: Value,
    /// Whether its author wrote that schema; else it is made of the signature.
    pub schema_given: bool,
    /// The JSON Schema of the result.
    pub output_schema: Option<Value>,
    /// What a reviewer should look at in the source, read without running it.
    pub remarks: Vec<String>,
    /// Where it stands between being written and being decided about.
    pub state: State,
    /// What is different from the revision before, in its author's words.
    pub change_summary: String,
    /// What made it: an edit, a rollback, an import.
    pub change_source: String,
    /// Who wrote it.
    pub created_by: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When its publication was asked for.
    pub requested_at: Option<DateTime<Utc>>,
    /// Who asked.
    pub requested_by: Option<String>,
    /// What the person who decides should know.
    pub notes: Option<String>,
    /// When it was decided about.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Why it was rejected.
    pub rejection_reason: Option<String>,
}

/// A tool of an external source, as it was when it was imported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imported {
    /// The source that is called.
    pub source_id: Uuid,
    /// The tool as the source listed it: an object, of which the name, the description, the schemas
    /// and the annotations stand as they came.
    pub definition: Value,
}

impl Imported {
    /// The name of the tool at its source.
    pub fn name(&self) -> &str {
        self.definition.get("name").and_then(Value::as_str).unwrap_or_default()
    }
}

/// What a tool is for clients; it never changes.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    DeriveValueType,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[sea_orm(value_type = "String")]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// A tool that models call.
    #[default]
    Tool,
    /// A prompt that people choose: its result is messages.
    Prompt,
    /// A resource, or a template of resources, that is read under a URI: its result is contents.
    Resource,
}

impl Kind {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Where a revision stands.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    DeriveValueType,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[sea_orm(value_type = "String")]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// Written, not asked about.
    Draft,
    /// Waits for a person.
    PendingReview,
    /// A person let it go live.
    Approved,
    /// A person refused it.
    Rejected,
    /// A newer one took its place before it was decided about.
    Superseded,
}

impl State {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
