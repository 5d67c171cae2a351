//! Answers without measure or without form.

use crate::peer::{self, ok, with_headers};
use crate::world::{PUBLIC, World, text};
use flate2::Compression;
use isolated_network::run;
use outbound::{Kind, limits};
use std::io::Write;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Sends `part` until the other side has had enough.
async fn endless(mut connection: TcpStream, head: &'static str, part: Vec<u8>) {
    peer::read_request(&mut connection).await;
    connection.write_all(head.as_bytes()).await.unwrap();
    while connection.write_all(&part).await.is_ok() {}
}

/// What comes of a peer at the next free address that answers with `bytes` and then closes.
async fn get(world: &World, bytes: impl Into<Vec<u8>>) -> Result<outbound::Response, Kind> {
    static NEXT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let bytes = bytes.into();
    let host = format!("93.184.216.{number}");
    peer::serve(&format!("{host}:80"), move |mut connection| {
        let bytes = bytes.clone();
        async move {
            peer::read_request(&mut connection).await;
            // The client may have seen enough before all of it is sent.
            drop(connection.write_all(&bytes).await);
            drop(connection.shutdown().await);
        }
    })
    .await;
    world.get(&[&host], &format!("http://{host}/")).await
}

#[test]
fn a_body_has_ten_megabytes_and_not_one_byte_more() {
    run(async || {
        let world = World::new().await;
        let largest = vec![b'a'; limits::BODY];
        let answer = get(&world, with_headers("200 OK", &[], &largest)).await.unwrap();
        assert_eq!(answer.body, largest);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", limits::BODY + 1);
        assert_eq!(get(&world, head).await.err(), Some(Kind::ResponseTooLarge), "announced");
        let to_the_end = [b"HTTP/1.1 200 OK\r\n\r\n", &largest[..]].concat();
        assert_eq!(get(&world, to_the_end.clone()).await.unwrap().body.len(), limits::BODY);
        let more = [&to_the_end[..], b"a"].concat();
        assert_eq!(get(&world, more).await.err(), Some(Kind::ResponseTooLarge), "not announced");
    });
}

#[test]
fn an_answer_without_end_is_ended() {
    run(async || {
        let world = World::new().await;
        let kilobyte = [b'a'; 1024];
        let chunk = [b"400\r\n", &kilobyte[..], b"\r\n"].concat();
        let field = [b"X-Custom: ", &kilobyte[..], b"\r\n"].concat();
        for (host, head, part, kind) in [
            ("1.1.1.1", "HTTP/1.1 200 OK\r\n\r\n", kilobyte.to_vec(), Kind::ResponseTooLarge),
            (
                "1.1.1.2",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                chunk,
                Kind::ResponseTooLarge,
            ),
            (
                "1.1.1.3",
                "HTTP/1.1 200 OK\r\nX-Custom: ",
                kilobyte.to_vec(),
                Kind::RemoteProtocolError,
            ),
            ("1.1.1.4", "HTTP/1.1 200 OK\r\n", field, Kind::RemoteProtocolError),
            ("1.1.1.5", "HTTP/1.1 200 ", kilobyte.to_vec(), Kind::RemoteProtocolError),
            (
                "1.1.1.6",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
                kilobyte.to_vec(),
                Kind::RemoteProtocolError,
            ),
            (
                "1.1.1.7",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
                kilobyte.to_vec(),
                Kind::RemoteProtocolError,
            ),
        ] {
            peer::serve(&format!("{host}:80"), move |connection| {
                endless(connection, head, part.clone())
            })
            .await;
            let refused = world.get(&[host], &format!("http://{host}/")).await.err();
            assert_eq!(refused, Some(kind), "{head:?}");
        }
    });
}

