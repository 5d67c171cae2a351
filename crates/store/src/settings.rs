//! Settings: what people have set, by key. What was never set has no row.

use sea_orm::{EntityTrait, QueryOrder, sea_query::OnConflict};

pub use self::entity::Model as Setting;
use crate::{Connection, Result};

mod entity {
    //! The table of settings.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    /// A value that somebody set.
    #[derive(Clone, Debug, PartialEq, Serialize, DeriveEntityModel)]
    #[sea_orm(table_name = "settings")]
    pub struct Model {
        /// What is set.
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        /// To what.
        pub value: String,
        /// When.
        pub updated_at: DateTime<Utc>,
        /// By whom.
        pub updated_by: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What was set, by key.
pub async fn all(db: &impl Connection) -> Result<Vec<Setting>> {
    let rows = entity::Entity::find().order_by_asc(entity::Column::Key);
    Ok(rows.all(&db.reader()).await?)
}

/// Sets a value in the place of the one before.
pub async fn set(db: &impl Connection, setting: &Setting) -> Result<()> {
    use entity::Column;
    let instead = OnConflict::column(Column::Key)
        .update_columns([Column::Value, Column::UpdatedAt, Column::UpdatedBy])
        .to_owned();
    let row: entity::ActiveModel = setting.clone().into();
    entity::Entity::insert(row).on_conflict(instead).exec_without_returning(&db.writer()).await?;
    Ok(())
}
