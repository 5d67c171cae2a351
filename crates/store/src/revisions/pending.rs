//! The revisions in one state across all servers: what waits for a person, what was decided.

use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryTrait,
    sea_query::{Expr, ExprTrait, Order},
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Revision, State,
    entity::{Column, Entity, Model},
};
use crate::{
    Connection, Listed, Page, Result, page,
    search::contains_any,
    servers::entity::{Column as ServerColumn, Entity as Servers},
    tools::{
        Tool,
        entity::{Column as ToolColumn, Entity as Tools},
    },
};

/// A revision with the tool and the server it is for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pending {
    /// What is, or was, to be decided about.
    pub revision: Revision,
    /// Its tool as it is now.
    pub tool: Tool,
    /// The tool's server.
    pub server_id: Uuid,
    /// The server's name.
    pub server_name: String,
    /// What the names begin with under which clients see the server's tools.
    pub server_prefix: String,
}

/// The revisions in `state`, or in any but that of being superseded, with `text` in their name or
/// description or in the server's name. Those that wait come in the order they were asked for; of the others
/// the last decided first, those never decided about last.
pub async fn pending(
    db: &impl Connection,
    state: Option<State>,
    text: Option<&str>,
    page: Page,
) -> Result<Listed<Pending>> {
    let select = Entity::find().filter(match state {
        Some(state) => Column::State.eq(state),
        None => Column::State.ne(State::Superseded),
    });
    let select = if state == Some(State::PendingReview) {
        select.order_by_asc(Column::RequestedAt).order_by_asc(Column::Id)
    } else {
        // Spelled out, because the databases differ in where missing values come.
        select
            .order_by(Column::DecidedAt.is_null(), Order::Asc)
            .order_by_desc(Column::DecidedAt)
            .order_by_desc(Column::Id)
    };
    let mut query = select.into_query();
    query
        .expr_as(Expr::col((Servers, ServerColumn::Name)), "server_name")
        .expr_as(Expr::col((Servers, ServerColumn::ToolPrefix)), "server_prefix")
        .inner_join(
            Tools,
            Expr::col((Tools, ToolColumn::Id)).eq(Expr::col((Entity, Column::ToolId))),
        )
        .inner_join(
            Servers,
            Expr::col((Servers, ServerColumn::Id)).eq(Expr::col((Tools, ToolColumn::ServerId))),
        );
    if let Some(text) = text {
        let places = [
            Expr::col((Entity, Column::Name)),
            Expr::col((Entity, Column::Description)),
            Expr::col((Servers, ServerColumn::Name)),
        ];
        query.cond_where(contains_any(places, text));
    }
    page::columns::<Tools>(&mut query, "tool_of_");
    page::listed(&db.reader(), query, page, |row| {
        let tool = Tool::from_query_result(row, "tool_of_")?;
        let server_name: String = row.try_get("", "server_name")?;
        let prefix: Option<String> = row.try_get("", "server_prefix")?;
        Ok(Pending {
            revision: Model::from_query_result(row, "")?.into(),
            server_id: tool.server_id,
            server_prefix: prefix.unwrap_or_else(|| server_name.clone()),
            server_name,
            tool,
        })
    })
    .await
}
