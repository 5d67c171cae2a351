//! The names of hosts in requests and grants: `host` for every port of it, `host:port` for one.

use std::num::NonZeroU16;

use outbound::Reach;
use outbound::grant::Grant;
use store::refusals::Refusal;

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
        let reason = match host_in(host) {
            Some(found) => format!(
                "expected a name or an address alone, without scheme, user and path: send `{found}`"
            ),
            None => {
                format!("{error}; expected a host alone, no scheme, path, user or wildcard")
            }
        };
        Error::invalid("host", reason)
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

/// The host, with its port where one is written, in an address of something on it.
fn host_in(text: &str) -> Option<Grant> {
    let text = text.trim();
    let (rest, has_scheme) = text.split_once("://").map_or((text, false), |(_, rest)| (rest, true));
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (place, path) = rest.split_at(end);
    // A range of addresses is no path.
    if !has_scheme && path.len() > 1 && path.bytes().skip(1).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    place.rsplit('@').next()?.parse().ok()
}

/// Whether a person may allow what a tool was refused: nobody had allowed it, and nothing else
/// speaks against it.
pub fn can_be_allowed(refused: &Refusal) -> bool {
    let host = outbound::host::parse(&refused.host).ok();
    let port = u16::try_from(refused.port).ok();
    host.zip(port).is_some_and(|(host, port)| {
        refused.reason == outbound::Refusal::NotApproved { host, port }.to_string()
    })
}

/// Whether grants, in their normal form, allow now what a tool was refused.
pub fn is_allowed(refused: &Refusal, granted: &[crate::grants::Grant]) -> bool {
    let asked = u16::try_from(refused.port).ok();
    let asked = asked.and_then(|port| normal_host(&refused.host, Some(port)).ok());
    asked.is_some_and(|asked| granted.iter().any(|grant| covers(&grant.name, &asked)))
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
    fn an_address_is_answered_with_the_host_in_it() {
        for (host, send) in [
            ("http://a.b/c", "a.b"),
            ("https://a.b:8443/c?d#e", "a.b:8443"),
            ("a.b/v1", "a.b"),
            ("ftp://user:word@A.b", "a.b"),
            ("http://[fd00::1]/", "[fd00::1]"),
        ] {
            let refused = normal_host(host, None).unwrap_err().to_string();
            assert!(refused.contains(&format!("send `{send}`")), "{host}: {refused}");
            assert!(normal_host(send, None).is_ok(), "{send}");
        }
        for host in ["*.example.com", "10.0.0.0/8", "host:0", "http://", "https:///x"] {
            let refused = normal_host(host, None).unwrap_err().to_string();
            assert!(!refused.contains("send `"), "{host}: {refused}");
        }
    }

    #[test]
    fn only_what_nobody_allowed_yet_can_be_allowed() {
        let refused = |host: &str| {
            let policy = outbound::Policy::Tool {
                grants: Vec::new(),
                undeclared: Vec::new(),
                public: outbound::Public::Nothing,
            };
            let parsed = outbound::host::parse(host).unwrap();
            Refusal {
                server_id: uuid::Uuid::nil(),
                tool_name: "weather__now".to_owned(),
                host: host.to_owned(),
                port: 443,
                reason: policy.check_host(&parsed, 443).unwrap_err().to_string(),
                count: 1,
                last_at: crate::clock::now(),
            }
        };
        assert!(
            can_be_allowed(&refused("tracker.example")) && can_be_allowed(&refused("[fd00::1]"))
        );
        assert!(!can_be_allowed(&refused("169.254.169.254")));
        let special = Refusal { reason: refused("127.0.0.1").reason, ..refused("a.example") };
        assert!(!can_be_allowed(&special), "a name that leads to what nobody can allow");
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
