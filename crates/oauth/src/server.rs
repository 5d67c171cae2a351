//! The metadata of an authorization server: its endpoints and what it can do (RFC 8414, OpenID Connect Discovery).

use crate::address::{AddressError, Endpoint, PlainHttp};
use crate::document::Document;
use crate::issuer::Issuer;
use crate::scope::Scopes;
use crate::text::shown;
use serde::{Deserialize, Serialize};

/// What is known of an authorization server. The record can be kept: every address in it was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationServer {
    /// Its name, as its own document writes it.
    pub issuer: Issuer,
    /// Where a person says yes. A server for programs alone has none.
    pub authorization_endpoint: Option<Endpoint>,
    /// Where tokens are given.
    pub token_endpoint: Endpoint,
    /// Where clients register themselves (RFC 7591).
    pub registration_endpoint: Option<Endpoint>,
    /// Where tokens are given back (RFC 7009).
    pub revocation_endpoint: Option<Endpoint>,
    /// The scopes that it lists.
    pub scopes_supported: Scopes,
    /// Whether it does PKCE with S256 (RFC 7636 §4.2).
    pub does_s256: bool,
    /// How clients may say who they are; without the field it is as RFC 8414 §2 says.
    pub token_endpoint_auth_methods: Vec<String>,
    /// The grants that it lists, if it does.
    pub grant_types: Option<Vec<String>>,
    /// Whether a client may be the URL of its own metadata (CIMD).
    pub takes_client_documents: bool,
    /// Whether each of its authorization responses has an `iss` (RFC 9207 §3).
    pub promises_iss: bool,
}

/// Why an authorization server is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// No JSON object with an `issuer`.
    #[error(
        "what `{0}` says of itself is no OAuth metadata: check the address of the source, or give the \
         endpoints in its settings"
    )]
    Unreadable(Issuer),
    /// It speaks for somebody else (RFC 8414 §3.3).
    #[error(
        "the authorization server `{asked}` says that it is `{named}`: whoever runs it has to correct \
         that; do not connect the source before, as somebody may want to get its token"
    )]
    OtherIssuer {
        /// Who was asked.
        asked: Issuer,
        /// What it calls itself, fit to be shown.
        named: String,
    },
    /// Without it no token can be had.
    #[error(
        "the authorization server `{0}` names no token endpoint: give it in the settings of the source"
    )]
    NoTokenEndpoint(Issuer),
    /// An endpoint that cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// No PKCE (RFC 9700 §2.1.1, MCP authorization).
    #[error(
        "the authorization server `{0}` does not say that it does PKCE with S256, without which \
         somebody else could use the login: whoever runs it has to turn that on"
    )]
    NoPkce(Issuer),
    /// No place where a person could say yes.
    #[error(
        "the authorization server `{0}` names no authorization endpoint, so nobody can log in there: use \
         client credentials, or give the endpoint in the settings of the source"
    )]
    NoAuthorizationEndpoint(Issuer),
}

/// How clients say who they are where the metadata does not tell (RFC 8414 §2).
const DEFAULT_METHOD: &str = "client_secret_basic";

impl AuthorizationServer {
    /// Reads the metadata that was found at one of the [places](Issuer::metadata_urls) of `asked`.
    ///
    /// Its `issuer` has to be the one asked, byte for byte (RFC 8414 §3.3), but for
    /// [a slash at the end](Issuer::is_but_for_a_slash). Optional endpoints that may not be used are left out.
    pub fn read(body: &[u8], asked: &Issuer, plain: PlainHttp) -> Result<Self, ServerError> {
        let unreadable = || ServerError::Unreadable(asked.clone());
        let document = Document::read(body).ok_or_else(unreadable)?;
        let named = document.text("issuer").ok_or_else(unreadable)?;
        let issuer = Issuer::read(named, plain).ok();
        let same = issuer.filter(|issuer| issuer.is_but_for_a_slash(asked));
        let other = || ServerError::OtherIssuer { asked: asked.clone(), named: shown(named) };
        let issuer = same.ok_or_else(other)?;
        let endpoint = |name| document.text(name).map(|text| Endpoint::read(name, text, plain));
        let token_endpoint = endpoint("token_endpoint")
            .ok_or_else(|| ServerError::NoTokenEndpoint(issuer.clone()))??;
        let methods = document.list("code_challenge_methods_supported").unwrap_or_default();
        Ok(Self {
            authorization_endpoint: endpoint("authorization_endpoint").transpose()?,
            token_endpoint,
            registration_endpoint: endpoint("registration_endpoint").and_then(Result::ok),
            revocation_endpoint: endpoint("revocation_endpoint").and_then(Result::ok),
            scopes_supported: document.scopes("scopes_supported"),
            does_s256: methods.iter().any(|method| method == "S256"),
            token_endpoint_auth_methods: document
                .list("token_endpoint_auth_methods_supported")
                .unwrap_or_else(|| vec![DEFAULT_METHOD.to_owned()]),
            grant_types: document.list("grant_types_supported"),
            takes_client_documents: document.flag("client_id_metadata_document_supported"),
            promises_iss: document.flag("authorization_response_iss_parameter_supported"),
            issuer,
        })
    }

    /// What holds where nothing is said: the endpoints that older servers have at their origin (MCP 2025-03-26, authorization,
    /// §2.3.3). Only for an issuer that is the server's own origin, none of whose metadata exists.
    pub fn by_convention(origin: &Issuer, plain: PlainHttp) -> Result<Self, AddressError> {
        let place = |name, path| Endpoint::read(name, &format!("{origin}{path}"), plain);
        let authorization = place("authorization_endpoint", "/authorize")?;
        let token = place("token_endpoint", "/token")?;
        let registration = Some(place("registration_endpoint", "/register")?);
        let given = Self::given(origin.clone(), Some(authorization), token);
        Ok(Self { registration_endpoint: registration, ..given })
    }

    /// One whose endpoints an admin wrote down. PKCE is used with it, as nothing says that it could not be.
    pub fn given(issuer: Issuer, authorization: Option<Endpoint>, token: Endpoint) -> Self {
        Self {
            issuer,
            authorization_endpoint: authorization,
            token_endpoint: token,
            registration_endpoint: None,
            revocation_endpoint: None,
            scopes_supported: Scopes::default(),
            does_s256: true,
            token_endpoint_auth_methods: vec![DEFAULT_METHOD.to_owned()],
            grant_types: None,
            takes_client_documents: false,
            promises_iss: false,
        }
    }

    /// Where a person logs in, if that can be done safely here: with PKCE and S256 (RFC 7636 §4.2).
    pub fn login_endpoint(&self) -> Result<&Endpoint, ServerError> {
        if !self.does_s256 {
            return Err(ServerError::NoPkce(self.issuer.clone()));
        }
        let missing = || ServerError::NoAuthorizationEndpoint(self.issuer.clone());
        self.authorization_endpoint.as_ref().ok_or_else(missing)
    }

    /// Whether clients may say in this way who they are.
    pub fn takes_method(&self, method: &str) -> bool {
        self.token_endpoint_auth_methods.iter().any(|own| own == method)
    }
}

#[cfg(test)]
mod tests;
