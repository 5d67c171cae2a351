//! An app on each database, with a person, a server, and tools in it.

use std::path::Path;

use app::identity::{Admin, Caller, Scopes, Who};
use app::requests::{self, Decision, Filed, Kind, Request};
use app::servers::{Server, Status};
use app::tools::{Revision, State, Tool};
use app::{App, KeySource, Location, Result, accounts, clock};
use serde_json::json;
use store::Store;
use throwaway_postgres::Database;
use uuid::Uuid;

/// What the tests work with.
pub(crate) struct World {
    location: Location,
    pub(crate) app: App,
    pub(crate) admin: Admin,
    /// Two servers, with a tool each.
    pub(crate) servers: [Uuid; 2],
    pub(crate) tools: [Uuid; 2],
}

/// Runs the test on SQLite and on PostgreSQL.
pub(crate) fn on_both(test: impl AsyncFn(World)) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::create().expect("a database");
    for location in [
        Location::Sqlite(folder.path().join("mcpbox.db")),
        Location::Postgres(database.url().to_owned()),
    ] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async { test(World::new(&location).await).await });
    }
}

/// Runs the test on PostgreSQL, where it can alter rows behind our back.
pub(crate) fn on_postgres(test: impl AsyncFnOnce(World, &Database)) {
    let database = Database::create().expect("a database");
    let location = Location::Postgres(database.url().to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async { test(World::new(&location).await, &database).await });
}

impl World {
    async fn new(location: &Location) -> Self {
        let store = Store::open(location).await.expect("the database opens");
        let (first, second) = (stored(&store, "weather").await, stored(&store, "home").await);
        store.close().await;
        let key = KeySource::new(Some(&"0a".repeat(32)), Path::new("nowhere/key"));
        let app = App::open_with_key(location, &key).await.expect("the app opens");
        let admin = accounts::setup(&app, "grace", "a long enough password").await;
        let admin = admin.expect("the account is made");
        Self {
            location: location.clone(),
            app,
            admin,
            servers: [first.0, second.0],
            tools: [first.1, second.1],
        }
    }

    /// Another process on the same database.
    pub(crate) async fn another(&self) -> App {
        App::open_without_sandbox(&self.location).await.expect("the app opens")
    }

    /// The audit log, oldest first: action and subject.
    pub(crate) async fn audited(&self) -> Vec<(String, String)> {
        let rows = app::audit::after(&self.app, 0).await.expect("read");
        rows.into_iter().map(|row| (row.action, row.subject)).collect()
    }

    /// The rows themselves.
    pub(crate) async fn store(&self) -> Store {
        Store::open(&self.location).await.expect("the database opens")
    }

    /// Asks for a module for the first server's tool.
    pub(crate) async fn module(&self, name: &str) -> Result<Filed> {
        requests::file_module(&self.app, &model(), self.tools[0], name, "to plan runs").await
    }

    /// Asks for a host for the first server's tool.
    pub(crate) async fn host(&self, host: &str, port: Option<u16>) -> Result<Filed> {
        self.host_for(self.tools[0], host, port).await
    }

    /// Asks for a host for a tool.
    pub(crate) async fn host_for(
        &self,
        tool_id: Uuid,
        host: &str,
        port: Option<u16>,
    ) -> Result<Filed> {
        requests::file_host(&self.app, &model(), tool_id, (host, port), "to ask it").await
    }

    pub(crate) async fn approve(&self, request: &Request) -> Result<Request> {
        let Request { kind, id, .. } = *request;
        requests::decide(&self.app, &self.admin, kind, id, Decision::Approve).await
    }

    pub(crate) async fn reject(&self, request: &Request, reason: &str) -> Result<Request> {
        let Request { kind, id, .. } = *request;
        requests::decide(&self.app, &self.admin, kind, id, Decision::Reject(reason)).await
    }

    /// The modules and the hosts of the first server.
    pub(crate) async fn granted(&self) -> (Vec<String>, Vec<String>) {
        let grants = app::grants::of(&self.app, self.servers[0]).await.expect("read");
        (grants.modules, grants.hosts)
    }

    /// What happened, newest first: action, name, who.
    pub(crate) async fn history(&self) -> Vec<(String, String, String)> {
        let page = app::Page { number: 1, size: 100 };
        let listed = app::grants::history(&self.app, page).await.expect("read");
        listed.items.into_iter().map(|event| (event.action, event.name, event.actor)).collect()
    }

    /// The names of what the first server's tool asked for, and their states.
    pub(crate) async fn asked(&self, kind: Kind) -> Vec<(String, requests::State)> {
        let all = requests::of_tool(&self.app, self.tools[0]).await.expect("read");
        let of_kind = all.into_iter().filter(|request| request.kind == kind);
        of_kind.map(|request| (request.name, request.state)).collect()
    }
}

/// A model's client.
pub(crate) fn model() -> Who {
    let (token, client) = (Some("claude".to_owned()), None);
    Caller { token, client, address: None, scopes: Scopes::ALL }.into()
}

/// A server with a tool, as they were saved before: saving one takes a sandbox.
async fn stored(store: &Store, name: &str) -> (Uuid, Uuid) {
    let now = clock::now();
    let server = Server {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        description: String::new(),
        status: Status::Imported,
        tool_prefix: None,
        default_timeout_ms: 30_000,
        created_at: now,
        updated_at: now,
    };
    let tool = Tool {
        id: Uuid::now_v7(),
        server_id: server.id,
        name: "look".to_owned(),
        description: String::new(),
        enabled: true,
        live_revision: None,
        quarantine: None,
        created_at: now,
        updated_at: now,
    };
    store::servers::insert(store, &server).await.expect("insert a server");
    store::tools::insert(store, &tool).await.expect("insert a tool");
    store::revisions::insert(store, &revision(&tool)).await.expect("insert a revision");
    (server.id, tool.id)
}

pub(crate) fn revision(tool: &Tool) -> Revision {
    Revision {
        id: Uuid::now_v7(),
        tool_id: tool.id,
        number: 1,
        digest: "digest".to_owned(),
        name: tool.name.clone(),
        description: String::new(),
        kind: app::tools::Kind::Tool,
        uri: None,
        imported: None,
        python_code: "async def main() -> int:\n    return 1\n".to_owned(),
        timeout_ms: None,
        input_schema: json!({"type": "object", "properties": {}}),
        schema_given: false,
        output_schema: None,
        timeout_inherited: false,
        capabilities: json!({}),
        remarks: Vec::new(),
        state: State::Draft,
        change_summary: String::new(),
        change_source: "edit".to_owned(),
        created_by: "claude".to_owned(),
        created_at: tool.created_at,
        requested_at: None,
        requested_by: None,
        notes: None,
        decided_at: None,
        decided_by: None,
        rejection_reason: None,
    }
}
