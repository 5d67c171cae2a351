//! What the guard lets through and what not, by where the connection would go.

use crate::peer::{self, ok};
use crate::world::{LAN, PUBLIC, World, outcome, text, tool};
use isolated_network::{run, run_with_environment};
use outbound::{Kind, Policy, Request};

/// Hosts that reach this machine, a neighbour or a metadata service, however they are written.
const SPECIAL: &str = "127.0.0.1 127.0.0.1. 127.1 127.0.1 127.1.2.3 127.255.255.255 0x7f.0.0.1 0x7f.1 \
    0X7F.0X1 0x7f000001 0x7F.0.1 2130706433 2130706434 017700000001 0177.0.0.1 0177.0.1 0177.1 \
    0x7f.0.0.0x1 0000177.0000.0000.0001 %31%32%37.0.0.1 127%2E0%2E0%2E1 %30x7f.1 127。0。0。1 \
    127．0．0．1 １２７.０.０.１ ①②⑦.0.0.1 ⑫7.0.0.1 0x7f。1 [::1] [0:0:0:0:0:0:0:1] [0::1] [::0.0.0.1] \
    [0000:0000:0000:0000:0000:0000:0000:0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:7F00:0001] \
    [0:0:0:0:0:ffff:127.0.0.1] [::ffff:127.1.2.3] [::127.0.0.1] [::7f00:1] [::ffff:0:127.0.0.1] \
    [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2002:7f00:1::1] \
    [2001:0:4136:e378:8000:63bf:80ff:fffe] [2001::1] localhost LOCALHOST LocalHost. localhost. \
    ｌｏｃａｌｈｏｓｔ local%68ost a.localhost A.b.LOCALHOST. localhost.localdomain ip6-localhost \
    ip6-loopback 0 00 0x0 0.0 0.0.0.0 000.000.000.000 0.0.0.0. 0.1.2.3 [::] [0::0] [::ffff:0.0.0.0] \
    169.254.169.254 169.254.169.254. 169.254.169.255 169.254.1.1 0xa9fea9fe 0xa9.0xfe.0xa9.0xfe \
    0251.0376.0251.0376 2852039166 169.254.43518 169.16689662 [::ffff:169.254.169.254] \
    [::ffff:a9fe:a9fe] [::169.254.169.254] [64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::1] 169。254。169。254 \
    169.254.170.2 100.100.100.200 0x64.0x64.25800 168.63.129.16 0xa83f8110 192.0.0.192 192.0.0.1 \
    [fd00:ec2::254] [fd00:0ec2:0:0:0:0:0:254] [fd00:ec2::23] [fd20:ce::254] [fe80::1] [febf::1] [fec0::1] \
    metadata.google.internal METADATA.google.internal. metadata.gke.internal metadata.azure.com \
    metadata.aws.internal instance-data.ec2.internal kubernetes kubernetes.default \
    kubernetes.default.svc kubernetes.default.svc.cluster.local 192.0.2.1 192.88.99.1 198.18.0.1 \
    198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 \
    [100::1] [2001:db8::1] [3fff::1] [5f00::1] [ff02::1] [ff0e::1] [4000::1]";

/// The same listener at every address, IPv4 and IPv6.
async fn listen_everywhere() -> peer::Seen {
    peer::answer("[::]:80", |_request| ok("reached")).await
}

#[test]
fn no_spelling_reaches_a_special_address_even_when_it_was_granted() {
    run(async || {
        let world = World::new().await;
        let everywhere = listen_everywhere().await;
        let mut count = 0;
        for host in SPECIAL.split_whitespace() {
            let url = format!("http://{host}/latest/meta-data/");
            let refused = world.get(&[host], &url).await.err();
            assert_eq!(refused, Some(Kind::AddressRefused), "{host}");
            count += 1;
        }
        assert!(count > 120, "{count}");
        assert_eq!(everywhere.connections(), 0);
        // The listener is there: whoever is not guarded reaches it by the same addresses.
        for host in [
            "127.1",
            "0x7f000001",
            "2130706433",
            "①②⑦.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
            "0xa9fea9fe",
            "100.100.100.200",
            "[fd00:ec2::254]",
            "192.0.2.1",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::1]",
        ] {
            let answer = world.get_unguarded(&format!("http://{host}/")).await.unwrap();
            assert_eq!(text(&answer), "reached", "{host}");
        }
    });
}

