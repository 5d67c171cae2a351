//! Revisions: what a tool was, is or would be; only what is decided about one ever changes.

use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryTrait, sea_query::Expr,
};
use uuid::Uuid;

pub use self::{
    pending::{Pending, pending},
    revision::{Imported, Kind, Revision, State},
};
use crate::{Connection, Listed, Page, Result, page};

pub(crate) mod entity;
mod pending;
mod revision;

/// Adds a revision; [`Error::is_duplicate`](crate::Error::is_duplicate) when the tool has that
/// number already.
pub async fn insert(db: &impl Connection, revision: &Revision) -> Result<()> {
    let row: entity::ActiveModel = entity::Model::from(revision.clone()).into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The revision of that id.
pub async fn find(db: &impl Connection, id: Uuid) -> Result<Option<Revision>> {
    let found = entity::Entity::find_by_id(id).one(&db.reader()).await?;
    Ok(found.map(Revision::from))
}

/// The revision of a tool that has that number.
pub async fn find_numbered(
    db: &impl Connection,
    tool_id: Uuid,
    number: i32,
) -> Result<Option<Revision>> {
    let found = entity::Entity::find()
        .filter(entity::Column::ToolId.eq(tool_id))
        .filter(entity::Column::Number.eq(number));
    Ok(found.one(&db.reader()).await?.map(Revision::from))
}

/// The revision of a tool with the highest number.
pub async fn newest(db: &impl Connection, tool_id: Uuid) -> Result<Option<Revision>> {
    let found = entity::Entity::find()
        .filter(entity::Column::ToolId.eq(tool_id))
        .order_by_desc(entity::Column::Number)
        .one(&db.reader())
        .await?;
    Ok(found.map(Revision::from))
}

/// The revisions of a tool, newest first.
pub async fn list(db: &impl Connection, tool_id: Uuid, page: Page) -> Result<Listed<Revision>> {
    let query = entity::Entity::find()
        .filter(entity::Column::ToolId.eq(tool_id))
        .order_by_desc(entity::Column::Number)
        .into_query();
    page::listed(&db.reader(), query, page, |row| {
        entity::Model::from_query_result(row, "").map(Revision::from)
    })
    .await
}

/// Writes what was decided about a revision (state, request, notes, decision and reason) as `to`
/// has it, if its state is one of `from`; whether it was.
pub async fn transition(
    db: &impl Connection,
    id: Uuid,
    from: &[State],
    to: &Revision,
) -> Result<bool> {
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::State, Expr::value(to.state))
        .col_expr(entity::Column::RequestedAt, Expr::value(to.requested_at))
        .col_expr(entity::Column::RequestedBy, Expr::value(to.requested_by.clone()))
        .col_expr(entity::Column::Notes, Expr::value(to.notes.clone()))
        .col_expr(entity::Column::DecidedAt, Expr::value(to.decided_at))
        .col_expr(entity::Column::DecidedBy, Expr::value(to.decided_by.clone()))
        .col_expr(entity::Column::RejectionReason, Expr::value(to.rejection_reason.clone()))
        .filter(entity::Column::Id.eq(id))
        .filter(entity::Column::State.is_in(from.iter().copied()))
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}
