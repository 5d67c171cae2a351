//! What belongs to the installation as a whole: which master keys its database is used with.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use crate::connection::sealed::Handles as _;
use crate::key::MasterKey;
use crate::{Connection, Result, Transaction};

mod entity {
    //! The table of the installation: one row, once a key was bound.

    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "installation")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i32,
        pub(crate) key_check: String,
        pub(crate) next_key_check: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The master keys that the database is used with, told by what cannot open anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    current: String,
    next: Option<String>,
}

/// What a master key is to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one it is used with.
    Current,
    /// The one that is about to take its place; it opens everything as well.
    Next,
}

impl Binding {
    /// What `key` is here; nothing where it fits not at all.
    pub fn role(&self, key: &MasterKey) -> Option<Role> {
        let check = key.check();
        if check == self.current {
            Some(Role::Current)
        } else if self.next.as_ref() == Some(&check) {
            Some(Role::Next)
        } else {
            None
        }
    }

    /// Whether the master key is being replaced.
    pub fn is_rotating(&self) -> bool {
        self.next.is_some()
    }
}

/// The binding; none while the database was used with no key.
pub async fn binding(db: &impl Connection) -> Result<Option<Binding>> {
    binding_at(&db.reader()).await
}

/// The same on a bare connection.
pub(crate) async fn binding_at(db: &impl ConnectionTrait) -> Result<Option<Binding>> {
    let row = entity::Entity::find().one(db).await?;
    Ok(row.map(|row| Binding { current: row.key_check, next: row.next_key_check }))
}

/// Binds the database to `key` where it is bound to none.
pub(crate) async fn bind_first(db: &Transaction, key: &MasterKey) -> Result<()> {
    let row =
        entity::ActiveModel { id: Set(1), key_check: Set(key.check()), next_key_check: Set(None) };
    let first = OnConflict::column(entity::Column::Id).do_nothing().to_owned();
    entity::Entity::insert(row).on_conflict(first).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// Notes which key comes next, or that none does.
pub(crate) async fn set_next(db: &Transaction, key: Option<&MasterKey>) -> Result<()> {
    entity::Entity::update_many()
        .col_expr(entity::Column::NextKeyCheck, Expr::value(key.map(MasterKey::check)))
        .exec(&db.writer())
        .await?;
    Ok(())
}

/// Puts the next key in the place of the current one.
pub(crate) async fn adopt_next(db: &Transaction) -> Result<()> {
    entity::Entity::update_many()
        .col_expr(entity::Column::KeyCheck, Expr::col(entity::Column::NextKeyCheck))
        .col_expr(entity::Column::NextKeyCheck, Expr::value(None::<String>))
        .filter(entity::Column::NextKeyCheck.is_not_null())
        .exec(&db.writer())
        .await?;
    Ok(())
}
