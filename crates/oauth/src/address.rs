//! Which URLs may be used: `https`, and `http` to this machine where the caller says so (RFC 9700 §2.6, OAuth 2.1 §1.5).

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::text::shown;

/// The longest URL that is taken.
const LONGEST: usize = 2048;

/// Whether `http` is taken beside `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// Never.
    Refused,
    /// To addresses of this machine: for tests and for what runs beside the program.
    Loopback,
    /// To these, and to those of a private network, which have no certificates.
    Network,
}

/// Why a URL of a server is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}`, given as {what}, {reason}: whoever runs that server has to correct it")]
pub struct AddressError {
    what: &'static str,
    url: String,
    reason: &'static str,
}

/// A place of an authorization server that passed the rules. A kept one is read by them again, with `http` to this machine
/// and to a private network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint(Url);

impl Endpoint {
    /// Reads the URL that stands for `what`, such as `token_endpoint`.
    pub fn read(what: &'static str, text: &str, plain: PlainHttp) -> Result<Self, AddressError> {
        read(what, text, plain).map(Self)
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str())
    }
}

impl TryFrom<String> for Endpoint {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::read("a kept endpoint", &text, PlainHttp::Network)
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0.into()
    }
}

impl AddressError {
    pub(crate) fn with_query(text: &str) -> Self {
        let what = "the address of an authorization server";
        Self { what, url: shown(text), reason: "has a query (`?`)" }
    }
}

/// Reads a URL that stands for `what`.
pub(crate) fn read(what: &'static str, text: &str, plain: PlainHttp) -> Result<Url, AddressError> {
    let refused = |reason| AddressError { what, url: shown(text), reason };
    if text.len() > LONGEST {
        return Err(refused("is too long"));
    }
    let Ok(url) = Url::parse(text) else { return Err(refused("is no absolute URL")) };
    match check(&url, plain) {
        Ok(()) => Ok(url),
        Err(reason) => Err(refused(reason)),
    }
}

fn check(url: &Url, plain: PlainHttp) -> Result<(), &'static str> {
    let local = match plain {
        PlainHttp::Refused => false,
        PlainHttp::Loopback => is_loopback(url),
        PlainHttp::Network => is_loopback(url) || is_private(url),
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && local) {
        return Err("is no https address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or password in it");
    }
    if url.fragment().is_some() {
        return Err("has a fragment (`#`)");
    }
    Ok(())
}

/// Whether a URL's host is this machine, by its address or as `localhost` (RFC 6761 §6.3).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Whether a URL's host is on a private network, by its address (RFC 1918, RFC 4193) or by a name that no server of the
/// internet has.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_private(),
        Some(Host::Ipv6(address)) => address.is_unique_local(),
        Some(Host::Domain(name)) => {
            let ends = [".local", ".lan", ".internal", ".home.arpa"];
            !name.contains('.') || ends.iter().any(|end| name.ends_with(end))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str, plain: PlainHttp) -> String {
        read("a test", text, plain).unwrap_err().to_string()
    }

    #[test]
    fn https_is_taken_and_http_only_to_this_machine_where_the_caller_says_so() {
        for plain in [PlainHttp::Refused, PlainHttp::Loopback] {
            assert!(read("a test", "https://a.example:8443/x?y=1", plain).is_ok());
            assert!(refusal("http://a.example/", plain).contains("no https"));
            assert!(refusal("http://127.0.0.1.example/", plain).contains("no https"));
            assert!(refusal("javascript:alert(1)", plain).contains("no https"));
            assert!(refusal("ftp://localhost/", plain).contains("no https"));
        }
        for local in
            ["http://127.0.0.1:1/", "http://[::1]/", "http://localhost:9/a", "http://a.localhost"]
        {
            assert!(read("a test", local, PlainHttp::Loopback).is_ok(), "{local}");
            assert!(refusal(local, PlainHttp::Refused).contains("no https"));
        }
    }

    #[test]
    fn a_private_network_may_do_without_certificates_where_the_caller_says_so() {
        for private in [
            "http://192.168.7.1:8080/a",
            "http://10.0.0.1/",
            "http://[fd00::1]/",
            "http://nas/",
            "http://nas.local/",
            "http://localhost:9/",
        ] {
            assert!(read("a test", private, PlainHttp::Network).is_ok(), "{private}");
        }
        for public in [
            "http://a.example/",
            "http://8.8.8.8/",
            "http://[2001:db8::1]/",
            "http://local.example/",
        ] {
            assert!(refusal(public, PlainHttp::Network).contains("no https"), "{public}");
        }
        assert!(refusal("http://192.168.7.1/", PlainHttp::Loopback).contains("no https"));
    }

    #[test]
    fn a_kept_endpoint_is_checked_when_it_comes_back() {
        let endpoint = Endpoint::read("a test", "https://a.example/t", PlainHttp::Refused).unwrap();
        let kept = serde_json::to_string(&endpoint).unwrap();
        assert_eq!(serde_json::from_str::<Endpoint>(&kept).unwrap(), endpoint);
        assert!(serde_json::from_str::<Endpoint>("\"javascript:alert(1)\"").is_err());
    }

    #[test]
    fn what_hides_the_place_is_refused() {
        let plain = PlainHttp::Refused;
        assert!(refusal("https://a.example@b.example/", plain).contains("user name"));
        assert!(refusal("https://a.example/#x", plain).contains("fragment"));
        assert!(refusal("/token", plain).contains("absolute"));
        assert!(refusal("", plain).contains("absolute"));
        assert!(
            refusal(&format!("https://a.example/{}", "x".repeat(LONGEST)), plain).contains("long")
        );
    }
}