#[test]
fn granted_hosts_are_reached_in_every_spelling() {
    run(async || {
        let world = World::new().await;
        let everywhere = listen_everywhere().await;
        world.dns.answer("api.example.com", &[PUBLIC]);
        world.dns.answer("xn--bcher-kva.example", &["2606:2800:220:1::1"]);
        for (grant, url) in [
            (PUBLIC, "http://93.184.216.34/"),
            (PUBLIC, "http://0x5db8d822/"),
            (PUBLIC, "http://1572395042/"),
            (PUBLIC, "http://[::ffff:93.184.216.34]/"),
            ("[2606:2800:220:1::1]", "http://[2606:2800:220:1:0:0:0:1]/"),
            ("api.example.com", "http://API.Example.com./"),
            ("api.example.com:80", "http://api.example.com/"),
            ("bücher.example", "http://BÜCHER.example/"),
            (LAN, "http://192.168.7.1/"),
            (LAN, "http://0300.0250.0x7.1/"),
            ("10.1.2.3", "http://10.1.2.3/"),
            ("172.16.0.1", "http://172.16.0.1/"),
            ("100.64.0.1", "http://100.64.0.1/"),
            ("fd00::1", "http://[fd00::1]/"),
        ] {
            let answer = world.get(&[grant], url).await.unwrap();
            assert_eq!(text(&answer), "reached", "{url}");
            let before = everywhere.connections();
            let refused = world.get(&["other.example"], url).await.err();
            assert_eq!(refused, Some(Kind::HostNotApproved), "{url}");
            assert_eq!(everywhere.connections(), before);
        }
    });
}

#[test]
fn nothing_is_reached_or_resolved_without_a_grant_for_its_port() {
    run(async || {
        let world = World::new().await;
        let everywhere = listen_everywhere().await;
        world.dns.answer("api.example.com", &[PUBLIC]);
        let none: &[&str] = &[];
        for grants in [none, &["example.com"], &["api.example.com:443"], &["www.api.example.com"]] {
            let exchange =
                world.send(grants, Request::new("GET", "http://api.example.com/a?b=c")).await;
            let failure = exchange.record.failure.clone().unwrap();
            assert_eq!(failure.kind, Kind::HostNotApproved);
            assert_eq!(failure.refused, Some(("api.example.com".to_owned(), 80)));
            assert!(failure.message.contains("mcpbox_request_network_access"));
            assert_eq!(exchange.record.place.path, "/a?b");
        }
        assert_eq!(world.dns.asked("api.example.com"), 0, "a name can carry data away");
        assert_eq!(everywhere.connections(), 0);
        assert!(world.get(&["api.example.com:80"], "http://api.example.com/").await.is_ok());
    });
}

#[test]
fn a_name_is_refused_when_any_of_its_addresses_is_special() {
    run(async || {
        let world = World::new().await;
        let everywhere = listen_everywhere().await;
        let url = "http://api.example.com/";
        for addresses in [
            &["127.0.0.1"][..],
            &[PUBLIC, "127.0.0.1"],
            &["127.0.0.1", PUBLIC],
            &[PUBLIC, LAN, "169.254.169.254"],
            &[PUBLIC, "::1"],
            &["::ffff:127.0.0.1"],
            &["::ffff:169.254.169.254", PUBLIC],
            &["64:ff9b::7f00:1"],
            &["2002:7f00:1::1", PUBLIC],
            &["fe80::1"],
            &["0.0.0.0"],
            &["fd00:ec2::254"],
            &["100.100.100.200", "100.64.0.1"],
            &["168.63.129.16"],
        ] {
            world.dns.answer("api.example.com", addresses);
            let request = Request::new("GET", url);
            let exchange = world.send(&["api.example.com"], request).await;
            let failure = exchange.record.failure.unwrap();
            assert_eq!(failure.kind, Kind::AddressRefused, "{addresses:?}");
            assert_eq!(failure.refused, Some(("api.example.com".to_owned(), 80)));
            for address in addresses {
                assert!(!failure.message.contains(address), "{}", failure.message);
            }
        }
        assert_eq!(everywhere.connections(), 0);
        for addresses in
            [&[PUBLIC][..], &[LAN], &[PUBLIC, LAN, "fd00::1"], &["::ffff:93.184.216.34"]]
        {
            world.dns.answer("api.example.com", addresses);
            assert!(world.get(&["api.example.com"], url).await.is_ok(), "{addresses:?}");
        }
    });
}

#[test]
fn a_name_that_changes_its_answer_gains_nothing() {
    run(async || {
        let world = World::new().await;
        let closing = |request: &str| {
            let close = [("Connection", "close")];
            peer::with_headers("200 OK", &close, if request.is_empty() { b"" } else { b"public" })
        };
        let public = peer::answer(&format!("{PUBLIC}:80"), closing).await;
        let private = peer::answer("127.0.0.1:80", closing).await;
        world.dns.answer_in_turn("evil.example", &[&[PUBLIC], &["127.0.0.1"]]);
        let first = world.get(&["evil.example"], "http://evil.example/").await.unwrap();
        assert_eq!(text(&first), "public");
        assert_eq!(world.dns.asked("evil.example"), 1, "what was checked is what is connected to");
        let second = world.get(&["evil.example"], "http://evil.example/").await.err();
        assert_eq!(second, Some(Kind::AddressRefused));
        assert_eq!((public.connections(), private.connections()), (1, 0));
        assert!(world.get_unguarded("http://evil.example/").await.is_ok(), "the listener is there");
    });
}

