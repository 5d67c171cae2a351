//! Removed modules: what people took from the list of modules that every tool may import from the start.

use sea_orm::{EntityTrait, QueryOrder, sea_query::OnConflict};

pub use self::entity::Model as RemovedModule;
use crate::{Connection, Result};

mod entity {
    //! The table of removed modules.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A module of the list that tools may not import.
    #[derive(Clone, Debug, PartialEq, Serialize, DeriveEntityModel)]
    #[sea_orm(table_name = "removed_modules")]
    pub struct Model {
        /// The module, as the list has it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        /// Who took it from the list.
        pub removed_by: String,
        /// When.
        pub removed_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Takes a module from the list; whether it was still there.
pub async fn insert(db: &impl Connection, removed: &RemovedModule) -> Result<bool> {
    let row: entity::ActiveModel = removed.clone().into();
    let added = entity::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&db.writer())
        .await?;
    Ok(added == 1)
}

/// What is taken from the list, by name.
pub async fn list(db: &impl Connection) -> Result<Vec<RemovedModule>> {
    let found = entity::Entity::find().order_by_asc(entity::Column::Name);
    Ok(found.all(&db.reader()).await?)
}

/// Puts a module back on the list; whether it had been taken from it.
pub async fn delete(db: &impl Connection, name: &str) -> Result<bool> {
    let deleted = entity::Entity::delete_by_id(name.to_owned()).exec(&db.writer()).await?;
    Ok(deleted.rows_affected == 1)
}
