//! Servers that do what no server should, and such as are only slow or unwilling.

use super::scripted::{Act, Scripted, accepted, document, event, result, status, stream};
use super::world::{Ear, LONG, Tokens, at, call, heard, setup, until, web};
use outbound::mcp::{Call, Era, Error, Open, Place, Source};
use outbound::{Client, Kind, Policy, Settings};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What a call of a tool fails of at a server with this script.
async fn failure(act: impl Fn() -> Act + Clone + Send + Sync + 'static) -> (Error, Scripted) {
    let server = Scripted::with_sessions(move |_request, _message| act()).await;
    let error = at(&server.url).call_tool(call("a", &json!({}))).await.unwrap_err();
    (error, server)
}

#[tokio::test]
async fn what_is_not_known_passes_as_it_came() {
    let body = r#"{"zeta":1,"alpha":12345678901234567890123,"content":[{"type":"hologram","x":1.50}],"isError":true}"#;
    let server = Scripted::with_sessions(move |_request, message| {
        let id = &message["id"];
        document(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{body}}}"#))
    })
    .await;
    let source = at(&server.url);
    let answered = source.call_tool(call("a", &json!({"b": 1, "a": 2}))).await.unwrap();
    assert_eq!(answered.to_string(), body);
    assert!(server.seen("tools/call")[0].contains(r#""arguments":{"b":1,"a":2}"#));
    source.close().await;
    assert!(server.seen("DELETE /mcp")[0].contains("mcp-session-id: s1"));
}

#[tokio::test]
async fn a_lost_session_is_begun_again_once_and_the_call_repeated() {
    for lost in ["404 Not Found", "400 Bad Request"] {
        for fails in [1, 2] {
            let calls = Arc::new(AtomicUsize::new(0));
            let server = Scripted::with_sessions(move |_request, message| {
                if calls.fetch_add(1, Ordering::SeqCst) < fails {
                    status(lost, &[], "no such session")
                } else {
                    result(message, &json!({"content": []}))
                }
            })
            .await;
            let source = at(&server.url);
            let answered = source.call_tool(call("a", &json!({}))).await;
            if fails == 1 {
                assert!(answered.is_ok(), "{answered:?}");
            } else {
                assert!(matches!(answered, Err(Error::SessionLost)), "{answered:?}");
            }
            assert_eq!(server.seen("\"initialize\"").len(), 2);
            assert_eq!(server.seen("server/discover").len(), 1, "what it is was known");
            assert_eq!(server.seen("tools/call").len(), 2);
        }
    }
}

#[tokio::test]
async fn an_error_that_names_the_call_is_its_answer_whatever_its_status_and_words() {
    for (with, text) in [
        ("400 Bad Request", "no such browser session: 17"),
        ("404 Not Found", "document not found"),
        ("500 Internal Server Error", "the session of the database is over"),
    ] {
        let server = Scripted::with_sessions(move |_request, message| {
            let error = json!({"code": -32000, "message": text});
            let body = json!({"jsonrpc": "2.0", "id": message["id"], "error": error});
            status(with, &[], &body.to_string())
        })
        .await;
        let answered = at(&server.url).call_tool(call("a", &json!({}))).await;
        let Err(Error::Rpc(told)) = answered else { panic!("{with}: {answered:?}") };
        assert_eq!(told.message, text);
        assert_eq!(server.seen("tools/call").len(), 1, "{with}");
    }
}

#[tokio::test]
async fn a_call_that_may_have_arrived_is_sent_once() {
    let (error, server) = failure(|| Act::End(Vec::new())).await;
    assert!(matches!(error, Error::Broken(_)), "{error:?}");
    assert!(!error.is_certainly_not_carried_out());
    assert_eq!(server.seen("tools/call").len(), 1);
    let (error, server) = failure(|| Act::End(stream(": nothing\n\n"))).await;
    assert!(matches!(error, Error::NoAnswer), "{error:?}");
    assert!(!error.is_certainly_not_carried_out());
    assert_eq!(server.seen("tools/call").len(), 1);
}

#[tokio::test]
async fn a_source_that_is_not_there_was_not_reached() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = at(&url).call_tool(call("a", &json!({}))).await.unwrap_err();
    assert!(error.is_certainly_not_carried_out(), "{error:?}");
    assert!(matches!(error, Error::NotSent(error) if error.kind() == Kind::ConnectError));
}

