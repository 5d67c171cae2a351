//! Tokens: what the clients that call tools identify themselves with.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, sea_query::Expr,
};
use uuid::Uuid;

pub use self::entity::Model as Token;
use crate::{Connection, Result};

mod entity {
    //! The table of tokens.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// A bearer token of a caller.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "tokens")]
    pub struct Model {
        /// A UUID of version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// What the execution log calls the caller; unique.
        pub name: String,
        /// SHA-256 of the token, in hex; unique.
        pub token_hash: String,
        /// Whether it may call tools.
        pub can_call: bool,
        /// Whether it may write tools.
        pub can_author: bool,
        /// Who made it.
        pub created_by: String,
        /// When it was made.
        pub created_at: DateTime<Utc>,
        /// When it stops to count; never, where there is none.
        pub expires_at: Option<DateTime<Utc>>,
        /// When it was last used.
        pub last_used_at: Option<DateTime<Utc>>,
        /// When a person took it back.
        pub revoked_at: Option<DateTime<Utc>>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Adds a token; [`Error::is_duplicate`](crate::Error::is_duplicate) when its name or hash is taken.
pub async fn insert(db: &impl Connection, token: &Token) -> Result<()> {
    let row: entity::ActiveModel = token.clone().into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The token of that hash, expired and revoked ones too.
pub async fn find_by_hash(db: &impl Connection, token_hash: &str) -> Result<Option<Token>> {
    let found = entity::Entity::find().filter(entity::Column::TokenHash.eq(token_hash));
    Ok(found.one(&db.reader()).await?)
}

/// The token of that id.
pub async fn find(db: &impl Connection, id: Uuid) -> Result<Option<Token>> {
    Ok(entity::Entity::find_by_id(id).one(&db.reader()).await?)
}

/// The token of exactly that name.
pub async fn find_by_name(db: &impl Connection, name: &str) -> Result<Option<Token>> {
    let found = entity::Entity::find().filter(entity::Column::Name.eq(name));
    Ok(found.one(&db.reader()).await?)
}

/// All tokens in the order they were made, expired and revoked ones too.
pub async fn list(db: &impl Connection) -> Result<Vec<Token>> {
    let all = entity::Entity::find()
        .order_by_asc(entity::Column::CreatedAt)
        .order_by_asc(entity::Column::Id);
    Ok(all.all(&db.reader()).await?)
}

/// Takes a token back; whether it was there and not revoked before.
pub async fn revoke(db: &impl Connection, id: Uuid, at: DateTime<Utc>) -> Result<bool> {
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::RevokedAt, Expr::value(at))
        .filter(entity::Column::Id.eq(id))
        .filter(entity::Column::RevokedAt.is_null())
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Notes that a token was used.
pub async fn touch(db: &impl Connection, id: Uuid, at: DateTime<Utc>) -> Result<()> {
    entity::Entity::update_many()
        .col_expr(entity::Column::LastUsedAt, Expr::value(at))
        .filter(entity::Column::Id.eq(id))
        .exec(&db.writer())
        .await?;
    Ok(())
}

/// How many tokens are neither revoked nor expired at `now`.
pub async fn count_active(db: &impl Connection, now: DateTime<Utc>) -> Result<u64> {
    let active = entity::Entity::find().filter(entity::Column::RevokedAt.is_null()).filter(
        Condition::any()
            .add(entity::Column::ExpiresAt.is_null())
            .add(entity::Column::ExpiresAt.gt(now)),
    );
    Ok(active.count(&db.reader()).await?)
}
