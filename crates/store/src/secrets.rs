//! Secrets: values that the tools of a server read, kept sealed.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult as _, PaginatorTrait as _, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait as _, sea_query::Expr,
};
use secrecy::SecretString;
use uuid::Uuid;
use zeroize::Zeroize as _;

pub use self::entity::Model as Secret;
use crate::data_keys::DataKey;
pub use crate::seal::Unsealable;
use crate::{Connection, Listed, Page, Result, page};

pub(crate) mod entity {
    //! The table of secrets.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// A secret of a server. What shows it shows nothing of its value.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "secrets")]
    pub struct Model {
        /// A UUID of version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Whose tools may read it.
        pub server_id: Uuid,
        /// The external source whose credential it is; tools do not read such a one.
        pub source_id: Option<Uuid>,
        /// The name under which they do; unique for the server.
        pub key: String,
        /// What it is for, in its author's words.
        pub description: String,
        /// The value, sealed; none while nobody has set it.
        pub sealed: Option<Vec<u8>>,
        /// The generation of the data key that it is sealed with.
        pub generation: Option<i32>,
        /// Whether the value is too short to be searched for in what tools say.
        pub is_short: bool,
        /// Who made it.
        pub created_by: String,
        /// When it was made.
        pub created_at: DateTime<Utc>,
        /// Who changed it last.
        pub updated_by: String,
        /// When it or its value last changed.
        pub updated_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A value, sealed for one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    bytes: Vec<u8>,
    generation: i32,
    is_short: bool,
}

impl Secret {
    /// Seals a value for this secret alone.
    pub fn seal(&self, key: &DataKey, value: &str, is_short: bool) -> Result<Sealed, Unsealable> {
        let bytes = key.seal(value.as_bytes(), &self.place())?;
        Ok(Sealed { bytes, generation: key.generation, is_short })
    }

    /// The value, by the data key of its generation.
    pub fn unseal(&self, key: &DataKey) -> Result<SecretString, Unsealable> {
        let sealed = self.sealed.as_deref().ok_or(Unsealable)?;
        let mut plain = key.unseal(sealed, &self.place())?;
        match String::from_utf8(std::mem::take(&mut *plain)) {
            Ok(text) => Ok(text.into()),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(Unsealable)
            }
        }
    }

    fn place(&self) -> String {
        format!("server_secret:{}:{}", self.server_id, self.key)
    }
}

