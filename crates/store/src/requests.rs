//! Requests: what tools ask people to be allowed, and what became of that.

use sea_orm::{
    ColumnTrait, DeriveValueType, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr};
use uuid::Uuid;

pub use self::entity::Model as Request;
use crate::{
    Connection, Listed, Page, Result,
    grants::Kind,
    page,
    search::contains_any,
    servers::entity::{Column as ServerColumn, Entity as Servers},
    tools::entity::{Column as ToolColumn, Entity as Tools},
};

mod entity {
    //! The table of requests.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    use super::{Kind, State};
    use crate::Json;

    /// Something that a tool asks for.
    #[derive(Clone, Debug, PartialEq, Serialize, DeriveEntityModel)]
    #[sea_orm(table_name = "requests")]
    pub struct Model {
        /// A UUID of version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// What is asked for.
        pub kind: Kind,
        /// The tool's server.
        pub server_id: Uuid,
        /// The tool that needs it.
        pub tool_id: Uuid,
        /// The module, the host as `host` or `host:port`, or the package as `name==version`; unique
        /// among what waits for the tool.
        pub name: String,
        /// What it is needed for.
        pub justification: String,
        /// What the index offered for a package when it was asked for, as JSON.
        pub plan: Option<Json>,
        /// What became of it.
        pub state: State,
        /// Who asked.
        pub requested_by: String,
        /// When.
        pub created_at: DateTime<Utc>,
        /// When it was decided about.
        pub reviewed_at: Option<DateTime<Utc>>,
        /// Who decided.
        pub reviewed_by: Option<String>,
        /// Why it was rejected.
        pub rejection_reason: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What became of a request.
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
    /// It waits for a person.
    Pending,
    /// A person allowed it.
    Approved,
    /// A person refused it.
    Rejected,
}

impl State {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A request with the names of the tool and the server it is for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    /// The request.
    pub request: Request,
    /// The tool as it is called now.
    pub tool_name: String,
    /// The tool's server.
    pub server_name: String,
    /// What the names begin with under which clients see the server's tools.
    pub server_prefix: String,
}

/// Which requests; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// For what.
    pub kind: Option<Kind>,
    /// What became of them.
    pub state: Option<State>,
    /// For the tools of which server.
    pub server_id: Option<Uuid>,
    /// For which tool.
    pub tool_id: Option<Uuid>,
    /// With what in their name or justification, or in the tool's or the server's name; heeded by
    /// [`list`] alone.
    pub text: Option<String>,
}

