//! Approvals: what people decided about revisions; rows are added, never changed.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

pub use self::entity::Model as Approval;
use crate::{Connection, Result};

mod entity {
    //! The table of approvals.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// One decision.
    #[derive(Clone, Debug, PartialEq, Serialize, DeriveEntityModel)]
    #[sea_orm(table_name = "approvals")]
    pub struct Model {
        /// A UUID of version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The tool.
        pub tool_id: Uuid,
        /// The revision that was decided about.
        pub revision_id: Uuid,
        /// The digest that the revision had then.
        pub digest: String,
        /// What was decided.
        pub action: String,
        /// Who decided.
        pub actor: String,
        /// Why.
        pub reason: Option<String>,
        /// When.
        pub at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Adds a decision.
pub async fn insert(db: &impl Connection, approval: &Approval) -> Result<()> {
    let row: entity::ActiveModel = approval.clone().into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The decisions about a tool, oldest first.
pub async fn list(db: &impl Connection, tool_id: Uuid) -> Result<Vec<Approval>> {
    let found = entity::Entity::find()
        .filter(entity::Column::ToolId.eq(tool_id))
        .order_by_asc(entity::Column::At)
        .order_by_asc(entity::Column::Id);
    Ok(found.all(&db.reader()).await?)
}

/// How often something was decided since then.
pub async fn count_since(db: &impl Connection, action: &str, since: DateTime<Utc>) -> Result<u64> {
    let found = entity::Entity::find()
        .filter(entity::Column::Action.eq(action))
        .filter(entity::Column::At.gte(since));
    Ok(found.count(&db.reader()).await?)
}
