//! What a person allowed: a host, with one port or with every port.

use crate::host::{self, Host, HostError};
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

/// A host that a person allowed for one server.
///
/// Written `host` (every port of it) or `host:port` (that port alone). It holds for exactly this
/// host: not for names below it, and there are no wildcards and no ranges.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Grant {
    /// The host, in its normal form.
    pub host: Host,
    /// The only port; without it, every port.
    pub port: Option<NonZeroU16>,
}

/// Why a text is no grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// What stands for the host is none.
    #[error("{0}: write a host such as api.example.com or api.example.com:8443")]
    Host(#[from] HostError),
    /// What stands for the port is none.
    #[error("a port is a number from 1 to 65535")]
    Port,
}

impl Grant {
    /// Whether a request to `port` of `host` is what was allowed.
    pub fn matches(&self, host: &Host, port: u16) -> bool {
        self.host == *host && self.port.is_none_or(|allowed| allowed.get() == port)
    }

    /// Whether everything that `other` allows is allowed by this grant.
    pub fn covers(&self, other: &Self) -> bool {
        self.host == other.host && (self.port.is_none() || self.port == other.port)
    }
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (host, port) = split(text.trim());
        let port = port.map(read_port).transpose()?;
        Ok(Self { host: host::parse(host)?, port })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(formatter, "{}:{port}", self.host),
            None => self.host.fmt(formatter),
        }
    }
}

/// Parts host and port. Colons without brackets round them are those of an IPv6 address.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

fn read_port(text: &str) -> Result<NonZeroU16, GrantError> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_reason| GrantError::Port)
    } else {
        Err(GrantError::Port)
    }
}

#[cfg(test)]
mod tests {
    use super::{Grant, GrantError};
    use crate::host::{HostError, parse};

    fn grant(text: &str) -> Grant {
        text.parse().unwrap()
    }

    #[test]
    fn a_grant_is_kept_in_its_normal_form() {
        for (text, normal) in [
            ("api.example.com", "api.example.com"),
            (" API.example.com. ", "api.example.com"),
            ("API.example.com.:8443", "api.example.com:8443"),
            ("bücher.example:1", "xn--bcher-kva.example:1"),
            ("192.168.7.1", "192.168.7.1"),
            ("0xc0a80701:65535", "192.168.7.1:65535"),
            ("fd00::1", "[fd00::1]"),
            ("[fd00::1]", "[fd00::1]"),
            ("[FD00::1]:8123", "[fd00::1]:8123"),
            ("::ffff:192.168.7.1", "192.168.7.1"),
        ] {
            assert_eq!(grant(text).to_string(), normal, "{text}");
            assert_eq!(grant(normal), grant(text), "{text}");
        }
    }

    #[test]
    fn a_host_alone_allows_every_port_of_it_and_of_nothing_else() {
        let allowed = grant("api.example.com");
        for port in [1, 80, 443, 8443, 65535] {
            assert!(allowed.matches(&parse("API.example.com.").unwrap(), port));
        }
        for other in
            ["example.com", "a.api.example.com", "xapi.example.com", "api.example.com.evil.example"]
        {
            assert!(!allowed.matches(&parse(other).unwrap(), 443), "{other}");
        }
    }

    #[test]
    fn a_host_with_a_port_allows_that_port_alone() {
        let allowed = grant("192.168.7.1:8123");
        let host = parse("192.168.7.1").unwrap();
        assert!(allowed.matches(&host, 8123));
        assert!(!allowed.matches(&host, 443));
        assert!(grant("192.168.7.1").covers(&allowed));
        assert!(allowed.covers(&allowed));
        assert!(!allowed.covers(&grant("192.168.7.1")));
        assert!(!allowed.covers(&grant("192.168.7.1:8124")));
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        for text in
            ["host:0", "host:", "host:65536", "host:+80", "host:80a", "host:-1", "[fd00::1]:"]
        {
            assert_eq!(text.parse::<Grant>(), Err(GrantError::Port), "{text}");
        }
        for text in ["https://api.example.com/", "*.example.com", "10.0.0.0/8", "user@host", "a b"]
        {
            let refused = text.parse::<Grant>();
            assert!(
                matches!(refused, Err(GrantError::Host(HostError::Malformed) | GrantError::Port)),
                "{text}: {refused:?}"
            );
        }
        assert_eq!("".parse::<Grant>(), Err(GrantError::Host(HostError::Empty)));
    }
}
