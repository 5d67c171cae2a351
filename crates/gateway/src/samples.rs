//! Rows and runs for unit tests.

use std::sync::{Arc, Mutex};

use app::clock;
use app::conversation::Abilities;
use app::servers::{Server, Status};
use app::tools::{Detail, Revision, State, Tool};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::running::{self, Running};
use crate::suspended::Binding;
use crate::talk::{Talk, Way};
use crate::version::Version;

/// A tool whose third version is approved and callable.
pub(crate) fn live() -> Detail {
    let (server_id, tool_id) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let newest = revision(tool_id);
    Detail {
        tool: Tool {
            id: tool_id,
            server_id,
            name: newest.name.clone(),
            description: String::new(),
            enabled: true,
            quarantine: None,
            live_revision: Some(newest.id),
            created_at: clock::now(),
            updated_at: clock::now(),
        },
        server: Server {
            id: server_id,
            name: "geometry".to_owned(),
            description: String::new(),
            status: Status::Running,
            tool_prefix: None,
            default_timeout_ms: 30_000,
            created_at: clock::now(),
            updated_at: clock::now(),
        },
        live: Some(newest.clone()),
        newest,
    }
}

fn revision(tool_id: Uuid) -> Revision {
    Revision {
        id: Uuid::from_u128(3),
        tool_id,
        number: 3,
        digest: "d3".to_owned(),
        name: "circle".to_owned(),
        description: String::new(),
        kind: app::tools::Kind::Tool,
        uri: None,
        schema_given: false,
        imported: None,
        python_code: String::new(),
        timeout_ms: None,
        input_schema: json!({"type": "object"}),
        output_schema: None,
        timeout_inherited: false,
        capabilities: json!({}),
        remarks: Vec::new(),
        state: State::Approved,
        change_summary: String::new(),
        change_source: String::new(),
        created_by: String::new(),
        created_at: clock::now(),
        requested_at: None,
        requested_by: None,
        notes: None,
        decided_at: None,
        decided_by: None,
        rejection_reason: None,
    }
}

/// A run that goes on for as long as it is held.
pub(crate) fn running() -> Running {
    let talk = |line| Talk {
        line,
        version: Version::July2026,
        abilities: Abilities::default(),
        streams: true,
        way: Way::Alone { level: None, questions: Arc::default(), binding: Binding::default() },
        progress: Mutex::default(),
    };
    running::start(CancellationToken::new(), None, talk, |_| std::future::pending())
}