#[tokio::test]
async fn the_guard_stands_before_a_source() {
    let server = Scripted::with_sessions(|_request, message| result(message, &json!({}))).await;
    let mut place = web(&server.url, Arc::new(Open));
    place.policy = Policy::Source { grants: Vec::new(), allow_loopback: true };
    place.client = Client::new(&Settings::default()).unwrap();
    let source = Source::new(setup(Place::Http(place), Arc::new(()))).unwrap();
    let error = source.start().await.unwrap_err();
    assert!(matches!(error, Error::NotSent(error) if error.kind() == Kind::HostNotApproved));
    assert!(server.seen("").is_empty());
    assert!(at(&server.url).start().await.is_ok());
}

#[tokio::test]
async fn what_is_no_mcp_is_told_as_that() {
    let html = || status("200 OK", &[("Content-Type", "text/html")], "<h1>Welcome</h1>");
    for act in
        [html, || document("{\"jsonrpc\":"), || document("[1]"), || Act::End(stream("data: {\n\n"))]
    {
        let (error, server) = failure(act).await;
        assert!(matches!(error, Error::NotMcp(_)), "{error:?}");
        assert_eq!(server.seen("tools/call").len(), 1);
    }
}

#[tokio::test]
async fn a_line_without_end_is_not_kept() {
    let (error, _server) = failure(|| {
        let line = format!("data: {}", "x".repeat(outbound::limits::BODY));
        Act::Hang(stream(&line))
    })
    .await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    let (error, _server) = failure(|| document(&"x".repeat(outbound::limits::BODY + 1))).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn redirects_stay_within_the_origin() {
    let other = Scripted::with_sessions(|_request, message| result(message, &json!({}))).await;
    let to = other.url.clone();
    let server =
        Scripted::new(move |_request, _message| status("307 Elsewhere", &[("Location", &to)], ""))
            .await;
    let error = at(&server.url).start().await.unwrap_err();
    assert!(matches!(error, Error::Redirected { status: 307, .. }), "{error:?}");
    assert!(other.seen("").is_empty(), "nothing goes there");

    let server = Scripted::with_sessions(|request, message| {
        if request.starts_with("POST /mcp ") {
            status("308 Elsewhere", &[("Location", "/mcp/")], "")
        } else {
            result(message, &json!({"content": []}))
        }
    })
    .await;
    at(&server.url).call_tool(call("a", &json!({}))).await.unwrap();
    assert_eq!(server.seen("POST /mcp/ ").len(), 1);
}

#[tokio::test]
async fn refused_credentials_are_replaced_once() {
    for (renew, expected) in [(false, 1), (true, 2)] {
        let server = Scripted::with_sessions(move |request, message| {
            if request.contains("Bearer token0") || !renew {
                let odd =
                    [("WWW-Authenticate", "bearer"), ("WWW-Authenticate", "Basic realm=\"a, b\"")];
                status("401 No", &odd, "")
            } else {
                result(message, &json!({"content": []}))
            }
        })
        .await;
        let tokens = Arc::new(Tokens { renew, ..Tokens::default() });
        let place = Place::Http(web(&server.url, Arc::clone(&tokens) as Arc<_>));
        let source = Source::new(setup(place, Arc::new(()))).unwrap();
        let answered = source.call_tool(call("a", &json!({}))).await;
        assert_eq!(server.seen("tools/call").len(), expected);
        assert_eq!(tokens.refused.lock().unwrap().len(), 1);
        let Err(error) = answered else { continue };
        let Error::Unauthorized(refused) = &error else { panic!("{error:?}") };
        assert_eq!(refused.challenges, ["bearer", "Basic realm=\"a, b\""]);
        assert!(error.is_certainly_not_carried_out());
    }
}

#[tokio::test]
async fn unwilling_sources_are_told_apart() {
    let (error, _server) = failure(|| status("429 Slow", &[("Retry-After", "3")], "")).await;
    let wait = Some(Duration::from_secs(3));
    assert!(matches!(error, Error::RateLimited { retry_after, .. } if retry_after == wait));
    let (error, _server) = failure(|| status("403 No", &[("cf-mitigated", "challenge")], "")).await;
    assert!(matches!(error, Error::BotChallenge), "{error:?}");
    let (error, _server) = failure(|| status("502 Bad", &[], "the\nproxy")).await;
    assert!(matches!(&error, Error::Status { status: 502, text, .. } if text == "the proxy"));
    let told = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-31999,"message":"no","data":{"b":1,"a":2}}}"#;
    let (error, _server) = failure(|| document(told)).await;
    let Error::Rpc(error) = error else { panic!("{error:?}") };
    assert_eq!(
        (error.code, error.data.unwrap().to_string().as_str()),
        (-31999, r#"{"b":1,"a":2}"#)
    );
}

