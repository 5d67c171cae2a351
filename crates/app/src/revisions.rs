//! Revisions in the making: what one is made of, how the next takes the place of the newest.

pub(crate) mod following;

use serde_json::{Value, json};
use store::Transaction;
pub use store::revisions::{Imported, Kind, Revision, State};
use store::tools::Tool;
use uuid::Uuid;

use crate::capabilities::Capabilities;
use crate::identity::Who;
use crate::servers::Server;
use crate::{App, Error, Result, clock, digest, drafts, names, signature};

/// The bounds of a tool's wall-clock limit, in milliseconds.
pub const TIMEOUT_MS: std::ops::RangeInclusive<i32> = 1_000..=300_000;

/// The part of a revision that its author writes, or that the sandbox reads from the source.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) kind: Kind,
    pub(crate) uri: Option<String>,
    pub(crate) imported: Option<Imported>,
    pub(crate) python_code: String,
    pub(crate) timeout_ms: i32,
    pub(crate) timeout_inherited: bool,
    pub(crate) capabilities: Capabilities,
    pub(crate) input_schema: Option<Value>,
    /// Whether its author wrote that schema, so that reading the source leaves it.
    pub(crate) schema_given: bool,
    pub(crate) output_schema: Option<Value>,
    pub(crate) remarks: Vec<String>,
}

/// The method of the protocol by which clients have one run.
pub(crate) const fn method(kind: Kind) -> &'static str {
    match kind {
        Kind::Tool => "tools/call",
        Kind::Prompt => "prompts/get",
        Kind::Resource => "resources/read",
    }
}

/// How a revision came about.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// What is different, in words.
    pub(crate) summary: String,
    /// `manual`, `llm`, `rollback`, `import`, or `grant` for what a person's decision made.
    pub(crate) source: &'static str,
    /// Who made it.
    pub(crate) by: String,
}

impl Origin {
    /// An edit.
    pub(crate) fn edit(who: &Who, summary: String) -> Self {
        let source = if who.is_admin() { "manual" } else { "llm" };
        Self { summary, source, by: who.to_string() }
    }
}

impl Content {
    /// What a revision consists of.
    pub(crate) fn of(revision: &Revision, server: &Server) -> Self {
        Self {
            name: revision.name.clone(),
            description: revision.description.clone(),
            kind: revision.kind,
            uri: revision.uri.clone(),
            imported: revision.imported.clone(),
            python_code: revision.python_code.clone(),
            timeout_ms: revision.timeout_ms.unwrap_or(server.default_timeout_ms),
            timeout_inherited: revision.timeout_inherited,
            capabilities: Capabilities::of(revision),
            input_schema: Some(revision.input_schema.clone()),
            schema_given: revision.schema_given,
            output_schema: revision.output_schema.clone(),
            remarks: revision.remarks.clone(),
        }
    }

    /// Reads source; only what can run, and fits the rest of the content, is taken. Returns what its
    /// docstring says.
    pub(crate) async fn read(
        &mut self,
        app: &App,
        server_id: Uuid,
        source: String,
    ) -> Result<Option<String>> {
        let (inspection, capabilities) =
            Box::pin(drafts::require_runnable(app, server_id, &source)).await?;
        signature::check(self, &inspection)?;
        self.python_code = source;
        self.capabilities = capabilities;
        if !self.schema_given {
            self.input_schema = inspection.input_schema;
        }
        // Only tools promise structured results.
        self.output_schema = inspection.output_schema.filter(|_| self.kind == Kind::Tool);
        self.remarks = inspection.notes;
        Ok(inspection.doc)
    }

    /// Refuses a name, a description or a limit that no tool can have.
    pub(crate) fn check(&self, server: &Server) -> Result<()> {
        // What a source says of its tool is bounded where it is taken over.
        let description = match &self.imported {
            Some(_) => Ok(()),
            None => names::check_description(&self.description),
        };
        Error::together([
            names::check_tool(server.prefix(), &self.name),
            description,
            check_timeout("timeout_ms", self.timeout_ms),
        ])
    }

    /// A revision of this, as a draft.
    pub(crate) fn into_revision(self, tool_id: Uuid, number: i32, origin: Origin) -> Revision {
        let mut revision = Revision {
            id: Uuid::now_v7(),
            tool_id,
            number,
            digest: String::new(),
            name: self.name,
            description: self.description,
            kind: self.kind,
            uri: self.uri,
            imported: self.imported,
            python_code: self.python_code,
            timeout_ms: Some(self.timeout_ms),
            timeout_inherited: self.timeout_inherited,
            capabilities: self.capabilities.to_value(),
            input_schema: self.input_schema.unwrap_or_else(|| json!({"type": "object"})),
            schema_given: self.schema_given,
            output_schema: self.output_schema,
            remarks: self.remarks,
            state: State::Draft,
            change_summary: origin.summary,
            change_source: origin.source.to_owned(),
            created_by: origin.by,
            created_at: clock::now(),
            requested_at: None,
            requested_by: None,
            notes: None,
            decided_at: None,
            decided_by: None,
            rejection_reason: None,
        };
        revision.digest = digest::of(&revision);
        revision
    }
}

