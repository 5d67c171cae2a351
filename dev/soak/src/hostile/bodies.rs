//! Bodies that are no proper messages.

use super::raw::{body, modern, plain};
use super::{Request, of_http, of_rpc};

/// More than a message may have.
const TOO_LARGE: usize = 5 << 20;

pub(super) const ALL: &[Request] = &[
    Request {
        name: "hostile: no JSON",
        bytes: |door| plain(door, "", "{\"jsonrpc\": \"2.0\", \"id\": 1, nonsense"),
        refusal: of_rpc(400, -32700),
    },
    Request {
        name: "hostile: no text",
        bytes: |door| {
            let mut bytes = plain(door, "", "{\"jsonrpc\": \"XX\"}");
            bytes.iter_mut().filter(|byte| **byte == b'X').for_each(|byte| *byte = 0xff);
            bytes
        },
        refusal: of_rpc(400, -32700),
    },
    Request {
        name: "hostile: no message",
        bytes: |door| plain(door, "", "[1, 2, 3]"),
        refusal: of_rpc(400, -32600),
    },
    Request {
        name: "hostile: deep nesting",
        bytes: |door| plain(door, "", &"[".repeat(200_000)),
        refusal: of_rpc(400, -32700),
    },
    Request {
        name: "hostile: deep arguments",
        bytes: |door| {
            let (open, close) = ("{\"a\":".repeat(5_000), "}".repeat(5_000));
            let params = format!(",\"name\":\"load__add\",\"arguments\":{open}1{close}");
            modern(door, "tools/call", "Mcp-Name: load__add\r\n", &body("tools/call", &params))
        },
        refusal: of_rpc(400, -32700),
    },
    Request {
        name: "hostile: too large",
        bytes: |door| plain(door, "", &format!("\"{}\"", "x".repeat(TOO_LARGE))),
        refusal: of_rpc(413, -32600),
    },
    Request {
        name: "hostile: too large in chunks",
        bytes: |door| {
            let head = format!(
                "POST /mcp HTTP/1.1\r\nHost: {door}\r\nConnection: close\r\nContent-Type: application/json\r\n\
                 Transfer-Encoding: chunked\r\n\r\n"
            );
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            format!("{head}{}0\r\n\r\n", chunk.repeat(TOO_LARGE / 0x10000)).into_bytes()
        },
        refusal: of_rpc(413, -32600),
    },
    Request {
        name: "hostile: unknown method",
        bytes: |door| modern(door, "tools/steal", "", &body("tools/steal", "")),
        refusal: of_rpc(404, -32601),
    },
    Request {
        name: "hostile: unknown tool",
        bytes: |door| {
            let params = ",\"name\":\"load__nothing\",\"arguments\":{}";
            modern(door, "tools/call", "Mcp-Name: load__nothing\r\n", &body("tools/call", params))
        },
        refusal: of_rpc(200, -32602),
    },
    Request {
        name: "hostile: wrong arguments",
        bytes: |door| {
            let params = ",\"name\":\"load__add\",\"arguments\":[1]";
            modern(door, "tools/call", "Mcp-Name: load__add\r\n", &body("tools/call", params))
        },
        refusal: of_rpc(200, -32602),
    },
    Request {
        name: "hostile: made up state",
        bytes: |door| {
            let params = ",\"name\":\"load__greet\",\"arguments\":{\"number\":0},\"requestState\":\"a.b.1.00\"";
            modern(door, "tools/call", "Mcp-Name: load__greet\r\n", &body("tools/call", params))
        },
        refusal: of_rpc(200, -32602),
    },
    Request {
        name: "hostile: made up cursor",
        bytes: |door| {
            modern(door, "tools/list", "", &body("tools/list", ",\"cursor\":\"b\\u0000\""))
        },
        refusal: of_rpc(200, -32602),
    },
    Request {
        name: "hostile: no JSON by name",
        bytes: |door| {
            let text = String::from_utf8_lossy(&plain(door, "", "{}"))
                .replace("application/json\r", "text/plain\r");
            text.into_bytes()
        },
        refusal: of_http(415),
    },
];
