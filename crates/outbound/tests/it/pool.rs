//! Connections are kept for the one who opened them, and shares hold.

use crate::peer::{self, ok};
use crate::world::{PUBLIC, World, outcome, text, tool};
use isolated_network::run;
use outbound::{Kind, Request, limits};

#[test]
fn a_caller_keeps_its_connections_and_uses_nobody_elses() {
    run(async || {
        let world = World::new().await;
        // Tells on each connection how many callers it has heard of.
        let peer = peer::serve(&format!("{PUBLIC}:80"), |mut connection| async move {
            let mut callers = std::collections::HashSet::new();
            while let Some(request) = peer::read_request(&mut connection).await {
                callers.insert(
                    request.lines().find(|line| line.starts_with("caller")).map(str::to_owned),
                );
                let told = ok(&callers.len().to_string());
                tokio::io::AsyncWriteExt::write_all(&mut connection, &told).await.unwrap();
            }
        })
        .await;
        let policy = tool(&[PUBLIC]);
        for round in 0..100 {
            let before = peer.connections();
            for caller in ["one", "two"] {
                let request =
                    Request::new("GET", &format!("http://{PUBLIC}/")).header("caller", caller);
                let answer = outcome(world.client.send(caller, &policy, request).await).unwrap();
                assert_eq!(text(&answer), "1", "a connection has one caller");
            }
            if round > 0 && peer.connections() == before {
                return;
            }
            // A connection can be used again a moment after its answer.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no connection was used again");
    });
}

#[test]
fn callers_that_ask_for_nothing_make_room_for_others() {
    run(async || {
        let world = World::new().await;
        let peer = peer::answer(&format!("{PUBLIC}:80"), |_request| ok("")).await;
        let policy = tool(&[PUBLIC]);
        let send = async |caller: &str| {
            let request = Request::new("GET", &format!("http://{PUBLIC}/"));
            outcome(world.client.send(caller, &policy, request).await).unwrap();
        };
        for number in 0..=limits::CALLERS {
            send(&format!("caller {number}")).await;
        }
        assert_eq!(peer.connections(), limits::CALLERS + 1);
        send("caller 1").await;
        assert_eq!(peer.connections(), limits::CALLERS + 1, "it was not the oldest");
        send("caller 0").await;
        assert_eq!(peer.connections(), limits::CALLERS + 2, "its connection was closed");
    });
}

#[test]
fn a_connection_that_is_open_is_no_way_round_a_grant_that_is_gone() {
    run(async || {
        let world = World::new().await;
        let peer = peer::answer(&format!("{PUBLIC}:80"), |_request| ok("")).await;
        assert!(world.get(&[PUBLIC], &format!("http://{PUBLIC}/")).await.is_ok());
        let refused = world.get(&[], &format!("http://{PUBLIC}/")).await.err();
        assert_eq!(refused, Some(Kind::HostNotApproved));
        assert_eq!(peer.requests().len(), 1);
    });
}

#[test]
fn a_connection_that_the_peer_closed_meanwhile_is_replaced() {
    run(async || {
        let world = World::new().await;
        let peer = peer::serve(&format!("{PUBLIC}:80"), |mut connection| async move {
            peer::read_request(&mut connection).await;
            tokio::io::AsyncWriteExt::write_all(&mut connection, &ok("")).await.unwrap();
        })
        .await;
        for connections in 1..=5 {
            assert!(world.get(&[PUBLIC], &format!("http://{PUBLIC}/")).await.is_ok());
            assert_eq!(peer.connections(), connections);
        }
    });
}

#[test]
fn the_bytes_that_one_caller_holds_are_bounded() {
    run(async || {
        let world = World::new().await;
        let body = "a".repeat(limits::BODY);
        peer::answer(&format!("{PUBLIC}:80"), move |_request| ok(&body)).await;
        let url = format!("http://{PUBLIC}/");
        let mut held = Vec::new();
        while held.len() * limits::BODY + limits::BODY <= limits::BYTES_PER_CALLER {
            held.push(world.get(&[PUBLIC], &url).await.unwrap());
        }
        assert_eq!(world.get(&[PUBLIC], &url).await.err(), Some(Kind::ResponseTooLarge));
        let large = Request::new("POST", &url).body(vec![0; limits::BODY]);
        let refused = outcome(world.send(&[PUBLIC], large).await).err();
        assert_eq!(refused, Some(Kind::ResponseTooLarge), "what is sent counts as well");
        assert!(world.get_unguarded(&url).await.is_ok(), "another caller has its own share");
        held.pop();
        assert!(world.get(&[PUBLIC], &url).await.is_ok(), "what is given back can be had again");
    });
}

#[test]
fn requests_overlap_and_more_than_there_are_places_for_wait() {
    run(async || {
        let world = World::new().await;
        let (enter, mut entered) = tokio::sync::mpsc::unbounded_channel();
        let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
        let keeper = std::sync::Arc::clone(&gate);
        peer::serve(&format!("{PUBLIC}:80"), move |mut connection| {
            let (gate, enter) = (std::sync::Arc::clone(&gate), enter.clone());
            async move {
                while peer::read_request(&mut connection).await.is_some() {
                    enter.send(()).unwrap();
                    gate.acquire().await.unwrap().forget();
                    drop(tokio::io::AsyncWriteExt::write_all(&mut connection, &ok("")).await);
                }
            }
        })
        .await;
        let spawn = || {
            let (client, policy) = (world.client.clone(), tool(&[PUBLIC]));
            let request = Request::new("GET", &format!("http://{PUBLIC}/"));
            tokio::spawn(
                async move { client.send("server", &policy, request).await.outcome.is_ok() },
            )
        };
        let mut requests: Vec<_> = (0..limits::IN_FLIGHT_PER_CALLER).map(|_| spawn()).collect();
        for _ in 0..limits::IN_FLIGHT_PER_CALLER {
            entered.recv().await.unwrap();
        }
        let mut hurried = Request::new("GET", &format!("http://{PUBLIC}/"));
        hurried.timeouts.pool = Some(std::time::Duration::from_millis(100));
        let refused = outcome(world.send(&[PUBLIC], hurried).await).err();
        assert_eq!(refused, Some(Kind::PoolTimeout));
        requests.push(spawn());
        keeper.add_permits(limits::IN_FLIGHT_PER_CALLER + 1);
        for request in requests {
            assert!(request.await.unwrap());
        }
    });
}