#[test]
fn a_source_reaches_this_machine_where_that_is_granted_and_switched_on() {
    run(async || {
        let world = World::new().await;
        let everywhere = listen_everywhere().await;
        world.dns.answer("mcp.example", &["127.0.0.1"]);
        world.dns.answer("metadata.example", &["169.254.169.254"]);
        let source = |allow_loopback, host: &str| Policy::Source {
            grants: vec![host.parse().unwrap()],
            allow_loopback,
        };
        let get = async |policy: Policy, host: &str| {
            let request = Request::new("GET", &format!("http://{host}/"));
            outcome(world.client.send("source", &policy, request).await).map(|_answer| ())
        };
        for host in ["127.0.0.1", "[::1]", "mcp.example"] {
            assert_eq!(get(source(false, host), host).await, Err(Kind::AddressRefused), "{host}");
            assert_eq!(everywhere.connections(), 0);
        }
        for host in ["169.254.169.254", "metadata.example", "0.0.0.0", "[fe80::1]"] {
            assert_eq!(get(source(true, host), host).await, Err(Kind::AddressRefused), "{host}");
            assert_eq!(everywhere.connections(), 0);
        }
        let other = get(source(true, "mcp.example"), "127.0.0.1").await;
        assert_eq!(other, Err(Kind::HostNotApproved));
        for host in ["127.0.0.1", "[::1]", "mcp.example", "localhost"] {
            assert_eq!(get(source(true, host), host).await, Ok(()), "{host}");
        }
    });
}

#[test]
fn proxies_in_the_environment_have_no_say() {
    let proxy = "http://10.9.9.9:3128";
    let names =
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let environment = names.map(|name| (name, proxy));
    run_with_environment(&environment, async || {
        assert_eq!(std::env::var("HTTP_PROXY").unwrap(), "http://10.9.9.9:3128");
        let world = World::new().await;
        let proxy = peer::answer("10.9.9.9:3128", |_request| ok("proxy")).await;
        let public = peer::answer(&format!("{PUBLIC}:80"), |_request| ok("itself")).await;
        world.dns.answer("api.example.com", &[PUBLIC]);
        let answer = world.get(&["api.example.com"], "http://api.example.com/").await.unwrap();
        assert_eq!(text(&answer), "itself");
        assert!(public.last().starts_with("GET / HTTP/1.1\r\n"), "{}", public.last());
        assert_eq!(proxy.connections(), 0);
        let direct = world.get(&["10.9.9.9"], "http://10.9.9.9:3128/").await.unwrap();
        assert_eq!(text(&direct), "proxy", "it is there");
    });
}

#[test]
fn only_http_is_spoken() {
    run(async || {
        let world = World::new().await;
        let peer = peer::answer(&format!("{PUBLIC}:70"), |_request| ok("web")).await;
        for url in [
            "file:///etc/passwd",
            "file://93.184.216.34/etc/passwd",
            "gopher://93.184.216.34:70/_GET",
            "ftp://93.184.216.34:70/",
            "ws://93.184.216.34:70/",
            "dict://93.184.216.34:70/",
            "unix:///run/docker.sock",
            "data:text/plain,x",
        ] {
            assert_eq!(
                world.get(&[PUBLIC], url).await.err(),
                Some(Kind::UnsupportedProtocol),
                "{url}"
            );
        }
        assert_eq!(peer.connections(), 0);
        assert!(world.get(&[PUBLIC], "http://93.184.216.34:70/").await.is_ok());
    });
}

#[test]
fn what_needs_no_name_server_needs_none() {
    run(async || {
        let world = World::new().await;
        assert_eq!(
            world.get(&["unknown.example"], "http://unknown.example/").await.err(),
            Some(Kind::ConnectError)
        );
        let unheard = world.get(&[PUBLIC], &format!("http://{PUBLIC}:81/")).await.err();
        assert_eq!(unheard, Some(Kind::ConnectError), "nothing listens there");
        let policy = tool(&[PUBLIC]);
        listen_everywhere().await;
        let request = Request::new("GET", &format!("http://{PUBLIC}/"));
        assert!(outcome(world.client.send("server", &policy, request).await).is_ok());
    });
}
