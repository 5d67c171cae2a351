//! OAuth 2.1 for sources: how a person connects one, and the tokens that requests carry.
//!
//! A person begins a login with [`begin`], agrees to it at the authorization server, and comes back with what
//! [`finish`] takes. From then on requests carry the token, which is renewed when that is due.

mod access;
mod client;
mod discovery;
mod following;
mod kept;
mod leaving;
mod login;
mod means;
mod renewal;
mod setting;
mod storing;
mod way;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use store::external_sources::ExternalSource;

pub(super) use access::{access, access_token, lacking_scopes};
pub use client::{callback, client_document};
pub(super) use following::follow;
pub use leaving::disconnect;
pub(super) use leaving::{give_back, take_leave};
pub use login::{begin, finish, is_own};
pub(super) use setting::{forget_client, is_client_secret};
pub use setting::{has_credentials, put_tokens, set_client_secret, set_private_key};
pub(super) use storing::Cache;

/// How a source is to be connected.
#[derive(Debug, Clone, Default)]
pub struct Begin {
    /// Where the person's browser comes back to here, such as `http://127.0.0.1:3000/oauth/callback` or
    /// [`callback`]. The source's settings may name another address in its place.
    pub callback: String,
    /// Hosts of authorization servers that the person agreed to, as [`Begun::Grant`] named them.
    pub hosts: Vec<String>,
}

/// How far the connection of a source has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It goes on with hosts that nobody has allowed the source yet. They are shown to the person, and [`begin`] is
    /// called again with them.
    Grant {
        /// The hosts, as `host:port`.
        hosts: Vec<String>,
    },
    /// The person's browser is to go there.
    Visit {
        /// The address. It holds the state, and is for this person alone.
        url: String,
        /// By what the way back is known.
        state: String,
    },
    /// It is connected: its client credentials need no person.
    Connected,
}

/// A source that is connected.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The source.
    pub source: ExternalSource,
    /// What was granted, where the authorization server says so.
    pub scope: Option<String>,
}

/// Tokens that somebody brings who has logged in elsewhere.
#[derive(Debug, Clone)]
pub struct NewTokens {
    /// What requests carry.
    pub access_token: SecretString,
    /// With what it is renewed.
    pub refresh_token: Option<SecretString>,
    /// `Bearer` in any case, where it is given.
    pub token_type: Option<String>,
    /// When the access token ends, where that is known.
    pub expires_at: Option<DateTime<Utc>>,
    /// What it allows, with spaces between.
    pub scope: Option<String>,
}

/// A private key by which this program shows an authorization server who it is.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The key, as PEM.
    pub pem: SecretString,
    /// How it signs, such as `ES256`; else the way that is usual for such a key.
    pub algorithm: Option<String>,
    /// By which name the server knows it (`kid`).
    pub key_id: Option<String>,
    /// Whom the assertions are for, where that is not the issuer.
    pub audience: Option<String>,
}
