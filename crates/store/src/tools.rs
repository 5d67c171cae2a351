//! Tools: a name on a server, and which revision of it is live.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Func, Query, SubQueryStatement},
};
use uuid::Uuid;

pub use self::{
    approved::approved,
    entity::Model as Tool,
    imported::{ImportedFrom, imported},
    live::{
        LiveName, LiveTool, LiveUri, find_live, find_named, live_name_taken, live_names, live_of,
        live_uris,
    },
    naming::{SEPARATOR, public_name},
    sources::{SourceOf, SourceState, find_source, source_states, sources},
};
use crate::{
    Connection, Error, Listed, Page, Result, page,
    revisions::{self, Kind, Revision, State},
};

mod approved;
mod imported;
mod live;
mod naming;
mod sources;

pub(crate) mod entity {
    //! The table of tools.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A tool; its code is in its revisions.
    #[derive(Clone, Debug, PartialEq, Serialize, DeriveEntityModel)]
    #[sea_orm(table_name = "tools")]
    pub struct Model {
        /// A UUID of version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The server it belongs to.
        pub server_id: Uuid,
        /// Unique on its server.
        pub name: String,
        /// What it does, as last written; the live revision has its own.
        pub description: String,
        /// Whether a person lets it answer.
        pub enabled: bool,
        /// The approved revision that runs.
        pub live_revision: Option<Uuid>,
        /// Why it does not answer until a person has looked: it is imported, and its source has changed it.
        pub quarantine: Option<String>,
        /// When it was made.
        pub created_at: DateTime<Utc>,
        /// When it last changed.
        pub updated_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Adds a tool; [`Error::is_duplicate`] when its name is taken on its server.
pub async fn insert(db: &impl Connection, tool: &Tool) -> Result<()> {
    let row: entity::ActiveModel = tool.clone().into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The tool of that id.
pub async fn find(db: &impl Connection, id: Uuid) -> Result<Option<Tool>> {
    Ok(entity::Entity::find_by_id(id).one(&db.reader()).await?)
}

/// What lists show of a tool's newest revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Its id.
    pub id: Uuid,
    /// Counts from 1 within the tool.
    pub number: i32,
    /// What clients get of it.
    pub kind: Kind,
    /// Where clients read it, where it is a resource.
    pub uri: Option<String>,
    /// Where it stands.
    pub state: State,
    /// How long a call may take, in milliseconds; the server's default where there is none.
    pub timeout_ms: Option<i32>,
    /// Of which tool of an external source it is, where it is imported.
    pub imported: Option<ImportedFrom>,
}

impl From<&Revision> for Newest {
    fn from(revision: &Revision) -> Self {
        let Revision { id, number, kind, state, timeout_ms, .. } = *revision;
        let imported = revision.imported.as_ref().map(ImportedFrom::from);
        Self { id, number, kind, uri: revision.uri.clone(), state, timeout_ms, imported }
    }
}

/// How many tools a server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub all: u64,
    /// Those that clients can call while the server runs: approved and enabled.
    pub ready: u64,
}

/// The tools of a server in the order they were made, each with its newest revision. A tool without
/// a revision is not among them.
pub async fn list(
    db: &impl Connection,
    server_id: Uuid,
    page: Page,
) -> Result<Listed<(Tool, Newest)>> {
    use revisions::entity::{Column, Entity};
    let mut query = entity::Entity::find()
        .filter(entity::Column::ServerId.eq(server_id))
        .order_by_asc(entity::Column::CreatedAt)
        .order_by_asc(entity::Column::Id)
        .into_query();
    query
        .expr_as(Expr::col((Entity, Column::Id)), "newest_id")
        .expr_as(Expr::col((Entity, Column::Number)), "newest_number")
        .expr_as(Expr::col((Entity, Column::Kind)), "newest_kind")
        .expr_as(Expr::col((Entity, Column::Uri)), "newest_uri")
        .expr_as(Expr::col((Entity, Column::State)), "newest_state")
        .expr_as(Expr::col((Entity, Column::TimeoutMs)), "newest_timeout_ms")
        .expr_as(Expr::col((Entity, Column::Imported)), "newest_imported")
        .inner_join(Entity, is_newest_revision());
    page::listed(&db.reader(), query, page, |row| {
        let newest = Newest {
            id: row.try_get("", "newest_id")?,
            number: row.try_get("", "newest_number")?,
            kind: row.try_get("", "newest_kind")?,
            uri: row.try_get("", "newest_uri")?,
            state: row.try_get("", "newest_state")?,
            timeout_ms: row.try_get("", "newest_timeout_ms")?,
            imported: ImportedFrom::read(row.try_get("", "newest_imported")?),
        };
        Ok((Tool::from_query_result(row, "")?, newest))
    })
    .await
}

/// The names of a server's tools as last written, whatever became of them.
pub async fn names(db: &impl Connection, server_id: Uuid) -> Result<Vec<String>> {
    let found = entity::Entity::find()
        .select_only()
        .column(entity::Column::Name)
        .filter(entity::Column::ServerId.eq(server_id))
        .order_by_asc(entity::Column::Name);
    Ok(found.into_tuple().all(&db.reader()).await?)
}

/// How many tools a server has, or all servers together.
pub async fn count(db: &impl Connection, server_id: Option<Uuid>) -> Result<Counts> {
    let of = || {
        let all = entity::Entity::find();
        match server_id {
            Some(id) => all.filter(entity::Column::ServerId.eq(id)),
            None => all,
        }
    };
    let all = of().count(&db.reader()).await?;
    let ready = of()
        .filter(entity::Column::Enabled.eq(true))
        .filter(entity::Column::LiveRevision.is_not_null())
        .filter(entity::Column::Quarantine.is_null())
        .count(&db.reader())
        .await?;
    Ok(Counts { all, ready })
}

/// The tools of a server, oldest first.
pub async fn ids(db: &impl Connection, server_id: Uuid) -> Result<Vec<Uuid>> {
    let found = entity::Entity::find()
        .filter(entity::Column::ServerId.eq(server_id))
        .order_by_asc(entity::Column::CreatedAt)
        .order_by_asc(entity::Column::Id)
        .select_only()
        .column(entity::Column::Id);
    Ok(found.into_tuple().all(&db.reader()).await?)
}

/// Joins a tool to the one of its revisions that has the highest number.
fn is_newest_revision() -> Expr {
    use revisions::entity::{Column, Entity};
    let newest = Query::select()
        .expr(Func::max(Expr::col(("numbered", Column::Number))))
        .from_as(Entity, "numbered")
        .and_where(
            Expr::col(("numbered", Column::ToolId))
                .eq(Expr::col((entity::Entity, entity::Column::Id))),
        )
        .to_owned();
    Expr::col((Entity, Column::ToolId))
        .eq(Expr::col((entity::Entity, entity::Column::Id)))
        .and(Expr::col((Entity, Column::Number)).eq(Expr::from(SubQueryStatement::from(newest))))
}

/// Writes name, description, `enabled` and `updated_at`; which revision is live is
/// [`set_live`]'s. [`Error::is_duplicate`] when the name is taken on its server.
pub async fn update(db: &impl Connection, tool: &Tool) -> Result<()> {
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::Name, Expr::value(tool.name.as_str()))
        .col_expr(entity::Column::Description, Expr::value(tool.description.as_str()))
        .col_expr(entity::Column::Enabled, Expr::value(tool.enabled))
        .col_expr(entity::Column::UpdatedAt, Expr::value(tool.updated_at))
        .filter(entity::Column::Id.eq(tool.id))
        .exec(&db.writer())
        .await?;
    if changed.rows_affected == 0 {
        return Err(Error::Missing { noun: "tool", id: tool.id });
    }
    Ok(())
}

