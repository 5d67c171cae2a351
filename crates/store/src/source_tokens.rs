//! The OAuth tokens of external sources: for whom they are, how long they hold, who renews them.
//!
//! The tokens themselves are sealed, in a row of `secrets`.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, DeriveValueType, EntityTrait, QueryFilter, sea_query::Expr,
    sea_query::OnConflict,
};
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr};
use uuid::Uuid;

pub use self::entity::Model as SourceTokens;
use crate::{Connection, Result};

mod entity {
    //! The table of tokens.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use super::State;

    /// The tokens of a source.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "source_tokens")]
    pub struct Model {
        /// The source that they open.
        #[sea_orm(primary_key, auto_increment = false)]
        pub source_id: Uuid,
        /// Who gave them.
        pub issuer: String,
        /// The resource that they are for.
        pub resource: String,
        /// Whose they are: `server` where all callers share them.
        pub owner: String,
        /// The row of `secrets` that holds them, sealed.
        pub secret_id: Uuid,
        /// Grows each time they are replaced.
        pub version: i32,
        /// Whether they can be used.
        pub state: State,
        /// Why they cannot be used any more.
        pub failure: Option<String>,
        /// Whether there is a token to renew them with.
        pub has_refresh_token: bool,
        /// What they allow, where their issuer says so.
        pub scope: Option<String>,
        /// When the access token ends, where that is known.
        pub expires_at: Option<DateTime<Utc>>,
        /// Until when a process has them to itself to renew them.
        pub renewing_until: Option<DateTime<Utc>>,
        /// When they were replaced.
        pub updated_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Whether tokens can be used.
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
pub enum State {
    /// They can.
    Connected,
    /// Their issuer takes them no more: a person has to log in again.
    Reconnect,
}

/// The tokens of a source.
pub async fn find(db: &impl Connection, source_id: Uuid) -> Result<Option<SourceTokens>> {
    Ok(entity::Entity::find_by_id(source_id).one(&db.reader()).await?)
}

/// The tokens of all sources.
pub async fn all(db: &impl Connection) -> Result<Vec<SourceTokens>> {
    Ok(entity::Entity::find().all(&db.reader()).await?)
}

/// Puts the tokens of a source in the place of others, whatever those were.
pub async fn put(db: &impl Connection, tokens: &SourceTokens) -> Result<()> {
    use entity::Column;
    let row: entity::ActiveModel = tokens.clone().into();
    let mut replaced = OnConflict::column(Column::SourceId);
    replaced.update_columns([
        Column::Issuer,
        Column::Resource,
        Column::Owner,
        Column::SecretId,
        Column::Version,
        Column::State,
        Column::Failure,
        Column::HasRefreshToken,
        Column::Scope,
        Column::ExpiresAt,
        Column::RenewingUntil,
        Column::UpdatedAt,
    ]);
    entity::Entity::insert(row).on_conflict(replaced).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// Takes the tokens to renew them, if they are of that version still and nobody else has them; whether
/// that worked.
pub async fn lease(
    db: &impl Connection,
    (source_id, version): (Uuid, i32),
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool> {
    let free = Condition::any()
        .add(entity::Column::RenewingUntil.is_null())
        .add(entity::Column::RenewingUntil.lt(now));
    let taken = entity::Entity::update_many()
        .col_expr(entity::Column::RenewingUntil, Expr::value(until))
        .filter(entity::Column::SourceId.eq(source_id))
        .filter(entity::Column::Version.eq(version))
        .filter(free)
        .exec(&db.writer())
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Writes what came of renewing, and gives the lease back, if the tokens are of that version still;
/// whether they were.
pub async fn settle(db: &impl Connection, version: i32, now: &SourceTokens) -> Result<bool> {
    let settled = entity::Entity::update_many()
        .col_expr(entity::Column::Version, Expr::value(now.version))
        .col_expr(entity::Column::State, Expr::value(now.state))
        .col_expr(entity::Column::Failure, Expr::value(now.failure.clone()))
        .col_expr(entity::Column::HasRefreshToken, Expr::value(now.has_refresh_token))
        .col_expr(entity::Column::Scope, Expr::value(now.scope.clone()))
        .col_expr(entity::Column::ExpiresAt, Expr::value(now.expires_at))
        .col_expr(entity::Column::RenewingUntil, Expr::value(now.renewing_until))
        .col_expr(entity::Column::UpdatedAt, Expr::value(now.updated_at))
        .filter(entity::Column::SourceId.eq(now.source_id))
        .filter(entity::Column::Version.eq(version))
        .exec(&db.writer())
        .await?;
    Ok(settled.rows_affected == 1)
}

/// Writes why the tokens do not suffice, if they are of that version still; whether they were.
pub async fn set_failure(
    db: &impl Connection,
    (source_id, version): (Uuid, i32),
    failure: &str,
) -> Result<bool> {
    let noted = entity::Entity::update_many()
        .col_expr(entity::Column::Failure, Expr::value(failure))
        .filter(entity::Column::SourceId.eq(source_id))
        .filter(entity::Column::Version.eq(version))
        .exec(&db.writer())
        .await?;
    Ok(noted.rows_affected == 1)
}

/// Removes the tokens of a source; whether there were any.
pub async fn delete(db: &impl Connection, source_id: Uuid) -> Result<bool> {
    let deleted = entity::Entity::delete_by_id(source_id).exec(&db.writer()).await?;
    Ok(deleted.rows_affected == 1)
}
