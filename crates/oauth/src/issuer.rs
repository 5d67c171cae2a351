//! The name of an authorization server (RFC 8414 §2), and where its metadata is.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::address::{self, AddressError, PlainHttp};

/// An issuer identifier, byte for byte as it was written: credentials and tokens are kept under it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Issuer(String);

impl Issuer {
    /// Reads one: a URL as of any endpoint, without a query.
    pub fn read(text: &str, plain: PlainHttp) -> Result<Self, AddressError> {
        let url = address::read("the address of an authorization server", text, plain)?;
        if url.query().is_some() {
            return Err(AddressError::with_query(text));
        }
        Ok(Self(text.to_owned()))
    }

    /// The origin of a server that has no metadata of a resource: it is its own authorization server
    /// (MCP 2025-03-26, authorization, §2.3.2).
    pub fn of_origin(server: &Url, plain: PlainHttp) -> Result<Self, AddressError> {
        Self::read(&server.origin().ascii_serialization(), plain)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same but for a slash at the end.
    ///
    /// This is all that is ever overlooked between two issuers, and only between the metadata of a resource and that
    /// of its server: Box names `https://api.box.com/` in one and `https://api.box.com` in the other. The URL by
    /// which either is fetched is the same, so nobody else can answer there.
    pub fn is_but_for_a_slash(&self, other: &Self) -> bool {
        let without = |issuer: &Self| issuer.0.strip_suffix('/').unwrap_or(&issuer.0).to_owned();
        without(self) == without(other)
    }

    /// Where its metadata may be, in the order in which to ask: RFC 8414 §3.1, then OpenID Connect in the form
    /// of RFC 8414 §5, then OpenID Connect Discovery §4. The next is asked where one answers with a 4xx status.
    pub fn metadata_urls(&self) -> Vec<Url> {
        let Ok(issuer) = Url::parse(&self.0) else { return Vec::new() };
        let path = issuer.path().trim_end_matches('/');
        let inserted = |name: &str| format!("/.well-known/{name}{path}");
        let mut paths =
            vec![inserted("oauth-authorization-server"), inserted("openid-configuration")];
        if !path.is_empty() {
            paths.push(format!("{path}/.well-known/openid-configuration"));
        }
        paths.iter().map(|path| with_path(&issuer, path)).collect()
    }
}

/// The URL with this path and without query.
pub(crate) fn with_path(url: &Url, path: &str) -> Url {
    let mut changed = url.clone();
    changed.set_path(path);
    changed.set_query(None);
    changed.set_fragment(None);
    changed
}

impl fmt::Display for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(issuer: &str) -> Vec<String> {
        let urls = Issuer::read(issuer, PlainHttp::Refused).unwrap().metadata_urls();
        urls.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_issuer_without_a_path_has_two_places() {
        let expected = [
            "https://a.example/.well-known/oauth-authorization-server",
            "https://a.example/.well-known/openid-configuration",
        ];
        assert_eq!(places("https://a.example"), expected);
        assert_eq!(places("https://a.example/"), expected);
    }

    #[test]
    fn an_issuer_with_a_path_has_three() {
        let expected = [
            "https://a.example:8443/.well-known/oauth-authorization-server/tenant/1",
            "https://a.example:8443/.well-known/openid-configuration/tenant/1",
            "https://a.example:8443/tenant/1/.well-known/openid-configuration",
        ];
        assert_eq!(places("https://a.example:8443/tenant/1"), expected);
        assert_eq!(places("https://a.example:8443/tenant/1/"), expected);
    }

    #[test]
    fn only_a_slash_at_the_end_is_overlooked() {
        let issuer = |text| Issuer::read(text, PlainHttp::Refused).unwrap();
        let plain = issuer("https://a.example");
        assert!(plain.is_but_for_a_slash(&issuer("https://a.example/")));
        assert_ne!(plain, issuer("https://a.example/"));
        for other in [
            "https://a.example//",
            "https://A.example",
            "https://a.example:443",
            "https://b.example",
        ] {
            assert!(!plain.is_but_for_a_slash(&issuer(other)), "{other}");
        }
    }

    #[test]
    fn a_server_is_its_own_issuer_by_its_origin() {
        let server = Url::parse("https://a.example:8443/mcp?x=1").unwrap();
        let issuer = Issuer::of_origin(&server, PlainHttp::Refused).unwrap();
        assert_eq!(issuer.as_str(), "https://a.example:8443");
        let plain = Url::parse("http://a.example/mcp").unwrap();
        assert!(Issuer::of_origin(&plain, PlainHttp::Loopback).is_err());
    }

    #[test]
    fn a_query_is_refused() {
        assert!(Issuer::read("https://a.example/?x", PlainHttp::Refused).is_err());
        assert!(Issuer::read("https://a.example/x", PlainHttp::Refused).is_ok());
    }
}
