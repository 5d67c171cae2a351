//! Sessions: who is signed in, on pages and through the API.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, DeriveValueType, EntityTrait, QueryFilter};
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr};
use uuid::Uuid;

pub use self::entity::Model as Session;
use crate::{
    Connection, Result,
    users::{self, User},
};

mod entity {
    //! The table of sessions.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use super::Kind;
    use crate::users;

    /// A secret that stands for a signed-in user.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "sessions")]
    pub struct Model {
        /// SHA-256 of the secret, in hex.
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        /// Whose it is.
        pub user_id: Uuid,
        /// What it opens.
        pub kind: Kind,
        /// What came from the same sign-in has the same family.
        pub family: Uuid,
        /// When it was made.
        pub created_at: DateTime<Utc>,
        /// When it stops to count.
        pub expires_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "users::entity::Entity",
            from = "Column::UserId",
            to = "users::entity::Column::Id"
        )]
        User,
    }

    impl Related<users::entity::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::User.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// What a session opens.
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
pub enum Kind {
    /// The pages, as a cookie.
    Page,
    /// The API, as a bearer token.
    Access,
    /// New sessions of the API.
    Refresh,
}

impl Kind {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Adds a session.
pub async fn insert(db: &impl Connection, session: &Session) -> Result<()> {
    let row: entity::ActiveModel = session.clone().into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The session of that hash and its user, expired or not.
pub async fn find(db: &impl Connection, token_hash: &str) -> Result<Option<(Session, User)>> {
    let found = entity::Entity::find_by_id(token_hash)
        .find_also_related(users::entity::Entity)
        .one(&db.reader())
        .await?;
    Ok(found.and_then(|(session, user)| Some((session, user?))))
}

/// Ends a session; whether there was one.
pub async fn delete(db: &impl Connection, token_hash: &str) -> Result<bool> {
    let deleted = entity::Entity::delete_by_id(token_hash).exec(&db.writer()).await?;
    Ok(deleted.rows_affected == 1)
}

/// Ends all sessions of one sign-in.
pub async fn delete_family(db: &impl Connection, family: Uuid) -> Result<()> {
    let of_family = entity::Column::Family.eq(family);
    entity::Entity::delete_many().filter(of_family).exec(&db.writer()).await?;
    Ok(())
}

/// Ends all sessions of a user.
pub async fn delete_of_user(db: &impl Connection, user_id: Uuid) -> Result<()> {
    let of_user = entity::Column::UserId.eq(user_id);
    entity::Entity::delete_many().filter(of_user).exec(&db.writer()).await?;
    Ok(())
}

/// Removes the sessions that expired at `now` or before; how many.
pub async fn delete_expired(db: &impl Connection, now: DateTime<Utc>) -> Result<u64> {
    let expired = entity::Column::ExpiresAt.lte(now);
    let deleted = entity::Entity::delete_many().filter(expired).exec(&db.writer()).await?;
    Ok(deleted.rows_affected)
}
