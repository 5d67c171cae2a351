//! The URL of a request, read once, so that what is checked is what is connected to.

use crate::error::{Kind, RequestError};
use crate::host::{self, Host};
use crate::limits;
use http::Uri;
use url::{Origin, Url};

/// An http or https URL with the host that it leads to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    url: Url,
    uri: Uri,
    host: Host,
    port: u16,
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, RequestError> {
        check_text(text)?;
        let url = Url::parse(text).map_err(|reason| {
            invalid(format!("the URL cannot be read: {reason}")).caused_by(reason)
        })?;
        Self::new(url)
    }

    /// The target of a redirect from this one to `location`.
    pub(crate) fn join(&self, location: &str) -> Result<Self, RequestError> {
        check_text(location)?;
        let mut url = self.url.join(location).map_err(|reason| {
            let message = format!("the redirect's location cannot be read: {reason}");
            RequestError::new(Kind::RemoteProtocolError, message).caused_by(reason)
        })?;
        if url.fragment().is_none() {
            url.set_fragment(self.url.fragment());
        }
        Self::new(url)
    }

    fn new(mut url: Url) -> Result<Self, RequestError> {
        let port = match (url.scheme(), url.port_or_known_default()) {
            ("http" | "https", Some(port)) if port > 0 => port,
            ("http" | "https", _) => return Err(invalid("port 0 cannot be connected to")),
            (scheme, _) => {
                let message = format!("'{scheme}' is not available: use http:// or https://");
                return Err(RequestError::new(Kind::UnsupportedProtocol, message));
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("a URL with a user name or a password is refused: use `auth`"));
        }
        let parsed = url.host().ok_or_else(|| invalid("the URL has no host"))?;
        let host = host::from_url(&parsed)
            .map_err(|reason| invalid(format!("the URL's host: {reason}")).caused_by(reason))?;
        // The normal form goes into the message as well: one form for the check, the name in TLS
        // and the Host field.
        url.set_host(Some(&host.to_string()))
            .map_err(|reason| invalid("the URL's host cannot be read").caused_by(reason))?;
        let mut sent = url.clone();
        sent.set_fragment(None);
        let uri = sent.as_str().parse().map_err(|reason: http::uri::InvalidUri| {
            invalid("the URL holds a character that no request may hold").caused_by(reason)
        })?;
        Ok(Self { url, uri, host, port })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// What the request is sent for: the URL without its fragment.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Host, and port unless it is the scheme's own.
    pub(crate) fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }

    /// Whether a `Host` field says what it would say anyway.
    pub(crate) fn is_host_field(&self, value: &[u8]) -> bool {
        let full = format!("{}:{}", self.host, self.port);
        value.eq_ignore_ascii_case(self.authority().as_bytes())
            || value.eq_ignore_ascii_case(full.as_bytes())
    }

    pub(crate) fn origin(&self) -> Origin {
        self.url.origin()
    }

    /// Whether this is the same place with TLS put on: both at the default port of their scheme.
    pub(crate) fn is_upgrade_of(&self, other: &Self) -> bool {
        self.host == other.host
            && (other.url.scheme(), other.port) == ("http", 80)
            && (self.url.scheme(), self.port) == ("https", 443)
    }
}

fn invalid(message: impl Into<String>) -> RequestError {
    RequestError::new(Kind::InvalidURL, message)
}

