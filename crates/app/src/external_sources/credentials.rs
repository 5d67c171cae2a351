//! The credentials of sources: secrets of their servers, and what is sealed for one source alone.

use futures::future::{BoxFuture, FutureExt as _};
use outbound::mcp::{Access, AccessError};
use secrecy::{ExposeSecret as _, SecretString};
use store::external_sources::{AuthType, Transport};
use store::secrets::Secret as Row;
use uuid::Uuid;

use super::{Auth, ExternalSource, find};
use crate::{App, Error, Result, Tie, clock, key_unavailable, secrets};

/// The longest name of a header field.
const FIELD_MAX: usize = 255;

/// Fields that the protocol uses itself.
const RESERVED: [&str; 10] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-method",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
];

/// Refuses credentials that cannot be sent.
pub(super) fn check(auth: &Auth, transport: Transport) -> Result<()> {
    if transport == Transport::Stdio && *auth != Auth::None {
        let reason = "a process gets its credentials in `env` (`secret:NAME`), so this is `none`";
        return Err(Error::invalid("auth_type", reason));
    }
    let (Auth::Bearer { secret } | Auth::Header { secret, .. }) = auth else { return Ok(()) };
    if secret.is_empty() || secret.len() > FIELD_MAX || secret.contains('\0') {
        let reason = "name the secret of the server that holds the credential";
        return Err(Error::invalid("auth_secret_name", reason));
    }
    let Auth::Header { field: Some(field), .. } = auth else { return Ok(()) };
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if field.is_empty() || field.len() > FIELD_MAX || !field.chars().all(is_token) {
        let reason = "expected the name of a header field, such as X-API-Key";
        return Err(Error::invalid("auth_header_name", reason));
    }
    if RESERVED.contains(&field.to_ascii_lowercase().as_str()) {
        let reason = format!("`{field}` is a field that the protocol uses itself");
        return Err(Error::invalid("auth_header_name", reason));
    }
    Ok(())
}

/// The secret of the server that a source is shown; read anew for each request.
pub(super) struct FromSecret {
    pub(super) app: Tie,
    pub(super) source_id: Uuid,
    pub(super) server_id: Uuid,
    /// Where its requests go.
    pub(super) url: Option<String>,
    pub(super) key: String,
    /// The field, and what stands before the value in it.
    pub(super) field: (String, &'static str),
}

impl FromSecret {
    /// The access of a source with credentials that do not change by themselves.
    pub(super) fn of(app: &App, source: &ExternalSource) -> Option<Self> {
        let field = match source.auth_type {
            AuthType::Bearer => ("Authorization".to_owned(), "Bearer "),
            AuthType::Header => {
                let named = source.auth_header_name.clone();
                (named.unwrap_or_else(|| "Authorization".to_owned()), "")
            }
            AuthType::None | AuthType::Oauth => return None,
        };
        let key = source.auth_secret_name.clone()?;
        let (source_id, server_id) = (source.id, source.server_id);
        let url = source.url.clone();
        Some(Self { app: app.tie(), source_id, server_id, url, key, field })
    }
}

impl Access for FromSecret {
    fn headers(&self) -> BoxFuture<'_, std::result::Result<Vec<(String, String)>, AccessError>> {
        async {
            let app = self.app.app()?;
            let value = of_server(&app, self.server_id, &self.key).await?;
            check_place(&app, self.source_id, self.url.as_deref()).await?;
            app.connections().shown.to(self.source_id).add(&self.key, value.expose_secret());
            let (field, beginning) = &self.field;
            Ok(vec![(field.clone(), format!("{beginning}{}", value.expose_secret()))])
        }
        .boxed()
    }
}

/// Refuses to show a credential where its source is no more: a connection goes on for a while after the source was
/// moved, and what is set for the new place is not for the old one. Looked at after the credential was read.
pub(super) async fn check_place(app: &App, source_id: Uuid, url: Option<&str>) -> Result<()> {
    let now = find(app.store(), source_id).await?;
    if now.url.as_deref() == url {
        return Ok(());
    }
    Err(Error::Conflict(format!("source `{}` is at another address by now", now.name)))
}

