//! Peers that take their time, and how long they are waited for.

use crate::peer;
use crate::world::{PUBLIC, World, outcome, text};
use isolated_network::run;
use outbound::{Kind, Request, Timeouts};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

const SHORT: Option<Duration> = Some(Duration::from_millis(200));

/// Longer than any test takes.
const FOREVER: Duration = Duration::from_hours(1);

fn request(url: &str, timeouts: Timeouts) -> Request {
    Request { timeouts, ..Request::new("GET", url) }
}

#[test]
fn a_peer_that_does_not_answer_is_given_up() {
    run(async || {
        let world = World::new().await;
        for (port, pause) in [(80, FOREVER), (81, Duration::from_millis(20))] {
            peer::serve(&format!("{PUBLIC}:{port}"), move |mut connection| async move {
                peer::read_request(&mut connection).await;
                sleep(pause).await;
                connection.write_all(&peer::ok("late")).await.unwrap();
            })
            .await;
        }
        let silent = Timeouts { read: SHORT, ..Timeouts::default() };
        let exchange =
            world.send(&[PUBLIC], request(&format!("http://{PUBLIC}:80/"), silent)).await;
        assert_eq!(outcome(exchange).err(), Some(Kind::ReadTimeout));
        let slow = Timeouts { read: Some(FOREVER), ..Timeouts::default() };
        let exchange = world.send(&[PUBLIC], request(&format!("http://{PUBLIC}:81/"), slow)).await;
        assert_eq!(text(&outcome(exchange).unwrap()), "late");
    });
}

#[test]
fn a_slow_body_arrives_as_long_as_it_moves() {
    run(async || {
        let world = World::new().await;
        for (port, pause) in [(80, Duration::from_millis(50)), (81, FOREVER)] {
            peer::serve(&format!("{PUBLIC}:{port}"), move |mut connection| async move {
                peer::read_request(&mut connection).await;
                let head = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n";
                connection.write_all(head).await.unwrap();
                for _ in 0..20 {
                    connection.write_all(b"a").await.unwrap();
                    sleep(pause).await;
                }
            })
            .await;
        }
        let patient = Timeouts { read: Some(Duration::from_millis(800)), ..Timeouts::default() };
        let moving = request(&format!("http://{PUBLIC}:80/"), patient);
        let answer = outcome(world.send(&[PUBLIC], moving).await).unwrap();
        assert_eq!(text(&answer), "a".repeat(20), "a second in all, never 0.8 s for a part");
        let stopped = request(&format!("http://{PUBLIC}:81/"), patient);
        let exchange = world.send(&[PUBLIC], stopped).await;
        assert_eq!(outcome(exchange).err(), Some(Kind::ReadTimeout));
    });
}

#[test]
fn a_handshake_that_does_not_go_on_is_given_up() {
    run(async || {
        let world = World::new().await;
        let peer = peer::serve(&format!("{PUBLIC}:443"), |connection| async move {
            sleep(FOREVER).await;
            drop(connection);
        })
        .await;
        let connect = Timeouts { connect: SHORT, ..Timeouts::default() };
        let url = format!("https://{PUBLIC}/");
        let exchange = world.send(&[PUBLIC], request(&url, connect)).await;
        assert_eq!(outcome(exchange).err(), Some(Kind::ConnectTimeout));
        assert_eq!(peer.connections(), 1);
        let unbounded = world.send(&[PUBLIC], request(&url, Timeouts::default())).await;
        assert_eq!(outcome(unbounded).err(), Some(Kind::ConnectTimeout), "nobody waits for ever");
    });
}

#[test]
fn a_name_server_that_does_not_answer_is_given_up() {
    run(async || {
        let world = World::new().await;
        let silent = tokio::net::UdpSocket::bind("192.168.7.54:53").await.unwrap();
        let settings = outbound::Settings {
            dns_servers: vec![silent.local_addr().unwrap()],
            ..outbound::Settings::default()
        };
        let client = outbound::Client::new(&settings).unwrap();
        let connect = Timeouts { connect: SHORT, ..Timeouts::default() };
        let request = request("http://api.example.com/", connect);
        let policy = crate::world::tool(&["api.example.com"]);
        let exchange = client.send("server", &policy, request.clone()).await;
        assert_eq!(outcome(exchange).err(), Some(Kind::ConnectTimeout));
        world.dns.answer("api.example.com", &[PUBLIC]);
        peer::answer(&format!("{PUBLIC}:80"), |_request| peer::ok("")).await;
        let patient = Request { timeouts: Timeouts::default(), ..request };
        assert!(outcome(world.send(&["api.example.com"], patient).await).is_ok());
    });
}

#[test]
fn a_peer_that_does_not_read_is_given_up() {
    run(async || {
        let world = World::new().await;
        peer::serve(&format!("{PUBLIC}:80"), |connection| async move {
            sleep(FOREVER).await;
            drop(connection);
        })
        .await;
        peer::serve(&format!("{PUBLIC}:81"), |mut connection| async move {
            // Slowly, but always a little more.
            let mut buffer = vec![0; 1_000_000];
            while let Ok(1..) = connection.read(&mut buffer).await {
                if buffer.ends_with(b"end") || buffer.windows(3).any(|window| window == b"end") {
                    connection.write_all(&peer::ok("read")).await.unwrap();
                }
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        let body = [vec![b'a'; 9_000_000], b"end".to_vec()].concat();
        let write = Timeouts { write: Some(Duration::from_millis(800)), ..Timeouts::default() };
        let post = |port: u16| Request {
            timeouts: write,
            ..Request::new("POST", &format!("http://{PUBLIC}:{port}/")).body(body.clone())
        };
        let exchange = world.send(&[PUBLIC], post(80)).await;
        assert_eq!(outcome(exchange).err(), Some(Kind::WriteTimeout));
        let answer = outcome(world.send(&[PUBLIC], post(81)).await).unwrap();
        assert_eq!(text(&answer), "read");
    });
}

#[test]
fn a_request_that_is_dropped_is_over() {
    run(async || {
        let world = World::new().await;
        let (ended, mut end) = tokio::sync::mpsc::unbounded_channel();
        peer::serve(&format!("{PUBLIC}:80"), move |mut connection| {
            let ended = ended.clone();
            async move {
                peer::read_request(&mut connection).await;
                let rest = connection.read(&mut [0; 16]).await;
                ended.send(rest.unwrap()).unwrap();
            }
        })
        .await;
        let sending = world.get(&[PUBLIC], "http://93.184.216.34/");
        assert!(tokio::time::timeout(Duration::from_millis(300), sending).await.is_err());
        assert_eq!(end.recv().await, Some(0), "the connection was closed");
    });
}
