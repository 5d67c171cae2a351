//! Servers: named groups of tools that are started and stopped together.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, DeriveValueType, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
    sea_query::{Asterisk, Expr, ExprTrait, Func, Query, SubQueryStatement},
};
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr};
use uuid::Uuid;

pub use self::entity::Model as Server;
use crate::{Connection, Listed, Page, Result, page, tools};

pub(crate) mod entity {
    //! The table of servers.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    use super::Status;

    /// A named group of tools.
    #[derive(Clone, Debug, PartialEq, Serialize, DeriveEntityModel)]
    #[sea_orm(table_name = "servers")]
    pub struct Model {
        /// A UUID of version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Unique.
        pub name: String,
        /// What it is for, in its author's words.
        pub description: String,
        /// Whether its tools answer.
        pub status: Status,
        /// What the names begin with under which clients see its tools; its own name where there is
        /// none. Empty: they have no prefix.
        pub tool_prefix: Option<String>,
        /// How long a call may take where its tool sets no limit, in milliseconds.
        pub default_timeout_ms: i32,
        /// When it was made.
        pub created_at: DateTime<Utc>,
        /// When it or its status last changed.
        pub updated_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// What the names begin with under which clients see its tools; empty for none.
        pub fn prefix(&self) -> &str {
            self.tool_prefix.as_deref().unwrap_or(&self.name)
        }
    }
}

/// Whether a server's tools answer.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    DeriveValueType,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[sea_orm(value_type = "String")]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Made, never started.
    Imported,
    /// Its tools answer.
    Running,
    /// A person stopped it.
    Stopped,
    /// It could not be started.
    Error,
}

impl Status {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Adds a server; [`Error::is_duplicate`](crate::Error::is_duplicate) when its name is taken.
pub async fn insert(db: &impl Connection, server: &Server) -> Result<()> {
    let row: entity::ActiveModel = server.clone().into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The server of that id.
pub async fn find(db: &impl Connection, id: Uuid) -> Result<Option<Server>> {
    Ok(entity::Entity::find_by_id(id).one(&db.reader()).await?)
}

/// The server of exactly that name.
pub async fn find_by_name(db: &impl Connection, name: &str) -> Result<Option<Server>> {
    // A model can send what PostgreSQL cannot hold; no server is called that.
    if name.contains('\0') {
        return Ok(None);
    }
    let found = entity::Entity::find().filter(entity::Column::Name.eq(name));
    Ok(found.one(&db.reader()).await?)
}

/// Those of these servers that there still are.
pub async fn existing(db: &impl Connection, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let found = entity::Entity::find()
        .filter(entity::Column::Id.is_in(ids.iter().copied()))
        .all(&db.reader())
        .await?;
    Ok(found.into_iter().map(|server| server.id).collect())
}

/// The servers in the order they were made, each with the number of its tools.
pub async fn list(db: &impl Connection, page: Page) -> Result<Listed<(Server, u64)>> {
    let tool_count = Query::select()
        .expr(Func::count(Expr::col(Asterisk)))
        .from(tools::entity::Entity)
        .and_where(
            Expr::col((tools::entity::Entity, tools::entity::Column::ServerId))
                .eq(Expr::col((entity::Entity, entity::Column::Id))),
        )
        .to_owned();
    let query = entity::Entity::find()
        .expr_as(Expr::from(SubQueryStatement::from(tool_count)), "tool_count")
        .order_by_asc(entity::Column::CreatedAt)
        .order_by_asc(entity::Column::Id)
        .into_query();
    page::listed(&db.reader(), query, page, |row| {
        let tools: i64 = row.try_get("", "tool_count")?;
        Ok((Server::from_query_result(row, "")?, u64::try_from(tools).unwrap_or_default()))
    })
    .await
}

/// Another server under whose prefix clients see its tools, be it its own or its name.
pub async fn find_other_by_prefix(
    db: &impl Connection,
    prefix: &str,
    except: Uuid,
) -> Result<Option<Server>> {
    let found = entity::Entity::find()
        .filter(has_prefix(prefix))
        .filter(entity::Column::Id.ne(except))
        .order_by_asc(entity::Column::Id);
    Ok(found.one(&db.reader()).await?)
}

/// Whether that is the prefix of a server. Spelled out rather than computed, for the indexes' sake.
pub(crate) fn has_prefix(prefix: &str) -> Condition {
    use entity::{Column, Entity};
    let by_name = Condition::all()
        .add(Expr::col((Entity, Column::ToolPrefix)).is_null())
        .add(Expr::col((Entity, Column::Name)).eq(prefix));
    Condition::any().add(Expr::col((Entity, Column::ToolPrefix)).eq(prefix)).add(by_name)
}

/// Writes name, description, prefix and `updated_at` if nothing of the server changed since
/// `seen`; whether nothing had. [`Error::is_duplicate`](crate::Error::is_duplicate) when the name
/// is taken.
pub async fn update(db: &impl Connection, server: &Server, seen: DateTime<Utc>) -> Result<bool> {
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::Name, Expr::value(server.name.as_str()))
        .col_expr(entity::Column::Description, Expr::value(server.description.as_str()))
        .col_expr(entity::Column::ToolPrefix, Expr::value(server.tool_prefix.clone()))
        .col_expr(entity::Column::DefaultTimeoutMs, Expr::value(server.default_timeout_ms))
        .col_expr(entity::Column::UpdatedAt, Expr::value(server.updated_at))
        .filter(entity::Column::Id.eq(server.id))
        .filter(entity::Column::UpdatedAt.eq(seen))
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Sets the status if it is one of `from`; whether it was.
pub async fn set_status(
    db: &impl Connection,
    id: Uuid,
    from: &[Status],
    to: Status,
    at: DateTime<Utc>,
) -> Result<bool> {
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::Status, Expr::value(to))
        .col_expr(entity::Column::UpdatedAt, Expr::value(at))
        .filter(entity::Column::Id.eq(id))
        .filter(entity::Column::Status.is_in(from.iter().copied()))
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Removes a server with its tools, their revisions and approvals; the execution log stays. Whether
/// there was one.
pub async fn delete(db: &impl Connection, id: Uuid) -> Result<bool> {
    let deleted = entity::Entity::delete_by_id(id).exec(&db.writer()).await?;
    Ok(deleted.rows_affected == 1)
}
