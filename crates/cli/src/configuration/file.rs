//! What may stand in the file, as it is written: `external_servers`, each with its `auth`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

/// A text, and where it stands.
pub(super) type Text = Spanned<String>;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) external_servers: Option<BTreeMap<String, Spanned<Server>>>,
}

/// An MCP server of somebody else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub(super) name: Option<Text>,
    pub(super) description: Option<Text>,
    pub(super) url: Option<Text>,
    pub(super) transport: Option<Text>,
    pub(super) enabled: Option<bool>,
    pub(super) command: Option<Text>,
    #[serde(default)]
    pub(super) args: Vec<Text>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, Text>,
    pub(super) cwd: Option<Text>,
    pub(super) auth: Option<Auth>,
}

/// How this program shows it who it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    #[serde(rename = "type")]
    pub(super) kind: Text,
    pub(super) username: Option<Text>,
    pub(super) password: Option<Text>,
    #[serde(alias = "value", alias = "api_key")]
    pub(super) token: Option<Text>,
    pub(super) header: Option<Text>,
    pub(super) grant_type: Option<Text>,
    pub(super) client_id: Option<Text>,
    pub(super) client_secret: Option<Text>,
    pub(super) issuer: Option<Text>,
    #[serde(alias = "auth_url")]
    pub(super) authorization_url: Option<Text>,
    pub(super) token_url: Option<Text>,
    pub(super) revoke_url: Option<Text>,
    pub(super) resource: Option<Text>,
    pub(super) token_endpoint_auth_method: Option<Text>,
    pub(super) redirect_uri: Option<Text>,
    #[serde(default)]
    pub(super) scopes: Vec<Text>,
    pub(super) pkce_required: Option<Text>,
    pub(super) token_refresh: Option<bool>,
    pub(super) refresh_owner: Option<Text>,
}
