//! Sessions of clients at the MCP door, of the protocol revisions that have them.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

pub use self::entity::Model as ClientSession;
use crate::{Connection, Json, Result};

mod entity {
    //! The table of clients' sessions.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use crate::Json;

    /// A session that a client has opened.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "client_sessions")]
    pub struct Model {
        /// SHA-256 of its id, in hex.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id_hash: String,
        /// The token that it was opened with.
        pub owner: Option<Uuid>,
        /// The revision of the protocol.
        pub protocol_version: String,
        /// What the client calls itself.
        pub client: Option<String>,
        /// What it can be asked.
        pub abilities: Json,
        /// From which level on it wants to hear what tools log.
        pub log_level: Option<String>,
        /// The URIs of the resources of whose changes it wants to hear.
        pub subscriptions: Json,
        /// When it was opened.
        pub created_at: DateTime<Utc>,
        /// When it was last used, to the minute.
        pub used_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Adds a session.
pub async fn insert(db: &impl Connection, session: ClientSession) -> Result<()> {
    let row: entity::ActiveModel = session.into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The session of that hash.
pub async fn find(db: &impl Connection, id_hash: &str) -> Result<Option<ClientSession>> {
    Ok(entity::Entity::find_by_id(id_hash).one(&db.reader()).await?)
}

/// Notes that a session is in use; whether there is one.
pub async fn touch(db: &impl Connection, id_hash: &str, now: DateTime<Utc>) -> Result<bool> {
    let touched = entity::Entity::update_many()
        .col_expr(entity::Column::UsedAt, Expr::val(now))
        .filter(entity::Column::IdHash.eq(id_hash))
        .exec(&db.writer())
        .await?;
    Ok(touched.rows_affected == 1)
}

/// Sets what a client wants to hear of; whether there is such a session.
pub async fn set_wishes(
    db: &impl Connection,
    id_hash: &str,
    log_level: Option<&str>,
    subscriptions: Json,
) -> Result<bool> {
    let set = entity::Entity::update_many()
        .col_expr(entity::Column::LogLevel, Expr::val(log_level.map(str::to_owned)))
        .col_expr(entity::Column::Subscriptions, Expr::val(subscriptions.to_string()))
        .filter(entity::Column::IdHash.eq(id_hash))
        .exec(&db.writer())
        .await?;
    Ok(set.rows_affected == 1)
}

/// Ends a session; whether there was one.
pub async fn delete(db: &impl Connection, id_hash: &str) -> Result<bool> {
    let deleted = entity::Entity::delete_by_id(id_hash).exec(&db.writer()).await?;
    Ok(deleted.rows_affected == 1)
}

/// Ends the sessions that were not used since `idle`, and those not used at all that were opened
/// before `unused`; how many.
pub async fn delete_idle(
    db: &impl Connection,
    idle: DateTime<Utc>,
    unused: DateTime<Utc>,
) -> Result<u64> {
    use entity::Column;
    let is_unused = Expr::col(Column::UsedAt).eq(Expr::col(Column::CreatedAt));
    let never = Column::CreatedAt.lt(unused).and(is_unused);
    let deleted = entity::Entity::delete_many()
        .filter(Column::UsedAt.lt(idle).or(never))
        .exec(&db.writer())
        .await?;
    Ok(deleted.rows_affected)
}

/// Ends the sessions that were not used for longest, so that `most` are left; how many ended.
pub async fn keep_newest(db: &impl Connection, most: u64) -> Result<u64> {
    use entity::Column;
    let count = entity::Entity::find().count(&db.reader()).await?;
    let Some(surplus) = count.checked_sub(most).filter(|surplus| *surplus > 0) else {
        return Ok(0);
    };
    let oldest: Vec<String> = entity::Entity::find()
        .select_only()
        .column(Column::IdHash)
        .order_by_asc(Column::UsedAt)
        .limit(surplus)
        .into_tuple()
        .all(&db.reader())
        .await?;
    let deleted = entity::Entity::delete_many()
        .filter(Column::IdHash.is_in(oldest))
        .exec(&db.writer())
        .await?;
    Ok(deleted.rows_affected)
}