/// Adds a secret; [`Error::is_duplicate`](crate::Error::is_duplicate) when the server has one of its
/// key.
pub async fn insert(db: &impl Connection, secret: &Secret) -> Result<()> {
    let row: entity::ActiveModel = secret.clone().into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The secret of a server under a key.
pub async fn find(db: &impl Connection, server_id: Uuid, key: &str) -> Result<Option<Secret>> {
    // PostgreSQL cannot hold NUL; no secret is called that.
    if key.contains('\0') {
        return Ok(None);
    }
    let found = entity::Entity::find()
        .filter(entity::Column::ServerId.eq(server_id))
        .filter(entity::Column::SourceId.is_null())
        .filter(entity::Column::Key.eq(key));
    Ok(found.one(&db.reader()).await?)
}

/// The secrets of a server by key.
pub async fn list(db: &impl Connection, server_id: Uuid, page: Page) -> Result<Listed<Secret>> {
    let query = entity::Entity::find()
        .filter(entity::Column::ServerId.eq(server_id))
        .filter(entity::Column::SourceId.is_null())
        .order_by_asc(entity::Column::Key)
        .into_query();
    page::listed(&db.reader(), query, page, |row| Secret::from_query_result(row, "")).await
}

/// Those secrets of a server that have a value and one of these keys.
pub async fn with_values(
    db: &impl Connection,
    server_id: Uuid,
    keys: &[String],
) -> Result<Vec<Secret>> {
    let known = keys.iter().filter(|key| !key.contains('\0')).map(String::as_str);
    let found = entity::Entity::find()
        .filter(entity::Column::ServerId.eq(server_id))
        .filter(entity::Column::SourceId.is_null())
        .filter(entity::Column::Key.is_in(known))
        .filter(entity::Column::Sealed.is_not_null())
        .order_by_asc(entity::Column::Key);
    Ok(found.all(&db.reader()).await?)
}

/// Puts a value in, or takes it away; whether the secret is still there.
pub async fn set(
    db: &impl Connection,
    id: Uuid,
    value: Option<Sealed>,
    (by, at): (&str, DateTime<Utc>),
) -> Result<bool> {
    let (sealed, generation, is_short) = match value {
        Some(Sealed { bytes, generation, is_short }) => (Some(bytes), Some(generation), is_short),
        None => (None, None, false),
    };
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::Sealed, Expr::value(sealed))
        .col_expr(entity::Column::Generation, Expr::value(generation))
        .col_expr(entity::Column::IsShort, Expr::value(is_short))
        .col_expr(entity::Column::UpdatedBy, Expr::value(by))
        .col_expr(entity::Column::UpdatedAt, Expr::value(at))
        .filter(entity::Column::Id.eq(id))
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// The credential of an external source under a key.
pub async fn find_of_source(
    db: &impl Connection,
    source_id: Uuid,
    key: &str,
) -> Result<Option<Secret>> {
    let found = entity::Entity::find()
        .filter(entity::Column::SourceId.eq(source_id))
        .filter(entity::Column::Key.eq(key));
    Ok(found.one(&db.reader()).await?)
}

/// A credential of whichever external source it is whose key begins so.
pub async fn find_of_any_source(db: &impl Connection, beginning: &str) -> Result<Option<Secret>> {
    let found = entity::Entity::find()
        .filter(entity::Column::SourceId.is_not_null())
        .filter(entity::Column::Key.starts_with(beginning));
    Ok(found.one(&db.reader()).await?)
}

/// Removes the credentials of an external source: all, or those whose key begins so and that are older.
pub async fn delete_of_source(
    db: &impl Connection,
    source_id: Uuid,
    older: Option<(&str, DateTime<Utc>)>,
) -> Result<()> {
    let mut deleted = entity::Entity::delete_many().filter(entity::Column::SourceId.eq(source_id));
    if let Some((beginning, before)) = older {
        deleted = deleted
            .filter(entity::Column::Key.starts_with(beginning))
            .filter(entity::Column::CreatedAt.lt(before));
    }
    deleted.exec(&db.writer()).await?;
    Ok(())
}

/// Removes a secret with its value; whether there was one.
pub async fn delete(db: &impl Connection, id: Uuid) -> Result<bool> {
    let deleted = entity::Entity::delete_by_id(id).exec(&db.writer()).await?;
    Ok(deleted.rows_affected == 1)
}

/// How many values there are, and how many of them are sealed with a data key before `generation`.
pub(crate) async fn count(db: &impl Connection, generation: i32) -> Result<(u64, u64)> {
    let with_value = entity::Entity::find().filter(entity::Column::Sealed.is_not_null());
    let old = with_value.clone().filter(entity::Column::Generation.lt(generation));
    Ok((with_value.count(&db.reader()).await?, old.count(&db.reader()).await?))
}

/// The next values, by id, that are sealed with a data key before `generation`.
pub(crate) async fn sealed_before(
    db: &impl Connection,
    generation: i32,
    after: Option<Uuid>,
    most: u64,
) -> Result<Vec<Secret>> {
    let mut found = entity::Entity::find().filter(entity::Column::Generation.lt(generation));
    if let Some(after) = after {
        found = found.filter(entity::Column::Id.gt(after));
    }
    Ok(found.order_by_asc(entity::Column::Id).limit(most).all(&db.reader()).await?)
}

/// Puts the same value in under another data key, if nobody has changed it since it was read.
pub(crate) async fn reseal(db: &impl Connection, read: &Secret, again: Sealed) -> Result<bool> {
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::Sealed, Expr::value(again.bytes))
        .col_expr(entity::Column::Generation, Expr::value(again.generation))
        .filter(entity::Column::Id.eq(read.id))
        .filter(entity::Column::Sealed.eq(read.sealed.clone()))
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}
