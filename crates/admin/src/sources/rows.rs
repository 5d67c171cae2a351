//! Sources in lists: on the page of a server, on the page of all, and as cards that wait for a decision.

use std::collections::HashMap;

use app::external_sources::{self as sources, Detail, Status, Transport, command_of};
use app::{App, Page, servers};
use askama::Template;

use crate::errors::Problem;

/// How many of those that wait stand above the tools that wait.
const FIRST: u64 = 10;

/// A source in a list.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) detail: Detail,
    pub(crate) server_name: String,
}

/// A source that waits, with the forms that decide about it.
#[derive(Debug, Clone, Template)]
#[template(path = "sources/card.html")]
pub(crate) struct Card {
    pub(crate) row: Row,
    /// The host that it needs, or why nobody may allow that.
    pub(crate) host: Result<Option<String>, String>,
}

impl askama::filters::HtmlSafe for Card {}

/// The sources that wait first, and how many wait in all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting {
    pub(crate) cards: Vec<Card>,
    pub(crate) total: u64,
}

impl Row {
    /// With the names of their servers.
    pub(crate) async fn load_all(app: &App, found: Vec<Detail>) -> Result<Vec<Self>, Problem> {
        let mut names = HashMap::new();
        let mut rows = Vec::with_capacity(found.len());
        for detail in found {
            let id = detail.source.server_id;
            if let std::collections::hash_map::Entry::Vacant(unknown) = names.entry(id) {
                unknown.insert(servers::get(app, id).await?.server.name);
            }
            let server_name = names.get(&id).cloned().unwrap_or_default();
            rows.push(Self { detail, server_name });
        }
        Ok(rows)
    }

    pub(crate) fn status(&self) -> Status {
        self.detail.status()
    }

    /// Where it is: its address, or its program.
    pub(crate) fn place(&self) -> String {
        let source = &self.detail.source;
        match (&source.url, command_of(source)) {
            (Some(url), _) => url.clone(),
            (None, Some(command)) => command.command,
            (None, None) => String::new(),
        }
    }

    pub(crate) fn transport(&self) -> &'static str {
        transport(self.detail.source.transport)
    }
}

/// How a source is spoken to, for people.
pub(crate) fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::StreamableHttp => "Streamable HTTP",
        Transport::Sse => "HTTP with a stream of events (older)",
        Transport::Stdio => "a process of this machine",
    }
}

impl Waiting {
    /// What waits now.
    pub(crate) async fn load(app: &App) -> Result<Self, Problem> {
        let listed = sources::waiting(app, Page { number: 1, size: FIRST }).await?;
        let rows = Row::load_all(app, listed.items).await?;
        let cards = rows.into_iter().map(|row| Card::new(app, row)).collect();
        Ok(Self { cards, total: listed.total })
    }
}

impl Card {
    fn new(app: &App, row: Row) -> Self {
        let host = sources::host_of(app, &row.detail.source).map_err(|error| error.to_string());
        Self { row, host }
    }
}