/// Adds a request; [`Error::is_duplicate`](crate::Error::is_duplicate) when the tool waits for the
/// same thing.
pub async fn insert(db: &impl Connection, request: &Request) -> Result<()> {
    let row: entity::ActiveModel = request.clone().into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The request of that id.
pub async fn find(db: &impl Connection, id: Uuid) -> Result<Option<Request>> {
    Ok(entity::Entity::find_by_id(id).one(&db.reader()).await?)
}

/// What a tool asked for by that name last.
pub async fn last(
    db: &impl Connection,
    tool_id: Uuid,
    kind: Kind,
    name: &str,
) -> Result<Option<Request>> {
    let found = entity::Entity::find()
        .filter(entity::Column::ToolId.eq(tool_id))
        .filter(entity::Column::Kind.eq(kind))
        .filter(entity::Column::Name.eq(name))
        .order_by_desc(entity::Column::CreatedAt)
        .order_by_desc(entity::Column::Id);
    Ok(found.one(&db.reader()).await?)
}

/// The requests that a filter lets through. Those that wait come oldest first, others newest first.
pub async fn list(db: &impl Connection, filter: &Filter, page: Page) -> Result<Listed<Named>> {
    let select = filtered(filter);
    let select = if filter.state == Some(State::Pending) {
        select.order_by_asc(entity::Column::CreatedAt).order_by_asc(entity::Column::Id)
    } else {
        select.order_by_desc(entity::Column::CreatedAt).order_by_desc(entity::Column::Id)
    };
    let mut query = select.into_query();
    query
        .expr_as(Expr::col((Tools, ToolColumn::Name)), "tool_name")
        .expr_as(Expr::col((Servers, ServerColumn::Name)), "server_name")
        .expr_as(Expr::col((Servers, ServerColumn::ToolPrefix)), "server_prefix")
        .inner_join(
            Tools,
            Expr::col((Tools, ToolColumn::Id))
                .eq(Expr::col((entity::Entity, entity::Column::ToolId))),
        )
        .inner_join(
            Servers,
            Expr::col((Servers, ServerColumn::Id))
                .eq(Expr::col((entity::Entity, entity::Column::ServerId))),
        );
    if let Some(text) = &filter.text {
        let places = [
            Expr::col((entity::Entity, entity::Column::Name)),
            Expr::col((entity::Entity, entity::Column::Justification)),
            Expr::col((Tools, ToolColumn::Name)),
            Expr::col((Servers, ServerColumn::Name)),
        ];
        query.cond_where(contains_any(places, text));
    }
    page::listed(&db.reader(), query, page, |row| {
        let server_name: String = row.try_get("", "server_name")?;
        let prefix: Option<String> = row.try_get("", "server_prefix")?;
        Ok(Named {
            request: Request::from_query_result(row, "")?,
            tool_name: row.try_get("", "tool_name")?,
            server_prefix: prefix.unwrap_or_else(|| server_name.clone()),
            server_name,
        })
    })
    .await
}

/// How many requests a filter lets through.
pub async fn count(db: &impl Connection, filter: &Filter) -> Result<u64> {
    let query = filtered(filter).select_only().column(entity::Column::Id).into_query();
    let one = Page { number: 1, size: 1 };
    Ok(page::listed(&db.reader(), query, one, |_| Ok(())).await?.total)
}

/// Every request that a filter lets through, oldest first.
pub async fn all(db: &impl Connection, filter: &Filter) -> Result<Vec<Request>> {
    let found =
        filtered(filter).order_by_asc(entity::Column::CreatedAt).order_by_asc(entity::Column::Id);
    Ok(found.all(&db.reader()).await?)
}

/// Writes what was decided about a request (state, who, when and why) as `to` has it, if its state
/// is one of `from`; whether it was.
pub async fn transition(db: &impl Connection, from: &[State], to: &Request) -> Result<bool> {
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::State, Expr::value(to.state))
        .col_expr(entity::Column::ReviewedAt, Expr::value(to.reviewed_at))
        .col_expr(entity::Column::ReviewedBy, Expr::value(to.reviewed_by.clone()))
        .col_expr(entity::Column::RejectionReason, Expr::value(to.rejection_reason.clone()))
        .filter(entity::Column::Id.eq(to.id))
        .filter(entity::Column::State.is_in(from.iter().copied()))
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Removes a request if its state is one of `from`; whether it was.
pub async fn delete(db: &impl Connection, id: Uuid, from: &[State]) -> Result<bool> {
    let deleted = entity::Entity::delete_many()
        .filter(entity::Column::Id.eq(id))
        .filter(entity::Column::State.is_in(from.iter().copied()))
        .exec(&db.writer())
        .await?;
    Ok(deleted.rows_affected == 1)
}

fn filtered(filter: &Filter) -> Select<entity::Entity> {
    let mut select = entity::Entity::find();
    if let Some(kind) = filter.kind {
        select = select.filter(entity::Column::Kind.eq(kind));
    }
    if let Some(state) = filter.state {
        select = select.filter(entity::Column::State.eq(state));
    }
    if let Some(id) = filter.server_id {
        select = select.filter(entity::Column::ServerId.eq(id));
    }
    if let Some(id) = filter.tool_id {
        select = select.filter(entity::Column::ToolId.eq(id));
    }
    select
}
