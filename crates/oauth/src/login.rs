//! A person's login at an authorization server: the address to send them to, and what to keep until they come back
//! (OAuth 2.1 §4.1.1, RFC 7636, RFC 8707).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::client::{Client, ClientError};
use crate::issuer::Issuer;
use crate::request::{Form, Post};
use crate::scope::{OFFLINE_ACCESS, Scopes};
use crate::secret::{RandomError, Secret};
use crate::server::{AuthorizationServer, ServerError};

/// How long a person may take.
const LIFE: TimeDelta = TimeDelta::minutes(10);

/// What a login is for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The name of the protected resource (RFC 8707); nothing where a server cannot bear it.
    pub resource: Option<&'a str>,
    /// What to ask for; nothing leaves it to the server.
    pub scopes: &'a Scopes,
    /// Where the person comes back to.
    pub redirect_uri: &'a str,
    /// Whose the tokens will be. The caller's own name for it.
    pub owner: &'a str,
}

/// A login that began: send the person to `url`, keep `login` under [`digest`] of `state`.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Where to send the person's browser. It holds the state.
    pub url: Secret,
    /// By what the way back is known.
    pub state: Secret,
    /// What to keep, sealed, until it is used once or has expired.
    pub login: Login,
}

/// What is kept of a login that began. It is deleted in the same transaction in which it is found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    /// SHA-256 of the state, in hexadecimal digits.
    pub(crate) state: String,
    /// The server that the person was sent to.
    pub issuer: Issuer,
    /// The client that asked.
    pub client_id: String,
    /// What the tokens are for.
    pub resource: Option<String>,
    /// Whose they will be.
    pub owner: String,
    /// What was asked for.
    pub scopes: Scopes,
    /// Where the person comes back to.
    pub redirect_uri: String,
    /// Whether the way back has to name the server (RFC 9207).
    pub(crate) promises_iss: bool,
    verifier: Secret,
    /// Until when it holds.
    pub expires_at: DateTime<Utc>,
}

/// Why a login does not begin, or its code is not used.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The server cannot.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The client cannot.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Server or client became another meanwhile.
    #[error("the source's settings changed during the login: begin it again")]
    Changed,
}

/// Under what a login is kept: SHA-256 of its state, in hexadecimal digits. Who reads the records cannot come back with it.
pub fn digest(state: &str) -> String {
    hex::encode(Sha256::digest(state.as_bytes()))
}

/// Begins a login, always with PKCE and S256.
pub fn begin(
    server: &AuthorizationServer,
    client: &Client,
    wish: Wish<'_>,
    now: DateTime<Utc>,
) -> Result<Begun, LoginError> {
    let endpoint = server.login_endpoint()?;
    if client.issuer != server.issuer {
        let [own, server] = [&client.issuer, &server.issuer].map(Clone::clone);
        return Err(ClientError::OtherIssuer { own, server }.into());
    }
    let state = Secret::random()?;
    let login = Login {
        state: digest(state.expose()),
        issuer: server.issuer.clone(),
        client_id: client.id.clone(),
        resource: wish.resource.map(str::to_owned),
        owner: wish.owner.to_owned(),
        scopes: wish.scopes.clone(),
        redirect_uri: wish.redirect_uri.to_owned(),
        promises_iss: server.promises_iss,
        verifier: Secret::random()?,
        expires_at: now + LIFE,
    };
    Ok(Begun { url: login.url(endpoint.url(), &state), state, login })
}

impl Login {
    /// The endpoint with the request in its query, whose other fields stay (RFC 6749 §3.1).
    fn url(&self, endpoint: &Url, state: &Secret) -> Secret {
        let challenge = challenge(&self.verifier);
        let scopes = self.scopes.to_string();
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("state", state.expose()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        fields.extend(self.resource.as_deref().map(|resource| ("resource", resource)));
        fields.extend((!scopes.is_empty()).then_some(("scope", scopes.as_str())));
        // Without it servers that speak OpenID Connect may leave the refresh token out (its Core §11).
        fields.extend(self.scopes.has(OFFLINE_ACCESS).then_some(("prompt", "consent")));
        let own = |name: &str| fields.iter().any(|(field, _)| *field == name);
        let kept: Vec<(String, String)> =
            endpoint.query_pairs().into_owned().filter(|(name, _)| !own(name)).collect();
        let mut url = endpoint.clone();
        url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(&fields);
        Secret::new(url)
    }

    /// Asks for tokens with the code that came back (RFC 6749 §4.1.3, RFC 7636 §4.5). Codes of Box hold for 30 seconds.
    pub fn exchange(
        &self,
        server: &AuthorizationServer,
        client: &Client,
        code: &Secret,
        now: DateTime<Utc>,
    ) -> Result<Post, LoginError> {
        if self.issuer != server.issuer || self.client_id != client.id {
            return Err(LoginError::Changed);
        }
        let form = Form::new()
            .with("grant_type", "authorization_code")
            .with("code", code.expose())
            .with("redirect_uri", &self.redirect_uri)
            .with("code_verifier", self.verifier.expose())
            .with_some("resource", self.resource.as_deref());
        Ok(client.sign(form, server, now)?.to(&server.token_endpoint))
    }
}

/// What shows that one knows the verifier (RFC 7636 §4.2).
fn challenge(verifier: &Secret) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests;
