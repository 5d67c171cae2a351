//! Services that the operator configured: their host as given, what they lead to only on the internet.

use crate::peer::{self, ok, redirect, with_headers};
use crate::tls::{Authority, serve};
use crate::world::{LAN, PUBLIC, World};
use isolated_network::run;
use outbound::{Bounds, Client, Configured, Kind, Settings};
use package_index::{Fault, Index};
use std::time::Duration;

const BOUNDS: Bounds = Bounds { bytes: 100_000, time: Duration::from_secs(20) };

/// Gets an address and returns status and body, or the kind of failure.
async fn get(service: &Configured, url: &str, bounds: Bounds) -> Result<(u16, String), Kind> {
    match service.get(url, "text/plain", bounds).await {
        Ok(fetched) => Ok((fetched.status(), String::from_utf8(fetched.into_body()).unwrap())),
        Err(error) => {
            println!("{error}");
            Err(error.kind())
        }
    }
}

fn arrived() -> (u16, String) {
    (200, "arrived".to_owned())
}

#[test]
fn the_address_of_a_service_is_taken_as_it_is() {
    let client = Client::new(&Settings::default()).unwrap();
    for (given, url) in [
        ("https://index.example/simple", "https://index.example/simple/"),
        ("https://index.example/simple/", "https://index.example/simple/"),
        ("http://127.0.0.1:3141", "http://127.0.0.1:3141/"),
        ("HTTP://Index.Example:80/a//", "http://index.example/a/"),
    ] {
        assert_eq!(Configured::new(&client, given).unwrap().url(), url);
    }
    for wrong in [
        "",
        "index.example",
        "file:///simple",
        "https://user:password@index.example/",
        "https://index.example/?a=b",
        "https://index.example/#a",
    ] {
        assert!(Configured::new(&client, wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_configured_host_is_reached_wherever_it_is() {
    run(async || {
        let world = World::new().await;
        world.dns.answer("index.example.com", &[LAN]);
        let seen = peer::answer("[::]:8080", |_request| ok("arrived")).await;
        for host in
            ["127.0.0.1", "[::1]", LAN, PUBLIC, "169.254.7.7", "index.example.com", "localhost"]
        {
            let service =
                Configured::new(&world.client, &format!("http://{host}:8080/simple")).unwrap();
            let url = format!("{}six/", service.url());
            assert_eq!(get(&service, &url, BOUNDS).await, Ok(arrived()), "{host}");
        }
        let request = seen.last();
        assert!(request.starts_with("GET /simple/six/ HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("accept: text/plain\r\n"), "{request}");
        assert!(request.contains("user-agent: mcpbox/"), "{request}");
    });
}

#[test]
fn a_service_leads_to_the_internet_and_no_further() {
    run(async || {
        let world = World::new().await;
        world.dns.answer("index.example.com", &["127.0.0.1"]);
        world.dns.answer("files.example.com", &[PUBLIC]);
        world.dns.answer("inside.example.com", &[LAN]);
        world.dns.answer("mixed.example.com", &[PUBLIC, LAN]);
        let seen = peer::answer("[::]:80", |request| {
            match request.split_once("?to=").and_then(|(_, rest)| rest.split_once(' ')) {
                Some((location, _)) => redirect(302, location),
                None => ok("arrived"),
            }
        })
        .await;
        let service = Configured::new(&world.client, "http://index.example.com/").unwrap();
        for url in
            ["http://files.example.com/x", "http://93.184.216.34/x", "http://index.example.com/x"]
        {
            assert_eq!(get(&service, url, BOUNDS).await, Ok(arrived()), "{url}");
            let through = format!("http://index.example.com/?to={url}");
            assert_eq!(get(&service, &through, BOUNDS).await, Ok(arrived()), "{url}");
        }
        // Back from elsewhere to the service itself.
        let back = "http://files.example.com/?to=http://index.example.com/x";
        assert_eq!(get(&service, back, BOUNDS).await, Ok(arrived()));
        let before = seen.requests().len();
        let refused = [
            "http://inside.example.com/x",
            "http://mixed.example.com/x",
            "http://192.168.7.1/x",
            "http://127.0.0.1/x",
            "http://0x7f.1/x",
            "http://localhost/x",
            "http://169.254.169.254/x",
            "http://metadata.google.internal/x",
            "http://[::ffff:10.0.0.1]/x",
        ];
        for url in refused {
            assert_eq!(get(&service, url, BOUNDS).await, Err(Kind::AddressRefused), "{url}");
            let through = format!("http://index.example.com/?to={url}");
            let outcome = get(&service, &through, BOUNDS).await;
            assert_eq!(outcome, Err(Kind::AddressRefused), "{url}");
        }
        assert_eq!(seen.requests().len(), before + refused.len(), "no refused address was asked");
    });
}

#[test]
fn https_is_with_a_trusted_authority_and_stays_https() {
    run(async || {
        let authority = Authority::new();
        let world = World::trusting(vec![authority.file.path().to_owned()]).await;
        world.dns.answer("index.example.com", &[LAN]);
        world.dns.answer("files.example.com", &[PUBLIC]);
        serve(&format!("{LAN}:443"), authority.sign("index.example.com", |_| ())).await;
        serve(&format!("{PUBLIC}:443"), authority.sign("files.example.com", |_| ())).await;
        peer::answer(&format!("{PUBLIC}:80"), |_request| ok("arrived")).await;
        let url = "https://index.example.com/";
        let service = Configured::new(&world.client, url).unwrap();
        let name = |text: &str| Ok((200, text.to_owned()));
        assert_eq!(get(&service, url, BOUNDS).await, name("index.example.com"));
        let linked = "https://files.example.com/x";
        assert_eq!(get(&service, linked, BOUNDS).await, name("files.example.com"));
        let plain = "http://files.example.com/x";
        assert_eq!(get(&service, plain, BOUNDS).await, Err(Kind::AddressRefused));
        let unprotected = Configured::new(&world.client, "http://files.example.com").unwrap();
        assert_eq!(get(&unprotected, plain, BOUNDS).await, Ok(arrived()));
        let also = service.clone().with_host("192.168.7.77").unwrap();
        assert!(service.clone().with_host("a b").is_err());
        let near = "https://192.168.7.77:8443/";
        assert_eq!(get(&service, near, BOUNDS).await, Err(Kind::AddressRefused));
        // Nothing listens there, and it is not refused.
        assert_eq!(get(&also, near, BOUNDS).await, Err(Kind::ConnectError));
        let settings =
            Settings { dns_servers: vec![world.dns.address()], ca_files: Vec::new(), proxy: None };
        let other = Client::new(&settings).unwrap();
        let distrusting = Configured::new(&other, url).unwrap();
        assert_eq!(get(&distrusting, url, BOUNDS).await, Err(Kind::ConnectError));
    });
}

#[test]
fn redirects_end() {
    run(async || {
        let world = World::new().await;
        peer::answer("127.0.0.1:80", |request| {
            let path = request.split(' ').nth(1).unwrap();
            match path.trim_start_matches('/').parse::<u32>().unwrap() {
                0 => ok("arrived"),
                left => redirect(307, &format!("/{}", left - 1)),
            }
        })
        .await;
        let service = Configured::new(&world.client, "http://127.0.0.1").unwrap();
        assert_eq!(get(&service, "http://127.0.0.1/10", BOUNDS).await, Ok(arrived()));
        let refused = get(&service, "http://127.0.0.1/11", BOUNDS).await;
        assert_eq!(refused, Err(Kind::TooManyRedirects));
    });
}

#[test]
fn answers_are_bounded_in_bytes_and_time() {
    run(async || {
        let world = World::new().await;
        let index = Index::start();
        index.add(package_index::File::new("large.txt", vec![b'x'; 100_001]));
        index.add(package_index::File::new("fits.txt", vec![b'x'; 100_000]));
        let service = Configured::new(&world.client, &index.url()).unwrap();
        let url = |file: &str| index.url().replace("simple/", &format!("files/{file}"));
        let (status, body) = get(&service, &url("fits.txt"), BOUNDS).await.unwrap();
        assert_eq!((status, body.len()), (200, 100_000));
        assert_eq!(get(&service, &url("large.txt"), BOUNDS).await, Err(Kind::ResponseTooLarge));
        assert_eq!(get(&service, &url("none.txt"), BOUNDS).await.unwrap().0, 404);
        index.fault("fits.txt", Fault::Endless);
        assert_eq!(get(&service, &url("fits.txt"), BOUNDS).await, Err(Kind::ResponseTooLarge));
        index.fault("fits.txt", Fault::Silence);
        let soon = Bounds { time: Duration::from_millis(200), ..BOUNDS };
        assert_eq!(get(&service, &url("fits.txt"), soon).await, Err(Kind::ReadTimeout));
        index.fault("fits.txt", Fault::Late(Duration::from_millis(300)));
        assert_eq!(get(&service, &url("fits.txt"), BOUNDS).await.unwrap().0, 200);
    });
}

#[test]
fn json_is_sent() {
    run(async || {
        let world = World::new().await;
        let seen = peer::answer("127.0.0.1:80", |_request| {
            with_headers("200 OK", &[("Content-Type", "application/json")], b"{}")
        })
        .await;
        let service = Configured::new(&world.client, "http://127.0.0.1/feed").unwrap();
        let url = format!("{}v1/querybatch", service.url());
        let fetched = service.post(&url, "{\"queries\":[]}", BOUNDS).await.unwrap();
        assert_eq!((fetched.status(), fetched.body()), (200, &b"{}"[..]));
        let request = seen.last();
        assert!(request.starts_with("POST /feed/v1/querybatch "), "{request}");
        assert!(request.contains("content-type: application/json\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\n{\"queries\":[]}"), "{request}");
    });
}
