//! Rows that the tests put into the store.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use store::{
    Store,
    calls::Call,
    revisions::{self, Kind, Revision, State},
    servers::{self, Server, Status},
    tools::{self, Tool},
    users::User,
};
use uuid::Uuid;

/// A time with microseconds, `seconds` after one that is the same in all tests.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    let start = DateTime::from_timestamp_micros(1_790_000_000_123_456).expect("a time");
    start + TimeDelta::seconds(seconds)
}

pub(crate) fn server(name: &str) -> Server {
    Server {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        description: format!("What {name} is for"),
        status: Status::Imported,
        tool_prefix: None,
        default_timeout_ms: 30_000,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn tool(server: &Server, name: &str) -> Tool {
    Tool {
        id: Uuid::now_v7(),
        server_id: server.id,
        name: name.to_owned(),
        description: format!("What {name} does"),
        enabled: true,
        live_revision: None,
        quarantine: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn revision(tool: &Tool, number: i32) -> Revision {
    Revision {
        id: Uuid::now_v7(),
        tool_id: tool.id,
        number,
        digest: format!("digest-{number}"),
        name: tool.name.clone(),
        description: tool.description.clone(),
        kind: Kind::Tool,
        uri: None,
        imported: None,
        python_code: "async def main() -> int:\n    return 1\n".to_owned(),
        timeout_ms: Some(1_000),
        input_schema: json!({"type": "object", "properties": {}}),
        schema_given: false,
        output_schema: None,
        timeout_inherited: false,
        capabilities: json!({}),
        remarks: vec!["line 1 calls eval".to_owned()],
        state: State::Draft,
        change_summary: String::new(),
        change_source: "edit".to_owned(),
        created_by: "claude".to_owned(),
        created_at: at(i64::from(number)),
        requested_at: None,
        requested_by: None,
        notes: None,
        decided_at: None,
        decided_by: None,
        rejection_reason: None,
    }
}

pub(crate) fn call(tool_name: &str) -> Call {
    Call {
        id: Uuid::now_v7(),
        server_id: Uuid::now_v7(),
        tool_id: Uuid::now_v7(),
        revision_id: Uuid::now_v7(),
        digest: "digest".to_owned(),
        tool_name: tool_name.to_owned(),
        kind: Kind::Tool,
        caller: "claude".to_owned(),
        is_test: false,
        arguments: json!({"zone": "UTC", "at": 1.5}),
        result: Some(json!([1, null, "two"])),
        requests: serde_json::json!([]),
        refused: json!([]),
        stdout: "line\n".to_owned(),
        error: None,
        error_kind: None,
        success: true,
        duration_us: 5_000_000_000,
        created_at: at(0),
    }
}

pub(crate) fn user(username: &str) -> User {
    User {
        id: Uuid::now_v7(),
        username: username.to_owned(),
        password_hash: "$argon2id$hash".to_owned(),
        role: "admin".to_owned(),
        created_at: at(0),
        password_changed_at: at(0),
    }
}

/// A server in the store.
pub(crate) async fn stored_server(store: &Store, name: &str) -> Server {
    let server = server(name);
    servers::insert(store, &server).await.expect("insert a server");
    server
}

/// A tool in the store, with a first revision.
pub(crate) async fn stored_tool(store: &Store, server: &Server, name: &str) -> (Tool, Revision) {
    let tool = tool(server, name);
    let revision = revision(&tool, 1);
    tools::insert(store, &tool).await.expect("insert a tool");
    revisions::insert(store, &revision).await.expect("insert a revision");
    (tool, revision)
}
