//! Heads that lie about the body, about who asks, or are too much.

use super::raw::{bare, body, modern, plain};
use super::{Request, of_http, of_rpc};

pub(super) const ALL: &[Request] = &[
    Request {
        name: "hostile: another method",
        bytes: |door| modern(door, "prompts/list", "", &body("tools/list", "")),
        refusal: of_rpc(400, -32020),
    },
    Request {
        name: "hostile: another name",
        bytes: |door| {
            let params = ",\"name\":\"load__add\",\"arguments\":{}";
            modern(door, "tools/call", "Mcp-Name: load__primes\r\n", &body("tools/call", params))
        },
        refusal: of_rpc(400, -32020),
    },
    Request {
        name: "hostile: unknown revision",
        bytes: |door| {
            let text =
                String::from_utf8_lossy(&modern(door, "tools/list", "", &body("tools/list", "")))
                    .replace("2026-07-28", "2999-01-01");
            text.into_bytes()
        },
        refusal: of_rpc(400, -32022),
    },
    Request {
        name: "hostile: unacceptable",
        bytes: |door| {
            let text = String::from_utf8_lossy(&plain(door, "", "{}"))
                .replace("Accept: application/json, text/event-stream", "Accept: text/html");
            text.into_bytes()
        },
        refusal: of_http(406),
    },
    Request {
        name: "hostile: bad token",
        bytes: |door| {
            let fields = "Authorization: Bearer made-up-by-nobody\r\n";
            modern(door, "tools/list", fields, &body("tools/list", ""))
        },
        refusal: of_http(401),
    },
    Request {
        name: "hostile: wrong host",
        bytes: |_door| modern("evil.example", "tools/list", "", &body("tools/list", "")),
        refusal: of_http(403),
    },
    Request {
        name: "hostile: wrong origin",
        bytes: |door| {
            let fields = "Origin: https://evil.example\r\n";
            modern(door, "tools/list", fields, &body("tools/list", ""))
        },
        refusal: of_http(403),
    },
    Request {
        name: "hostile: made up session",
        bytes: |door| {
            let fields = "MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: 0123456789\r\n";
            plain(door, fields, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}")
        },
        refusal: of_http(404),
    },
    Request {
        name: "hostile: no session",
        bytes: |door| plain(door, "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}"),
        refusal: of_http(400),
    },
    Request {
        name: "hostile: stream of no session",
        bytes: |door| {
            bare(
                &format!("GET /mcp HTTP/1.1\r\nHost: {door}\r\n"),
                "Accept: text/event-stream\r\n",
                "",
            )
        },
        refusal: of_http(400),
    },
    Request {
        name: "hostile: wrong verb",
        bytes: |door| bare(&format!("PUT /mcp HTTP/1.1\r\nHost: {door}\r\n"), "", "{}"),
        refusal: of_http(405),
    },
    Request {
        name: "hostile: page of the other door",
        bytes: |door| bare(&format!("GET /login HTTP/1.1\r\nHost: {door}\r\n"), "", ""),
        refusal: of_http(404),
    },
    Request {
        name: "hostile: many header fields",
        bytes: |door| plain(door, &"X-Field: x\r\n".repeat(200), "{}"),
        refusal: of_http(431),
    },
    Request {
        name: "hostile: long header field",
        bytes: |door| plain(door, &format!("X-Field: {}\r\n", "x".repeat(100_000)), "{}"),
        refusal: of_http(431),
    },
    Request {
        name: "hostile: two lengths",
        bytes: |door| plain(door, "Content-Length: 7\r\n", "{}"),
        refusal: of_http(400),
    },
    Request {
        name: "hostile: no HTTP",
        bytes: |_door| b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n".to_vec(),
        refusal: of_http(400),
    },
];
