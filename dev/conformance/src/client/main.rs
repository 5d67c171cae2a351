//! What the official suites test as a client: the part of the program that calls external sources, with the person who
//! allows, logs in and approves played here.
//!
//! `conformance-client URL`, with the scenario in `MCP_CONFORMANCE_SCENARIO` and what it hands over as JSON in
//! `MCP_CONFORMANCE_CONTEXT`.
#![expect(clippy::print_stderr, reason = "the suites keep what their client says")]

mod arguments;
mod browser;
mod person;
mod user;

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use app::external_sources::{self, Auth, Choice, Status, Transport, Wish};
use app::identity::{Caller, Scopes, Who};
use app::settings::{External, Outbound};
use app::{App, KeySource, Location, accounts, servers};
use serde_json::Value;

use crate::person::Person;
use crate::user::User;

/// The most often that a person logs in because a source wants more.
const LOGINS: usize = 4;

/// A scenario of a suite.
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// What it hands over, such as credentials and the calls to make.
    pub(crate) context: Value,
    /// The source.
    pub(crate) url: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let scenario = scenario()?;
    let folder = tempfile::tempdir().context("a folder")?;
    let location = Location::Sqlite(folder.path().join("mcpbox.db"));
    let key = KeySource::new(Some(&"0a".repeat(32)), folder.path());
    let external = External {
        allow_loopback: true,
        callback: Some(person::CALLBACK.to_owned()),
        client_document: Some(person::DOCUMENT.parse()?),
    };
    let app = App::open_connected(&location, &key, &Outbound::default(), external).await?;
    let played = Box::pin(play(&app, &scenario)).await;
    app.close().await;
    played
}

fn scenario() -> Result<Scenario> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let context = variable("MCP_CONFORMANCE_CONTEXT");
    Ok(Scenario {
        name: variable("MCP_CONFORMANCE_SCENARIO"),
        context: serde_json::from_str(&context).unwrap_or_default(),
        url: std::env::args().nth(1).context("the address of the source is missing")?,
    })
}

/// Adds the source, lists it, imports and approves its tools, and calls each.
async fn play(app: &App, scenario: &Scenario) -> Result<()> {
    let admin = accounts::setup(app, "grace", "a long enough password").await?;
    let who: Who = admin.clone().into();
    let server = servers::create(app, &who, "suite", "").await?;
    let is_old = scenario.name.contains("2025-03-26");
    let wish = Wish {
        name: "source".to_owned(),
        description: String::new(),
        transport: Transport::StreamableHttp,
        url: Some(scenario.url.clone()),
        command: None,
        auth: if scenario.name.starts_with("auth/") { person::oauth(scenario) } else { Auth::None },
    };
    let source = external_sources::add(app, &who, server.id, &wish).await?;
    let person = Person { app, admin, source: source.id, scenario };
    if wish.auth != Auth::None {
        person.give_credentials().await?;
        person.log_in().await?;
    }
    let mut logins = usize::from(wish.auth != Auth::None);
    loop {
        let listed = external_sources::discover(app, &who, source.id).await;
        let Err(error) = listed else { break };
        eprintln!("not listed: {error}");
        if !person.has_to_log_in().await? || logins >= LOGINS || is_old && logins > 1 {
            bail!(error);
        }
        logins += 1;
        person.log_in().await?;
    }
    external_sources::import(app, &who, source.id, Choice::All, true).await?;
    let tools = person.approve_all(server.id).await?;
    let caller = Caller { token: None, client: None, address: None, scopes: Scopes::ALL };
    for (name, arguments) in arguments::calls(scenario, &tools) {
        loop {
            let user = Arc::new(User);
            let report = app::calls::run(app, &caller, &name, arguments.clone(), user).await?;
            let Err(failure) = report.outcome else { break };
            eprintln!("{name}: {}", failure.message);
            if !person.has_to_log_in().await? || logins >= LOGINS {
                break;
            }
            logins += 1;
            person.log_in().await?;
        }
    }
    Ok(())
}

impl Person<'_> {
    /// Whether the page of the source says so.
    async fn has_to_log_in(&self) -> Result<bool> {
        let detail = external_sources::get(self.app, self.source).await?;
        let is_wanted = detail.status() == Status::NeedsLogin || detail.source.failure.is_some();
        let told = detail.tokens.and_then(|tokens| tokens.failure);
        // Where another login helps, the page says so.
        let is_vain = told.is_some_and(|told| told.contains("may lack the right"));
        Ok(is_wanted && !is_vain && self.scenario.name.starts_with("auth/"))
    }
}
