//! The tools of a server that have an approved revision, switched on or not, the server running or not.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{Tool, entity};
use crate::{
    Connection, Result, page,
    revisions::{
        Revision,
        entity::{Column as RevisionColumn, Entity as Revisions, Model as RevisionRow},
    },
};

/// Each such tool with its live revision, oldest first.
pub async fn approved(db: &impl Connection, server_id: Uuid) -> Result<Vec<(Tool, Revision)>> {
    let mut query = entity::Entity::find()
        .filter(entity::Column::ServerId.eq(server_id))
        .order_by_asc(entity::Column::CreatedAt)
        .order_by_asc(entity::Column::Id)
        .into_query();
    query.inner_join(
        Revisions,
        Expr::col((Revisions, RevisionColumn::Id))
            .eq(Expr::col((entity::Entity, entity::Column::LiveRevision))),
    );
    page::columns::<Revisions>(&mut query, "revision_");
    let rows = db.reader().query_all(&query).await?;
    let read = |row| -> std::result::Result<_, sea_orm::DbErr> {
        let revision = RevisionRow::from_query_result(row, "revision_")?;
        Ok((Tool::from_query_result(row, "")?, revision.into()))
    };
    Ok(rows.iter().map(read).collect::<std::result::Result<_, _>>()?)
}
