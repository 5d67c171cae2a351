//! Who this program is to the authorization server of a source: a client that a person wrote down, the address of
//! its own metadata, or one that registered itself.

use oauth::registration::{self, About, Step};
use oauth::{AuthorizationServer, Client, PrivateKey, Scopes, Secret};
use outbound::Reach;
use outbound::host::Host;
use serde_json::Value;
use store::external_sources::ExternalSource;
use url::Url;

use super::kept::{self, Known, Registered, ShownTo};
use super::way::{Attempt, Way};
use crate::external_sources::told::page;
use crate::external_sources::{credentials, settings_of};
use crate::settings::External;
use crate::{App, Error, Result, clock};

/// What a new client is for.
pub(super) struct Need<'a> {
    pub(super) redirect_uri: &'a str,
    pub(super) scopes: &'a Scopes,
}

/// A client, and what is to be kept of it.
pub(super) struct Found {
    pub(super) client: Client,
    pub(super) known: Known,
    /// One that has registered itself just now.
    pub(super) registered: Option<Registered>,
}

/// The client with which a source is connected; it registers itself where it has to.
pub(super) async fn find(
    way: Way<'_>,
    server: &AuthorizationServer,
    need: Need<'_>,
) -> Attempt<Found> {
    let Way { app, source } = way;
    if let Some(id) = settings_of(source).client_id {
        let client = brought(app, source, server, &id).await?;
        return Ok(Found { client, known: Known::Given { id }, registered: None });
    }
    let key = kept::registration(&server.issuer);
    let kept: Option<Registered> = kept::read(app, source.id, &key).await?;
    // A server takes no other address than those that it knows.
    let kept = kept.filter(|kept| kept.redirect_uri == need.redirect_uri);
    let about = about(app.external(), need.redirect_uri);
    let kept = kept.map(|kept| kept.client);
    let step = registration::begin(server, kept, &about, need.scopes, clock::now());
    match step.map_err(|error| Error::Conflict(format!("source `{}`: {error}", source.name)))? {
        Step::Done(client) => {
            let known = Known::Own(Box::new(client.clone()));
            Ok(Found { client, known, registered: None })
        }
        Step::Register(post) => {
            let answered = way.post(&post).await?;
            let client = registration::registered(server, answered.answer());
            let client = client.map_err(|error| way.upstream(error))?;
            let redirect_uri = need.redirect_uri.to_owned();
            let registered = Registered { client: client.clone(), redirect_uri };
            let known = Known::Own(Box::new(client.clone()));
            Ok(Found { client, known, registered: Some(registered) })
        }
    }
}

/// The client as it is now.
pub(super) async fn again(
    app: &App,
    source: &ExternalSource,
    server: &AuthorizationServer,
    known: &Known,
) -> Result<Client> {
    match known {
        Known::Own(client) => Ok((**client).clone()),
        Known::Given { id } if settings_of(source).client_id.as_ref() == Some(id) => {
            given(app, source, server, id).await
        }
        Known::Given { .. } => Err(Error::Conflict(format!(
            "the client id of source `{}` was changed after it was connected: a person has to connect it again {}",
            source.name,
            page(app, source.id)
        ))),
    }
}

/// The client that a person wrote down, if it was shown to no other server before.
pub(super) async fn brought(
    app: &App,
    source: &ExternalSource,
    server: &AuthorizationServer,
    id: &str,
) -> Result<Client> {
    check_owner(app, source, server, id).await?;
    given(app, source, server, id).await
}

/// The client that a person wrote down, with the credential that is set now.
pub(super) async fn given(
    app: &App,
    source: &ExternalSource,
    server: &AuthorizationServer,
    id: &str,
) -> Result<Client> {
    let key: Option<PrivateKey> = kept::read(app, source.id, kept::PRIVATE_KEY).await?;
    if let Some(key) = key {
        return Ok(Client::with_key(server, id, key));
    }
    let secret = credentials::read(app, source.id, kept::CLIENT_SECRET).await?;
    Ok(Client::given(server, id, secret.map(Secret::from)))
}

/// Refuses to show the credential of a client to another server than the one it was shown first.
async fn check_owner(
    app: &App,
    source: &ExternalSource,
    server: &AuthorizationServer,
    id: &str,
) -> Result<()> {
    let shown: Option<ShownTo> = kept::read(app, source.id, kept::SHOWN_TO).await?;
    match shown {
        Some(shown) if shown.client_id == id && shown.issuer != server.issuer => {
            Err(Error::Conflict(format!(
                "source `{}` now names the authorization server `{}`, but its client belongs to `{}`: check that this is meant to be, then set client id and secret of the source anew",
                source.name, server.issuer, shown.issuer
            )))
        }
        _ => Ok(()),
    }
}

/// What is said of this program where a login comes back to that address. Its document names the one callback, so
/// that it speaks for no login that comes back elsewhere.
fn about(external: &External, redirect_uri: &str) -> About {
    let is_named = external.callback.as_deref() == Some(redirect_uri);
    let document = external.client_document.as_ref().filter(|url| is_named && is_public(url));
    About {
        name: "mcpbox".to_owned(),
        home: None,
        redirect_uris: vec![redirect_uri.to_owned()],
        document: document.cloned(),
    }
}

/// Whether an address can be one of the internet. Of a name only whoever gave it knows that.
fn is_public(url: &Url) -> bool {
    let host = url.host_str().and_then(|host| outbound::host::parse(host).ok());
    let is_public = host.is_some_and(|host| match &host {
        Host::Address(_) => Reach::Public.check_host(&host).is_ok(),
        Host::Name(_) => !oauth::is_loopback(url),
    });
    is_public && url.scheme() == "https"
}

/// Where logins come back to that begin at the pages, if the operator said so.
pub fn callback(app: &App) -> Option<&str> {
    app.external().callback.as_deref()
}

/// The metadata of this program as a client, for authorization servers elsewhere to read; nothing where they
/// could not (`draft-ietf-oauth-client-id-metadata-document`).
pub fn client_document(app: &App) -> Option<Value> {
    document(app.external())
}

fn document(external: &External) -> Option<Value> {
    about(external, external.callback.as_deref()?).document()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_one_of_the_internet() {
        let callback = "https://box.example/oauth/callback";
        let at = |url: &str| External {
            callback: Some(callback.to_owned()),
            client_document: Url::parse(url).ok(),
            allow_loopback: false,
        };
        let url = "https://box.example.com/oauth/client-metadata.json";
        let read = document(&at(url)).unwrap();
        assert_eq!(read["client_id"], url);
        assert_eq!(read["redirect_uris"], serde_json::json!([callback]));
        for url in ["http://box.example.com/c", "https://localhost/c", "https://192.168.1.4/c", "x"]
        {
            assert!(document(&at(url)).is_none(), "{url}");
        }
        assert!(about(&at(url), callback).document.is_some());
        let elsewhere = about(&at(url), "http://127.0.0.1:4000/callback").document;
        assert!(elsewhere.is_none(), "the document does not name where that login comes back to");
        assert!(document(&External { callback: None, ..at(url) }).is_none());
    }
}
