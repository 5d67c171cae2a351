//! What is kept of a source's OAuth, sealed: its tokens, its clients, the scopes it wants, and logins that wait.

use chrono::{DateTime, Utc};
use oauth::{AuthorizationServer, Client, Issuer, Login, Scopes, Tokens};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::Transaction;
use store::external_sources::ExternalSource;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::external_sources::credentials;
use crate::{App, Error, Result};

/// The secret of a client that a person wrote down.
pub(super) const CLIENT_SECRET: &str = "source:client_secret";

/// The private key of such a client.
pub(super) const PRIVATE_KEY: &str = "source:private_key";

/// To which authorization server the client that a person wrote down was shown first.
pub(super) const SHOWN_TO: &str = "source:shown_to";

/// The tokens.
pub(super) const TOKENS: &str = "source:tokens";

/// The scopes that the source wanted beyond those of its tokens.
pub(super) const WANTED: &str = "source:wanted";

/// What the keys of logins begin with.
pub(super) const LOGINS: &str = "source:login:";

/// The tokens of a source with all that is needed to renew them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Held {
    /// That of the row which they belong to.
    pub(super) version: i32,
    /// The tokens.
    pub(super) tokens: Tokens,
    /// What they are for (RFC 8707).
    pub(super) resource: String,
    /// Who gave them; nothing where somebody brought them.
    pub(super) server: Option<AuthorizationServer>,
    /// Whom they were given to, likewise.
    pub(super) client: Option<Known>,
}

/// The client that this program is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Known {
    /// One that a person wrote down; its credential is kept by itself, and may be another one by now.
    Given {
        /// `client_id`.
        id: String,
    },
    /// One that is known by its document, or that registered itself.
    Own(Box<Client>),
}

/// A client that registered itself.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Registered {
    /// The client.
    pub(super) client: Client,
    /// Where its logins come back to.
    pub(super) redirect_uri: String,
}

/// Whom the client that a person wrote down belongs to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ShownTo {
    /// The authorization server.
    pub(super) issuer: Issuer,
    /// `client_id`.
    pub(super) client_id: String,
}

/// The scopes that a source wanted beyond those of its tokens.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Wanted {
    /// All that is to be asked for.
    pub(super) scopes: Scopes,
    /// How often it wanted more in a row.
    pub(super) step_ups: u32,
    /// When it did so last.
    pub(super) at: Option<DateTime<Utc>>,
}

/// A login that waits for a person to come back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// The source.
    pub(super) source_id: Uuid,
    /// Where it was when the login began.
    pub(super) url: Option<String>,
    /// The login itself.
    pub(super) login: Login,
    /// The authorization server.
    pub(super) server: AuthorizationServer,
    /// The client.
    pub(super) client: Known,
    /// The person who began it; nobody is the command line.
    pub(super) user_id: Option<Uuid>,
}

/// Under which key the client is kept that registered itself with a server.
pub(super) fn registration(issuer: &Issuer) -> String {
    format!("source:registration:{}", hex::encode(Sha256::digest(issuer.as_str())))
}

/// Under which key a login is kept.
pub(super) fn login(digest: &str) -> String {
    format!("{LOGINS}{digest}")
}

/// Seals a record; gives the id of its row.
pub(super) async fn write<T: Serialize>(
    app: &App,
    transaction: &Transaction,
    source: &ExternalSource,
    (key, record): (&str, &T),
) -> Result<Uuid> {
    let written = serde_json::to_string(record).map_err(|error| Error::Internal(error.into()))?;
    credentials::keep(app, transaction, source, (key, &Zeroizing::new(written))).await
}

/// The record under a key, if there is one.
pub(super) async fn read<T: DeserializeOwned>(
    app: &App,
    source_id: Uuid,
    key: &str,
) -> Result<Option<T>> {
    let written = credentials::read(app, source_id, key).await?;
    written.map(|written| parsed(written.expose_secret())).transpose()
}

pub(super) fn parsed<T: DeserializeOwned>(written: &str) -> Result<T> {
    // What serde says may repeat a part of what it read.
    serde_json::from_str(written).map_err(|error| {
        let kind = format!("a sealed record of a source cannot be read ({:?})", error.classify());
        Error::Internal(std::io::Error::other(kind).into())
    })
}
