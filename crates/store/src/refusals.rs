//! Refusals: where tools tried to go and were not let; the newest for each server.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

pub use self::entity::Model as Refusal;
use crate::{Connection, Result};

/// So many are kept for each server.
pub const KEPT: u64 = 200;

mod entity {
    //! The table of refusals.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A host that a tool tried to reach, once or more often.
    #[derive(Clone, Debug, PartialEq, Serialize, DeriveEntityModel)]
    #[sea_orm(table_name = "refusals")]
    pub struct Model {
        /// The server of the tool.
        #[sea_orm(primary_key, auto_increment = false)]
        pub server_id: Uuid,
        /// The name the tool was called by, `server__tool`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tool_name: String,
        /// The host.
        #[sea_orm(primary_key, auto_increment = false)]
        pub host: String,
        /// The port.
        #[sea_orm(primary_key, auto_increment = false)]
        pub port: i32,
        /// The sentence the tool got.
        pub reason: String,
        /// How often.
        pub count: i64,
        /// The last time.
        pub last_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Adds to what is known of a server's tools, and forgets what is oldest.
pub async fn record(db: &impl Connection, refusals: Vec<Refusal>) -> Result<()> {
    use entity::Column;
    let Some(server_id) = refusals.first().map(|refusal| refusal.server_id) else {
        return Ok(());
    };
    for refusal in refusals {
        let count = Expr::col((entity::Entity, Column::Count)).add(refusal.count);
        let again =
            OnConflict::columns([Column::ServerId, Column::ToolName, Column::Host, Column::Port])
                .update_columns([Column::Reason, Column::LastAt])
                .value(Column::Count, count)
                .to_owned();
        let row: entity::ActiveModel = refusal.into();
        entity::Entity::insert(row).on_conflict(again).exec_without_returning(&db.writer()).await?;
    }
    let oldest = entity::Entity::find()
        .filter(Column::ServerId.eq(server_id))
        .order_by_desc(Column::LastAt)
        .offset(KEPT)
        .limit(1)
        .one(&db.writer())
        .await?;
    if let Some(oldest) = oldest {
        entity::Entity::delete_many()
            .filter(Column::ServerId.eq(server_id))
            .filter(Column::LastAt.lte(oldest.last_at))
            .exec(&db.writer())
            .await?;
    }
    Ok(())
}

/// Forgets what was refused for the last time before `end`; how many.
pub async fn delete_before(db: &impl Connection, end: DateTime<Utc>) -> Result<u64> {
    let old = entity::Entity::delete_many().filter(entity::Column::LastAt.lt(end));
    Ok(old.exec(&db.writer()).await?.rows_affected)
}

/// What the tools of a server were refused, newest first.
pub async fn list(db: &impl Connection, server_id: Uuid) -> Result<Vec<Refusal>> {
    use entity::Column;
    let found = entity::Entity::find()
        .filter(Column::ServerId.eq(server_id))
        .order_by_desc(Column::LastAt)
        .order_by_asc(Column::Host)
        .order_by_asc(Column::Port)
        .order_by_asc(Column::ToolName)
        .limit(KEPT);
    Ok(found.all(&db.reader()).await?)
}