#[test]
fn headers_are_bounded_in_number_and_in_size() {
    run(async || {
        let world = World::new().await;
        let with_fields = |count: usize, length: usize| {
            let value = "a".repeat(length);
            let fields: Vec<_> = (0..count).map(|n| format!("x-{n}: {value}\r\n")).collect();
            format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", fields.concat())
        };
        let answer = get(&world, with_fields(199, 10)).await.unwrap();
        assert_eq!(answer.head.headers.len(), 200);
        for (count, length) in [(200, 10), (5000, 1)] {
            let refused = get(&world, with_fields(count, length)).await.err();
            assert_eq!(refused, Some(Kind::RemoteProtocolError), "{count}");
        }
        assert!(get(&world, with_fields(60, 1000)).await.is_ok());
        assert_eq!(get(&world, with_fields(70, 1000)).await.err(), Some(Kind::RemoteProtocolError));
        assert_eq!(
            get(&world, with_fields(1, 70_000)).await.err(),
            Some(Kind::RemoteProtocolError)
        );
    });
}

#[test]
fn a_compressed_answer_arrives_plain_and_a_bomb_does_not_go_off() {
    run(async || {
        let world = World::new().await;
        let packed = |bytes: &[u8]| {
            let headers = [("Content-Encoding", "gzip"), ("Vary", "x")];
            with_headers("200 OK", &headers, bytes)
        };
        let answer = get(&world, packed(&gzip(b"plain"))).await.unwrap();
        assert_eq!(text(&answer), "plain");
        assert_eq!(answer.head.headers["content-encoding"], "gzip");
        let words: Vec<u8> = (0..1_000_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let answer = get(&world, packed(&gzip(&words))).await.unwrap();
        assert_eq!(answer.body, words, "what is large but honest arrives too");
        let bomb = gzip(&vec![0; 9_000_000]);
        assert_eq!(get(&world, packed(&bomb)).await.err(), Some(Kind::DecodingError));
        let larger = gzip(&words.repeat(2));
        assert_eq!(get(&world, packed(&larger)).await.err(), Some(Kind::ResponseTooLarge));
        assert_eq!(get(&world, packed(b"no gzip")).await.err(), Some(Kind::DecodingError));
        let unknown = with_headers("200 OK", &[("Content-Encoding", "aes128gcm")], b"as it is");
        assert_eq!(text(&get(&world, unknown).await.unwrap()), "as it is");
    });
}

#[test]
fn what_is_no_http_is_no_answer() {
    run(async || {
        let world = World::new().await;
        for bytes in [
            "",
            "\r\n\r\n",
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/0.9 200 OK\r\n\r\nbody",
            "just text\r\n\r\n",
            "HTTP/1.1 99999 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nab",
        ] {
            assert_eq!(
                get(&world, bytes).await.err(),
                Some(Kind::RemoteProtocolError),
                "{bytes:?}"
            );
        }
        for (bytes, body) in [
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "ab"),
            ("HTTP/1.0 200 OK\r\n\r\nto the end", "to the end"),
            ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 Nothing\r\n\r\n", ""),
            ("HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n", ""),
        ] {
            assert_eq!(text(&get(&world, bytes).await.unwrap()), body, "{bytes:?}");
        }
    });
}

#[test]
fn no_answer_is_smuggled_to_the_next_request() {
    run(async || {
        let world = World::new().await;
        let peer = peer::answer(&format!("{PUBLIC}:80"), |request| match request {
            request if request.starts_with("GET /two") => {
                [ok("first"), ok("smuggled")].concat()
            }
            request if request.starts_with("GET /both") => b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\
                Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
                .to_vec(),
            _ => ok("its own"),
        })
        .await;
        for path in ["two", "both"] {
            drop(world.get(&[PUBLIC], &format!("http://{PUBLIC}/{path}")).await);
            for _ in 0..3 {
                let answer = world.get(&[PUBLIC], &format!("http://{PUBLIC}/own")).await.unwrap();
                assert_eq!(text(&answer), "its own", "after /{path}");
            }
        }
        assert!(peer.connections() >= 3, "a connection that said too much is not used again");
    });
}
