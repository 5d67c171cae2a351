//! Calls: the execution log; rows are added, never changed, and outlive the tool that was called.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, sea_query::Expr,
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Connection, Listed, Page, Result, Store, page,
    revisions::Kind,
    search::{contains, storable},
};

pub(crate) mod entity;
pub(crate) mod writer;

/// One run of a revision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// A UUID of version 7.
    pub id: Uuid,
    /// The server the tool was on.
    pub server_id: Uuid,
    /// The tool.
    pub tool_id: Uuid,
    /// The revision that ran.
    pub revision_id: Uuid,
    /// The digest of what ran.
    pub digest: String,
    /// The name it was called by, `server__tool`.
    pub tool_name: String,
    /// What was called: a tool, a prompt that was asked for, a resource that was read.
    pub kind: Kind,
    /// Who called.
    pub caller: String,
    /// Whether it was a test rather than a client's call.
    pub is_test: bool,
    /// What it was called with; the keys keep their order.
    pub arguments: Value,
    /// What it returned.
    pub result: Option<Value>,
    /// The HTTP requests it made, in order: an array of objects with `method`, `url` (without the
    /// values of its query), `status`, `sent_bytes`, `received_bytes`, `duration_us`, and where they
    /// apply `redirects` (objects with `status` and `url`) and `error`. Among them, what it asked its
    /// client: `asked` (what for), `key`, `outcome` and `duration_us`. Of very many the last object
    /// tells how many `more` there were.
    pub requests: Value,
    /// What a test asked for and was refused: an array of objects with `kind` (`module`, `host` or
    /// `secret`) and `name`. Empty for other calls.
    pub refused: Value,
    /// What it printed; a null character is kept as `␀`.
    pub stdout: String,
    /// Why it failed; a null character is kept as `␀`.
    pub error: Option<String>,
    /// What kind of failure.
    pub error_kind: Option<String>,
    /// Whether it returned no error.
    pub success: bool,
    /// How long it ran, in microseconds.
    pub duration_us: i64,
    /// When it was called.
    pub created_at: DateTime<Utc>,
}

/// Which calls to list; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Calls of this tool.
    pub tool_id: Option<Uuid>,
    /// Calls of this server's tools.
    pub server_id: Option<Uuid>,
    /// Calls of tools with this in their name, in upper or lower case.
    pub tool_name_contains: Option<String>,
    /// Calls that returned, or calls that failed.
    pub success: Option<bool>,
    /// Calls of exactly this caller.
    pub caller: Option<String>,
    /// Calls of this revision.
    pub revision_id: Option<Uuid>,
    /// Tests, or calls of clients.
    pub is_test: Option<bool>,
}

/// Adds a call to the log and returns once it is kept: it then survives the death of every process
/// here. Calls that arrive together are written together; each gets its own answer.
///
/// It is kept as well when nobody waits for that. To be called within a Tokio runtime.
pub fn record(store: &Store, call: Call) -> impl Future<Output = Result<()>> + Send + use<> {
    store.call_writer().record(call.into())
}

/// The call of that id.
pub async fn find(db: &impl Connection, id: Uuid) -> Result<Option<Call>> {
    let found = entity::Entity::find_by_id(id).one(&db.reader()).await?;
    Ok(found.map(Call::from))
}

/// The calls that pass the filter, newest first.
pub async fn list(db: &impl Connection, filter: &Filter, page: Page) -> Result<Listed<Call>> {
    let query = entity::Entity::find()
        .filter(condition(filter))
        .order_by_desc(entity::Column::CreatedAt)
        .order_by_desc(entity::Column::Id)
        .into_query();
    page::listed(&db.reader(), query, page, |row| {
        entity::Model::from_query_result(row, "").map(Call::from)
    })
    .await
}

/// Removes calls from before `end`, the oldest first and at most so many; how many.
pub async fn delete_before(db: &impl Connection, end: DateTime<Utc>, most: u64) -> Result<u64> {
    use entity::Column;
    let oldest = entity::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::CreatedAt.lt(end))
        .order_by_asc(Column::CreatedAt)
        .limit(most)
        .into_query();
    let chosen = entity::Entity::delete_many().filter(Column::Id.in_subquery(oldest));
    Ok(chosen.exec(&db.writer()).await?.rows_affected)
}

fn condition(filter: &Filter) -> Condition {
    use entity::Column;
    let name = filter
        .tool_name_contains
        .as_deref()
        .map(|part| contains(Expr::col((entity::Entity, Column::ToolName)), part));
    Condition::all()
        .add_option(filter.tool_id.map(|id| Column::ToolId.eq(id)))
        .add_option(filter.server_id.map(|id| Column::ServerId.eq(id)))
        .add_option(name)
        .add_option(filter.success.map(|success| Column::Success.eq(success)))
        .add_option(filter.revision_id.map(|id| Column::RevisionId.eq(id)))
        .add_option(filter.is_test.map(|is_test| Column::IsTest.eq(is_test)))
        .add_option(filter.caller.clone().map(|caller| Column::Caller.eq(storable(caller))))
}
