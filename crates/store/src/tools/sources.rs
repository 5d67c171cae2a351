//! The source texts of tools by the names of server and tool.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Func},
};
use uuid::Uuid;

use super::entity;
use crate::{
    Connection, Result,
    revisions::entity::{Column as RevisionColumn, Entity as Revisions},
    servers::entity::{Column as ServerColumn, Entity as Servers},
};

/// A tool that has a source, which is in its revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceOf {
    /// The tool.
    pub tool_id: Uuid,
    /// The name of its server.
    pub server_name: String,
    /// Its own name.
    pub tool_name: String,
    /// What it does, as last written.
    pub description: String,
}

/// How far a tool's source has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// The tool.
    pub source: SourceOf,
    /// The number of its newest revision.
    pub newest: i32,
    /// Its live revision.
    pub live: Option<Uuid>,
}

/// How far the sources of all tools have come, in the order of the names of server and tool.
pub async fn source_states(db: &impl Connection) -> Result<Vec<SourceState>> {
    use entity::Column;
    let mut query = entity::Entity::find()
        .select_only()
        .columns([Column::Id, Column::Name, Column::Description, Column::LiveRevision])
        .order_by_asc(Expr::col((Servers, ServerColumn::Name)))
        .order_by_asc(Column::Name)
        .into_query();
    let of_tool =
        Expr::col((Revisions, RevisionColumn::ToolId)).eq(Expr::col((entity::Entity, Column::Id)));
    query
        .expr_as(Expr::col((Servers, ServerColumn::Name)), "server_name")
        .expr_as(Func::max(Expr::col((Revisions, RevisionColumn::Number))), "newest")
        .inner_join(Servers, is_server())
        .inner_join(Revisions, of_tool)
        .group_by_col((entity::Entity, Column::Id))
        .group_by_col((Servers, ServerColumn::Name));
    let rows = db.reader().query_all(&query).await?;
    let read_state = |row: &QueryResult| -> Result<_, DbErr> {
        let (newest, live) = (row.try_get("", "newest")?, row.try_get("", "live_revision")?);
        Ok(SourceState { source: read(row)?, newest, live })
    };
    Ok(rows.iter().map(read_state).collect::<Result<_, _>>()?)
}

/// Tools in the order of the names of server and tool, at most so many: the first, or those behind the
/// one of these names, which need not be there any more.
pub async fn sources(
    db: &impl Connection,
    after: Option<(&str, &str)>,
    most: u64,
) -> Result<Vec<SourceOf>> {
    let server_name = || Expr::col((Servers, ServerColumn::Name));
    let mut query = entity::Entity::find()
        .order_by_asc(server_name())
        .order_by_asc(entity::Column::Name)
        .limit(most)
        .into_query();
    query.expr_as(server_name(), "server_name").inner_join(Servers, is_server());
    if let Some((server, tool)) = after {
        let behind_on_it = server_name().eq(server).and(entity::Column::Name.gt(tool));
        query.and_where(server_name().gt(server).or(behind_on_it));
    }
    let rows = db.reader().query_all(&query).await?;
    Ok(rows.iter().map(read).collect::<Result<_, DbErr>>()?)
}

fn read(row: &QueryResult) -> Result<SourceOf, DbErr> {
    Ok(SourceOf {
        tool_id: row.try_get("", "id")?,
        server_name: row.try_get("", "server_name")?,
        tool_name: row.try_get("", "name")?,
        description: row.try_get("", "description")?,
    })
}

/// The tool of that name on the server of that name.
pub async fn find_source(
    db: &impl Connection,
    server_name: &str,
    tool_name: &str,
) -> Result<Option<Uuid>> {
    // A client can send what PostgreSQL cannot hold; nothing is called that.
    if server_name.contains('\0') || tool_name.contains('\0') {
        return Ok(None);
    }
    let mut query = entity::Entity::find()
        .select_only()
        .column(entity::Column::Id)
        .filter(entity::Column::Name.eq(tool_name))
        .into_query();
    query
        .inner_join(Servers, is_server())
        .and_where(Expr::col((Servers, ServerColumn::Name)).eq(server_name));
    let row = db.reader().query_one(&query).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?)
}

fn is_server() -> Expr {
    Expr::col((Servers, ServerColumn::Id)).eq(Expr::col((entity::Entity, entity::Column::ServerId)))
}
