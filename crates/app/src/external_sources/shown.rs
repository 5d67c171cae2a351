//! What each source was shown of credentials, so that it is taken out of all that the source says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::ExposeSecret as _;
use serde_json::Value;
use store::external_sources::{AuthType, ExternalSource, Transport};
use uuid::Uuid;

use super::connections::SECRET;
use super::{command_of, credentials, oauth};
use crate::redact::{Redactor, Shown};
use crate::{App, Result};

/// What an access token is called where it was taken out.
const TOKEN: &str = "access_token";

/// What all sources were shown by this process.
#[derive(Debug, Default)]
pub(super) struct AllShown(Mutex<HashMap<Uuid, Arc<Shown>>>);

impl AllShown {
    /// What one source was shown.
    pub(super) fn to(&self, source_id: Uuid) -> Arc<Shown> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(source_id).or_default())
    }

    /// Notes an access token before a source is shown it.
    pub(super) fn token(&self, source_id: Uuid, value: &str) {
        self.to(source_id).add(TOKEN, value);
    }

    /// Forgets sources that there are no more.
    pub(super) fn retain(&self, is_there: impl Fn(Uuid) -> bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|id, _| is_there(*id));
    }
}

/// Takes out of a source's words what it was shown, and what it would be shown now.
pub(crate) async fn redactor(app: &App, source: &ExternalSource) -> Result<Redactor> {
    let shown = app.connections().shown.to(source.id);
    let mut keys: Vec<String> = source.auth_secret_name.iter().cloned().collect();
    if source.transport == Transport::Stdio {
        let command = command_of(source).unwrap_or_default();
        let named = command.env.values().filter_map(|value| value.strip_prefix(SECRET));
        keys.extend(named.map(str::to_owned));
    }
    for key in keys {
        // What is lacking cannot be told, and the call says that it lacks.
        if let Ok(value) = credentials::of_server(app, source.server_id, &key).await {
            shown.add(&key, value.expose_secret());
        }
    }
    if source.auth_type == AuthType::Oauth
        && let Some(token) = oauth::access_token(app, source.id).await?
    {
        shown.add(TOKEN, token.expose_secret());
    }
    Ok(Redactor::of_shown(shown))
}

/// A text of a source, or about it, without what it was shown.
pub(super) fn without_credentials(app: &App, source_id: Uuid, text: String) -> String {
    of(app, source_id).cut_text(text)
}

/// A value of a source, likewise.
pub(super) fn value_without_credentials(app: &App, source_id: Uuid, value: Value) -> Value {
    of(app, source_id).json(value)
}

fn of(app: &App, source_id: Uuid) -> Redactor {
    Redactor::of_shown(app.connections().shown.to(source_id))
}
