//! Redirects: each is a request of its own to the guard.

use crate::peer::{self, ok, redirect};
use crate::world::{PUBLIC, World, outcome, text};
use isolated_network::run;
use outbound::{Exchange, Kind, Request};

/// A world in which `api.example.com` and `other.example.com` answer as the test says.
async fn world(answer: impl Fn(&str) -> Vec<u8> + Clone + Send + 'static) -> (World, peer::Seen) {
    let world = World::new().await;
    world.dns.answer("api.example.com", &[PUBLIC]);
    world.dns.answer("other.example.com", &["93.184.216.35"]);
    let seen = peer::answer("[::]:80", answer).await;
    (world, seen)
}

async fn follow(world: &World, grants: &[&str], path: &str) -> Exchange {
    let request = Request::new("GET", &format!("http://api.example.com{path}"))
        .header("Authorization", "Bearer token")
        .header("Cookie", "a=b")
        .redirects(20);
    world.send(grants, request).await
}

#[test]
fn a_redirect_leads_only_to_what_was_granted() {
    run(async || {
        let locations = [
            ("http://other.example.com/", Kind::HostNotApproved),
            ("//other.example.com/", Kind::HostNotApproved),
            ("http://93.184.216.34/", Kind::HostNotApproved),
            ("http://192.168.7.1/", Kind::HostNotApproved),
            ("http://api.example.com:81/", Kind::HostNotApproved),
            ("http://127.0.0.1/", Kind::AddressRefused),
            ("http://0x7f.1/", Kind::AddressRefused),
            ("http://localhost/", Kind::AddressRefused),
            ("http://[::ffff:127.0.0.1]/", Kind::AddressRefused),
            ("http://169.254.169.254/latest/meta-data/", Kind::AddressRefused),
            ("http://metadata.google.internal/", Kind::AddressRefused),
            ("file:///etc/passwd", Kind::UnsupportedProtocol),
            ("gopher://api.example.com/", Kind::UnsupportedProtocol),
            ("http://user:password@api.example.com/", Kind::InvalidURL),
            ("http://api.example.com\\@127.0.0.1/", Kind::InvalidURL),
            ("http://[", Kind::RemoteProtocolError),
        ];
        let (world, seen) = world(move |request| {
            let path = request.split(' ').nth(1).unwrap();
            let number = path.trim_start_matches('/').parse::<usize>().ok();
            number.map_or_else(|| ok("arrived"), |number| redirect(302, locations[number].0))
        })
        .await;
        let grants = ["api.example.com:80"];
        for (number, (location, kind)) in locations.into_iter().enumerate() {
            let exchange = follow(&world, &grants, &format!("/{number}")).await;
            assert_eq!(outcome(exchange).err(), Some(kind), "{location}");
        }
        assert_eq!(seen.requests().len(), locations.len(), "no request followed");
        let exchange = follow(&world, &["api.example.com", "other.example.com"], "/0").await;
        assert_eq!(exchange.record.redirects[0].0, 302);
        assert_eq!(exchange.record.redirects[0].1.origin, "http://other.example.com");
        let answer = outcome(exchange).unwrap();
        assert_eq!(text(&answer), "arrived");
        assert_eq!(answer.head.url, "http://other.example.com/");
        assert_eq!(answer.history[0].status, 302);
        assert_eq!(answer.history[0].url, "http://api.example.com/0");
    });
}

#[test]
fn a_granted_name_that_resolves_to_this_machine_is_no_way_round() {
    run(async || {
        let (world, seen) = world(|request| {
            if request.contains("host: api.") {
                redirect(307, "http://inside.example.com/")
            } else {
                ok("inside")
            }
        })
        .await;
        world.dns.answer("inside.example.com", &["127.0.0.1"]);
        let grants = ["api.example.com", "inside.example.com"];
        let exchange = follow(&world, &grants, "/").await;
        let refused = exchange.record.failure.clone().unwrap().refused;
        assert_eq!(refused, Some(("inside.example.com".to_owned(), 80)));
        assert_eq!(outcome(exchange).err(), Some(Kind::AddressRefused));
        assert_eq!(seen.requests().len(), 1);
        world.dns.answer("inside.example.com", &["192.168.7.1"]);
        let answer = outcome(follow(&world, &grants, "/").await).unwrap();
        assert_eq!(text(&answer), "inside");
    });
}