/// Makes `to` the live revision if `from` still is; whether it was.
pub async fn set_live(
    db: &impl Connection,
    tool_id: Uuid,
    from: Option<Uuid>,
    to: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<bool> {
    let is_from = match from {
        Some(from) => entity::Column::LiveRevision.eq(from),
        None => entity::Column::LiveRevision.is_null(),
    };
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::LiveRevision, Expr::value(to))
        .col_expr(entity::Column::UpdatedAt, Expr::value(at))
        .filter(entity::Column::Id.eq(tool_id))
        .filter(is_from)
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Writes why a tool does not answer until a person has looked, or that it does again; whether that
/// changed anything.
pub async fn set_quarantine(
    db: &impl Connection,
    id: Uuid,
    reason: Option<&str>,
    at: DateTime<Utc>,
) -> Result<bool> {
    let column = entity::Column::Quarantine;
    let differs = match reason {
        Some(reason) => Condition::any().add(column.is_null()).add(column.ne(reason)),
        None => Condition::all().add(column.is_not_null()),
    };
    let changed = entity::Entity::update_many()
        .col_expr(column, Expr::value(reason))
        .col_expr(entity::Column::UpdatedAt, Expr::value(at))
        .filter(entity::Column::Id.eq(id))
        .filter(differs)
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Removes a tool with its revisions and approvals; the execution log stays. Whether there was one.
pub async fn delete(db: &impl Connection, id: Uuid) -> Result<bool> {
    let deleted = entity::Entity::delete_by_id(id).exec(&db.writer()).await?;
    Ok(deleted.rows_affected == 1)
}
