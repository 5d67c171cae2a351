//! An app with a sandbox, a person and a server, for sources on this machine.

use std::sync::Arc;
use std::time::Duration;

use app::calls::Report;
use app::conversation::Silent;
use app::external_sources::{self, Auth, Choice, ExternalSource, Status, Transport, Wish};
use app::identity::{Admin, Caller, Scopes, Who};
use app::settings::{Asking, External};
use app::tools::Tool;
use app::{App, Location, Result, accounts, approvals, servers};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

pub(super) struct Place {
    folder: TempDir,
    location: Location,
    pub(super) app: App,
    pub(super) admin: Admin,
    pub(super) server: Uuid,
}

/// Waits until something is so.
pub(super) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect(what);
}

/// A caller that may write tools.
pub(super) fn author() -> Who {
    caller().into()
}

pub(super) fn caller() -> Caller {
    let token = Some("claude".to_owned());
    Caller { token, client: None, address: None, scopes: Scopes::ALL }
}

/// A source at an address, without credentials.
pub(super) fn at(url: &str, name: &str) -> Wish {
    Wish {
        name: name.to_owned(),
        description: String::new(),
        transport: Transport::StreamableHttp,
        url: Some(url.to_owned()),
        command: None,
        auth: Auth::None,
    }
}

impl Place {
    pub(super) async fn new() -> Self {
        Self::with(External { allow_loopback: true, ..External::default() }).await
    }

    /// One where sources may be this far.
    pub(super) async fn with(external: External) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::Sqlite(folder.path().join("mcpbox.db"));
        let bounds = (Asking::default(), external);
        let app = crate::sandboxed::open_with(folder.path(), &location, bounds).await;
        let admin = accounts::setup(&app, "grace", "a long enough password").await.expect("made");
        let who = admin.clone().into();
        let server = servers::create(&app, &who, "files", "").await.expect("a server").id;
        Self { folder, location, app, admin, server }
    }

    /// Another process on the same database.
    pub(super) async fn another(&self) -> App {
        crate::sandboxed::open(self.folder.path(), &self.location).await
    }

    pub(super) async fn add(&self, wish: &Wish) -> Result<ExternalSource> {
        external_sources::add(&self.app, &self.admin.clone().into(), self.server, wish).await
    }

    pub(super) async fn add_as_author(&self, wish: &Wish) -> Result<ExternalSource> {
        external_sources::add(&self.app, &author(), self.server, wish).await
    }

    /// A source that a person added, and with that allowed.
    pub(super) async fn added(&self, wish: &Wish) -> ExternalSource {
        self.add(wish).await.expect("it is added")
    }

    pub(super) async fn status(&self, id: Uuid) -> Status {
        external_sources::get(&self.app, id).await.expect("read").status()
    }

    pub(super) async fn discover(&self, id: Uuid) {
        external_sources::discover(&self.app, &author(), id).await.expect("it lists its tools");
    }

    /// The tool that one of a source's becomes, waiting for review.
    pub(super) async fn import(&self, source: Uuid, name: &str) -> Tool {
        self.discover(source).await;
        let choice = Choice::Named(vec![name.to_owned()]);
        let imports = external_sources::import(&self.app, &author(), source, choice, true).await;
        let imports = imports.expect("it is imported");
        assert!(imports.skipped.is_empty(), "{:?}", imports.skipped);
        imports.created.into_iter().next().expect("it was made").0
    }

    pub(super) async fn approve(&self, tool: Uuid) {
        self.decide(tool, approvals::Action::Approve, None).await;
    }

    pub(super) async fn reject(&self, tool: Uuid) {
        self.decide(tool, approvals::Action::Reject, Some("no")).await;
    }

    async fn decide(&self, tool: Uuid, action: approvals::Action, reason: Option<&str>) {
        let digest = app::tools::get(&self.app, tool).await.expect("read").newest.digest;
        let reason = reason.map(str::to_owned);
        let decision = approvals::Decision { action, digest: Some(digest), reason };
        approvals::decide(&self.app, &self.admin, tool, decision).await.expect("it is decided");
    }

    /// The public name of an imported tool that clients can call.
    pub(super) async fn import_and_approve(&self, source: Uuid, name: &str) -> String {
        let tool = self.import(source, name).await;
        self.approve(tool.id).await;
        format!("files__{}", tool.name)
    }

    pub(super) async fn call(&self, name: &str, arguments: Value) -> Result<Report> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        app::calls::run(&self.app, &caller(), name, arguments, Arc::new(Silent)).await
    }
}
