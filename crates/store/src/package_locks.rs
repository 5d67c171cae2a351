//! Locks of packages: what the packages of a server were resolved to.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

pub use self::entity::Model as PackageLock;
use crate::{Connection, Result, Transaction, connection::sealed::Handles as _};

mod entity {
    //! The table of locks; a server without packages has no row.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use crate::Json;

    /// What the packages of a server were resolved to.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "package_locks")]
    pub struct Model {
        /// Whose tools import them.
        #[sea_orm(primary_key, auto_increment = false)]
        pub server_id: Uuid,
        /// Names the set of packages: SHA-256 in hex over names, versions and hashes.
        pub digest: String,
        /// The packages, as JSON.
        pub packages: Json,
        /// When it was put here.
        pub updated_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The lock of a server, if it has packages.
pub async fn find(db: &impl Connection, server_id: Uuid) -> Result<Option<PackageLock>> {
    Ok(entity::Entity::find_by_id(server_id).one(&db.reader()).await?)
}

/// The lock of a server, if it has packages; whoever else wants to change it waits for the end of
/// this transaction.
pub async fn find_to_change(
    transaction: &Transaction,
    server_id: Uuid,
) -> Result<Option<PackageLock>> {
    let found = entity::Entity::find_by_id(server_id).lock_exclusive();
    Ok(found.one(&transaction.writer()).await?)
}

/// Every lock there is.
pub async fn all(db: &impl Connection) -> Result<Vec<PackageLock>> {
    Ok(entity::Entity::find().all(&db.reader()).await?)
}

/// Puts a lock in the place of the one with the digest `from`, or of none; whether that was there.
pub async fn replace(db: &impl Connection, from: Option<&str>, to: &PackageLock) -> Result<bool> {
    let Some(from) = from else {
        let row: entity::ActiveModel = to.clone().into();
        let added = entity::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&db.writer())
            .await?;
        return Ok(added == 1);
    };
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::Digest, Expr::value(to.digest.clone()))
        .col_expr(entity::Column::Packages, Expr::value(to.packages.clone()))
        .col_expr(entity::Column::UpdatedAt, Expr::value(to.updated_at))
        .filter(entity::Column::ServerId.eq(to.server_id))
        .filter(entity::Column::Digest.eq(from))
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Takes the lock with that digest from a server; whether it was there.
pub async fn delete(db: &impl Connection, server_id: Uuid, digest: &str) -> Result<bool> {
    let deleted = entity::Entity::delete_by_id(server_id)
        .filter(entity::Column::Digest.eq(digest))
        .exec(&db.writer())
        .await?;
    Ok(deleted.rows_affected == 1)
}
