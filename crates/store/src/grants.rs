//! Grants: what people allowed tools beside what every tool may, and how that came about.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, DeriveValueType, EntityTrait, FromQueryResult,
    QueryFilter, QueryOrder, QueryTrait,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr};
use uuid::Uuid;

pub use self::{entity::Model as Grant, events::Model as Event};
use crate::{
    Connection, Listed, Page, Result, page,
    servers::entity::{Column as ServerColumn, Entity as Servers},
};

mod entity {
    //! The table of grants.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    use super::Kind;

    /// Something that a person allowed.
    #[derive(Clone, Debug, PartialEq, Serialize, DeriveEntityModel)]
    #[sea_orm(table_name = "grants")]
    pub struct Model {
        /// A UUID of version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// What is allowed.
        pub kind: Kind,
        /// For whose tools; for all where there is none.
        pub server_id: Option<Uuid>,
        /// The module, the host as `host` or `host:port`, or the package as `name==version`; unique
        /// for its kind and server.
        pub name: String,
        /// The request that was approved, if it was asked for.
        pub request_id: Option<Uuid>,
        /// Who allowed it.
        pub granted_by: String,
        /// When.
        pub granted_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod events {
    //! The table of what happened to requests and grants; rows are added, never changed.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    use super::Kind;

    /// A request, or what a person did about it or about a grant.
    #[derive(Clone, Debug, PartialEq, Serialize, DeriveEntityModel)]
    #[sea_orm(table_name = "grant_events")]
    pub struct Model {
        /// A UUID of version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// What it is about.
        pub kind: Kind,
        /// The server, which may be gone; none for what concerns the whole installation.
        pub server_id: Option<Uuid>,
        /// How the server was called then.
        pub server_name: Option<String>,
        /// The tool that asked, which may be gone.
        pub tool_id: Option<Uuid>,
        /// The module, the host or the package.
        pub name: String,
        /// `requested`, `approved`, `rejected`, `added` or `removed`.
        pub action: String,
        /// Who did it.
        pub actor: String,
        /// Why.
        pub reason: Option<String>,
        /// When.
        pub at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What can be asked for and allowed.
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
    /// Importing a module, for all tools of the installation.
    Module,
    /// Reaching a host, for all tools of a server.
    Host,
    /// Importing a package of the index, for all tools of a server.
    Package,
}

impl Kind {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Adds a grant; whether it was not there before.
pub async fn insert(db: &impl Connection, grant: &Grant) -> Result<bool> {
    let row: entity::ActiveModel = grant.clone().into();
    let added = entity::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&db.writer())
        .await?;
    Ok(added == 1)
}

/// What a server's tools are allowed: what is granted to the server and to the installation, by
/// name. Without a server, only the latter.
pub async fn of(db: &impl Connection, server_id: Option<Uuid>) -> Result<Vec<Grant>> {
    let mut reach = Condition::any().add(entity::Column::ServerId.is_null());
    if let Some(id) = server_id {
        reach = reach.add(entity::Column::ServerId.eq(id));
    }
    let found = entity::Entity::find()
        .filter(reach)
        .order_by_asc(entity::Column::Name)
        .order_by_asc(entity::Column::Id);
    Ok(found.all(&db.reader()).await?)
}

/// Takes a grant away; whether there was one.
pub async fn delete(
    db: &impl Connection,
    kind: Kind,
    server_id: Option<Uuid>,
    name: &str,
) -> Result<bool> {
    let deleted = entity::Entity::delete_many()
        .filter(entity::Column::Kind.eq(kind))
        .filter(entity::Column::Name.eq(name))
        .filter(of_server(server_id))
        .exec(&db.writer())
        .await?;
    Ok(deleted.rows_affected == 1)
}

/// The grants of a kind that nobody asked for, of one server or of all, each with the name of its
/// server; by name.
pub async fn unasked(
    db: &impl Connection,
    kind: Kind,
    server_id: Option<Uuid>,
) -> Result<Vec<(Grant, Option<String>)>> {
    let mut found = entity::Entity::find()
        .filter(entity::Column::Kind.eq(kind))
        .filter(entity::Column::RequestId.is_null());
    if let Some(id) = server_id {
        let reach = Condition::any().add(entity::Column::ServerId.eq(id));
        found = found.filter(reach.add(entity::Column::ServerId.is_null()));
    }
    let mut query =
        found.order_by_asc(entity::Column::Name).order_by_asc(entity::Column::Id).into_query();
    query.expr_as(Expr::col((Servers, ServerColumn::Name)), "server_name").left_join(
        Servers,
        Expr::col((Servers, ServerColumn::Id))
            .eq(Expr::col((entity::Entity, entity::Column::ServerId))),
    );
    let rows = db.reader().query_all(&query).await?;
    let read = |row| Ok((Grant::from_query_result(row, "")?, row.try_get("", "server_name")?));
    Ok(rows.iter().map(read).collect::<Result<_, DbErr>>()?)
}

/// Makes a grant that was asked for one that a person gave unasked; whether there was one.
pub async fn adopt(
    db: &impl Connection,
    kind: Kind,
    server_id: Option<Uuid>,
    name: &str,
    by: &str,
) -> Result<bool> {
    let changed = entity::Entity::update_many()
        .col_expr(entity::Column::RequestId, Expr::value(None::<Uuid>))
        .col_expr(entity::Column::GrantedBy, Expr::value(by))
        .filter(entity::Column::Kind.eq(kind))
        .filter(entity::Column::Name.eq(name))
        .filter(of_server(server_id))
        .filter(entity::Column::RequestId.is_not_null())
        .exec(&db.writer())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// The last that happened of something: whether a person took it away, rather than something that
/// it is a part of having taken its place.
pub async fn last_taken_away(
    db: &impl Connection,
    kind: Kind,
    server_id: Option<Uuid>,
    name: &str,
) -> Result<bool> {
    let mut found = events::Entity::find()
        .filter(events::Column::Kind.eq(kind))
        .filter(events::Column::Name.eq(name))
        .filter(events::Column::Action.is_in(["approved", "added", "removed"]));
    if let Some(id) = server_id {
        found = found.filter(events::Column::ServerId.eq(id));
    }
    let last = found.order_by_desc(events::Column::At).order_by_desc(events::Column::Id);
    let last = last.one(&db.reader()).await?;
    Ok(last.is_some_and(|event| event.action == "removed" && event.reason.is_none()))
}

fn of_server(server_id: Option<Uuid>) -> Expr {
    match server_id {
        Some(id) => entity::Column::ServerId.eq(id),
        None => entity::Column::ServerId.is_null(),
    }
}

/// Adds to the history.
pub async fn record(db: &impl Connection, event: &Event) -> Result<()> {
    let row: events::ActiveModel = event.clone().into();
    events::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// What happened to requests and grants, newest first.
pub async fn history(db: &impl Connection, page: Page) -> Result<Listed<Event>> {
    let query = events::Entity::find()
        .order_by_desc(events::Column::At)
        .order_by_desc(events::Column::Id)
        .into_query();
    page::listed(&db.reader(), query, page, |row| Event::from_query_result(row, "")).await
}
