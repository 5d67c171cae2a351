//! Connecting: one resolution, all its answers checked, a connection to an address that was checked.

use crate::address::{Class, classify};
use crate::error::{Kind, RequestError};
use crate::host::{self, Host};
use crate::limits;
use crate::policy::Reach;
use crate::proxy::Proxy;
use crate::resolver::Resolver;
use crate::stream::Stream;
use crate::tls;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use http::Uri;
use http::uri::Scheme;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// How many addresses of a name are tried, and how long before the next is tried beside the last.
const MOST_TRIED: usize = 8;
const HEAD_START: Duration = Duration::from_millis(250);

/// Opens the connections of one caller.
#[derive(Clone)]
pub(crate) struct Connector {
    resolver: Resolver,
    tls: Arc<ClientConfig>,
    reach: Reach,
    proxy: Option<Arc<Proxy>>,
}

impl Connector {
    pub(crate) fn new(
        resolver: Resolver,
        tls: Arc<ClientConfig>,
        reach: Reach,
        proxy: Option<Arc<Proxy>>,
    ) -> Self {
        Self { resolver, tls, reach, proxy }
    }

    /// Connects to where `uri` leads.
    pub(crate) async fn connect(self, uri: Uri) -> Result<TokioIo<Stream>, RequestError> {
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let text = uri.host().unwrap_or_default();
        let host = host::parse(text).map_err(|reason| {
            RequestError::new(Kind::InvalidURL, reason.to_string()).caused_by(reason)
        })?;
        let connected = tokio::time::timeout(limits::CONNECT, self.open(&host, port, secure))
            .await
            .unwrap_or_else(|elapsed| {
                let message = format!("connecting to '{host}' took too long");
                Err(RequestError::new(Kind::ConnectTimeout, message).caused_by(elapsed))
            });
        connected.map(TokioIo::new).map_err(|error| error.at(&host, port))
    }

    async fn open(&self, host: &Host, port: u16, secure: bool) -> Result<Stream, RequestError> {
        self.reach.check_host(host)?;
        let addresses = self.addresses(host).await?;
        self.reach.check_addresses(host, &addresses)?;
        let connection = match &self.proxy {
            Some(proxy) if addresses.iter().all(|address| classify(*address) == Class::Public) => {
                proxy.tunnel(&addresses, port, || self.dial_proxy(proxy)).await?
            }
            // What is not public is nearer than the proxy.
            _ => dial(&addresses, port).await.map_err(|reason| {
                let message = format!("'{host}' (port {port}): {}", explain(&reason));
                RequestError::new(Kind::ConnectError, message).caused_by(reason)
            })?,
        };
        if secure { self.handshake(host, connection).await } else { Ok(Stream::Plain(connection)) }
    }

    async fn addresses(&self, host: &Host) -> Result<Vec<IpAddr>, RequestError> {
        match host {
            Host::Address(address) => Ok(vec![*address]),
            Host::Name(name) => self.resolver.addresses(name).await.map_err(|reason| {
                let message = format!("no address is known for '{name}'");
                RequestError::new(Kind::ConnectError, message).caused_by(reason)
            }),
        }
    }

    /// A connection to the proxy, which is used as given.
    async fn dial_proxy(&self, proxy: &Proxy) -> Result<TcpStream, RequestError> {
        let failed = |error: RequestError| RequestError::new(Kind::ProxyError, error.to_string());
        let addresses = self.addresses(proxy.host()).await.map_err(failed)?;
        dial(&addresses, proxy.port()).await.map_err(|reason| {
            let message = format!("the proxy {proxy}: {}", explain(&reason));
            RequestError::new(Kind::ProxyError, message).caused_by(reason)
        })
    }

    async fn handshake(&self, host: &Host, connection: TcpStream) -> Result<Stream, RequestError> {
        let name = match host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|reason| {
                let message = format!("no certificate can be for '{host}'");
                RequestError::new(Kind::ConnectError, message).caused_by(reason)
            })?,
        };
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(name, connection).await.map_err(|reason| {
            let message = format!("no TLS with '{host}': {}", tls::explain(&reason));
            RequestError::new(Kind::ConnectError, message).caused_by(reason)
        })?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

/// Tries one address after the other, each a little later than the one before, until one answers.
async fn dial(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter().take(MOST_TRIED).map(|ip| SocketAddr::new(*ip, port));
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    attempts.extend(waiting.next().map(TcpStream::connect));
    loop {
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(connection) => {
                    connection.set_nodelay(true)?;
                    return Ok(connection);
                }
                Err(reason) => failure = reason,
            },
            () = tokio::time::sleep(HEAD_START), if waiting.len() > 0 => (),
            else => return Err(failure),
        }
        attempts.extend(waiting.next().map(TcpStream::connect));
    }
}

fn explain(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there",
        io::ErrorKind::NotFound => "the name has no address",
        io::ErrorKind::TimedOut
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => "it cannot be reached from here",
        _ => "the connection failed",
    }
}
