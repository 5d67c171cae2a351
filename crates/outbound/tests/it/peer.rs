//! Peers of plain bytes: what they send is what the test says, however wrong.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a peer has seen.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Seen {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Each request as it came: its head, and its body where it announces a length.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> String {
        self.requests().pop().expect("a request came")
    }
}

/// Listens at `address` and hands every connection to `act`.
pub(crate) async fn serve<F>(address: &str, act: impl Fn(TcpStream) -> F + Send + 'static) -> Seen
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(address).await.unwrap();
    let seen = Seen::default();
    let counter = Arc::clone(&seen.connections);
    tokio::spawn(async move {
        loop {
            let (connection, _peer) = listener.accept().await.unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(act(connection));
        }
    });
    seen
}

/// Listens at `address` and answers each request with what `answer` makes of it, byte for byte.
/// An answer that is empty ends the connection.
pub(crate) async fn answer(
    address: &str,
    answer: impl Fn(&str) -> Vec<u8> + Clone + Send + 'static,
) -> Seen {
    let requests = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&requests);
    let seen =
        serve(address, move |connection| converse(connection, answer.clone(), Arc::clone(&kept)))
            .await;
    Seen { requests, ..seen }
}

/// Answers requests on one connection until either side ends it.
pub(crate) async fn converse(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    answer: impl Fn(&str) -> Vec<u8>,
    seen: Arc<Mutex<Vec<String>>>,
) {
    while let Some(request) = read_request(&mut connection).await {
        let bytes = answer(&request);
        seen.lock().unwrap().push(request);
        if bytes.is_empty() || connection.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Reads one request: the head, and as much of a body as the head announces.
pub(crate) async fn read_request(connection: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let whole = head + length.map_or(0, |length| length.parse::<usize>().unwrap());
    while bytes.len() < whole {
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// An answer with this body, after which the connection stays.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    with_headers("200 OK", &[], body.as_bytes())
}

/// A redirect, after which the connection stays.
pub(crate) fn redirect(status: u16, location: &str) -> Vec<u8> {
    with_headers(&format!("{status} Elsewhere"), &[("Location", location)], b"")
}

/// An answer with a status line's end, headers and a body.
pub(crate) fn with_headers(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let fields: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let (fields, length) = (fields.concat(), body.len());
    let head = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
