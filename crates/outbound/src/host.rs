//! Reading a host in every spelling there is, into the one form that rules are applied to.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// The longest name DNS can carry, in characters, and the longest part between its dots.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Where a request goes: a name to be resolved, or an address.
///
/// Reading follows the URL standard, as browsers do: `0x7f.1`, `2130706433` and `127.1` are the
/// address 127.0.0.1, percent escapes are resolved, and an international name is its Punycode.
/// Case and a trailing dot make no difference. An IPv4-mapped IPv6 address is the IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name in lower-case ASCII, without a dot at its end.
    Name(String),
    /// An address, never an IPv4-mapped one.
    Address(IpAddr),
}

/// Why a text is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing is left of it.
    #[error("the host is empty")]
    Empty,
    /// Neither a name nor an address.
    #[error("that is neither a host name nor an IP address")]
    Malformed,
    /// Longer than DNS carries.
    #[error("the host name, or a part of it, is too long")]
    TooLong,
}

/// Reads a host: a name, an IPv4 address in any spelling, an IPv6 address with or without brackets.
pub fn parse(text: &str) -> Result<Host, HostError> {
    if text.is_empty() {
        return Err(HostError::Empty);
    }
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok(Host::from(IpAddr::V6(address)));
    }
    let parsed = url::Host::parse(text).map_err(|_reason| HostError::Malformed)?;
    from_url(&parsed)
}

/// Takes the host of a URL that was read already.
pub(crate) fn from_url<S: AsRef<str>>(host: &url::Host<S>) -> Result<Host, HostError> {
    match host {
        url::Host::Domain(name) => from_name(name.as_ref()),
        url::Host::Ipv4(address) => Ok(Host::from(IpAddr::V4(*address))),
        url::Host::Ipv6(address) => Ok(Host::from(IpAddr::V6(*address))),
    }
}

fn from_name(name: &str) -> Result<Host, HostError> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return Err(HostError::Empty);
    }
    if name.len() > LONGEST_NAME || name.split('.').any(|label| label.len() > LONGEST_LABEL) {
        return Err(HostError::TooLong);
    }
    let plain = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if name.split('.').all(plain) {
        Ok(Host::Name(name.to_ascii_lowercase()))
    } else {
        Err(HostError::Malformed)
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        parse(text)
    }
}

impl fmt::Display for Host {
    /// As in a URL: an IPv6 address stands in brackets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(formatter),
            Self::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, HostError, parse};
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        for text in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.1.",
            "0x7f.0.0.1",
            "0X7F.1",
            "0x7f000001",
            "0x7f.0x0.0x0.0x1",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "0177.0x0.0.1",
            "00000177.0.0.01",
            "%31%32%37.0.0.1",
            "127%2e0%2e0%2e1",
            "127。0。0。1",
            "１２７.０.０.１",
            "①②⑦.0.0.1",
            "127．0．0．1",
            "::ffff:127.0.0.1",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:127.0.0.1]",
            "::FFFF:7F00:0001",
        ] {
            assert_eq!(parse(text), Ok(Host::from(IpAddr::V4(Ipv4Addr::LOCALHOST))), "{text}");
        }
        for text in ["0", "0.0", "0x", "0x0", "00", "0.0.0.0", "0.0.0.0."] {
            assert_eq!(parse(text), Ok(Host::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED))), "{text}");
        }
        for text in ["::1", "[::1]", "0:0:0:0:0:0:0:1", "[0000::0001]", "[::0.0.0.1]"] {
            assert_eq!(parse(text).unwrap().to_string(), "[::1]", "{text}");
        }
    }

    #[test]
    fn every_spelling_of_a_name_is_that_name() {
        for text in [
            "api.example.com",
            "API.Example.COM",
            "api.example.com.",
            "ａｐｉ.example.com",
            "api。example。com",
            "api%2eexample.com",
            "api.ex\u{ad}ample.com",
        ] {
            assert_eq!(parse(text), Ok(Host::Name("api.example.com".to_owned())), "{text}");
        }
        for text in ["bücher.example", "BÜCHER.example.", "xn--bcher-kva.example"] {
            assert_eq!(parse(text), Ok(Host::Name("xn--bcher-kva.example".to_owned())), "{text}");
        }
        for text in ["nas", "my_printer.lan", "a-b.c--d.local", "3com.com", "1.2.3.4.example"] {
            assert_eq!(parse(text), Ok(Host::Name(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", ".", "%2e"] {
            assert_eq!(parse(text), Err(HostError::Empty), "{text}");
        }
        for text in [
            "..",
            "a..b",
            ".a",
            "a..",
            "a b",
            "a/b",
            "a\\b",
            "a@b",
            "user:pass@host",
            "a:80",
            "a?b",
            "a#b",
            "*.example.com",
            "a*",
            "a%00b",
            "a%2fb",
            "a\nb",
            "a\tb",
            "a\0b",
            "<a>",
            "a%",
            "256.1.1.1",
            "1.2.3.4.5",
            "1.2.3.0x100",
            "999999999999",
            "0x100000000",
            "1.2.3.08",
            "[::1",
            "::1]",
            "[]",
            "[::1%25eth0]",
            "fe80::1%eth0",
            "[fe80::1%eth0]",
            "[1.2.3.4]",
            "[::ffff:127.1]",
            ":::",
            "1::2::3",
            "xn--a",
            "a$b",
            "a,b",
            "a;b",
            "a=b",
            "http://a",
        ] {
            assert_eq!(parse(text), Err(HostError::Malformed), "{text}");
        }
        let label = "a".repeat(63);
        assert!(parse(&format!("{label}.com")).is_ok());
        assert_eq!(parse(&format!("a{label}.com")), Err(HostError::TooLong));
        assert_eq!(parse(&["a"; 128].join(".")), Err(HostError::TooLong));
    }

    proptest! {
        #[test]
        fn a_host_read_again_is_the_same(text in "\\PC{0,40}") {
            if let Ok(host) = parse(&text) {
                prop_assert_eq!(parse(&host.to_string()), Ok(host));
            }
        }

        #[test]
        fn an_address_as_one_number_is_the_address(bits: u32) {
            let address = Host::from(IpAddr::V4(Ipv4Addr::from_bits(bits)));
            let [a, b, c, d] = bits.to_be_bytes();
            for text in [
                format!("{bits}"), format!("{bits:#x}"), format!("0{bits:o}"), format!("{a}.{b}.{c}.{d}"),
                format!("{a:#x}.0{b:o}.{c}.{d:#04x}"), format!("{a}.{}", bits & 0x00ff_ffff),
                format!("{a}.{b}.{}", bits & 0xffff), format!("::ffff:{a}.{b}.{c}.{d}"),
            ] {
                prop_assert_eq!(parse(&text), Ok(address.clone()), "{}", text);
            }
        }
    }
}