/// The value of a server's secret, as it is now.
pub(crate) async fn of_server(app: &App, server_id: Uuid, key: &str) -> Result<SecretString> {
    let keys = [key.to_owned()];
    let values = secrets::of_call(app, server_id, &keys, None).await?;
    let found = values.exposed().remove(key).map(SecretString::from);
    found.ok_or_else(|| {
        Error::Conflict(format!(
            "secret `{key}` has no value yet: a person sets it on the page of the server"
        ))
    })
}

/// Seals a credential of a source under a key, in the place of what was there; gives the id of its row.
pub(crate) async fn keep(
    app: &App,
    transaction: &store::Transaction,
    source: &ExternalSource,
    (key, value): (&str, &str),
) -> Result<Uuid> {
    let data_key = app.keyring()?.newest(transaction).await.map_err(key_unavailable)?;
    let now = clock::now();
    let key = of_one(key, source.id);
    let found = store::secrets::find_of_source(transaction, source.id, &key).await?;
    let is_new = found.is_none();
    let row = found.unwrap_or_else(|| Row {
        id: Uuid::now_v7(),
        server_id: source.server_id,
        source_id: Some(source.id),
        key,
        description: format!("Credential of source {}", source.name),
        sealed: None,
        generation: None,
        is_short: false,
        created_by: source.created_by.clone(),
        created_at: now,
        updated_by: source.created_by.clone(),
        updated_at: now,
    });
    if is_new {
        store::secrets::insert(transaction, &row).await?;
    }
    let sealed =
        row.seal(&data_key, value, false).map_err(|error| Error::Internal(Box::new(error)))?;
    let by = (source.created_by.as_str(), now);
    store::secrets::set(transaction, row.id, Some(sealed), by).await?;
    Ok(row.id)
}

/// The key of one source's credential: sources of the same server have different ones, and what is sealed for
/// one does not open for another.
fn of_one(key: &str, source_id: Uuid) -> String {
    format!("{key}:{source_id}")
}

/// The credential of a source under a key, if there is one.
pub(crate) async fn read(app: &App, source_id: Uuid, key: &str) -> Result<Option<SecretString>> {
    let key = of_one(key, source_id);
    // Twice: a data key goes once all values have a newer one.
    for _ in 0..2 {
        let Some(row) = store::secrets::find_of_source(app.store(), source_id, &key).await? else {
            return Ok(None);
        };
        let values = secrets::unsealed(app, &[row]).await?;
        if let Some(values) = values {
            return Ok(values.exposed().remove(key.as_str()).map(SecretString::from));
        }
    }
    Err(secrets::keys_are_replaced())
}

/// Whether a source has a credential under a key.
pub(crate) async fn has(app: &App, source_id: Uuid, key: &str) -> Result<bool> {
    let key = of_one(key, source_id);
    Ok(store::secrets::find_of_source(app.store(), source_id, &key).await?.is_some())
}

/// Removes a credential of a source, if there is one.
pub(crate) async fn remove(
    transaction: &store::Transaction,
    source_id: Uuid,
    key: &str,
) -> Result<bool> {
    let key = of_one(key, source_id);
    let row = store::secrets::find_of_source(transaction, source_id, &key).await?;
    let Some(row) = row else { return Ok(false) };
    Ok(store::secrets::delete(transaction, row.id).await?)
}

/// Takes a credential of a source away: whoever gets it is the only one. Nothing where there is none.
pub(crate) async fn take(app: &App, source_id: Uuid, key: &str) -> Result<Option<SecretString>> {
    let Some(value) = read(app, source_id, key).await? else { return Ok(None) };
    let key = of_one(key, source_id);
    let row = store::secrets::find_of_source(app.store(), source_id, &key).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(store::secrets::delete(app.store(), row.id).await?.then_some(value))
}
