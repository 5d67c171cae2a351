//! The tools that clients can call.

use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult, QueryResult,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use uuid::Uuid;

use super::entity::{Column as ToolColumn, Entity as Tools};
use crate::{
    Connection, Result, page,
    revisions::{
        Revision,
        entity::{Column as RevisionColumn, Entity as Revisions, Model as RevisionRow},
    },
    servers::{
        Status,
        entity::{Column as ServerColumn, Entity as Servers},
    },
};

/// An enabled tool of a running server, with the approved revision that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveTool {
    /// Its server.
    pub server_id: Uuid,
    /// Its server's name.
    pub server_name: String,
    /// How long a call may take where the revision sets no limit, in milliseconds.
    pub default_timeout_ms: i32,
    /// The tool.
    pub tool_id: Uuid,
    /// What runs; its name is the one clients use.
    pub revision: Revision,
}

/// All tools that clients can call, by server name and tool name.
pub async fn live(db: &impl Connection) -> Result<Vec<LiveTool>> {
    let rows = db.reader().query_all(&live_tools()).await?;
    let mut tools: Vec<LiveTool> = rows.iter().map(read).collect::<Result<_, _>>()?;
    // Sorted here, because the databases differ in what comes first.
    tools.sort_by(|a, b| {
        (&a.server_name, &a.revision.name, a.tool_id).cmp(&(
            &b.server_name,
            &b.revision.name,
            b.tool_id,
        ))
    });
    Ok(tools)
}

/// The tool that a client calls by these names; `tool_name` is the live revision's.
pub async fn find_live(
    db: &impl Connection,
    server_name: &str,
    tool_name: &str,
) -> Result<Option<LiveTool>> {
    // A client can send what PostgreSQL cannot hold; no tool is called that.
    if server_name.contains('\0') || tool_name.contains('\0') {
        return Ok(None);
    }
    let mut query = live_tools();
    query
        .and_where(Expr::col((Servers, ServerColumn::Name)).eq(server_name))
        .and_where(Expr::col((Revisions, RevisionColumn::Name)).eq(tool_name))
        .limit(1);
    let row = db.reader().query_one(&query).await?;
    Ok(row.as_ref().map(read).transpose()?)
}

/// Whether the live revision of another tool of that server has that name, switched on or not.
pub async fn live_name_taken(
    db: &impl Connection,
    server_id: Uuid,
    name: &str,
    except_tool: Uuid,
) -> Result<bool> {
    let query = Query::select()
        .expr(Expr::col((Tools, ToolColumn::Id)))
        .from(Tools)
        .inner_join(Revisions, is_live_revision())
        .and_where(Expr::col((Tools, ToolColumn::ServerId)).eq(server_id))
        .and_where(Expr::col((Tools, ToolColumn::Id)).ne(except_tool))
        .and_where(Expr::col((Revisions, RevisionColumn::Name)).eq(name))
        .limit(1)
        .to_owned();
    Ok(db.reader().query_one(&query).await?.is_some())
}

fn live_tools() -> SelectStatement {
    let mut query = Query::select();
    query
        .expr_as(Expr::col((Servers, ServerColumn::Id)), "server_id")
        .expr_as(Expr::col((Servers, ServerColumn::Name)), "server_name")
        .expr_as(Expr::col((Servers, ServerColumn::DefaultTimeoutMs)), "default_timeout_ms")
        .from(Tools)
        .inner_join(
            Servers,
            Expr::col((Servers, ServerColumn::Id)).eq(Expr::col((Tools, ToolColumn::ServerId))),
        )
        .inner_join(Revisions, is_live_revision())
        .and_where(Expr::col((Servers, ServerColumn::Status)).eq(Status::Running))
        .and_where(Expr::col((Tools, ToolColumn::Enabled)).eq(true));
    page::columns::<Revisions>(&mut query, "revision_");
    query
}

fn is_live_revision() -> Expr {
    Expr::col((Revisions, RevisionColumn::Id)).eq(Expr::col((Tools, ToolColumn::LiveRevision)))
}

fn read(row: &QueryResult) -> Result<LiveTool, DbErr> {
    let revision: Revision = RevisionRow::from_query_result(row, "revision_")?.into();
    Ok(LiveTool {
        server_id: row.try_get("", "server_id")?,
        server_name: row.try_get("", "server_name")?,
        default_timeout_ms: row.try_get("", "default_timeout_ms")?,
        tool_id: revision.tool_id,
        revision,
    })
}
