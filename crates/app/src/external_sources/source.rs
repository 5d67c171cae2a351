//! What a source is: where it is, how this program shows who it is, how it stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
pub use store::external_sources::{AuthType, ExternalSource, RefreshOwner, Transport};
pub use store::source_tokens::{SourceTokens, State as TokenState};

/// What is known of a new source, or of one that is changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Unique on its server.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How it is spoken to.
    pub transport: Transport,
    /// Where it is; nothing for a process.
    pub url: Option<String>,
    /// The process.
    pub command: Option<Command>,
    /// How this program shows who it is.
    pub auth: Auth,
}

/// A process that an administrator configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program: a path, or a name to look for in the `PATH` that `env` gives.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// All of its environment. `secret:NAME` stands for the value of that secret of the server.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Where it runs; without this, in `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
}

/// How this program shows a source who it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    /// Not at all.
    None,
    /// `Authorization: Bearer` with the value of a secret of the server.
    Bearer {
        /// The secret.
        secret: String,
    },
    /// The value of a secret in a header field.
    Header {
        /// The field; `Authorization` where there is none.
        field: Option<String>,
        /// The secret.
        secret: String,
    },
    /// OAuth 2.1.
    Oauth(Box<OauthSettings>),
}

/// What is set for OAuth and is no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OauthSettings {
    /// How tokens are come by.
    pub grant: OauthGrant,
    /// The identifier that the authorization server gave beforehand. Its secret is sealed.
    pub client_id: Option<String>,
    /// The authorization server, where the source names none or another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Where people log in, where that is not left to the server's metadata.
    pub authorization_url: Option<String>,
    /// Where tokens are given, likewise.
    pub token_url: Option<String>,
    /// Where they are given back, likewise.
    pub revoke_url: Option<String>,
    /// What to ask for; else what the source names.
    pub scopes: Vec<String>,
    /// Where people come back to, where another address is registered than this program's own.
    pub redirect_uri: Option<String>,
    /// What tokens are asked for (RFC 8707), where the source names itself otherwise than its issuer knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// How the client shows who it is, where the server's metadata is wrong about that: `client_secret_basic` or
    /// `client_secret_post`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<String>,
    /// Whether the hosts of the authorization server that the source names are allowed with the source, as those of
    /// a registration are. A person who adds one on the pages is shown them instead.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub follows_metadata: bool,
}

/// How tokens are come by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OauthGrant {
    /// A person logs in with a browser.
    #[default]
    AuthorizationCode,
    /// The program itself, with its credentials.
    ClientCredentials,
}

/// How a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for a person to allow its host.
    Pending,
    /// A person refused it.
    Rejected,
    /// A person switched it off.
    Disabled,
    /// A person has to log in.
    NeedsLogin,
    /// It could not be used when it was last tried.
    Error,
    /// It can be used.
    Active,
}

impl Status {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Rejected => "rejected",
            Self::Disabled => "disabled",
            Self::NeedsLogin => "needs_login",
            Self::Error => "error",
            Self::Active => "active",
        }
    }
}

/// A source with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// The source.
    pub source: ExternalSource,
    /// Its tokens, where it has some; what is secret of them is not in there.
    pub tokens: Option<SourceTokens>,
}

impl Detail {
    /// How it stands.
    pub fn status(&self) -> Status {
        let Self { source, tokens } = self;
        let is_connected =
            tokens.as_ref().is_some_and(|tokens| tokens.state == TokenState::Connected);
        let logs_in = source.auth_type == AuthType::Oauth
            && settings_of(source).grant == OauthGrant::AuthorizationCode;
        if source.granted_at.is_none() {
            return match source.rejection_reason {
                Some(_) => Status::Rejected,
                None => Status::Pending,
            };
        }
        if !source.enabled {
            Status::Disabled
        } else if logs_in && !is_connected {
            Status::NeedsLogin
        } else if source.failure.is_some() {
            Status::Error
        } else {
            Status::Active
        }
    }
}

/// What is set for OAuth at a source.
pub fn settings_of(source: &ExternalSource) -> OauthSettings {
    let written = source.oauth.as_ref().map(|oauth| oauth.0.clone());
    written.and_then(|written| serde_json::from_value(written).ok()).unwrap_or_default()
}

/// The process of a source.
pub fn command_of(source: &ExternalSource) -> Option<Command> {
    serde_json::from_value(source.command.as_ref()?.0.clone()).ok()
}

/// The hosts that a person allowed a source, as `host:port`.
pub fn grants_of(source: &ExternalSource) -> Vec<String> {
    let listed = source.grants.0.as_array().into_iter().flatten();
    listed.filter_map(Value::as_str).map(str::to_owned).collect()
}
