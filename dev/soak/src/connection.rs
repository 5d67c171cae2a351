//! One connection to a door: a request, and its answer as a whole or event by event.

use std::collections::VecDeque;
use std::fmt;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// The mark of an error that says that the connection is no more; what was asked may or may not have been done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection is gone")
    }
}

impl std::error::Error for Gone {}

/// Which HTTP a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Http {
    One,
    Two,
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// A connection that stays open; dropping it closes it, whatever is under way.
pub(crate) struct Connection {
    sender: Sender,
    /// What moves the bytes; it ends with the connection.
    _driver: JoinSet<()>,
}

impl Connection {
    /// Connects to `HOST:PORT`.
    pub(crate) async fn open(address: &str, http: Http) -> Result<Self> {
        Self::over(TcpStream::connect(address).await.context(Gone)?, http).await
    }

    /// Connects to `HOST:PORT`, a literal address of IPv4, as the machine of another address.
    pub(crate) async fn open_from(from: Ipv4Addr, address: &str, http: Http) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(address.parse()?).await.context(Gone)?;
        Self::over(stream, http).await
    }

    async fn over(stream: TcpStream, http: Http) -> Result<Self> {
        stream.set_nodelay(true)?;
        let stream = TokioIo::new(stream);
        let mut driver = JoinSet::new();
        let sender = match http {
            Http::One => {
                let (sender, connection) = http1::handshake(stream).await.context(Gone)?;
                driver.spawn(async move { drop(connection.await) });
                Sender::One(sender)
            }
            Http::Two => {
                let shaking = http2::handshake(TokioExecutor::new(), stream);
                let (sender, connection) = shaking.await.context(Gone)?;
                driver.spawn(async move { drop(connection.await) });
                Sender::Two(sender)
            }
        };
        Ok(Self { sender, _driver: driver })
    }

    /// Whether nothing can be asked on it any more.
    pub(crate) fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::One(sender) => sender.is_closed(),
            Sender::Two(sender) => sender.is_closed(),
        }
    }

    /// Sends a request; its answer has begun.
    pub(crate) async fn begin(&mut self, mut request: Request<Full<Bytes>>) -> Result<Begun> {
        let response = match &mut self.sender {
            Sender::One(sender) => {
                sender.ready().await.context(Gone)?;
                // Requests of HTTP/1.1 name the path alone.
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                *request.uri_mut() = path.parse()?;
                sender.send_request(request).await
            }
            Sender::Two(sender) => {
                sender.ready().await.context(Gone)?;
                sender.send_request(request).await
            }
        };
        Ok(Begun::new(response.context(Gone)?))
    }

    /// Sends a request and reads its whole answer.
    pub(crate) async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Answer> {
        self.begin(request).await?.whole().await
    }
}

/// An answer of which the head is there.
pub(crate) struct Begun {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    /// What came of an event that is not complete.
    rest: Vec<u8>,
    ready: VecDeque<Value>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The messages of JSON-RPC in it: one, or those of a stream in order; none in an empty body.
    pub(crate) messages: Vec<Value>,
}

impl Begun {
    fn new(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let (status, headers) = (head.status, head.headers);
        Self { status, headers, body, rest: Vec::new(), ready: VecDeque::new() }
    }

    /// Whether the answer is a stream of events.
    pub(crate) fn is_stream(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
    }

    /// The next message of a stream; none at its proper end.
    pub(crate) async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(Some(message));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Ok(data) = frame.context(Gone)?.into_data() {
                self.rest.extend_from_slice(&data);
                self.read_events()?;
            }
        }
    }

    fn read_events(&mut self) -> Result<()> {
        while let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = self.rest.drain(..end + 2).collect();
            let event = String::from_utf8(event).context("an event that is no text")?;
            let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
            let data: Vec<&str> =
                lines.map(str::trim_start).filter(|data| !data.is_empty()).collect();
            if !data.is_empty() {
                let message = serde_json::from_str(&data.join("\n"));
                self.ready.push_back(message.context("an event that is no JSON")?);
            }
        }
        Ok(())
    }

    /// All of it as text.
    pub(crate) async fn text(self) -> Result<String> {
        let body = self.body.collect().await.context(Gone)?.to_bytes();
        Ok(String::from_utf8(body.to_vec())?)
    }

    /// All of it.
    pub(crate) async fn whole(mut self) -> Result<Answer> {
        let mut messages = Vec::new();
        if self.is_stream() {
            while let Some(message) = self.next().await? {
                messages.push(message);
            }
        } else {
            let body = self.body.collect().await.context(Gone)?.to_bytes();
            if !body.is_empty() {
                let Ok(message) = serde_json::from_slice(&body) else {
                    bail!("{}: no JSON: {}", self.status, String::from_utf8_lossy(&body));
                };
                messages.push(message);
            }
        }
        Ok(Answer { status: self.status, headers: self.headers, messages })
    }
}
