//! Artifacts: what a call returned and no answer could hold, kept in pieces until it expires.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, TransactionTrait, sea_query::Expr,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{Connection, Result, Store, connection::IMMEDIATE};

mod entity;

use entity::{chunk, row};

/// How many bytes one row of the data holds.
const CHUNK: usize = 256 << 10;

/// How many rows of the data are written in one transaction: others that write wait so long.
const CHUNKS_AT_ONCE: usize = 4;

/// What is known of an artifact beside its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// A random UUID.
    pub id: Uuid,
    /// The call that made it.
    pub call_id: Uuid,
    /// Who may read it.
    pub owner: String,
    /// What it is, `application/json` for instance.
    pub mime_type: String,
    /// What the tool calls it.
    pub name: Option<String>,
    /// Whether the data is UTF-8.
    pub is_text: bool,
    /// How many bytes it has.
    pub bytes: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Adds an artifact; it is found once all its data is there, and then survives the death of every
/// process here.
pub async fn insert(store: &Store, artifact: &Artifact, data: &[u8]) -> Result<()> {
    let log = &store.pools().log;
    let id = artifact.id;
    row::Entity::insert(row::ActiveModel::from(artifact)).exec_without_returning(log).await?;
    let mut pieces = data.chunks(CHUNK).zip(0_i32..).map(|(piece, number)| chunk::ActiveModel {
        artifact_id: Set(id),
        number: Set(number),
        bytes: Set(piece.to_vec()),
    });
    loop {
        let some: Vec<_> = pieces.by_ref().take(CHUNKS_AT_ONCE).collect();
        if some.is_empty() {
            break;
        }
        let transaction = log.begin_with_options(IMMEDIATE).await?;
        chunk::Entity::insert_many(some).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
    }
    row::Entity::update_many()
        .col_expr(row::Column::Complete, Expr::value(true))
        .filter(row::Column::Id.eq(id))
        .exec(log)
        .await?;
    Ok(())
}

/// The artifact of that id, unless it has expired at `now`.
pub async fn find(db: &impl Connection, id: Uuid, now: DateTime<Utc>) -> Result<Option<Artifact>> {
    let found = row::Entity::find_by_id(id).filter(readable(now)).one(&db.reader()).await?;
    Ok(found.map(Artifact::from))
}

/// The bytes of an artifact from `offset` on, `length` of them or as many as there are.
pub async fn read(db: &impl Connection, id: Uuid, offset: u64, length: u64) -> Result<Vec<u8>> {
    let size = u64::try_from(CHUNK).unwrap_or(u64::MAX);
    let end = offset.saturating_add(length);
    let number = |position: u64| i32::try_from(position / size).unwrap_or(i32::MAX);
    let pieces = chunk::Entity::find()
        .filter(chunk::Column::ArtifactId.eq(id))
        .filter(chunk::Column::Number.between(number(offset), number(end.saturating_sub(1))))
        .order_by_asc(chunk::Column::Number)
        .all(&db.reader())
        .await?;
    let mut bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.bytes).collect();
    let before = usize::try_from(offset % size).unwrap_or(usize::MAX).min(bytes.len());
    bytes.drain(..before);
    bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    Ok(bytes)
}

/// What a call left that has not expired at `now`, in the order it was made.
pub async fn of_call(
    db: &impl Connection,
    call_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Artifact>> {
    let rows = row::Entity::find()
        .filter(row::Column::CallId.eq(call_id))
        .filter(readable(now))
        .order_by_asc(row::Column::CreatedAt)
        .order_by_asc(row::Column::Id)
        .all(&db.reader())
        .await?;
    Ok(rows.into_iter().map(Artifact::from).collect())
}

/// What belongs to an owner and has not expired at `now`, newest first: at most `size` of those
/// that come `after` a place in that order.
pub async fn of_owner(
    db: &impl Connection,
    owner: &str,
    now: DateTime<Utc>,
    after: Option<(DateTime<Utc>, Uuid)>,
    size: u64,
) -> Result<Vec<Artifact>> {
    use row::Column;
    let older = after.map(|(time, id)| {
        let same = Condition::all().add(Column::CreatedAt.eq(time)).add(Column::Id.lt(id));
        Condition::any().add(Column::CreatedAt.lt(time)).add(same)
    });
    let rows = row::Entity::find()
        .filter(Column::Owner.eq(owner))
        .filter(readable(now).add_option(older))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(size)
        .all(&db.reader())
        .await?;
    Ok(rows.into_iter().map(Artifact::from).collect())
}

/// Removes what expired at `now` or before; how many.
pub async fn delete_expired(db: &impl Connection, now: DateTime<Utc>) -> Result<u64> {
    let expired = row::Column::ExpiresAt.lte(now);
    let deleted = row::Entity::delete_many().filter(expired).exec(&db.writer()).await?;
    Ok(deleted.rows_affected)
}

/// Removes the oldest until those that are left have no more than `most` bytes together; how many.
pub async fn delete_oldest(db: &impl Connection, most: u64) -> Result<u64> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let surplus = format!(
        "DELETE FROM artifacts WHERE id IN (SELECT id FROM (SELECT id, SUM(bytes) OVER \
         (ORDER BY created_at DESC, id DESC) AS total FROM artifacts) AS added WHERE total > {most})"
    );
    Ok(db.writer().execute_unprepared(&surplus).await?.rows_affected())
}

fn readable(now: DateTime<Utc>) -> Condition {
    Condition::all().add(row::Column::Complete.eq(true)).add(row::Column::ExpiresAt.gt(now))
}