#[tokio::test]
async fn who_waits_too_long_gives_up_and_says_so() {
    let server =
        Scripted::with_sessions(|_request, _message| Act::Hang(stream(": wait\n\n"))).await;
    let patience = Duration::from_millis(200);
    let impatient = Call { timeout: patience, ..call("a", &json!({})) };
    let source = at(&server.url);
    source.start().await.unwrap();
    let error = source.call_tool(impatient).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
    assert!(!error.is_certainly_not_carried_out());
    until(async || !server.seen("notifications/cancelled").is_empty()).await;
    until(async || !server.seen("closed by the client").is_empty()).await;
    let told = server.seen("notifications/cancelled").remove(0);
    assert!(told.contains("\"requestId\":"), "{told}");
}

#[tokio::test]
async fn a_stream_that_ended_is_taken_up_where_it_ended() {
    let server = Scripted::with_sessions(|request, message| {
        if request.starts_with("GET") {
            let answer = json!({"jsonrpc": "2.0", "id": 3, "result": {"content": []}});
            Act::Hang(stream(&event(&answer)))
        } else {
            assert_eq!(message["method"], "tools/call");
            Act::End(stream("id: e7\nretry: 10\ndata:\n\n"))
        }
    })
    .await;
    let source = at(&server.url);
    // The request has the third number: two began the session.
    source.call_tool(call("a", &json!({}))).await.unwrap();
    assert_eq!(server.seen("tools/call").len(), 1);
    let taken_up = server.seen("GET /mcp").remove(0);
    for field in ["last-event-id: e7", "mcp-session-id: s1", "mcp-protocol-version: 2025-11-25"] {
        assert!(taken_up.to_lowercase().contains(field), "{taken_up}");
    }

    let (error, server) = failure(|| Act::End(stream("id: e7\nretry: 10\ndata:\n\n"))).await;
    assert!(matches!(error, Error::NoAnswer), "{error:?}");
    assert_eq!(server.seen("tools/call").len(), 1);
    assert_eq!(server.seen("GET /mcp").len(), 5);
}

