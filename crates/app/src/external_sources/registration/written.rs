//! What somebody writes of a source, in a registration or in a file, before any of it is understood.

use std::collections::BTreeMap;

/// A value that no text repeats.
pub use secrecy::SecretString as Credential;

use crate::external_sources::Command;

/// A source as it is written. What is absent is left to the rules, or stays as it was.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// What the source is called; its server is called so as well, in the letters that servers have.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// `http`, `sse`, `stdio` and what else is usual.
    pub transport: Option<String>,
    /// The process of a source over `stdio`.
    pub command: Option<Command>,
    /// Variables of that process that are kept as secrets of the server.
    pub sealed_env: BTreeMap<String, Credential>,
    /// Whether it may be used.
    pub enabled: Option<bool>,
    /// How this program shows who it is.
    pub auth: Option<WrittenAuth>,
}

/// How this program shows a source who it is, as it is written.
#[derive(Debug, Clone, Default)]
pub struct WrittenAuth {
    /// `none`, `bearer`, `basic`, `api_key`, `oauth2.1`, or what is usual for one of these.
    pub kind: String,
    /// The name of `basic`.
    pub username: Option<String>,
    /// The password of `basic`.
    pub password: Option<Credential>,
    /// What is sent for `bearer` and `api_key`.
    pub value: Option<Credential>,
    /// The header field of `api_key`.
    pub header: Option<String>,
    /// What is written for OAuth.
    pub oauth: WrittenOauth,
}

/// What is written for OAuth.
#[derive(Debug, Clone, Default)]
pub struct WrittenOauth {
    /// `authorization_code` or `client_credentials`.
    pub grant_type: Option<String>,
    /// The identifier that the authorization server gave beforehand.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<Credential>,
    /// The authorization server, where the source names none or another one.
    pub issuer: Option<String>,
    /// Where people log in.
    pub authorization_url: Option<String>,
    /// Where tokens are given.
    pub token_url: Option<String>,
    /// Where they are given back.
    pub revoke_url: Option<String>,
    /// Where people come back to.
    pub redirect_uri: Option<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// What tokens are asked for.
    pub resource: Option<String>,
    /// How the client shows who it is.
    pub token_endpoint_auth_method: Option<String>,
    /// Whether, or how, codes are bound to who asked for them: `true` or `S256`.
    pub pkce: Option<String>,
    /// Whether this program renews tokens.
    pub token_refresh: Option<bool>,
    /// Who renews tokens: `gateway` or `client`.
    pub refresh_owner: Option<String>,
    /// Tokens that are there already.
    pub tokens: Option<WrittenTokens>,
}

/// Tokens as they are written.
#[derive(Debug, Clone)]
pub struct WrittenTokens {
    /// What requests carry.
    pub access_token: Credential,
    /// With what it is renewed.
    pub refresh_token: Option<Credential>,
    /// `Bearer`, in any case.
    pub token_type: Option<String>,
    /// When the access token ends.
    pub expires_at: Option<String>,
    /// After how many seconds it ends.
    pub expires_in: Option<i64>,
    /// What it allows.
    pub scope: Option<String>,
}
