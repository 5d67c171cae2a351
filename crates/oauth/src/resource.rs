//! The metadata of a protected resource: who lets in, and for what (RFC 9728).

use serde::{Deserialize, Serialize};
use url::Url;

use crate::address::{self, PlainHttp};
use crate::challenge::BearerChallenge;
use crate::document::Document;
use crate::issuer::{Issuer, with_path};
use crate::scope::Scopes;
use crate::text::shown;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What an MCP server says of itself as a protected resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectedResource {
    /// Its name, as it is sent to the authorization server (RFC 8707).
    pub resource: String,
    /// Who gives tokens for it; where the document names nobody, the server itself.
    pub authorization_servers: Vec<Issuer>,
    /// The scopes that it knows.
    pub scopes_supported: Scopes,
    /// Its name for people, fit to be shown.
    pub resource_name: Option<String>,
}

/// Why the metadata of a resource is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// No JSON object with a `resource`.
    #[error(
        "the server's OAuth metadata is no JSON object with a `resource`: check the address of the \
         source, or ask whoever runs that server"
    )]
    Unreadable,
    /// It speaks of another server (RFC 9728 §3.3).
    #[error(
        "the server's OAuth metadata is for `{named}`, not for `{asked}`: if the source is meant to be \
         `{named}`, use that address; else do not connect it, as the token would be for somebody else"
    )]
    OtherResource {
        /// What it speaks of, fit to be shown.
        named: String,
        /// The server that was asked.
        asked: String,
    },
    /// None of the authorization servers can be used.
    #[error("none of the authorization servers that the server names can be used: {0}")]
    NoServer(#[source] address::AddressError),
}

/// Where the metadata of a server may be, in the order in which to ask: where its challenge says, then as of
/// RFC 9728 §3.1 with the path, then without. The next is asked where one answers with a 4xx status; a document that is
/// refused ends the search.
pub fn metadata_urls(
    server: &Url,
    challenge: Option<&BearerChallenge>,
    plain: PlainHttp,
) -> Vec<Url> {
    let named = challenge.and_then(|challenge| challenge.resource_metadata.as_deref());
    // One that may not be asked is as if absent: the other places are the server's own.
    let named = named.and_then(|text| address::read("the place of metadata", text, plain).ok());
    let mut with_query = with_path(server, &format!("{WELL_KNOWN}{}", path(server)));
    with_query.set_query(server.query());
    let mut urls: Vec<Url> = named.into_iter().collect();
    for url in [with_query, with_path(server, WELL_KNOWN)] {
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// The name of a server that has no metadata (RFC 8707 §2, MCP authorization): its URL without a fragment, and without the
/// slash of an empty path.
pub fn canonical(server: &Url) -> String {
    let mut url = server.clone();
    url.set_fragment(None);
    let text = url.to_string();
    let bare = url.path() == "/" && url.query().is_none();
    if bare { text.trim_end_matches('/').to_owned() } else { text }
}

impl ProtectedResource {
    /// Reads the metadata that was found for `server`.
    ///
    /// Its `resource` has to be the server: the same URL, but for a slash at the end, which Box has there, or the
    /// same origin with a path that the server's is below. Many servers name their origin alone; a token
    /// for that goes to no other origin.
    pub fn read(body: &[u8], server: &Url, plain: PlainHttp) -> Result<Self, ResourceError> {
        let document = Document::read(body).ok_or(ResourceError::Unreadable)?;
        let resource = document.text("resource").ok_or(ResourceError::Unreadable)?;
        if !is_above(resource, server) {
            let asked = canonical(server);
            return Err(ResourceError::OtherResource { named: shown(resource), asked });
        }
        Ok(Self {
            authorization_servers: issuers(&document, server, plain)?,
            scopes_supported: document.scopes("scopes_supported"),
            resource_name: document.shown("resource_name"),
            resource: resource.to_owned(),
        })
    }

    /// What holds for a server without metadata: it gives tokens itself, from its origin (MCP 2025-03-26, authorization,
    /// §2.3.2).
    pub fn without_metadata(server: &Url, plain: PlainHttp) -> Result<Self, ResourceError> {
        let issuer = Issuer::of_origin(server, plain).map_err(ResourceError::NoServer)?;
        Ok(Self {
            resource: canonical(server),
            authorization_servers: vec![issuer],
            scopes_supported: Scopes::default(),
            resource_name: None,
        })
    }
}

fn issuers(
    document: &Document,
    server: &Url,
    plain: PlainHttp,
) -> Result<Vec<Issuer>, ResourceError> {
    let named = document.list("authorization_servers").unwrap_or_default();
    if named.is_empty() {
        return Ok(ProtectedResource::without_metadata(server, plain)?.authorization_servers);
    }
    let mut read = Vec::new();
    let mut refused = None;
    for text in named {
        match Issuer::read(&text, plain) {
            Ok(issuer) => read.push(issuer),
            Err(reason) => refused = refused.or(Some(reason)),
        }
    }
    match refused {
        Some(reason) if read.is_empty() => Err(ResourceError::NoServer(reason)),
        _ => Ok(read),
    }
}

/// Whether a resource's name is this server's, or that of a place above it.
fn is_above(resource: &str, server: &Url) -> bool {
    let Ok(named) = Url::parse(resource) else { return false };
    let bare = named.username().is_empty() && named.password().is_none();
    if !bare || named.fragment().is_some() || named.origin() != server.origin() {
        return false;
    }
    let below = |above: &str| {
        path(server)
            .strip_prefix(above)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match named.query() {
        Some(query) => path(&named) == path(server) && server.query() == Some(query),
        None => below(path(&named)),
    }
}

/// A URL's path without a slash at its end.
fn path(url: &Url) -> &str {
    url.path().trim_end_matches('/')
}

#[cfg(test)]
mod tests;
