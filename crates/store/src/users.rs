//! Users: the people who sign in.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter,
    sea_query::Expr,
};
use uuid::Uuid;

pub use self::entity::Model as User;
use crate::{Connection, Error, Result};

pub(crate) mod entity {
    //! The table of users.

    use std::fmt;

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// A person who can sign in.
    #[derive(Clone, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        /// A UUID of version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Unique; upper and lower case differ.
        pub username: String,
        /// The password's hash in PHC form, salt and cost included.
        pub password_hash: String,
        /// What the person may do.
        pub role: String,
        /// When the account was made.
        pub created_at: DateTime<Utc>,
        /// When the password was last set.
        pub password_changed_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    // By hand, so that no log ever holds the hash of a password.
    impl fmt::Debug for Model {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter
                .debug_struct("User")
                .field("id", &self.id)
                .field("username", &self.username)
                .field("role", &self.role)
                .finish_non_exhaustive()
        }
    }
}

/// Adds a user; [`Error::is_duplicate`] when the name is taken.
pub async fn insert(db: &impl Connection, user: &User) -> Result<()> {
    let row: entity::ActiveModel = user.clone().into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// Adds a user only if there is none at all; whether there was none. Of several that try at the
/// same time, in one process or many, one succeeds.
pub async fn insert_first(db: &impl Connection, user: &User) -> Result<bool> {
    let transaction = db.begin().await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        // SQLite's write transactions exclude each other; PostgreSQL's do not.
        transaction.execute_unprepared("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE").await?;
    }
    if entity::Entity::find().count(&transaction).await? > 0 {
        return Ok(false);
    }
    let row: entity::ActiveModel = user.clone().into();
    entity::Entity::insert(row).exec_without_returning(&transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

/// The user of that id.
pub async fn find(db: &impl Connection, id: Uuid) -> Result<Option<User>> {
    Ok(entity::Entity::find_by_id(id).one(&db.reader()).await?)
}

/// The user of exactly that name.
pub async fn find_by_username(db: &impl Connection, username: &str) -> Result<Option<User>> {
    // Anybody can send what PostgreSQL cannot hold; nobody is called that.
    if username.contains('\0') {
        return Ok(None);
    }
    let found = entity::Entity::find().filter(entity::Column::Username.eq(username));
    Ok(found.one(&db.reader()).await?)
}

/// How many users there are.
pub async fn count(db: &impl Connection) -> Result<u64> {
    Ok(entity::Entity::find().count(&db.reader()).await?)
}

/// Sets the hash of a user's password; [`Error::Missing`] when there is no such user.
pub async fn set_password(
    db: &impl Connection,
    id: Uuid,
    hash: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::PasswordHash, Expr::value(hash))
        .col_expr(entity::Column::PasswordChangedAt, Expr::value(at))
        .filter(entity::Column::Id.eq(id))
        .exec(&db.writer())
        .await?;
    if changed.rows_affected == 0 {
        return Err(Error::Missing { noun: "user", id });
    }
    Ok(())
}
