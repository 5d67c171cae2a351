//! HTTP/2, where the peer offers it.

use crate::peer;
use crate::tls::{Authority, acceptor};
use crate::world::{PUBLIC, World, outcome, text};
use http::{HeaderValue, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use isolated_network::run;
use outbound::{Kind, Request, limits};
use std::convert::Infallible;

/// Answers with what was asked, or as the path says.
async fn act(request: http::Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut answer = Response::new(Full::new(Bytes::new()));
    match head.uri.path() {
        "/redirect" => {
            *answer.status_mut() = http::StatusCode::FOUND;
            answer.headers_mut().insert("location", HeaderValue::from_static("/after"));
        }
        "/large" => *answer.body_mut() = Full::new(vec![b'a'; limits::BODY + 1].into()),
        "/headers" => {
            for number in 0..100 {
                let name = http::HeaderName::try_from(format!("x-{number}")).unwrap();
                let value = HeaderValue::try_from("a".repeat(1000)).unwrap();
                answer.headers_mut().insert(name, value);
            }
        }
        path => {
            let text = format!("{} {path} {:?}", head.method, head.uri.authority());
            *answer.body_mut() = Full::new([text.as_bytes(), &body].concat().into());
        }
    }
    Ok(answer)
}

#[test]
fn http_2_is_spoken_where_the_peer_offers_it_within_the_same_bounds() {
    run(async || {
        let authority = Authority::new();
        let world = World::trusting(vec![authority.file.path().to_owned()]).await;
        world.dns.answer("api.example.com", &[PUBLIC]);
        let acceptor = acceptor(authority.sign("api.example.com", |_| ()), &["h2", "http/1.1"]);
        let peer = peer::serve(&format!("{PUBLIC}:443"), move |connection| {
            let acceptor = acceptor.clone();
            async move {
                let connection = TokioIo::new(acceptor.accept(connection).await.unwrap());
                let service = hyper::service::service_fn(act);
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                drop(server.serve_connection(connection, service).await);
            }
        })
        .await;
        let grants = ["api.example.com"];
        let send = async |method: &str, path: &str, body: &'static str| {
            let request = Request::new(method, &format!("https://api.example.com{path}"))
                .body(body)
                .redirects(10);
            outcome(world.send(&grants, request).await)
        };
        let answer = send("POST", "/a", " body").await.unwrap();
        assert_eq!(answer.head.http_version, "HTTP/2");
        assert_eq!(answer.head.reason, "OK");
        assert_eq!(text(&answer), "POST /a Some(api.example.com) body");
        let answer = send("POST", "/redirect", "body").await.unwrap();
        assert_eq!(text(&answer), "GET /after Some(api.example.com)");
        assert_eq!(send("GET", "/large", "").await.err(), Some(Kind::ResponseTooLarge));
        let refused = send("GET", "/headers", "").await.err();
        assert_eq!(refused, Some(Kind::RemoteProtocolError));
        let several = futures::future::join_all((0..50).map(|_| send("GET", "/many", ""))).await;
        assert!(several.iter().all(Result::is_ok));
        assert_eq!(peer.connections(), 1, "one connection carries them all");
    });
}
