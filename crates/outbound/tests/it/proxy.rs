//! Requests through a proxy that the operator configured.

use crate::peer::{self, ok};
use crate::world::{LAN, PUBLIC, World, text};
use isolated_network::{Dns, run};
use outbound::{Kind, Request, Settings};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const PROXY: &str = "192.168.7.9:3128";

/// What a proxy was asked.
type Asked = Arc<Mutex<Vec<String>>>;

/// A proxy that opens tunnels to whoever says the right password; to nowhere else than it is asked.
async fn proxy() -> Asked {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    peer::serve(PROXY, move |mut connection| {
        let seen = Arc::clone(&seen);
        async move {
            let Some(request) = peer::read_request(&mut connection).await else { return };
            seen.lock().unwrap().push(request.clone());
            let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
            let refusal = if !request.contains("Proxy-Authorization: Basic YW5uOnNlY3JldA==") {
                Some("407 Proxy Authentication Required")
            } else if target.ends_with(":81") {
                Some("403 Forbidden")
            } else {
                None
            };
            if let Some(refusal) = refusal {
                let answer = format!("HTTP/1.1 {refusal}\r\n\r\n");
                let _gone = connection.write_all(answer.as_bytes()).await;
                return;
            }
            let Ok(mut far) = TcpStream::connect(&target).await else { return };
            connection.write_all(b"HTTP/1.1 200 Connected\r\nVia: test\r\n\r\n").await.unwrap();
            let _over = tokio::io::copy_bidirectional(&mut connection, &mut far).await;
        }
    })
    .await;
    asked
}

async fn world(proxy: &str) -> World {
    let dns = Dns::start("192.168.7.53:53".parse().unwrap()).await;
    World::with(dns, Settings { proxy: Some(proxy.parse().unwrap()), ..Settings::default() })
}

#[test]
fn public_hosts_are_reached_through_the_proxy_by_the_address_that_was_checked() {
    run(async || {
        let asked = proxy().await;
        let world = world(&format!("http://ann:secret@{PROXY}")).await;
        world.dns.answer("api.example.com", &[PUBLIC]);
        world.dns.answer("box.lan", &[LAN]);
        peer::answer(&format!("{PUBLIC}:80"), |_request| ok("from afar")).await;
        peer::answer(&format!("{LAN}:80"), |_request| ok("from near")).await;
        let far = world.get(&["api.example.com"], "http://api.example.com/x").await.unwrap();
        assert_eq!(text(&far), "from afar");
        let requests = asked.lock().unwrap().clone();
        assert_eq!(requests.len(), 1);
        assert!(
            requests[0].starts_with(&format!("CONNECT {PUBLIC}:80 HTTP/1.1\r\n")),
            "{requests:?}"
        );
        assert!(!requests[0].contains("api.example.com"));
        // What is in a private network is reached without it.
        let near = world.get(&["box.lan"], "http://box.lan/").await.unwrap();
        assert_eq!(text(&near), "from near");
        assert_eq!(asked.lock().unwrap().len(), 1);
    });
}

#[test]
fn the_guard_decides_before_the_proxy_is_asked() {
    run(async || {
        let asked = proxy().await;
        let world = world(&format!("http://ann:secret@{PROXY}")).await;
        world.dns.answer("rebound.example.com", &["127.0.0.1", PUBLIC]);
        for (grant, url) in [
            ("rebound.example.com", "http://rebound.example.com/"),
            ("169.254.169.254", "http://169.254.169.254/"),
        ] {
            assert_eq!(world.get(&[grant], url).await.err(), Some(Kind::AddressRefused), "{url}");
        }
        let refused = world.get(&[], &format!("http://{PUBLIC}/")).await.err();
        assert_eq!(refused, Some(Kind::HostNotApproved));
        assert!(asked.lock().unwrap().is_empty());
    });
}

#[test]
fn a_proxy_that_refuses_is_told_to_the_tool_without_the_password() {
    run(async || {
        proxy().await;
        let right = world(&format!("http://ann:secret@{PROXY}")).await;
        let forbidden = right.send(&[PUBLIC], Request::new("GET", &format!("http://{PUBLIC}:81/")));
        let error = forbidden.await.outcome.err().unwrap();
        assert_eq!(error.kind(), Kind::ProxyError);
        assert!(error.to_string().contains("status 403"), "{error}");
        for (number, (given, said)) in [
            (format!("http://ann:wrong@{PROXY}"), "--proxy"),
            ("http://192.168.7.10:3128".to_owned(), "192.168.7.10:3128"),
        ]
        .into_iter()
        .enumerate()
        {
            let dns = Dns::start(format!("192.168.7.{}:53", 60 + number).parse().unwrap()).await;
            let proxy = Some(given.parse().unwrap());
            let world = World::with(dns, Settings { proxy, ..Settings::default() });
            let sent = world.send(&[PUBLIC], Request::new("GET", &format!("http://{PUBLIC}/")));
            let error = sent.await.outcome.err().unwrap();
            assert_eq!(error.kind(), Kind::ProxyError);
            assert!(error.to_string().contains(said), "{error}");
            assert!(
                !error.to_string().contains("wrong") && !format!("{error:?}").contains("wrong")
            );
        }
    });
}
