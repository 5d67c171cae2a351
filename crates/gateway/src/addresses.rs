//! Which `Host` and `Origin` headers are taken, so that a web page cannot drive this door through a browser.

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri};

use crate::Door;
use crate::problem::Problem;

/// The names of this machine for itself, in the form that URLs have them.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The most bytes of a refused header that are logged.
const LOGGED_BYTES: usize = 200;

/// Refuses a request that names a host, or comes from an origin, that is not allowed.
pub(crate) fn check(door: &Door, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    for name in [HOST, ORIGIN, AUTHORIZATION] {
        if headers.get_all(&name).iter().nth(1).is_some() {
            let detail = format!("the header `{name}` stands there twice; send it once");
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        }
    }
    let named = headers.get(HOST).map(|value| value.to_str().unwrap_or_default());
    let host = named.or_else(|| uri.authority().map(Authority::as_str)).unwrap_or_default();
    if !is_allowed_host(host, &door.allowed_hosts) {
        tracing::warn!(host = shown(host), "refused a host that is not allowed");
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "this Host is not allowed here; use a loopback address, or have the host added to --mcp-allowed-hosts",
        ));
    }
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    if !is_allowed_origin(origin, &door.allowed_origins) {
        tracing::warn!(origin = shown(origin), "refused an origin that is not allowed");
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "this Origin is not allowed here; have it added to --mcp-allowed-origins",
        ));
    }
    Ok(())
}

/// As much of what anybody can send as is logged.
fn shown(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LOGGED_BYTES)).unwrap_or(text)
}

/// Whether a `Host` header is a loopback name with any port, or one of `configured`: `name`
/// allows any port, `name:port` that port only.
pub fn is_allowed_host(host: &str, configured: &[String]) -> bool {
    let Some(asked) = authority(host) else { return false };
    is_loopback(&asked)
        || configured.iter().filter_map(|entry| authority(entry.trim())).any(|entry| {
            entry.host().eq_ignore_ascii_case(asked.host())
                && entry.port_u16().is_none_or(|port| asked.port_u16() == Some(port))
        })
}

/// Whether an `Origin` header is http or https on a loopback name with any port, or one of
/// `configured`, compared by scheme, host and port.
pub fn is_allowed_origin(origin: &str, configured: &[String]) -> bool {
    let Some((scheme, asked)) = origin_parts(origin) else { return false };
    (is_loopback(&asked) && port_of(&scheme, &asked).is_some())
        || configured.iter().filter_map(|entry| origin_parts(entry.trim())).any(
            |(its_scheme, entry)| {
                its_scheme == scheme
                    && entry.host().eq_ignore_ascii_case(asked.host())
                    && port_of(&its_scheme, &entry) == port_of(&scheme, &asked)
            },
        )
}

/// A host with an optional port and nothing else: no user, no port that is not a number.
fn authority(text: &str) -> Option<Authority> {
    let parsed: Authority = text.parse().ok()?;
    let rest = parsed.as_str().strip_prefix(parsed.host())?;
    let plain = rest.is_empty() || parsed.port_u16().is_some();
    (plain && !parsed.host().is_empty()).then_some(parsed)
}

fn is_loopback(authority: &Authority) -> bool {
    LOOPBACK.iter().any(|name| name.eq_ignore_ascii_case(authority.host()))
}

fn origin_parts(origin: &str) -> Option<(String, Authority)> {
    let (scheme, rest) = origin.split_once("://")?;
    Some((scheme.to_ascii_lowercase(), authority(rest)?))
}

/// The port, or the one the scheme stands for; none for schemes that browsers' pages do not have.
fn port_of(scheme: &str, authority: &Authority) -> Option<u16> {
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    Some(authority.port_u16().unwrap_or(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Vec<String> {
        vec!["box.example".to_owned(), "other.example:8002".to_owned()]
    }

    #[test]
    fn loopback_and_configured_hosts_are_taken() {
        for host in ["localhost", "LOCALHOST:8002", "127.0.0.1:1", "[::1]:8002", "[::1]"] {
            assert!(is_allowed_host(host, &[]), "{host}");
        }
        for host in ["box.example", "BOX.example:9", "other.example:8002"] {
            assert!(is_allowed_host(host, &hosts()), "{host}");
        }
    }

    #[test]
    fn other_hosts_and_disguises_are_refused() {
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost@evil.example",
            "user@localhost",
            "localhost:x",
            "localhost:99999",
            "localhost/",
            "::1",
            "other.example",
            "other.example:8003",
            "sub.box.example",
        ] {
            assert!(!is_allowed_host(host, &hosts()), "{host}");
        }
    }

    #[test]
    fn loopback_and_configured_origins_are_taken() {
        for origin in ["http://localhost", "https://127.0.0.1:6274", "http://[::1]:3000"] {
            assert!(is_allowed_origin(origin, &[]), "{origin}");
        }
        let configured = ["https://app.example".to_owned()];
        for origin in ["https://app.example", "https://APP.example:443"] {
            assert!(is_allowed_origin(origin, &configured), "{origin}");
        }
    }

    #[test]
    fn other_origins_are_refused() {
        let configured = ["https://app.example".to_owned()];
        for origin in [
            "",
            "null",
            "https://evil.example",
            "http://app.example",
            "https://app.example:8443",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "file://localhost",
        ] {
            assert!(!is_allowed_origin(origin, &configured), "{origin}");
        }
    }
}