#[test]
fn credentials_do_not_leave_their_origin() {
    run(async || {
        let (world, seen) = world(|request| match request {
            request if request.starts_with("GET /same") => redirect(302, "/arrived"),
            request if request.starts_with("GET /other") => {
                redirect(302, "http://other.example.com/arrived")
            }
            _ => ok("arrived"),
        })
        .await;
        let grants = ["api.example.com", "other.example.com"];
        outcome(follow(&world, &grants, "/same").await).unwrap();
        assert!(seen.last().contains("authorization: Bearer token\r\n"), "{}", seen.last());
        assert!(seen.last().contains("cookie: a=b\r\n"), "{}", seen.last());
        outcome(follow(&world, &grants, "/other").await).unwrap();
        assert!(seen.last().contains("GET /arrived"));
        assert!(!seen.last().contains("authorization"), "{}", seen.last());
        assert!(!seen.last().contains("cookie"), "{}", seen.last());
        let host = "other.example.com\r\n";
        assert!(seen.last().contains(host), "{}", seen.last());
    });
}

#[test]
fn ten_redirects_are_followed_and_no_more() {
    run(async || {
        let (world, seen) = world(|request| {
            let path = request.split(' ').nth(1).unwrap();
            match path.trim_start_matches('/').parse::<usize>().unwrap() {
                0 => ok("arrived"),
                left => redirect(302, &format!("/{}", left - 1)),
            }
        })
        .await;
        let answer = outcome(follow(&world, &["api.example.com"], "/10").await).unwrap();
        assert_eq!((text(&answer), answer.history.len()), ("arrived", 10));
        let before = seen.requests().len();
        let exchange = follow(&world, &["api.example.com"], "/11").await;
        assert_eq!(outcome(exchange).err(), Some(Kind::TooManyRedirects));
        assert_eq!(seen.requests().len() - before, 11);
        let fewer = Request::new("GET", "http://api.example.com/3").redirects(2);
        let exchange = world.send(&["api.example.com"], fewer).await;
        assert_eq!(outcome(exchange).err(), Some(Kind::TooManyRedirects));
        let none = Request::new("GET", "http://api.example.com/3");
        let answer = outcome(world.send(&["api.example.com"], none).await).unwrap();
        assert_eq!(answer.head.status, 302, "it is the answer where nobody wants to follow");
    });
}

#[test]
fn a_loop_ends() {
    run(async || {
        let (world, seen) = world(|_request| redirect(307, "")).await;
        let exchange = follow(&world, &["api.example.com"], "/").await;
        assert_eq!(outcome(exchange).err(), Some(Kind::TooManyRedirects));
        assert_eq!(seen.requests().len(), 11);
    });
}

#[test]
fn a_body_follows_where_the_method_stays() {
    run(async || {
        let (world, seen) = world(|request| match request {
            request if request.contains(" /temporary ") => redirect(307, "/arrived"),
            request if request.contains(" /found ") => redirect(302, "/arrived"),
            _ => ok("arrived"),
        })
        .await;
        let send = async |path: &str| {
            let request = Request::new("POST", &format!("http://api.example.com{path}"))
                .header("Content-Type", "text/plain")
                .body("the body")
                .redirects(10);
            outcome(world.send(&["api.example.com"], request).await).unwrap()
        };
        let answer = send("/temporary").await;
        assert_eq!(answer.head.method, "POST");
        assert!(seen.last().starts_with("POST /arrived"), "{}", seen.last());
        assert!(seen.last().ends_with("\r\n\r\nthe body"), "{}", seen.last());
        let answer = send("/found").await;
        assert_eq!(
            (answer.head.method.as_str(), answer.history[0].method.as_str()),
            ("GET", "POST")
        );
        assert!(seen.last().starts_with("GET /arrived"), "{}", seen.last());
        assert!(!seen.last().contains("content-"), "{}", seen.last());
    });
}
