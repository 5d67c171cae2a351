//! Where tools talk to their clients, and what the log has of it.

use std::sync::Arc;

use app::approvals::{self, Action, Decision};
use app::calls::{self, Call, Report};
use app::identity::{Admin, Caller, Scopes, Who};
use app::settings::Asking;
use app::tools::{self, Kind, New};
use app::{App, Location, accounts, secrets, servers};
use serde_json::{Map, Value};
use tempfile::TempDir;
use uuid::Uuid;

use super::client::Client;
use crate::sandboxed;

/// The value of the secret `API_KEY`.
pub(super) const VALUE: &str = "hunter2-hunter2";

/// An app with a server, and a secret on it.
pub(super) struct Place {
    pub(super) app: App,
    pub(super) admin: Admin,
    server: Uuid,
    _folder: TempDir,
}

pub(super) fn caller() -> Caller {
    Caller { token: Some("claude".to_owned()), client: None, address: None, scopes: Scopes::ALL }
}

fn main_of(body: &str) -> String {
    let lines: Vec<String> = body.lines().map(|line| format!("    {line}\n")).collect();
    format!("import asyncio\nimport mcpbox\nasync def main():\n{}", lines.concat())
}

impl Place {
    pub(super) async fn new(asking: Asking) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::Sqlite(folder.path().join("mcpbox.db"));
        let app = Box::pin(sandboxed::open_asking(folder.path(), &location, asking)).await;
        let admin = accounts::setup(&app, "grace", "a long enough password").await.expect("made");
        let who = Who::from(caller());
        let server = servers::create(&app, &who, "talk", "").await.expect("a server").id;
        secrets::create(&app, &who, server, "API_KEY", "").await.expect("a secret");
        secrets::set(&app, &admin, server, "API_KEY", VALUE.into()).await.expect("a value");
        Self { app, admin, server, _folder: folder }
    }

    pub(super) async fn draft(&self, name: &str, body: &str) -> Uuid {
        let new = New {
            server_id: self.server,
            name: name.to_owned(),
            description: String::new(),
            kind: Kind::Tool,
            uri: None,
            input_schema: None,
            python_code: main_of(body),
            timeout_ms: Some(1_000),
        };
        tools::create(&self.app, &Who::from(caller()), new).await.expect("a tool").0.id
    }

    /// Has a tool approved.
    pub(super) async fn tool(&self, name: &str, body: &str) {
        let id = self.draft(name, body).await;
        let digest = tools::get(&self.app, id).await.expect("the tool").newest.digest;
        let decision = Decision { action: Action::Approve, digest: Some(digest), reason: None };
        approvals::decide(&self.app, &self.admin, id, decision).await.expect("approved");
    }

    /// Calls it, and reads its row in the log.
    pub(super) async fn call(&self, name: &str, client: &Arc<Client>) -> (Report, Call) {
        let (name, client) = (format!("talk__{name}"), Arc::<Client>::clone(client));
        let report = calls::run(&self.app, &caller(), &name, Map::new(), client).await;
        let report = report.expect("it runs");
        let row = calls::find(&self.app, report.call_id).await.expect("its row");
        (report, row)
    }

    pub(super) async fn run(&self, name: &str, body: &str, client: &Arc<Client>) -> (Report, Call) {
        self.tool(name, body).await;
        self.call(name, client).await
    }
}

pub(super) fn value(report: &Report) -> Value {
    let text = report.outcome.as_ref().expect("it returns");
    serde_json::from_str(text).expect("it is JSON")
}

/// What was asked, and what became of it, as the log has it.
pub(super) fn logged(row: &Call) -> Vec<(String, String, String)> {
    let lines = row.requests.as_array().expect("a list");
    let text = |line: &Value, name: &str| line[name].as_str().expect("a text").to_owned();
    let each = lines.iter();
    each.map(|line| (text(line, "asked"), text(line, "key"), text(line, "outcome"))).collect()
}

pub(super) fn line(kind: &str, key: &str, outcome: &str) -> (String, String, String) {
    (kind.to_owned(), key.to_owned(), outcome.to_owned())
}
