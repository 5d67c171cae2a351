//! The tools that clients can call, and under which names.

use sea_orm::{
    Condition, ConnectionTrait, DbErr, FromQueryResult, QueryResult,
    sea_query::{Expr, ExprTrait, Func, JoinType, Order, Query, SelectStatement},
};
use uuid::Uuid;

use super::{
    entity::{Column as ToolColumn, Entity as Tools},
    naming::{public_name, spellings},
};
use crate::connection::sealed::Handles as _;
use crate::{
    Connection, Result, Transaction, changes, page,
    revisions::{
        Kind, Revision,
        entity::{Column as RevisionColumn, Entity as Revisions, Model as RevisionRow},
    },
    servers::{
        self, Status,
        entity::{Column as ServerColumn, Entity as Servers},
    },
};

/// An enabled tool of a running server, which its source did not change, with the approved revision that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveTool {
    /// Its server.
    pub server_id: Uuid,
    /// Its server's name.
    pub server_name: String,
    /// What the name begins with under which clients see it; empty for nothing.
    pub prefix: String,
    /// How long a call may take where the revision sets no limit, in milliseconds.
    pub default_timeout_ms: i32,
    /// The tool.
    pub tool_id: Uuid,
    /// What runs; its name is the one clients use.
    pub revision: Revision,
}

impl LiveTool {
    /// The name under which clients see it.
    pub fn public_name(&self) -> String {
        public_name(&self.prefix, &self.revision.name)
    }
}

/// The name of a tool that has a live revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveName {
    /// The tool.
    pub tool_id: Uuid,
    /// Its server.
    pub server_id: Uuid,
    /// Its server's prefix.
    pub prefix: String,
    /// Its live revision.
    pub revision_id: Uuid,
    /// The name of that.
    pub name: String,
    /// What clients get of it.
    pub kind: Kind,
    /// Whether it is enabled, its source did not change it, and its server runs.
    pub is_callable: bool,
}

impl LiveName {
    /// The name under which clients see it.
    pub fn public_name(&self) -> String {
        public_name(&self.prefix, &self.name)
    }
}

/// Where clients read a live resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveUri {
    /// The name of its live revision, with its server's prefix.
    pub name: LiveName,
    /// Its URI, or the template of it.
    pub uri: String,
}

/// Where clients read the resources that have a live revision, switched on or not, in no order.
pub async fn live_uris(db: &impl Connection) -> Result<Vec<LiveUri>> {
    let query = names()
        .expr_as(Expr::col((Revisions, RevisionColumn::Uri)), "live_uri")
        .and_where(Expr::col((Revisions, RevisionColumn::Kind)).eq(Kind::Resource))
        .and_where(Expr::col((Revisions, RevisionColumn::Uri)).is_not_null())
        .to_owned();
    let rows = db.reader().query_all(&query).await?;
    let read_uri = |row: &QueryResult| -> Result<_, DbErr> {
        Ok(LiveUri { name: read_name(row)?, uri: row.try_get("", "live_uri")? })
    };
    Ok(rows.iter().map(read_uri).collect::<Result<_, _>>()?)
}

/// The names of all tools that have a live revision, in no order.
pub async fn live_names(db: &impl Connection) -> Result<Vec<LiveName>> {
    let query = names();
    let rows = db.reader().query_all(&query).await?;
    Ok(rows.iter().map(read_name).collect::<Result<_, _>>()?)
}

