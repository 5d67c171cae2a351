//! The names of hosts in requests and grants: `host` for every port of it, `host:port` for one.

use std::num::NonZeroU16;

use outbound::Reach;
use outbound::grant::Grant;

use crate::{Error, Result};

/// The normal form of a host and a port, which may stand in `host` as well: lower-case ASCII, an
/// address in its shortest spelling, an international name in Punycode, no dot at the end.
///
/// # Errors
/// [`Error::Invalid`] for anything else than a host: a scheme, a path, a user, a wildcard; and for
/// a host that no approval can open to tools, such as this machine.
pub(crate) fn normal_host(host: &str, port: Option<u16>) -> Result<String> {
    let grant = read(host, port)?;
    // Tools get no farther than this, whatever is granted.
    Reach::Network
        .check_host(&grant.host)
        .map_err(|refusal| Error::invalid("host", refusal.to_string()))?;
    Ok(grant.to_string())
}

fn read(host: &str, port: Option<u16>) -> Result<Grant> {
    let mut grant: Grant = host.parse().map_err(|error: outbound::grant::GrantError| {
        Error::invalid(
            "host",
            format!("{error}; expected a host alone, no scheme, path, user or wildcard"),
        )
    })?;
    let Some(port) = port else { return Ok(grant) };
    let port = NonZeroU16::new(port)
        .ok_or_else(|| Error::invalid("port", "expected a number from 1 to 65535"))?;
    if let Some(written) = grant.port
        && written != port
    {
        return Err(Error::invalid("port", format!("`host` names port {written}: give one port")));
    }
    grant.port = Some(port);
    Ok(grant)
}

/// The host and the port of a normal form.
pub fn parts(name: &str) -> (&str, Option<u16>) {
    match name.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => {
            (host, port.parse().ok())
        }
        _ => (name, None),
    }
}

/// Whether everything that `asked` names is allowed by `granted`, both in their normal form.
pub(crate) fn covers(granted: &str, asked: &str) -> bool {
    let read = |name: &str| name.parse::<Grant>().ok();
    read(granted).zip(read(asked)).is_some_and(|(granted, asked)| granted.covers(&asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_normal_form() {
        for (host, port, normal) in [
            (" API.Example.com. ", None, "api.example.com"),
            ("api.example.com", Some(8443), "api.example.com:8443"),
            ("api.example.com:8443", Some(8443), "api.example.com:8443"),
            ("0xc0a80701", None, "192.168.7.1"),
            ("nas", None, "nas"),
        ] {
            assert_eq!(normal_host(host, port).unwrap(), normal, "{host}");
            assert_eq!(normal_host(normal, None).unwrap(), normal, "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_what_is_expected() {
        for host in [
            "",
            "https://api.example.com",
            "api.example.com/v1",
            "user@example.com",
            "*.example.com",
            "10.0.0.0/8",
            "host:",
            "host:0",
        ] {
            let refused = normal_host(host, None).unwrap_err();
            assert!(refused.to_string().contains("expected"), "{host}: {refused}");
        }
        assert!(normal_host("host", Some(0)).is_err());
        assert!(normal_host("host:80", Some(81)).unwrap_err().to_string().contains("one port"));
    }

    #[test]
    fn what_nobody_can_approve_is_told_at_once() {
        for host in
            ["localhost", "127.1", "169.254.169.254", "metadata.google.internal", "[::1]:80"]
        {
            let refused = normal_host(host, None).unwrap_err().to_string();
            assert!(refused.contains("no approval can allow"), "{host}: {refused}");
        }
        for host in ["10.0.0.1", "192.168.1.7:8123", "fd00::1"] {
            assert!(normal_host(host, None).is_ok(), "a person may open the network of the house");
        }
    }

    #[test]
    fn a_host_covers_its_ports_and_nothing_else() {
        assert!(covers("a.example", "a.example:80") && covers("[fd00::1]", "[fd00::1]:80"));
        assert!(covers("a.example:80", "a.example:80"));
        for (granted, asked) in [("a.example:80", "a.example"), ("a.example", "b.a.example")] {
            assert!(!covers(granted, asked), "{granted} {asked}");
        }
        assert_eq!(parts("[fd00::1]:80"), ("[fd00::1]", Some(80)));
        assert_eq!(parts("a.example"), ("a.example", None));
        assert_eq!(parts("[fd00::1]"), ("[fd00::1]", None));
    }
}
