//! External sources: MCP servers of others whose tools are imported.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DeriveValueType, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Set, sea_query::Expr,
};
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr};
use uuid::Uuid;

pub use self::entity::Model as ExternalSource;
use crate::{Connection, Json, Listed, Page, Result, page};

pub(crate) mod entity {
    //! The table of external sources.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use super::{AuthType, RefreshOwner, Transport};
    use crate::Json;

    /// An external source.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "external_sources")]
    pub struct Model {
        /// A UUID of version 7.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The server whose tools are imported from it.
        pub server_id: Uuid,
        /// Unique on its server.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// How it is spoken to.
        pub transport: Transport,
        /// Where it is; nothing for a process of this machine.
        pub url: Option<String>,
        /// The process: `{"command", "args", "env"}`, of which `env` names secrets of the server.
        pub command: Option<Json>,
        /// How this program shows who it is.
        pub auth_type: AuthType,
        /// The secret of the server that is shown.
        pub auth_secret_name: Option<String>,
        /// The header field that it stands in; `Authorization` where there is none.
        pub auth_header_name: Option<String>,
        /// What is set for OAuth and is no secret, as `app` writes it.
        pub oauth: Option<Json>,
        /// Who renews its tokens.
        pub refresh_owner: RefreshOwner,
        /// Whether all of its tools are imported once they are listed for the first time.
        pub imports_all: bool,
        /// Whether a person lets it be used.
        pub enabled: bool,
        /// `config` where a file decides about it, so that people do not.
        pub managed_by: Option<String>,
        /// The hosts that a person allowed it: a list of `host:port`.
        pub grants: Json,
        /// When a person allowed it; until then nothing is connected to.
        pub granted_at: Option<DateTime<Utc>>,
        /// Who did.
        pub granted_by: Option<String>,
        /// Why a person refused it.
        pub rejection_reason: Option<String>,
        /// Why it could not be used when it was last tried.
        pub failure: Option<String>,
        /// When that was.
        pub failed_at: Option<DateTime<Utc>>,
        /// The tools that it listed last, as they came.
        pub discovered: Option<Json>,
        /// How many those are.
        pub tool_count: i32,
        /// When that was.
        pub last_discovered_at: Option<DateTime<Utc>>,
        /// Who added it.
        pub created_by: String,
        /// When.
        pub created_at: DateTime<Utc>,
        /// When it was last changed by somebody.
        pub updated_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How a source is spoken to.
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
pub enum Transport {
    /// Streamable HTTP.
    StreamableHttp,
    /// The older HTTP with a stream of events.
    Sse,
    /// A process of this machine.
    Stdio,
}

/// How this program shows a source who it is.
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
pub enum AuthType {
    /// Not at all.
    None,
    /// `Authorization: Bearer` with a secret.
    Bearer,
    /// A header field of its own with a secret.
    Header,
    /// OAuth 2.1.
    Oauth,
}

/// Who renews the tokens of a source.
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
pub enum RefreshOwner {
    /// This program.
    Gateway,
    /// Whoever registered the source brings new ones.
    Client,
}

/// Adds a source; [`Error::is_duplicate`](crate::Error::is_duplicate) when the server has one of its
/// name.
pub async fn insert(db: &impl Connection, source: &ExternalSource) -> Result<()> {
    let row: entity::ActiveModel = source.clone().into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The source of that id.
pub async fn find(db: &impl Connection, id: Uuid) -> Result<Option<ExternalSource>> {
    Ok(entity::Entity::find_by_id(id).one(&db.reader()).await?)
}

/// The source of a server that has that name.
pub async fn find_by_name(
    db: &impl Connection,
    server_id: Uuid,
    name: &str,
) -> Result<Option<ExternalSource>> {
    if name.contains('\0') {
        return Ok(None);
    }
    let found = entity::Entity::find()
        .filter(entity::Column::ServerId.eq(server_id))
        .filter(entity::Column::Name.eq(name));
    Ok(found.one(&db.reader()).await?)
}

/// The sources of a server, or of all servers, in the order they were added.
pub async fn list(
    db: &impl Connection,
    server_id: Option<Uuid>,
    page: Page,
) -> Result<Listed<ExternalSource>> {
    let mut found = entity::Entity::find();
    if let Some(server_id) = server_id {
        found = found.filter(entity::Column::ServerId.eq(server_id));
    }
    let query =
        found.order_by_asc(entity::Column::CreatedAt).order_by_asc(entity::Column::Id).into_query();
    page::listed(&db.reader(), query, page, |row| ExternalSource::from_query_result(row, "")).await
}

/// All sources, in the order they were added.
pub async fn all(db: &impl Connection) -> Result<Vec<ExternalSource>> {
    let found = entity::Entity::find()
        .order_by_asc(entity::Column::CreatedAt)
        .order_by_asc(entity::Column::Id);
    Ok(found.all(&db.reader()).await?)
}

/// How a source stands by what people and files decided about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The source.
    pub id: Uuid,
    /// Whether a person allowed it.
    pub granted: bool,
    /// Whether a person lets it be used.
    pub enabled: bool,
    /// When it was last changed by somebody.
    pub updated_at: DateTime<Utc>,
}

/// The columns of a [`Standing`].
type StandingRow = (Uuid, Option<DateTime<Utc>>, bool, DateTime<Utc>);

/// How all sources stand; without what they listed, which may be much.
pub async fn standings(db: &impl Connection) -> Result<Vec<Standing>> {
    let columns = [
        entity::Column::Id,
        entity::Column::GrantedAt,
        entity::Column::Enabled,
        entity::Column::UpdatedAt,
    ];
    let found = entity::Entity::find().select_only().columns(columns).into_tuple();
    let rows: Vec<StandingRow> = found.all(&db.reader()).await?;
    let standings = rows.into_iter().map(|(id, granted_at, enabled, updated_at)| Standing {
        id,
        granted: granted_at.is_some(),
        enabled,
        updated_at,
    });
    Ok(standings.collect())
}

/// The sources that wait for a person, in the order they were added.
pub async fn waiting(db: &impl Connection, page: Page) -> Result<Listed<ExternalSource>> {
    let query = entity::Entity::find()
        .filter(entity::Column::GrantedAt.is_null())
        .filter(entity::Column::RejectionReason.is_null())
        .order_by_asc(entity::Column::CreatedAt)
        .order_by_asc(entity::Column::Id)
        .into_query();
    page::listed(&db.reader(), query, page, |row| ExternalSource::from_query_result(row, "")).await
}

/// Writes what people and files decide about a source, if nobody has changed that since it was read with
/// `read`; whether it was. What was discovered and what failed is not written.
pub async fn update(
    db: &impl Connection,
    read: DateTime<Utc>,
    source: &ExternalSource,
) -> Result<bool> {
    let row = source.clone();
    let changed = entity::ActiveModel {
        name: Set(row.name),
        description: Set(row.description),
        transport: Set(row.transport),
        url: Set(row.url),
        command: Set(row.command),
        auth_type: Set(row.auth_type),
        auth_secret_name: Set(row.auth_secret_name),
        auth_header_name: Set(row.auth_header_name),
        oauth: Set(row.oauth),
        refresh_owner: Set(row.refresh_owner),
        enabled: Set(row.enabled),
        managed_by: Set(row.managed_by),
        grants: Set(row.grants),
        granted_at: Set(row.granted_at),
        granted_by: Set(row.granted_by),
        rejection_reason: Set(row.rejection_reason),
        updated_at: Set(row.updated_at),
        ..Default::default()
    };
    let updated = entity::Entity::update_many()
        .set(changed)
        .filter(entity::Column::Id.eq(row.id))
        .filter(entity::Column::UpdatedAt.eq(read))
        .exec(&db.writer())
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Writes the tools that a source listed.
pub async fn set_discovered(
    db: &impl Connection,
    id: Uuid,
    (tools, count): (Json, i32),
    at: DateTime<Utc>,
) -> Result<()> {
    entity::Entity::update_many()
        .col_expr(entity::Column::Discovered, Expr::value(tools))
        .col_expr(entity::Column::ToolCount, Expr::value(count))
        .col_expr(entity::Column::LastDiscoveredAt, Expr::value(at))
        .filter(entity::Column::Id.eq(id))
        .exec(&db.writer())
        .await?;
    Ok(())
}

/// Forgets the tools that a source listed at another place.
pub async fn forget_discovered(db: &impl Connection, id: Uuid) -> Result<()> {
    entity::Entity::update_many()
        .col_expr(entity::Column::Discovered, Expr::value(Option::<Json>::None))
        .col_expr(entity::Column::ToolCount, Expr::value(0))
        .col_expr(entity::Column::LastDiscoveredAt, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(entity::Column::Id.eq(id))
        .exec(&db.writer())
        .await?;
    Ok(())
}

/// Writes who renews the tokens of a source.
pub async fn set_refresh_owner(db: &impl Connection, id: Uuid, owner: RefreshOwner) -> Result<()> {
    entity::Entity::update_many()
        .col_expr(entity::Column::RefreshOwner, Expr::value(owner))
        .filter(entity::Column::Id.eq(id))
        .exec(&db.writer())
        .await?;
    Ok(())
}

/// Writes why a source could not be used, or that it could.
pub async fn set_failure(
    db: &impl Connection,
    id: Uuid,
    failure: Option<(&str, DateTime<Utc>)>,
) -> Result<()> {
    entity::Entity::update_many()
        .col_expr(entity::Column::Failure, Expr::value(failure.map(|(text, _)| text)))
        .col_expr(entity::Column::FailedAt, Expr::value(failure.map(|(_, at)| at)))
        .filter(entity::Column::Id.eq(id))
        .exec(&db.writer())
        .await?;
    Ok(())
}

/// Writes that all tools of a source were imported, as was to be done once.
pub async fn set_all_imported(db: &impl Connection, id: Uuid) -> Result<()> {
    entity::Entity::update_many()
        .col_expr(entity::Column::ImportsAll, Expr::value(false))
        .filter(entity::Column::Id.eq(id))
        .exec(&db.writer())
        .await?;
    Ok(())
}

/// Removes a source with its tokens; whether there was one. Its sealed credentials are
/// [`secrets::delete_of_source`](crate::secrets::delete_of_source)'s.
pub async fn delete(db: &impl Connection, id: Uuid) -> Result<bool> {
    let deleted = entity::Entity::delete_by_id(id).exec(&db.writer()).await?;
    Ok(deleted.rows_affected == 1)
}
