//! Import: tools of a source become tools of its server, as drafts that a person reviews like any other.

use std::collections::HashSet;

use serde_json::Value;
use store::external_sources::ExternalSource;
use store::revisions::{Kind, Revision, State};
use store::tools::Tool;
use uuid::Uuid;

use super::discovery::{Found, discovered};
use super::{definition, drift};
use crate::audit::{self, Event};
use crate::capabilities::Capabilities;
use crate::identity::{Actor, Who};
use crate::revisions::{Content, Origin};
use crate::servers::Server;
use crate::{App, Error, Result, approvals, names, servers};

/// The most tools that are imported at once.
const AT_ONCE: usize = 1_000;

/// Which tools are imported.
#[derive(Debug, Clone)]
pub enum Choice {
    /// Those of these names at the source.
    Named(Vec<String>),
    /// All that can be.
    All,
}

/// What became of an import.
#[derive(Debug, Clone, Default)]
pub struct Imports {
    /// What was made: drafts, or what waits for review.
    pub created: Vec<(Tool, Revision)>,
    /// What was not, and why.
    pub skipped: Vec<Skipped>,
}

/// A tool that was not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its name at the source.
    pub name: String,
    /// `skipped_conflict`, `skipped_not_found` or `skipped_invalid`.
    pub status: &'static str,
    /// Why, and what can be done.
    pub reason: String,
}

/// Imports tools that were discovered. With `files`, each waits for review at once.
///
/// # Errors
/// [`Error::Conflict`] where nothing was discovered yet, [`Error::Invalid`] for no names or too many.
pub async fn import(
    app: &App,
    who: &Who,
    source_id: Uuid,
    choice: Choice,
    files: bool,
) -> Result<Imports> {
    if let Who::Caller(caller) = who
        && !caller.scopes.author
    {
        return Err(Error::Denied("this token has no `author` scope".to_owned()));
    }
    // Whoever waits for it may go: what was begun is brought to its end.
    let (own, by) = (app.clone(), who.clone());
    let importing = tokio::spawn(async move { run(&own, &by, source_id, &choice, files).await });
    importing.await.map_err(|error| Error::Internal(error.into()))?
}

async fn run(
    app: &App,
    who: &Who,
    source_id: Uuid,
    choice: &Choice,
    files: bool,
) -> Result<Imports> {
    let _importing = app.connections().importing.lock().await;
    let found = discovered(app, source_id).await?;
    let server = servers::find(app, found.source.server_id).await?;
    if files {
        for tool in unfiled(app, who, &found.source, choice).await? {
            file(app, who, &found.source, tool).await?;
        }
    }
    let (chosen, mut imports) = choose(&found.tools, choice)?;
    let taken = store::tools::names(app.store(), server.id).await?;
    let mut taken: HashSet<String> = taken.into_iter().collect();
    let mut made = Vec::new();
    for tool in chosen {
        match prepare(&server, &found.source, tool, &mut taken) {
            Ok(content) => made.push(content),
            Err(skipped) => imports.skipped.push(skipped),
        }
    }
    if made.is_empty() {
        return Ok(imports);
    }
    let transaction = audit::begin(app).await?;
    for content in made {
        let (tool, revision) = insert(&transaction, who, (&server, &found.source), content).await?;
        imports.created.push((tool, revision));
    }
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    let (count, source) = (imports.created.len(), &found.source.name);
    tracing::info!(count, %source, by = %who, "tools imported");
    if files {
        for (tool, revision) in &mut imports.created {
            (*tool, *revision) = file(app, who, &found.source, tool.id).await?;
        }
    }
    Ok(imports)
}

async fn file(
    app: &App,
    who: &Who,
    source: &ExternalSource,
    tool: Uuid,
) -> Result<(Tool, Revision)> {
    let notes = format!("Imported from {}", source.name);
    let filed = approvals::request_publish(app, who, tool, Some(&notes)).await?;
    Ok((filed.tool, filed.revision))
}

