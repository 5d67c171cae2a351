//! Data keys: what values are sealed with. Each has a number, its generation.

use std::fmt;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, OnConflict},
};
use zeroize::Zeroizing;

pub(crate) use self::entity::Model as Row;
use crate::connection::sealed::Handles as _;
use crate::seal::{Key, Unsealable};
use crate::{Connection, Result, Transaction, secrets};

mod entity {
    //! The table of data keys.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// A data key, sealed.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "data_keys")]
    pub(crate) struct Model {
        /// Counts from 1; the highest seals what is new.
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) generation: i32,
        /// Sealed with the master key.
        pub(crate) sealed: Vec<u8>,
        /// Sealed with the master key that comes next, while there is one.
        pub(crate) sealed_next: Option<Vec<u8>>,
        pub(crate) created_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A data key, open.
pub struct DataKey {
    pub(crate) generation: i32,
    pub(crate) key: Key,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DataKey")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl DataKey {
    /// Seals a value for a place.
    pub(crate) fn seal(&self, plain: &[u8], place: &str) -> Result<Vec<u8>, Unsealable> {
        self.key.seal(plain, place)
    }

    /// Opens what this key sealed for a place.
    pub(crate) fn unseal(
        &self,
        sealed: &[u8],
        place: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        self.key.unseal(sealed, place)
    }
}

/// Where the key of a generation is kept.
pub(crate) fn place(generation: i32) -> String {
    format!("data_key:{generation}")
}

/// The data key of a generation.
pub(crate) async fn find(db: &impl Connection, generation: i32) -> Result<Option<Row>> {
    Ok(entity::Entity::find_by_id(generation).one(&db.reader()).await?)
}

/// All of them, oldest first.
pub(crate) async fn all(db: &impl Connection) -> Result<Vec<Row>> {
    let all = entity::Entity::find().order_by_asc(entity::Column::Generation);
    Ok(all.all(&db.reader()).await?)
}

/// The one that seals what is new.
pub(crate) async fn newest(db: &impl Connection) -> Result<Option<Row>> {
    let found = entity::Entity::find().order_by_desc(entity::Column::Generation);
    Ok(found.one(&db.reader()).await?)
}

/// Adds a data key, where there is none of its generation.
pub(crate) async fn insert(db: &Transaction, row: Row) -> Result<()> {
    let row: entity::ActiveModel = row.into();
    let first = OnConflict::column(entity::Column::Generation).do_nothing().to_owned();
    entity::Entity::insert(row).on_conflict(first).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// Keeps a data key under the next master key as well, or no longer.
pub(crate) async fn set_next(
    db: &Transaction,
    generation: i32,
    sealed_next: Option<Vec<u8>>,
) -> Result<()> {
    entity::Entity::update_many()
        .col_expr(entity::Column::SealedNext, Expr::value(sealed_next))
        .filter(entity::Column::Generation.eq(generation))
        .exec(&db.writer())
        .await?;
    Ok(())
}

/// From now on only the next master key opens them.
pub(crate) async fn adopt_next(db: &Transaction) -> Result<()> {
    entity::Entity::update_many()
        .col_expr(entity::Column::Sealed, Expr::col(entity::Column::SealedNext))
        .col_expr(entity::Column::SealedNext, Expr::value(None::<Vec<u8>>))
        .filter(entity::Column::SealedNext.is_not_null())
        .exec(&db.writer())
        .await?;
    Ok(())
}

/// Removes those before a generation that no value is sealed with.
pub(crate) async fn delete_unused(db: &Transaction, before: i32) -> Result<()> {
    let used = secrets::entity::Entity::find()
        .select_only()
        .column(secrets::entity::Column::Generation)
        .filter(secrets::entity::Column::Generation.is_not_null())
        .into_query();
    entity::Entity::delete_many()
        .filter(entity::Column::Generation.lt(before))
        .filter(entity::Column::Generation.not_in_subquery(used))
        .exec(&db.writer())
        .await?;
    Ok(())
}

/// A new data key.
pub(crate) fn make(
    generation: i32,
    master: &Key,
    next: Option<&Key>,
    created_at: DateTime<Utc>,
) -> Result<Row, Unsealable> {
    let (key, place) = (Key::random(), place(generation));
    Ok(Row {
        generation,
        sealed: master.seal(key.bytes(), &place)?,
        sealed_next: next.map(|next| next.seal(key.bytes(), &place)).transpose()?,
        created_at,
    })
}
