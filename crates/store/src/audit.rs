//! Audit: who decided or changed what, in rows that each hold the hash of the one before.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait as _},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub use self::entity::Model as Row;
use crate::connection::sealed::Handles as _;
use crate::{Connection, Json, Listed, Page, Result, Transaction, changes, page};

mod entity {
    //! The table of the audit log.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    use crate::Json;

    /// One entry.
    #[derive(Clone, Debug, PartialEq, Serialize, DeriveEntityModel)]
    #[sea_orm(table_name = "audit")]
    pub struct Model {
        /// Counts from 1 without a gap.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        /// When.
        pub at: DateTime<Utc>,
        /// Who.
        pub actor: String,
        /// From which address; none for the command line and for rules.
        pub address: Option<String>,
        /// What was done, as `noun.verb`.
        pub action: String,
        /// What kind of thing it was done to.
        pub subject_kind: String,
        /// How that is called.
        pub subject: String,
        /// Its id, where it has one.
        pub subject_id: Option<Uuid>,
        /// The digest that was decided about.
        pub digest: Option<String>,
        /// What else there is to know: an object.
        pub detail: Json,
        /// The hash of the row before; empty in the first.
        pub previous_hash: String,
        /// SHA-256 in hex over the rest of the row.
        pub hash: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What a new row says; number and hashes are made when it is added.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// From which address.
    pub address: Option<String>,
    /// What was done, as `noun.verb`.
    pub action: String,
    /// What kind of thing it was done to.
    pub subject_kind: String,
    /// How that is called.
    pub subject: String,
    /// Its id, where it has one.
    pub subject_id: Option<Uuid>,
    /// The digest that was decided about.
    pub digest: Option<String>,
    /// What else there is to know: an object.
    pub detail: Value,
}

/// Which rows to list; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this action, or, for a word without a dot, of this kind of subject.
    pub action: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// About this thing.
    pub subject_id: Option<Uuid>,
}

impl Row {
    /// The hash that the row must have.
    pub fn computed_hash(&self) -> String {
        let content = json!([
            self.number,
            self.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            self.actor,
            self.address,
            self.action,
            self.subject_kind,
            self.subject,
            self.subject_id,
            self.digest,
            self.detail.0.to_string(),
            self.previous_hash,
        ]);
        hex::encode(Sha256::digest(content.to_string()))
    }
}

/// Adds a row to the end of the chain. Transactions that add wait for each other from here on.
pub async fn append(db: &Transaction, entry: Entry) -> Result<()> {
    changes::hold(db).await?;
    let last = last(db).await?;
    let (number, previous_hash) = last.map_or((1, String::new()), |row| (row.number + 1, row.hash));
    let mut row = Row {
        number,
        at: entry.at,
        actor: entry.actor,
        address: entry.address,
        action: entry.action,
        subject_kind: entry.subject_kind,
        subject: entry.subject,
        subject_id: entry.subject_id,
        digest: entry.digest,
        detail: Json(entry.detail),
        previous_hash,
        hash: String::new(),
    };
    row.hash = row.computed_hash();
    let row: entity::ActiveModel = row.into();
    entity::Entity::insert(row).exec_without_returning(&db.writer()).await?;
    Ok(())
}

/// The last row.
pub async fn last(db: &impl Connection) -> Result<Option<Row>> {
    let found = entity::Entity::find().order_by_desc(entity::Column::Number);
    Ok(found.one(&db.reader()).await?)
}

/// The rows that a filter lets through, newest first.
pub async fn list(db: &impl Connection, filter: &Filter, page: Page) -> Result<Listed<Row>> {
    // PostgreSQL holds no null character, so nothing is called by a name with one.
    if [&filter.action, &filter.actor].into_iter().flatten().any(|text| text.contains('\0')) {
        return Ok(Listed { items: Vec::new(), total: 0 });
    }
    let mut select = entity::Entity::find();
    if let Some(action) = &filter.action {
        let is_action = action.contains('.');
        let column = if is_action { entity::Column::Action } else { entity::Column::SubjectKind };
        select = select.filter(column.eq(action.as_str()));
    }
    if let Some(actor) = &filter.actor {
        select = select.filter(entity::Column::Actor.eq(actor.as_str()));
    }
    if let Some(id) = filter.subject_id {
        select = select.filter(entity::Column::SubjectId.eq(id));
    }
    let query = select.order_by_desc(entity::Column::Number).into_query();
    page::listed(&db.reader(), query, page, |row| Row::from_query_result(row, "")).await
}

/// The rows behind a number, oldest first; at most so many.
pub async fn after(db: &impl Connection, number: i64, most: u64) -> Result<Vec<Row>> {
    let found = entity::Entity::find()
        .filter(Expr::col(entity::Column::Number).gt(number))
        .order_by_asc(entity::Column::Number)
        .limit(most);
    Ok(found.all(&db.reader()).await?)
}