/// The tools that this person has imported before and that were not filed, as the program ended in between.
async fn unfiled(
    app: &App,
    who: &Who,
    source: &ExternalSource,
    choice: &Choice,
) -> Result<Vec<Uuid>> {
    let who = who.to_string();
    let mut unfiled = Vec::new();
    for (tool, newest) in store::tools::imported(app.store(), source.server_id).await? {
        let Some(imported) = &newest.imported else { continue };
        let is_left = imported.source_id == source.id
            && newest.state == State::Draft
            && newest.number == 1
            && newest.created_by == who;
        let is_chosen = match choice {
            Choice::Named(names) => names.iter().any(|name| name == imported.name()),
            Choice::All => true,
        };
        if is_left && is_chosen {
            unfiled.push(tool.id);
        }
    }
    Ok(unfiled)
}

fn choose<'a>(tools: &'a [Found], choice: &Choice) -> Result<(Vec<&'a Found>, Imports)> {
    let mut imports = Imports::default();
    let names = match choice {
        Choice::All => {
            let new = tools.iter().filter(|tool| tool.imported_as.is_none());
            return Ok((new.take(AT_ONCE).collect(), imports));
        }
        Choice::Named(names) => names,
    };
    if names.is_empty() || names.len() > AT_ONCE {
        let reason = format!("name 1 to {AT_ONCE} tools of the source");
        return Err(Error::invalid("tool_names", reason));
    }
    let (mut chosen, mut seen) = (Vec::new(), HashSet::new());
    for name in names.iter().filter(|name| seen.insert(*name)) {
        match tools.iter().find(|tool| tool.name == *name) {
            Some(tool) => chosen.push(tool),
            None => imports.skipped.push(Skipped {
                name: name.clone(),
                status: "skipped_not_found",
                reason:
                    "the source did not list it when it was asked last; discover its tools again"
                        .to_owned(),
            }),
        }
    }
    Ok((chosen, imports))
}

/// What a tool becomes here.
fn prepare(
    server: &Server,
    source: &ExternalSource,
    tool: &Found,
    taken: &mut HashSet<String>,
) -> std::result::Result<Content, Skipped> {
    let skipped = |status, reason| Skipped { name: tool.name.clone(), status, reason };
    if let Some(id) = tool.imported_as {
        return Err(skipped("skipped_conflict", format!("it is imported already, as tool {id}")));
    }
    if let Some(fault) = &tool.fault {
        return Err(skipped("skipped_invalid", fault.clone()));
    }
    let name = definition::local_name(server.prefix(), &source.name, &tool.name);
    if let Err(error) = names::check_tool(server.prefix(), &name) {
        let reason = format!("{error}; give the source or its server a shorter name");
        return Err(skipped("skipped_invalid", reason));
    }
    if !taken.insert(name.clone()) {
        let reason = format!(
            "server `{}` has a tool `{name}` already: rename that one, or the source",
            server.name
        );
        return Err(skipped("skipped_conflict", reason));
    }
    let base = Content {
        name,
        description: String::new(),
        kind: Kind::Tool,
        uri: None,
        imported: None,
        python_code: String::new(),
        timeout_ms: server.default_timeout_ms,
        timeout_inherited: true,
        capabilities: Capabilities::default(),
        input_schema: None,
        schema_given: true,
        output_schema: None,
        remarks: Vec::new(),
    };
    Ok(drift::content(base, source, &tool.definition))
}

async fn insert(
    transaction: &store::Transaction,
    who: &Who,
    (server, source): (&Server, &ExternalSource),
    content: Content,
) -> Result<(Tool, Revision)> {
    let origin = Origin {
        summary: format!("Imported from {}", source.name),
        source: "import",
        by: who.to_string(),
    };
    let (tool, revision) = crate::tools::insert(transaction, server.id, content, origin).await?;
    let event = Event::new("tool.created", &tool.name)
        .id(tool.id)
        .digest(&revision.digest)
        .with("server", server.name.clone())
        .with("source", source.name.clone())
        .with("source_tool", Value::from(source_name(&revision)));
    audit::record(transaction, Actor::from(who), event).await?;
    Ok((tool, revision))
}

fn source_name(revision: &Revision) -> String {
    revision.imported.as_ref().map(|imported| imported.name().to_owned()).unwrap_or_default()
}
