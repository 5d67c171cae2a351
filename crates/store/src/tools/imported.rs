//! The tools of a server that were imported from external sources.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{Tool, entity, is_newest_revision};
use crate::{
    Connection, Json, Result, page,
    revisions::{
        Imported, Revision,
        entity::{Column as RevisionColumn, Entity as Revisions, Model as RevisionRow},
    },
};

/// The tool of an external source that a tool here stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFrom {
    /// The source.
    pub source_id: Uuid,
    /// The name of the tool there.
    pub name: String,
}

impl From<&Imported> for ImportedFrom {
    fn from(imported: &Imported) -> Self {
        Self { source_id: imported.source_id, name: imported.name().to_owned() }
    }
}

impl ImportedFrom {
    /// From the column of a revision.
    pub(super) fn read(column: Option<Json>) -> Option<Self> {
        let imported: Option<Imported> =
            column.and_then(|json| serde_json::from_value(json.0).ok());
        imported.as_ref().map(Self::from)
    }
}

/// Each with its newest revision, oldest first.
pub async fn imported(db: &impl Connection, server_id: Uuid) -> Result<Vec<(Tool, Revision)>> {
    let mut query = entity::Entity::find()
        .filter(entity::Column::ServerId.eq(server_id))
        .order_by_asc(entity::Column::CreatedAt)
        .order_by_asc(entity::Column::Id)
        .into_query();
    query
        .inner_join(Revisions, is_newest_revision())
        .and_where(Expr::col((Revisions, RevisionColumn::Imported)).is_not_null());
    page::columns::<Revisions>(&mut query, "revision_");
    let rows = db.reader().query_all(&query).await?;
    let read = |row| -> std::result::Result<_, sea_orm::DbErr> {
        let revision = RevisionRow::from_query_result(row, "revision_")?;
        Ok((Tool::from_query_result(row, "")?, revision.into()))
    };
    Ok(rows.iter().map(read).collect::<std::result::Result<_, _>>()?)
}
