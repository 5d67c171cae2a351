//! The audit log: every decision, grant, setting, secret, sign-in and token, in a chain of hashes.

mod verify;

use serde_json::{Map, Value};
pub use store::Json;
pub use store::audit::{Filter, Row};
use uuid::Uuid;
pub use verify::{Broken, Report, after, verify};

use crate::identity::Actor;
use crate::{App, Listed, Page, Result, clock};

/// Something that was done, about to be written down.
#[derive(Debug, Clone)]
pub(crate) struct Event<'a> {
    action: &'a str,
    subject_kind: &'a str,
    subject: &'a str,
    subject_id: Option<Uuid>,
    digest: Option<&'a str>,
    detail: Map<String, Value>,
}

impl<'a> Event<'a> {
    /// `action` is `noun.verb`, for instance `tool.approved`; its noun is the kind of the subject.
    pub(crate) fn new(action: &'a str, subject: &'a str) -> Self {
        let subject_kind = action.split_once('.').map_or(action, |(noun, _)| noun);
        let (subject_id, digest, detail) = (None, None, Map::new());
        Self { action, subject_kind, subject, subject_id, digest, detail }
    }

    /// The id of the thing.
    pub(crate) fn id(self, id: Uuid) -> Self {
        Self { subject_id: Some(id), ..self }
    }

    /// The digest that was decided about.
    pub(crate) fn digest(self, digest: &'a str) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// Something else to know. Never a value that is secret.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(key.to_owned(), value.into());
        self
    }
}

/// Starts a transaction that will write events down. Others of its kind wait until it ends: those who
/// decide about several things at once cannot wait for each other in a ring.
pub(crate) async fn begin(app: &App) -> Result<store::Transaction> {
    let transaction = app.store().begin().await?;
    store::changes::hold(&transaction).await?;
    Ok(transaction)
}

/// Writes an event down within the transaction that does what it tells of.
pub(crate) async fn record(
    transaction: &store::Transaction,
    actor: impl Into<Actor>,
    event: Event<'_>,
) -> Result<()> {
    let Actor { name, address } = actor.into();
    let entry = store::audit::Entry {
        at: clock::now(),
        actor: name,
        address: address.map(|address| address.to_string()),
        action: event.action.to_owned(),
        subject_kind: event.subject_kind.to_owned(),
        subject: event.subject.to_owned(),
        subject_id: event.subject_id,
        digest: event.digest.map(str::to_owned),
        detail: Value::Object(event.detail),
    };
    Ok(store::audit::append(transaction, entry).await?)
}

/// The log, newest first.
pub async fn list(app: &App, filter: &Filter, page: Page) -> Result<Listed<Row>> {
    Ok(store::audit::list(app.store(), filter, page).await?)
}
