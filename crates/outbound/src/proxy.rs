//! A proxy that the operator configured: tunnels to addresses that were checked here.
//!
//! The proxy is asked (`CONNECT`, RFC 9110 section 9.3.6) for an address, never for a name: otherwise what
//! is checked would not be what is connected to.

use crate::error::{Kind, RequestError};
use crate::host::{self, Host};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// The longest head of an answer, in bytes.
const LONGEST_ANSWER: usize = 8 << 10;

/// How many addresses of a name are tried.
const MOST_TRIED: usize = 3;

/// Where the proxy is, and what it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: Host,
    port: u16,
    /// The value of `Proxy-Authorization`.
    credentials: Option<String>,
}

/// Why a text is no proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a proxy is written as http://host:port or http://user:password@host:port")]
pub struct ProxyTextError;

impl FromStr for Proxy {
    type Err = ProxyTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_no_url| ProxyTextError)?;
        let has_more = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
        let found = url.host().and_then(|host| host::from_url(&host).ok());
        let (Some(host), Some(port), "http", false) =
            (found, url.port_or_known_default(), url.scheme(), has_more)
        else {
            return Err(ProxyTextError);
        };
        let decoded = |part: &str| {
            percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
        };
        let given = !url.username().is_empty() || url.password().is_some();
        let credentials = given.then(|| {
            let pair = format!(
                "{}:{}",
                decoded(url.username()),
                decoded(url.password().unwrap_or_default())
            );
            format!("Basic {}", STANDARD.encode(pair))
        });
        Ok(Self { host, port, credentials })
    }
}

/// Without the credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// As it is displayed.
impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Proxy({self})")
    }
}

impl Proxy {
    /// Where the proxy is.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A tunnel to one of `addresses`, which were checked, through connections that `dial` opens to the proxy.
    pub(crate) async fn tunnel<F>(
        &self,
        addresses: &[IpAddr],
        port: u16,
        dial: impl Fn() -> F,
    ) -> Result<TcpStream, RequestError>
    where
        F: Future<Output = Result<TcpStream, RequestError>>,
    {
        let mut refusal = RequestError::new(Kind::ProxyError, "the name has no address");
        for address in addresses.iter().take(MOST_TRIED) {
            let mut connection = dial().await?;
            match self.ask(&mut connection, SocketAddr::new(*address, port)).await {
                Ok(200..=299) => return Ok(connection),
                Ok(status) => refusal = self.refused(status),
                Err(reason) => {
                    let message = format!("the proxy {self} gave no answer that can be read");
                    return Err(RequestError::new(Kind::ProxyError, message).caused_by(reason));
                }
            }
        }
        Err(refusal)
    }

    /// Asks for a tunnel; the status of the answer.
    async fn ask(&self, connection: &mut TcpStream, to: SocketAddr) -> io::Result<u16> {
        let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
        if let Some(credentials) = &self.credentials {
            request.push_str("Proxy-Authorization: ");
            request.push_str(credentials);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        connection.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            // One byte at a time: what follows the head belongs to the other side of the tunnel.
            answer.push(connection.read_u8().await?);
            if answer.len() > LONGEST_ANSWER {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the head has no end"));
            }
        }
        status(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn refused(&self, status: u16) -> RequestError {
        let message = match status {
            407 => format!(
                "the proxy {self} wants a name and a password: the operator gives them as \
                 --proxy http://user:password@host:port"
            ),
            status => format!("the proxy {self} refused the connection (status {status})"),
        };
        RequestError::new(Kind::ProxyError, message)
    }
}

/// The status in the first line of an answer.
fn status(answer: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(answer.split(|byte| *byte == b'\r').next()?).ok()?;
    let mut words = line.split(' ');
    let version = words.next()?;
    let status = words.next().filter(|word| word.len() == 3)?;
    version.starts_with("HTTP/1.").then(|| status.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{Proxy, status};

    #[test]
    fn a_proxy_is_an_http_address_and_keeps_its_password_to_itself() {
        let plain: Proxy = "http://proxy.example:3128".parse().unwrap();
        assert_eq!((plain.to_string().as_str(), &plain.credentials), ("proxy.example:3128", &None));
        let named: Proxy = "http://ann:s%40cret@[fd00::1]:8080/".parse().unwrap();
        assert_eq!(named.credentials.as_deref(), Some("Basic YW5uOnNAY3JldA=="));
        assert!(!format!("{named:?} {named}").contains("cret"));
        for text in [
            "proxy.example:3128",
            "https://proxy.example",
            "socks5://proxy.example",
            "http://proxy.example/path",
            "http://proxy.example?query",
            "http://",
            "",
        ] {
            assert!(text.parse::<Proxy>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_status_of_an_answer_is_read_or_it_is_none() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\nA: b\r\n\r\n"), Some(407));
        for answer in [
            "",
            "200 OK\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 2x0 a\r\n\r\n",
            "HTTP/1.1  200\r\n\r\n",
        ] {
            assert_eq!(status(answer.as_bytes()), None, "{answer}");
        }
    }
}
