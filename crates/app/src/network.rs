//! The names of hosts in requests and grants: `host` for every port of it, `host:port` for one.

use url::Host;

use crate::{Error, Result};

/// The longest name that DNS can carry, in characters.
const NAME_MAX: usize = 253;

/// The longest part between the dots of a name.
const LABEL_MAX: usize = 63;

/// The normal form of a host and a port, which may stand in `host` as well: lower-case ASCII, an
/// address in its shortest spelling, an international name in Punycode, no dot at the end.
///
/// # Errors
/// [`Error::Invalid`] for anything else than a host: a scheme, a path, a user, a wildcard.
pub(crate) fn normal_host(host: &str, port: Option<u16>) -> Result<String> {
    let (name, written) = split(host.trim());
    let written = written.map(read_port).transpose()?;
    if let (Some(written), Some(port)) = (written, port)
        && written != port
    {
        return Err(Error::invalid("port", format!("`host` names port {written}: give one port")));
    }
    let port = port.or(written);
    if port == Some(0) {
        return Err(wrong_port());
    }
    let name = normal_name(name).ok_or_else(|| {
        Error::invalid(
            "host",
            "expected a host name or an IP address alone, such as api.example.com or 192.168.7.1: no scheme, path, user or wildcard",
        )
    })?;
    Ok(port.map_or_else(|| name.clone(), |port| format!("{name}:{port}")))
}

/// The host and the port of a normal form.
pub fn parts(name: &str) -> (&str, Option<u16>) {
    let (host, port) = split(name);
    (host, port.and_then(|port| port.parse().ok()))
}

/// Whether everything that `asked` names is allowed by `granted`, both in their normal form.
pub(crate) fn covers(granted: &str, asked: &str) -> bool {
    granted == asked || granted == parts(asked).0
}

fn normal_name(text: &str) -> Option<String> {
    if let Ok(address) = text.parse() {
        return Some(Host::<String>::Ipv6(address).to_string());
    }
    let Host::Domain(name) = Host::parse(text).ok()? else {
        return Host::parse(text).ok().map(|address| address.to_string());
    };
    let name = name.strip_suffix('.').unwrap_or(&name);
    let is_label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    (name.len() <= NAME_MAX && name.split('.').all(is_label)).then(|| name.to_ascii_lowercase())
}

/// Parts host and port. Colons without brackets round them are those of an IPv6 address.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

fn read_port(text: &str) -> Result<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(wrong_port)
}

fn wrong_port() -> Error {
    Error::invalid("port", "expected a number from 1 to 65535 behind a host without scheme or path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_normal_form() {
        for (host, port, normal) in [
            (" API.Example.com. ", None, "api.example.com"),
            ("api.example.com", Some(8443), "api.example.com:8443"),
            ("api.example.com:8443", None, "api.example.com:8443"),
            ("api.example.com:8443", Some(8443), "api.example.com:8443"),
            ("bücher.example", None, "xn--bcher-kva.example"),
            ("192.168.7.1", Some(80), "192.168.7.1:80"),
            ("0xc0a80701", None, "192.168.7.1"),
            ("fd00::1", None, "[fd00::1]"),
            ("[FD00::1]:8123", None, "[fd00::1]:8123"),
            ("nas", None, "nas"),
        ] {
            assert_eq!(normal_host(host, port).unwrap(), normal, "{host}");
            assert_eq!(normal_host(normal, None).unwrap(), normal, "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_what_is_expected() {
        let long = format!("{}.example", "a".repeat(64));
        for host in [
            "",
            ".",
            "https://api.example.com",
            "api.example.com/v1",
            "user@example.com",
            "*.example.com",
            "10.0.0.0/8",
            "a b",
            "a..b",
            "host:",
            "host:0",
            "host:65536",
            "host:+80",
            "host:8o",
            &long,
        ] {
            let refused = normal_host(host, None).unwrap_err();
            assert!(refused.to_string().contains("expected"), "{host}: {refused}");
        }
        assert!(normal_host("host", Some(0)).is_err());
        assert!(normal_host("host:80", Some(81)).unwrap_err().to_string().contains("one port"));
    }

    #[test]
    fn a_host_covers_its_ports_and_nothing_else() {
        assert!(covers("a.example", "a.example"));
        assert!(covers("a.example", "a.example:80"));
        assert!(covers("[fd00::1]", "[fd00::1]:80"));
        assert!(covers("a.example:80", "a.example:80"));
        for (granted, asked) in [
            ("a.example:80", "a.example"),
            ("a.example:80", "a.example:443"),
            ("a.example", "b.a.example"),
            ("b.a.example", "a.example"),
        ] {
            assert!(!covers(granted, asked), "{granted} {asked}");
        }
        assert_eq!(parts("[fd00::1]:80"), ("[fd00::1]", Some(80)));
        assert_eq!(parts("a.example"), ("a.example", None));
    }
}