/// Refuses what URL readers disagree about: some drop these characters, some end the host at them.
fn check_text(text: &str) -> Result<(), RequestError> {
    if text.len() > limits::URL {
        return Err(invalid(format!("a URL may have {} bytes", limits::URL)));
    }
    let before_query = text.split(['?', '#']).next().unwrap_or(text);
    if text.chars().any(|character| character.is_control() || character == ' ') {
        return Err(invalid("a URL holds no spaces and no control characters: escape them"));
    }
    if before_query.contains('\\') {
        return Err(invalid("a URL holds no backslash before its query"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Kind, Target, limits};

    fn target(text: &str) -> Target {
        Target::parse(text).unwrap()
    }

    fn refused(text: &str) -> Option<Kind> {
        Target::parse(text).err().map(|error| error.kind())
    }

    #[test]
    fn host_and_port_are_those_of_the_normal_form() {
        for (text, host, port, sent) in [
            ("http://API.example.com./a", "api.example.com", 80, "http://api.example.com/a"),
            ("https://api.example.com", "api.example.com", 443, "https://api.example.com/"),
            ("HTTPS://api.example.com:443/", "api.example.com", 443, "https://api.example.com/"),
            ("https:api.example.com", "api.example.com", 443, "https://api.example.com/"),
            (
                "http://api.example.com:8080?a=b",
                "api.example.com",
                8080,
                "http://api.example.com:8080/?a=b",
            ),
            (
                "http://bücher.example/ü?ä#ö",
                "xn--bcher-kva.example",
                80,
                "http://xn--bcher-kva.example/%C3%BC?%C3%A4",
            ),
            ("http://0x7f.1/", "127.0.0.1", 80, "http://127.0.0.1/"),
            ("http://%31%32%37.1:1/", "127.0.0.1", 1, "http://127.0.0.1:1/"),
            ("http://[::ffff:127.0.0.1]/", "127.0.0.1", 80, "http://127.0.0.1/"),
            ("http://[FD00::1]:8123/", "[fd00::1]", 8123, "http://[fd00::1]:8123/"),
            ("http://a.example/../b/./c", "a.example", 80, "http://a.example/b/c"),
            (
                "http://a.example/a|b^c`d'e\"f{g}?a|b^c`d'e\"f{g}",
                "a.example",
                80,
                "http://a.example/a|b^c%60d'e%22f%7Bg%7D?a|b^c`d%27e%22f{g}",
            ),
            ("http://a.example/?a\\b", "a.example", 80, "http://a.example/?a\\b"),
        ] {
            let target = target(text);
            assert_eq!(target.host().to_string(), host, "{text}");
            assert_eq!(target.port(), port, "{text}");
            assert_eq!(target.uri().to_string(), sent, "{text}");
            assert_eq!(target.uri().host(), Some(host), "{text}");
        }
    }

    #[test]
    fn only_the_web_is_spoken() {
        for text in [
            "file:///etc/passwd",
            "gopher://a.example/",
            "ftp://a.example/",
            "ws://a.example/",
            "data:text/plain,a",
            "javascript:alert(1)",
            "unix:/run/a.sock",
            "dict://a.example:11211/",
            "jar:http://a.example!/",
            "view-source:http://a.example/",
            "blob:http://a.example/a",
        ] {
            assert_eq!(refused(text), Some(Kind::UnsupportedProtocol), "{text}");
        }
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        for text in [
            "",
            "/a",
            "a.example",
            "//a.example/",
            "http://",
            "http:///",
            "http://?",
            "https://:443/",
            "http://user@a.example/",
            "http://user:password@a.example/",
            "http://:p@a.example/",
            "http://a.example@evil.example/",
            "http://a.example\\@evil.example/",
            "http:\\\\a.example\\",
            "http://a.example\\b",
            "http://a.example/\r\nX: y",
            "http://a.exa\nmple/",
            "http://a.exa\tmple/",
            " http://a.example/",
            "http://a.example/ ",
            "http://a.example/a b",
            "http://a.example/\0",
            "http://a b.example/",
            "http://a.example:0/",
            "http://a.example:65536/",
            "http://a.example:http/",
            "http://a..example/",
            "http://./",
            "http://256.1.1.1/",
            "http://[::1/",
            "http://[fe80::1%25eth0]/",
            "http://*.example/",
            "http://a.example%2f@b/",
            "http://a%00.example/",
            "http://xn--a/",
        ] {
            assert_eq!(refused(text), Some(Kind::InvalidURL), "{text:?}");
        }
        let long = |length: usize| format!("http://a.example/{}", "a".repeat(length));
        assert!(Target::parse(&long(limits::URL - 17)).is_ok());
        assert_eq!(refused(&long(limits::URL - 16)), Some(Kind::InvalidURL));
    }

    #[test]
    fn a_redirect_is_read_against_where_it_came_from() {
        let from = target("https://a.example/b/c?d#e");
        for (location, url) in [
            ("/x", "https://a.example/x#e"),
            ("x?y#z", "https://a.example/b/x?y#z"),
            ("//b.example/", "https://b.example/#e"),
            ("http://b.example:81", "http://b.example:81/#e"),
            ("", "https://a.example/b/c?d#e"),
        ] {
            assert_eq!(from.join(location).unwrap().url().as_str(), url, "{location}");
        }
        for (location, kind) in [
            ("file:///etc/passwd", Kind::UnsupportedProtocol),
            ("http://user@b.example/", Kind::InvalidURL),
            ("/a\r\nb", Kind::InvalidURL),
            ("http://[", Kind::RemoteProtocolError),
        ] {
            let refused = from.join(location).err().map(|error| error.kind());
            assert_eq!(refused, Some(kind), "{location}");
        }
    }

    #[test]
    fn a_host_field_may_only_repeat_the_url() {
        let port = target("http://a.example:81/");
        let default = target("https://a.example/");
        for (target, value) in [
            (&port, "a.example:81"),
            (&port, "A.EXAMPLE:81"),
            (&default, "a.example"),
            (&default, "a.example:443"),
        ] {
            assert!(target.is_host_field(value.as_bytes()), "{value}");
        }
        for (target, value) in [(&port, "a.example"), (&default, "b.example"), (&default, "")] {
            assert!(!target.is_host_field(value.as_bytes()), "{value}");
        }
    }
}
