//! How to become a client: what an admin gave, the URL of our own metadata, registration (RFC 7591), or a question to the admin.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use url::Url;

use crate::address::is_loopback;
use crate::client::{Client, Credential, Origin};
use crate::document::Document;
use crate::request::{Answer, Post};
use crate::scope::Scopes;
use crate::secret::Secret;
use crate::server::AuthorizationServer;

/// What is said of this program as a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its name for people.
    pub name: String,
    /// Where people read about it.
    pub home: Option<Url>,
    /// Where logins come back to.
    pub redirect_uris: Vec<String>,
    /// Where its metadata is served to the internet, if it is.
    pub document: Option<Url>,
}

/// The next step on the way to a client.
#[derive(Debug, Clone)]
pub enum Step {
    /// It is there.
    Done(Client),
    /// Send this, and hand its answer to [`registered`].
    Register(Post),
}

/// Why there is no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// Nothing works without an admin.
    #[error(
        "the authorization server `{server}` does not let programs register themselves: register this \
         one there with the redirect address {redirect}, and give its client id and secret to the source"
    )]
    AskAdmin {
        /// The server.
        server: String,
        /// Where logins come back to.
        redirect: String,
    },
    /// The server did not want to.
    #[error(
        "the authorization server refused to register this program ({0}): register it there by hand, and \
         give its client id and secret to the source"
    )]
    Refused(String),
    /// The server could not.
    #[error(
        "the authorization server could not register this program now (status {0}): try again later"
    )]
    Later(u16),
    /// No client in the answer.
    #[error(
        "the authorization server's answer to the registration (status {0}) has no client id: register this \
         program there by hand, and give its client id and secret to the source"
    )]
    Unreadable(u16),
}

impl About {
    /// The client's metadata document (CIMD), to be served at its own URL as `application/json`.
    /// Nothing where there is no such URL.
    pub fn document(&self) -> Option<Value> {
        let document = self.document.as_ref()?;
        let mut metadata = self.metadata("none");
        metadata.insert("client_id".to_owned(), document.as_str().into());
        Some(metadata.into())
    }

    fn metadata(&self, method: &str) -> Map<String, Value> {
        let fields = json!({
            "client_name": self.name,
            "redirect_uris": self.redirect_uris,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": method,
            // Logins come back to a server, though it may stand on somebody's desk (OpenID Connect Registration §2).
            "application_type": "web",
        });
        let mut metadata = fields.as_object().cloned().unwrap_or_default();
        if let Some(home) = &self.home {
            metadata.insert("client_uri".to_owned(), home.as_str().into());
        }
        metadata
    }

    /// The metadata's URL, if a server elsewhere could fetch it.
    fn reachable_document(&self) -> Option<&Url> {
        let reachable =
            |url: &&Url| url.scheme() == "https" && url.path() != "/" && !is_loopback(url);
        self.document.as_ref().filter(reachable)
    }
}

/// How to become a client of a server: one given by an admin or kept from before comes first, then the URL of our
/// metadata, then registration.
pub fn begin(
    server: &AuthorizationServer,
    kept: Option<Client>,
    about: &About,
    scopes: &Scopes,
    now: DateTime<Utc>,
) -> Result<Step, RegistrationError> {
    if let Some(client) = kept.filter(|client| client.is_good(server, now)) {
        return Ok(Step::Done(client));
    }
    let document = about.reachable_document().filter(|_url| server.takes_client_documents);
    if let Some(url) = document {
        let client = Client::new(server, url.as_str(), Credential::None, Origin::Document);
        return Ok(Step::Done(client));
    }
    let Some(endpoint) = &server.registration_endpoint else {
        let redirect = about.redirect_uris.first().cloned().unwrap_or_default();
        return Err(RegistrationError::AskAdmin { server: server.issuer.to_string(), redirect });
    };
    let mut metadata = about.metadata(wanted_method(server));
    if !scopes.is_empty() {
        metadata.insert("scope".to_owned(), scopes.to_string().into());
    }
    Ok(Step::Register(Post::json(endpoint, &metadata.into())))
}

/// The safest way that both know: this program keeps secrets.
fn wanted_method(server: &AuthorizationServer) -> &'static str {
    let known = ["client_secret_basic", "client_secret_post", "none"];
    known.into_iter().find(|method| server.takes_method(method)).unwrap_or("client_secret_basic")
}

/// Reads the answer to a registration (RFC 7591 §3.2).
pub fn registered(
    server: &AuthorizationServer,
    answer: Answer<'_>,
) -> Result<Client, RegistrationError> {
    if answer.is_for_later() {
        return Err(RegistrationError::Later(answer.status));
    }
    let unreadable = || RegistrationError::Unreadable(answer.status);
    let document = Document::read(answer.body).ok_or_else(unreadable)?;
    let id = document.text("client_id").filter(|_id| answer.succeeded());
    let Some(id) = id else {
        let reason = document.shown("error_description").or_else(|| document.shown("error"));
        return Err(reason.map_or_else(unreadable, RegistrationError::Refused));
    };
    let secret = document.text("client_secret").map(Secret::new);
    let method = document.text("token_endpoint_auth_method");
    let credential = credential(server, secret, method);
    let mut client = Client::new(server, id, credential, Origin::Registered);
    // 0 stands for never.
    let end = document.number("client_secret_expires_at").filter(|end| *end > 0.0);
    #[expect(clippy::cast_possible_truncation, reason = "a number too large becomes the largest")]
    let end = end.and_then(|end| DateTime::from_timestamp(end as i64, 0));
    client.expires_at = end;
    Ok(client)
}

/// What the server says counts; where it says nothing, what it can take.
fn credential(
    server: &AuthorizationServer,
    secret: Option<Secret>,
    method: Option<&str>,
) -> Credential {
    let Some(secret) = secret else { return Credential::None };
    match method {
        Some("none") => Credential::None,
        Some("client_secret_basic") => Credential::ClientSecretBasic { secret },
        Some("client_secret_post") => Credential::ClientSecretPost { secret },
        _ if wanted_method(server) == "none" => Credential::None,
        _ => Credential::of(server, secret),
    }
}

#[cfg(test)]
mod tests;
