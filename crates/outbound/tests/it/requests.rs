//! What goes over the wire: one request, of exactly what was asked.

use crate::peer::{self, ok};
use crate::world::{PUBLIC, World, outcome};
use isolated_network::run;
use outbound::{Kind, Request};

#[test]
fn a_request_is_what_was_asked_for_and_nothing_else() {
    run(async || {
        let world = World::new().await;
        world.dns.answer("api.example.com", &[PUBLIC]);
        let peer = peer::answer(&format!("{PUBLIC}:8080"), |_request| ok("")).await;
        let send = async |request| {
            outcome(world.send(&["api.example.com"], request).await).unwrap();
            peer.last()
        };
        let url = "http://API.example.com:8080/a%2fb?c=d&e#f";
        assert_eq!(
            send(Request::new("GET", url)).await,
            "GET /a%2fb?c=d&e HTTP/1.1\r\nhost: api.example.com:8080\r\n\r\n"
        );
        let request = Request::new("POST", url)
            .header("X-Custom", "one")
            .header("x-custom", "two")
            .header("Host", "api.example.com:8080")
            .header("Content-Length", "4")
            .header("Connection", "keep-alive")
            .body("body");
        let sent = send(request).await.to_lowercase();
        let (head, body) = sent.split_once("\r\n\r\n").unwrap();
        let mut fields: Vec<_> = head.split("\r\n").skip(1).collect();
        fields.sort_unstable();
        let expected =
            ["content-length: 4", "host: api.example.com:8080", "x-custom: one", "x-custom: two"];
        assert_eq!(fields, expected);
        assert_eq!(body, "body");
        assert!(send(Request::new("POST", url)).await.contains("content-length: 0\r\n"));
    });
}

#[test]
fn no_request_is_smuggled_in_another() {
    run(async || {
        let world = World::new().await;
        let peer = peer::answer(&format!("{PUBLIC}:80"), |_request| ok("")).await;
        let url = format!("http://{PUBLIC}/");
        let smuggled = "x\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        let with = |name: &str, value: &str| {
            Request::new("POST", &url).header(name, value).body("0\r\n\r\n")
        };
        for request in [
            with("X-Custom", smuggled),
            with("X-Custom", "a\nb: c"),
            with("X-Custom", "a\0b"),
            with("X-Custom: a\r\nX-Other", "b"),
            with("X-Custom ", "b"),
            with("Content-Length", "0"),
            with("Content-Length", "05"),
            with("Transfer-Encoding", "chunked"),
            with("Transfer-Encoding", "\u{b}chunked"),
            with("Transfer_Encoding\0", "chunked"),
            with("Connection", "Transfer-Encoding"),
            with("Upgrade", "h2c"),
            with("Expect", "100-continue"),
            with("Host", "127.0.0.1"),
            with("Proxy-Authorization", "Basic x"),
            Request::new("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\nGET", &url),
            Request::new("CONNECT", &url),
        ] {
            let refused = outcome(world.send(&[PUBLIC], request.clone()).await).err();
            assert_eq!(refused, Some(Kind::LocalProtocolError), "{request:?}");
        }
        for path in ["a\r\nHost: a", "a b", "a HTTP/1.1\r\n\r\nGET /smuggled", "a\0", "a\t"] {
            let refused = world.get(&[PUBLIC], &format!("{url}{path}")).await.err();
            assert_eq!(refused, Some(Kind::InvalidURL), "{path:?}");
        }
        assert_eq!(peer.connections(), 0);
        let harmless = with("X-Custom", "%0d%0aX: y");
        outcome(world.send(&[PUBLIC], harmless).await).unwrap();
        assert_eq!(peer.requests().len(), 1);
        assert!(peer.last().ends_with("\r\n\r\n0\r\n\r\n"), "a body may look like anything");
        world.get(&[PUBLIC], &format!("{url}%0d%0aHost:%20a")).await.unwrap();
        assert!(peer.last().starts_with("GET /%0d%0aHost:%20a HTTP/1.1\r\n"), "{}", peer.last());
    });
}

#[test]
fn every_method_goes_out_as_it_is_written() {
    run(async || {
        let world = World::new().await;
        let peer = peer::answer(&format!("{PUBLIC}:80"), |request| {
            if request.starts_with("HEAD") {
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n".to_vec()
            } else {
                ok("")
            }
        })
        .await;
        for method in ["GET", "HEAD", "OPTIONS", "DELETE", "PUT", "PATCH", "PROPFIND", "get"] {
            let request = Request::new(method, &format!("http://{PUBLIC}/"));
            let answer = outcome(world.send(&[PUBLIC], request).await).unwrap();
            assert_eq!(answer.head.status, 200);
            assert!(peer.last().starts_with(&format!("{method} / HTTP/1.1\r\n")));
        }
    });
}

#[test]
fn a_record_holds_no_value() {
    run(async || {
        let world = World::new().await;
        peer::answer(&format!("{PUBLIC}:80"), |_request| ok("12345")).await;
        let request = Request::new("POST", &format!("http://{PUBLIC}/a?key=secret&page=2"))
            .header("Authorization", "secret")
            .body("secret");
        let record = world.send(&[PUBLIC], request).await.record;
        assert_eq!((record.status, record.sent, record.received), (Some(200), 6, 5));
        assert_eq!(record.place.origin, format!("http://{PUBLIC}"));
        assert_eq!(record.place.path, "/a?key&page");
        assert!(!format!("{record:?}").contains("secret"), "{record:?}");
        assert_eq!(record.failure, None);
    });
}