/// Refuses a wall-clock limit that no tool can have.
pub(crate) fn check_timeout(field: &'static str, timeout_ms: i32) -> Result<()> {
    if TIMEOUT_MS.contains(&timeout_ms) {
        return Ok(());
    }
    let (least, most) = (TIMEOUT_MS.start(), TIMEOUT_MS.end());
    Err(Error::invalid(field, format!("{timeout_ms} is outside {least} to {most}")))
}

/// Adds `next` behind `newest`, which can then no more be decided about. An approved one stays what
/// it is.
///
/// # Errors
/// [`Error::Conflict`] if there is a newer one already.
pub(crate) async fn append(
    transaction: &Transaction,
    newest: &Revision,
    next: &Revision,
) -> Result<()> {
    let superseded = Revision { state: State::Superseded, ..newest.clone() };
    let open = [State::Draft, State::PendingReview, State::Rejected];
    store::revisions::transition(transaction, newest.id, &open, &superseded).await?;
    store::revisions::insert(transaction, next)
        .await
        .map_err(|error| if error.is_duplicate() { changed_meanwhile() } else { error.into() })
}

/// Puts a changed copy of the live revision into its place, approved by whoever decided what made it
/// necessary. What came after the live one follows it under a new number, as it was.
pub(crate) async fn replace_live(
    transaction: &Transaction,
    tool: &Tool,
    live: &Revision,
    content: Content,
    origin: Origin,
) -> Result<Revision> {
    let newest = newest(transaction, tool.id).await?;
    let by = origin.by.clone();
    let made = content.into_revision(tool.id, newest.number + 1, origin);
    let made = Revision {
        state: State::Approved,
        decided_at: Some(made.created_at),
        decided_by: Some(by),
        ..made
    };
    append(transaction, &newest, &made).await?;
    retire(transaction, live.id).await?;
    let at = made.created_at;
    if !store::tools::set_live(transaction, tool.id, Some(live.id), Some(made.id), at).await? {
        return Err(changed_meanwhile());
    }
    if newest.id != live.id && is_open(newest.state) {
        let again = Revision { id: Uuid::now_v7(), number: made.number + 1, ..newest };
        append(transaction, &made, &again).await?;
    }
    Ok(made)
}

/// Marks a revision that another one has taken the place of.
pub(crate) async fn retire(transaction: &Transaction, id: Uuid) -> Result<()> {
    if let Some(old) = store::revisions::find(transaction, id).await? {
        let superseded = Revision { state: State::Superseded, ..old };
        store::revisions::transition(transaction, id, &[State::Approved], &superseded).await?;
    }
    Ok(())
}

/// Whether a revision still can be decided about, or changed into one that can.
pub(crate) fn is_open(state: State) -> bool {
    matches!(state, State::Draft | State::PendingReview | State::Rejected)
}

/// The newest revision of a tool.
pub(crate) async fn newest(db: &impl store::Connection, tool_id: Uuid) -> Result<Revision> {
    let found = store::revisions::newest(db, tool_id).await?;
    found.ok_or_else(|| Error::not_found("Tool", &tool_id))
}

/// What somebody is told whose change came second.
pub(crate) fn changed_meanwhile() -> Error {
    Error::Conflict(
        "the tool was changed at the same time by somebody else; look at it again and repeat"
            .to_owned(),
    )
}

/// Whether a schema is another one than that of a revision. The order of its keys counts: clients get it.
pub(crate) fn schemas_differ(old: &Revision, schema: &Value, given: bool) -> bool {
    let [before, after] = [&old.input_schema, schema].map(Value::to_string);
    old.schema_given != given || before != after
}

/// What an imported tool is at its source; the order of keys counts, as clients get it.
fn definition(revision: &Revision) -> Option<(Uuid, String)> {
    let Imported { source_id, definition } = revision.imported.as_ref()?;
    Some((*source_id, definition.to_string()))
}

/// The fields in which two revisions differ, by the names that people read.
pub fn differing(old: &Revision, new: &Revision) -> Vec<&'static str> {
    let fields = [
        ("name", old.name != new.name),
        ("description", old.description != new.description),
        ("uri", old.uri != new.uri),
        ("code", old.python_code != new.python_code),
        ("definition at its source", definition(old) != definition(new)),
        ("timeout", old.timeout_ms != new.timeout_ms),
        ("capabilities", old.capabilities != new.capabilities),
        ("input schema", schemas_differ(old, &new.input_schema, new.schema_given)),
        ("output schema", old.output_schema != new.output_schema),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