/// Those of these tools that clients can call, in no order.
pub async fn live_of(db: &impl Connection, ids: &[Uuid]) -> Result<Vec<LiveTool>> {
    let mut query = live_tools();
    query.and_where(Expr::col((Tools, ToolColumn::Id)).is_in(ids.iter().copied()));
    let rows = db.reader().query_all(&query).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// The tool that clients call by that name, which is made of the live revision's.
pub async fn find_live(db: &impl Connection, public: &str) -> Result<Option<LiveTool>> {
    // A client can send what PostgreSQL cannot hold; no tool is called that.
    if public.contains('\0') {
        return Ok(None);
    }
    for (prefix, name) in spellings(public) {
        let mut query = live_tools();
        query
            .cond_where(servers::has_prefix(prefix))
            .and_where(Expr::col((Revisions, RevisionColumn::Name)).eq(name))
            .limit(1);
        if let Some(row) = db.reader().query_one(&query).await? {
            return Ok(Some(read(&row)?));
        }
    }
    Ok(None)
}

/// The tool that is called so, or would be once nothing is in its way: by its live revision's name,
/// and by its own where it has none.
pub async fn find_named(db: &impl Connection, public: &str) -> Result<Option<Uuid>> {
    if public.contains('\0') {
        return Ok(None);
    }
    for (prefix, name) in spellings(public) {
        let without = Condition::all()
            .add(Expr::col((Tools, ToolColumn::LiveRevision)).is_null())
            .add(Expr::col((Tools, ToolColumn::Name)).eq(name));
        let called = Expr::col((Revisions, RevisionColumn::Name)).eq(name);
        let query = Query::select()
            .expr_as(Expr::col((Tools, ToolColumn::Id)), "tool_id")
            .from(Tools)
            .inner_join(Servers, is_server())
            .join(JoinType::LeftJoin, Revisions, is_live_revision())
            .cond_where(servers::has_prefix(prefix))
            .cond_where(Condition::any().add(called).add(without))
            // One that was approved comes first.
            .order_by_expr(Expr::col((Tools, ToolColumn::LiveRevision)).is_null(), Order::Asc)
            .limit(1)
            .to_owned();
        if let Some(row) = db.reader().query_one(&query).await? {
            return Ok(Some(row.try_get("", "tool_id")?));
        }
    }
    Ok(None)
}

/// Whether clients would see the live revision of another tool, of any server, under the name that
/// they see `name` of this server under; switched on or not. What two transactions ask here, they
/// ask one after the other: so it comes after what else they write.
pub async fn live_name_taken(
    db: &Transaction,
    server_id: Uuid,
    name: &str,
    except_tool: Uuid,
) -> Result<bool> {
    changes::hold(db).await?;
    let Some(server) = servers::find(db, server_id).await? else { return Ok(false) };
    let public = public_name(server.prefix(), name);
    for (prefix, name) in spellings(&public) {
        let query = names()
            .cond_where(servers::has_prefix(prefix))
            .and_where(Expr::col((Revisions, RevisionColumn::Name)).eq(name))
            .and_where(Expr::col((Tools, ToolColumn::Id)).ne(except_tool))
            .limit(1)
            .to_owned();
        if db.reader().query_one(&query).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tools with their servers and live revisions, of which the names are selected.
fn names() -> SelectStatement {
    let prefix =
        [Expr::col((Servers, ServerColumn::ToolPrefix)), Expr::col((Servers, ServerColumn::Name))];
    Query::select()
        .expr_as(Expr::col((Tools, ToolColumn::Id)), "tool_id")
        .expr_as(Expr::col((Tools, ToolColumn::Enabled)), "enabled")
        .expr_as(Expr::col((Tools, ToolColumn::Quarantine)).is_null(), "is_trusted")
        .expr_as(Expr::col((Servers, ServerColumn::Id)), "server_id")
        .expr_as(Expr::col((Servers, ServerColumn::Name)), "server_name")
        .expr_as(Expr::col((Servers, ServerColumn::Status)), "server_status")
        .expr_as(Expr::from(Func::coalesce(prefix)), "prefix")
        .expr_as(Expr::col((Revisions, RevisionColumn::Id)), "live_id")
        .expr_as(Expr::col((Revisions, RevisionColumn::Name)), "live_name")
        .expr_as(Expr::col((Revisions, RevisionColumn::Kind)), "live_kind")
        .from(Tools)
        .inner_join(Servers, is_server())
        .inner_join(Revisions, is_live_revision())
        .to_owned()
}

fn live_tools() -> SelectStatement {
    let mut query = names();
    query
        .expr_as(Expr::col((Servers, ServerColumn::DefaultTimeoutMs)), "default_timeout_ms")
        .and_where(Expr::col((Servers, ServerColumn::Status)).eq(Status::Running))
        .and_where(Expr::col((Tools, ToolColumn::Enabled)).eq(true))
        .and_where(Expr::col((Tools, ToolColumn::Quarantine)).is_null());
    page::columns::<Revisions>(&mut query, "revision_");
    query
}

fn is_server() -> Expr {
    Expr::col((Servers, ServerColumn::Id)).eq(Expr::col((Tools, ToolColumn::ServerId)))
}

fn is_live_revision() -> Expr {
    Expr::col((Revisions, RevisionColumn::Id)).eq(Expr::col((Tools, ToolColumn::LiveRevision)))
}

fn read_name(row: &QueryResult) -> Result<LiveName, DbErr> {
    let status: Status = row.try_get("", "server_status")?;
    Ok(LiveName {
        tool_id: row.try_get("", "tool_id")?,
        server_id: row.try_get("", "server_id")?,
        prefix: row.try_get("", "prefix")?,
        revision_id: row.try_get("", "live_id")?,
        name: row.try_get("", "live_name")?,
        kind: row.try_get("", "live_kind")?,
        is_callable: status == Status::Running
            && row.try_get("", "enabled")?
            && row.try_get("", "is_trusted")?,
    })
}

fn read(row: &QueryResult) -> Result<LiveTool, DbErr> {
    let revision: Revision = RevisionRow::from_query_result(row, "revision_")?.into();
    Ok(LiveTool {
        server_id: row.try_get("", "server_id")?,
        server_name: row.try_get("", "server_name")?,
        prefix: row.try_get("", "prefix")?,
        default_timeout_ms: row.try_get("", "default_timeout_ms")?,
        tool_id: revision.tool_id,
        revision,
    })
}
