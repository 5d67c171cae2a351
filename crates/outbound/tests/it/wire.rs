//! What a guest writes and reads, from end to end.

use crate::peer::{self, redirect, with_headers};
use crate::world::{PUBLIC, World, tool};
use isolated_network::run;
use outbound::wire::{read_request, write_answer};
use serde_json::{Value, json};

/// Sends what a guest would, and takes its answer apart.
async fn exchange(world: &World, head: &Value, body: &[u8]) -> (Value, Vec<u8>) {
    let head = serde_json::to_vec(head).unwrap();
    let length = u32::try_from(head.len()).unwrap().to_be_bytes();
    let request = read_request([&length[..], &head, body].concat()).unwrap();
    let policy = tool(&["api.example.com"]);
    let mut bytes = write_answer(&world.client.send("server", &policy, request).await.outcome);
    let length = u32::from_be_bytes(bytes[..4].try_into().unwrap());
    let body = bytes.split_off(4 + usize::try_from(length).unwrap());
    (serde_json::from_slice(&bytes[4..]).unwrap(), body)
}

#[test]
fn a_guest_gets_what_the_peer_said() {
    run(async || {
        let world = World::new().await;
        world.dns.answer("api.example.com", &[PUBLIC]);
        let peer = peer::answer(&format!("{PUBLIC}:80"), |request| match request {
            request if request.contains(" /from ") => redirect(302, "/to"),
            _ => {
                let headers = [("X-Custom", "one"), ("X-Custom", "two")];
                let mut bytes = with_headers("200 Very Fine", &headers, b"\x00\xff body");
                let place = bytes.windows(3).position(|part| part == b"one").unwrap();
                bytes[place] = 0xe9;
                bytes
            }
        })
        .await;
        let head = json!({
            "method": "POST", "url": "http://api.example.com/from", "follow_redirects": true,
            "headers": [["X-Latin", "caf\u{e9}"]], "timeout": {"read": 5.0},
        });
        let (mut answer, body) = exchange(&world, &head, b"request body").await;
        assert!(peer.requests()[0].ends_with("\r\n\r\nrequest body"));
        assert!(answer["elapsed"].take().as_f64().unwrap() > 0.0);
        let expected = json!({
            "method": "GET", "url": "http://api.example.com/to", "status": 200,
            "reason": "Very Fine", "http_version": "HTTP/1.1", "elapsed": null,
            "headers": [["x-custom", "\u{e9}ne"], ["x-custom", "two"], ["content-length", "7"]],
            "history": [{
                "method": "POST", "url": "http://api.example.com/from", "status": 302,
                "reason": "Elsewhere", "http_version": "HTTP/1.1",
                "headers": [["location", "/to"], ["content-length", "0"]],
            }],
        });
        assert_eq!(answer, expected);
        assert_eq!(body, b"\x00\xff body");
    });
}

#[test]
fn a_guest_is_told_what_to_ask_for() {
    run(async || {
        let world = World::new().await;
        let head = json!({"method": "GET", "url": "https://other.example.com:8443/"});
        let (answer, body) = exchange(&world, &head, b"").await;
        assert_eq!(answer["error"]["kind"], "HostNotApproved");
        assert_eq!(answer["error"]["host"], "other.example.com");
        assert_eq!(answer["error"]["port"], 8443);
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("mcpbox_request_network_access"), "{message}");
        assert_eq!(body, b"");
    });
}