#[tokio::test]
async fn what_a_source_asks_is_answered_on_the_way() {
    let server = Scripted::with_sessions(|_request, message| {
        if message["method"] != "tools/call" {
            return accepted();
        }
        let asks = |id: &str, method: &str| {
            event(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {}}))
        };
        let questions = ["ping", "elicitation/create", "sampling/createMessage"];
        let questions = questions.map(|method| asks(method, method)).concat();
        let answer = event(&json!({"jsonrpc": "2.0", "id": message["id"], "result": {}}));
        // The answer comes at once here: what was asked before is answered if there is time.
        Act::Hang(stream(&if message["params"]["name"] == "answer" { answer } else { questions }))
    })
    .await;
    let source = Arc::new(at(&server.url));
    let ear = Ear::answering(&[json!({"action": "decline"})]);
    let asked = tokio::spawn({
        let (source, ear) = (Arc::clone(&source), Arc::clone(&ear));
        async move { source.call_tool(heard("ask", &json!({}), &ear)).await }
    });
    until(async || server.seen("\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":\"").len() == 3).await;
    assert_eq!(server.seen(r#""id":"ping","result":{}"#).len(), 1);
    assert_eq!(server.seen(r#""id":"elicitation/create","result":{"action":"decline"}"#).len(), 1);
    assert_eq!(server.seen(r#""id":"sampling/createMessage","error":{"code":-32601"#).len(), 1);
    asked.abort();
    source.call_tool(call("answer", &json!({}))).await.unwrap();
}

#[tokio::test]
async fn a_stream_that_gave_its_answer_leaves_the_connection_to_the_next_call() {
    let server = Scripted::with_sessions(|_request, message| {
        let answer = event(&json!({"jsonrpc": "2.0", "id": message["id"], "result": {}}));
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream";
        let chunk = format!("{:x}\r\n{answer}\r\n0\r\n\r\n", answer.len());
        Act::Say(format!("{head}\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}").into_bytes())
    })
    .await;
    let source = at(&server.url);
    until(async || {
        let before = server.connections();
        source.call_tool(call("a", &json!({}))).await.unwrap();
        before > 0 && server.connections() == before
    })
    .await;
}

/// A server without sessions.
fn modern(message: &serde_json::Value) -> Option<Act> {
    let said = json!({"supportedVersions": ["2026-07-28"], "resultType": "complete"});
    (message["method"] == "server/discover").then(|| result(message, &said))
}

#[tokio::test]
async fn every_request_of_the_modern_era_says_all_of_itself() {
    let server = Scripted::new(|_request, message| {
        modern(message).unwrap_or_else(|| result(message, &json!({"content": []})))
    })
    .await;
    let schema = json!({"properties": {"r": {"type": "string", "x-mcp-header": "Region"}}});
    let mut tool = call("größe", &json!({"r": "eu", "b": 1}));
    tool.schema = Some(schema);
    tool.meta.insert("traceparent".to_owned(), json!("00-1"));
    at(&server.url).call_tool(tool).await.unwrap();
    let sent = server.seen("tools/call").remove(0);
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    for field in [
        "mcp-protocol-version: 2026-07-28",
        "mcp-method: tools/call",
        "mcp-name: =?base64?",
        "mcp-param-region: eu",
        "accept: application/json, text/event-stream",
    ] {
        assert!(head.contains(field), "{field}: {head}");
    }
    let meta = &serde_json::from_str::<serde_json::Value>(body).unwrap()["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "mcpbox");
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({"elicitation": {}}));
    assert_eq!(meta["traceparent"], "00-1");
}

#[tokio::test]
async fn the_era_is_asked_for_again_where_the_source_names_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let server = Scripted::new(move |_request, message| {
        if asked.fetch_add(1, Ordering::SeqCst) > 0 {
            return modern(message).unwrap_or_else(accepted);
        }
        let told = json!({"code": -32022, "message": "no", "data": {"supported": ["2026-07-28"]}});
        let told = json!({"jsonrpc": "2.0", "id": message["id"], "error": told}).to_string();
        status("400 Bad", &[("Content-Type", "application/json")], &told)
    })
    .await;
    assert_eq!(at(&server.url).start().await.unwrap().era, Era::Modern);
    assert_eq!(server.seen("server/discover").len(), 2);
}

#[tokio::test]
async fn questions_that_nobody_answers_end_the_call() {
    let server = Scripted::new(|_request, message| {
        let questions = json!({"q": {"method": "elicitation/create", "params": {}}});
        let asks = json!({"resultType": "input_required", "inputRequests": questions});
        modern(message).unwrap_or_else(|| result(message, &asks))
    })
    .await;
    let source = at(&server.url);
    let error = source.call_tool(call("a", &json!({}))).await.unwrap_err();
    let Error::Begun(error) = error else { panic!("{error:?}") };
    assert!(matches!(*error, Error::Unanswered { .. }), "{error:?}");
    assert_eq!(server.seen("tools/call").len(), 1);
    // With answers to everything, there is an end to it all the same.
    let ear = Ear::answering(&vec![json!({"action": "decline"}); 1000]);
    let error = source.call_tool(heard("a", &json!({}), &ear)).await.unwrap_err();
    assert!(matches!(error, Error::Begun(_)), "{error:?}");
}

#[tokio::test]
async fn dropping_a_call_of_the_modern_era_closes_its_stream() {
    let server = Scripted::new(|_request, message| {
        modern(message).unwrap_or_else(|| Act::Hang(stream(": wait\n\n")))
    })
    .await;
    let source = at(&server.url);
    until(async || {
        let waiting = source.call_tool(call("a", &json!({})));
        assert!(tokio::time::timeout(Duration::from_millis(300), waiting).await.is_err());
        !server.seen("closed by the client").is_empty()
    })
    .await;
    assert!(server.seen("notifications/cancelled").is_empty());
    source.ping(LONG).await.unwrap();
}
