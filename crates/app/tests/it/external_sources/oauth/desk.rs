//! A person at the admin page with a source that wants tokens.

use std::path::Path;
use std::sync::Arc;

use app::calls::Report;
use app::conversation::Silent;
use app::external_sources::oauth::{self, Begin, Begun, Finished};
use app::external_sources::{self, Auth, Choice, Detail, ExternalSource, OauthSettings, Wish};
use app::identity::{Admin, Who};
use app::settings::{External, Outbound};
use app::{App, KeySource, Location, Result, accounts, approvals, servers};
use serde_json::{Map, Value};
use store::Store;
use store::users::{self, User};
use tempfile::TempDir;
use uuid::Uuid;

use super::issuer::Issuer;
use crate::external_sources::place::{at, caller};

pub(super) const CALLBACK: &str = "http://127.0.0.1:3000/oauth/callback";

pub(super) struct Desk {
    pub(super) folder: TempDir,
    location: Location,
    pub(super) app: App,
    pub(super) admin: Admin,
    pub(super) issuer: Issuer,
    pub(super) source: ExternalSource,
}

/// What is set where nothing is.
pub(super) fn by_login() -> OauthSettings {
    OauthSettings::default()
}

impl Desk {
    pub(super) async fn new() -> Self {
        Box::pin(Self::with(by_login())).await
    }

    /// A source with these settings, in SQLite.
    pub(super) async fn with(settings: OauthSettings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::Sqlite(folder.path().join("mcpbox.db"));
        Box::pin(Self::at(folder, location, settings)).await
    }

    pub(super) async fn at(folder: TempDir, location: Location, settings: OauthSettings) -> Self {
        let app = open(folder.path(), &location, reach()).await;
        Self::of(folder, location, (app, Issuer::start().await), settings).await
    }

    /// A source in the operator's own network, which is not this machine, and so its authorization server.
    pub(super) async fn in_own_network(addresses: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::Sqlite(folder.path().join("mcpbox.db"));
        let app = open(folder.path(), &location, External::default()).await;
        let issuer = Issuer::start_at(addresses).await;
        Box::pin(Self::of(folder, location, (app, issuer), by_login())).await
    }

    /// One whose operator said where logins come back to, and where its document is.
    pub(super) async fn known(document: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::Sqlite(folder.path().join("mcpbox.db"));
        let (callback, document) = (CALLBACK.to_owned(), document.parse().expect("a URL"));
        let external =
            External { callback: Some(callback), client_document: Some(document), ..reach() };
        let app = open(folder.path(), &location, external).await;
        let issuer = Issuer::start().await;
        Box::pin(Self::of(folder, location, (app, issuer), by_login())).await
    }

    async fn of(
        folder: TempDir,
        location: Location,
        (app, issuer): (App, Issuer),
        settings: OauthSettings,
    ) -> Self {
        let admin = accounts::setup(&app, "grace", "a long enough password").await.expect("made");
        let who: Who = admin.clone().into();
        let server = servers::create(&app, &who, "files", "").await.expect("a server").id;
        let wish = wish("vault", &issuer.url, settings);
        let source = external_sources::add(&app, &who, server, &wish).await.expect("added");
        Self { folder, location, app, admin, issuer, source }
    }

    /// Changes what is set for OAuth.
    pub(super) async fn set(&self, settings: OauthSettings) {
        let wish = wish(&self.source.name, &self.issuer.url, settings);
        let changed = external_sources::update(&self.app, &self.admin, self.id(), &wish).await;
        changed.expect("it is changed");
    }

    /// Another person with an account.
    pub(super) async fn colleague(&self) -> Admin {
        let store = Store::open(&self.location).await.expect("the database opens");
        let own =
            users::find_by_username(&store, "grace").await.expect("read").expect("an account");
        let user = User { id: Uuid::now_v7(), username: "ada".to_owned(), ..own };
        users::insert(&store, &user).await.expect("made");
        store.close().await;
        let password = "a long enough password";
        accounts::sign_in(&self.app, "ada", password, None).await.expect("signed in")
    }

    /// Another process on the same database.
    pub(super) async fn another(&self) -> App {
        open(self.folder.path(), &self.location, reach()).await
    }

    /// Begins to connect the source, with the hosts that the person agreed to.
    pub(super) async fn begin(&self, hosts: &[String]) -> Result<Begun> {
        let hosts = hosts.to_vec();
        let begin = Begin { callback: CALLBACK.to_owned(), hosts };
        oauth::begin(&self.app, Some(&self.admin), self.source.id, begin).await
    }

    /// Begins to connect it, agreeing to the authorization server; gives where the person's browser goes.
    pub(super) async fn visit(&self) -> String {
        let begun = self.begin(&[self.issuer.host()]).await.expect("it begins");
        let Begun::Visit { url, .. } = begun else { panic!("no login: {begun:?}") };
        url
    }

    pub(super) async fn finish(&self, query: &str) -> Result<Finished> {
        oauth::finish(&self.app, Some(&self.admin), query).await
    }

    /// Logs in.
    pub(super) async fn log_in(&self) -> Finished {
        let back = self.issuer.agree(&self.visit().await);
        self.finish(&back).await.expect("it is connected")
    }

    pub(super) async fn detail(&self) -> Detail {
        external_sources::get(&self.app, self.source.id).await.expect("read")
    }

    /// Imports the source's tool; gives the name that clients call it by.
    pub(super) async fn tool(&self) -> String {
        let id = self.source.id;
        let who: Who = self.admin.clone().into();
        external_sources::discover(&self.app, &who, id).await.expect("it is listed");
        let imports = external_sources::import(&self.app, &who, id, Choice::All, true).await;
        let (tool, revision) = imports.expect("imported").created.remove(0);
        let digest = Some(revision.digest);
        let decision =
            approvals::Decision { action: approvals::Action::Approve, digest, reason: None };
        approvals::decide(&self.app, &self.admin, tool.id, decision).await.expect("approved");
        format!("files__{}", tool.name)
    }

    pub(super) async fn call(&self, name: &str) -> Result<Report> {
        call(&self.app, name).await
    }

    /// What a call that failed says.
    pub(super) async fn failure(&self, name: &str) -> String {
        self.call(name).await.expect("it is logged").outcome.expect_err("it failed").message
    }

    /// The actions of the audit log, oldest first.
    pub(super) async fn audited(&self) -> Vec<String> {
        let rows = app::audit::after(&self.app, 0).await.expect("read");
        rows.into_iter().map(|row| row.action).collect()
    }

    /// What the audit log and the rows of the sources say, as texts.
    pub(super) async fn told(&self) -> String {
        let rows = app::audit::after(&self.app, 0).await.expect("read");
        format!("{rows:?} {:?}", self.detail().await)
    }

    pub(super) fn id(&self) -> Uuid {
        self.source.id
    }
}

pub(super) fn wish(name: &str, url: &str, settings: OauthSettings) -> Wish {
    Wish { auth: Auth::Oauth(Box::new(settings)), ..at(url, name) }
}

pub(super) async fn call(app: &App, name: &str) -> Result<Report> {
    app::calls::run(app, &caller(), name, Map::<String, Value>::new(), Arc::new(Silent)).await
}

fn reach() -> External {
    External { allow_loopback: true, ..External::default() }
}

async fn open(folder: &Path, location: &Location, external: External) -> App {
    let key = KeySource::new(Some(&"0a".repeat(32)), folder);
    let opened = App::open_connected(location, &key, &Outbound::default(), external).await;
    opened.expect("the app opens")
}
