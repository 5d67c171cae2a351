//! Connections from outside: what each version gets, and what slow clients get.

use app::metrics::{Door, Metrics};
use axum::Router;
use axum::body::Body;
use axum::http::header::RETRY_AFTER;
use axum::http::{Request, StatusCode, Version};
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use hyper::client::conn::{http1, http2};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::Stages;
use super::*;

const LARGE: usize = 64 << 20;

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_mins(1);

struct Listening {
    address: SocketAddr,
    stages: Stages,
    /// Gets a message when a request to `/slow` has come; that is answered when `go` is cancelled.
    came: mpsc::UnboundedReceiver<()>,
    go: tokio_util::sync::CancellationToken,
}

async fn listen(terms: Terms) -> Listening {
    let (coming, came) = mpsc::unbounded_channel();
    let go = tokio_util::sync::CancellationToken::new();
    let gone = go.clone();
    let slow = async move || {
        coming.send(()).expect("the test waits");
        gone.cancelled().await;
        "done"
    };
    let router = Router::new()
        .route("/", get(async |request: Request<Body>| format!("{:?}", request.version())))
        .route("/large", get(async || vec![b'x'; LARGE]))
        .route("/slow", get(slow))
        .route("/echo", post(async |body: String| body));
    let stages = Stages::default();
    let service =
        Service { door: Door::Mcp, router, metrics: Metrics::default(), stages: stages.clone() };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            tokio::spawn(serve(stream, peer, service.clone(), terms));
        }
    });
    Listening { address, stages, came, go }
}

fn impatient() -> Terms {
    Terms { patience: Duration::from_millis(300), ..Terms::default() }
}

impl Listening {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    async fn http2(&self) -> http2::SendRequest<Body> {
        let io = TokioIo::new(self.connect().await);
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), io).await.expect("it speaks HTTP/2");
        tokio::spawn(connection);
        sender
    }

    async fn http1(&self) -> http1::SendRequest<Body> {
        let io = TokioIo::new(self.connect().await);
        let (sender, connection) = http1::handshake(io).await.expect("it speaks HTTP/1");
        tokio::spawn(connection);
        sender
    }

    fn get(&self, version: Version, path: &str) -> Request<Body> {
        let address = self.address;
        let request = match version {
            Version::HTTP_2 => Request::get(format!("http://{address}{path}")),
            _ => Request::get(path).header("host", address.to_string()),
        };
        request.version(version).body(Body::empty()).expect("a request")
    }
}

async fn text(answer: Response<Incoming>) -> String {
    let bytes = answer.into_body().collect().await.expect("all of it").to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn both_versions_are_spoken_on_one_address() {
    let listening = listen(Terms::default()).await;
    let mut client = listening.http2().await;
    let requests = (0..20).map(|_| client.send_request(listening.get(Version::HTTP_2, "/")));
    for answer in futures::future::join_all(requests).await {
        assert_eq!(text(answer.expect("an answer")).await, "HTTP/2.0");
    }
    let mut client = listening.http1().await;
    for _ in 0..2 {
        let answer = client.send_request(listening.get(Version::HTTP_11, "/")).await;
        assert_eq!(text(answer.expect("an answer")).await, "HTTP/1.1");
    }
}

#[tokio::test]
async fn heads_beyond_the_limits_are_refused_and_others_are_not() {
    let listening = listen(Terms::default()).await;
    for (version, fields, length, expected) in [
        (Version::HTTP_11, 90, 10, Some(StatusCode::OK)),
        (Version::HTTP_2, 90, 10, Some(StatusCode::OK)),
        (Version::HTTP_11, 200, 10, Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)),
        (Version::HTTP_2, 200, 10, Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)),
        (Version::HTTP_11, 90, 2000, Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)),
    ] {
        let mut request = listening.get(version, "/");
        for number in 0..fields {
            let name = format!("x-{number}").parse::<http::HeaderName>().expect("a name");
            let value = "x".repeat(length).try_into().expect("a value");
            request.headers_mut().insert(name, value);
        }
        let answer = match version {
            Version::HTTP_2 => listening.http2().await.send_request(request).await,
            _ => listening.http1().await.send_request(request).await,
        };
        let status = answer.map(|answer| answer.status()).ok();
        assert_eq!(status, expected, "{version:?} {fields} {length}");
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_and_one_that_reads_gets_all() {
    let listening = listen(impatient()).await;
    let request = format!("GET /large HTTP/1.1\r\nHost: {}\r\n\r\n", listening.address);
    let mut stuck = listening.connect().await;
    stuck.write_all(request.as_bytes()).await.expect("sent");
    let mut begun = [0; 15];
    stuck.read_exact(&mut begun).await.expect("the answer begins");
    timeout(LONG, listening.stages.idle()).await.expect("the request ends");
    let mut rest = Vec::new();
    let _cut = timeout(LONG, stuck.read_to_end(&mut rest)).await.expect("the connection ends");
    assert!(rest.len() < LARGE, "{}", rest.len());

    let answer = listening.http1().await.send_request(listening.get(Version::HTTP_11, "/large"));
    assert_eq!(text(answer.await.expect("an answer")).await.len(), LARGE);
    let answer = listening.http2().await.send_request(listening.get(Version::HTTP_2, "/large"));
    assert_eq!(text(answer.await.expect("an answer")).await.len(), LARGE);
}

#[tokio::test]
async fn idle_connections_end_and_slow_answers_do_not_count_as_idle() {
    let mut listening = listen(impatient()).await;
    let mut silent = listening.connect().await;
    let mut client = listening.http2().await;
    let slow = client.send_request(listening.get(Version::HTTP_2, "/slow"));
    let slow = tokio::spawn(slow);
    listening.came.recv().await.expect("it came");
    assert_eq!(timeout(LONG, silent.read(&mut [0])).await.expect("it ends").ok(), Some(0));
    tokio::time::sleep(impatient().patience * 2).await;
    listening.go.cancel();
    let answer = slow.await.expect("it ends").expect("an answer");
    assert_eq!(text(answer).await, "done");
    timeout(LONG, async {
        while client.ready().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the idle connection of HTTP/2 ends");
}

#[tokio::test]
async fn while_it_stops_what_is_under_way_goes_on_and_what_is_new_is_refused() {
    let mut listening = listen(Terms::default()).await;
    let mut old = listening.http1().await;
    let slow = tokio::spawn(old.send_request(listening.get(Version::HTTP_11, "/slow")));
    listening.came.recv().await.expect("it came");
    listening.stages.stopping.cancel();
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let request = listening.get(version, "/");
        let answer = match version {
            Version::HTTP_2 => listening.http2().await.send_request(request).await,
            _ => listening.http1().await.send_request(request).await,
        };
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{version:?}");
        assert_eq!(answer.headers()[RETRY_AFTER], "5");
    }
    listening.go.cancel();
    let answer = slow.await.expect("it ends").expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(text(answer).await, "done");
    timeout(LONG, listening.stages.idle()).await.expect("nothing is under way");
}
