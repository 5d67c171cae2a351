//! The official servers of Python, over every transport and in both eras.

use super::world::{Ear, LONG, Python, at, call, heard, setup, text, until, web};
use outbound::mcp::{Era, Listener, Open, Place, Source};
use serde_json::json;
use std::sync::Arc;

/// What every server has to give, whichever way it is reached.
pub(crate) async fn is_served(source: &Source, tools: usize) {
    let all = source.list_tools(LONG).await.unwrap();
    assert_eq!((all.tools.len(), all.left_out.len()), (tools, 0));
    let sum = source.call_tool(call("add", &json!({"a": 1, "b": 2}))).await.unwrap();
    assert_eq!((text(&sum), &sum["isError"]), ("3", &json!(false)));
    let failed = source.call_tool(call("fail", &json!({}))).await.unwrap();
    assert_eq!(failed["isError"], json!(true), "{failed}");
    assert!(text(&failed).contains("fail"), "{failed}");
    let unknown = source.call_tool(call("unknown", &json!({}))).await;
    assert!(unknown.is_err() || unknown.is_ok_and(|result| result["isError"] == json!(true)));
    source.ping(LONG).await.unwrap();
}

/// That a call whose caller goes away ends at the server.
pub(crate) async fn is_cancelled(source: &Source) {
    let short = std::time::Duration::from_millis(500);
    // A call may be given up before it was sent, where the machine is busy.
    until(async || {
        let waiting = source.call_tool(call("wait", &json!({"name": "one"})));
        assert!(tokio::time::timeout(short, waiting).await.is_err());
        let ended = source.call_tool(call("was_cancelled", &json!({}))).await.unwrap();
        ended["structuredContent"]["result"][0] == json!("one")
    })
    .await;
}

const TOOLS: usize = 128;

#[tokio::test]
async fn without_sessions() {
    let server = Python::start(&["mcp", "http"]);
    let source = at(&server.url("mcp"));
    let started = source.start().await.unwrap();
    assert_eq!(started.era, Era::Modern);
    is_served(&source, TOOLS).await;
    is_cancelled(&source).await;

    let ear = Ear::answering(&[json!({"action": "accept", "content": {"name": "Ada"}})]);
    let answered = source.call_tool(heard("ask_by_result", &json!({}), &ear)).await.unwrap();
    assert_eq!(text(&answered), "hello Ada, kept");
    assert_eq!(ear.heard("elicitation/create")[0]["message"], "who?");
    source.call_tool(heard("steps", &json!({}), &ear)).await.unwrap();
    assert_eq!(ear.heard("notifications/progress").len(), 3);
    source.close().await;
}

#[tokio::test]
async fn within_a_session() {
    let server = Python::start(&["mcp", "http", "session"]);
    let source = at(&server.url("mcp"));
    let started = source.start().await.unwrap();
    assert_eq!(started.era, Era::Session("2025-11-25"));
    assert_eq!(started.said["serverInfo"]["name"], "peer");
    is_served(&source, TOOLS).await;
    is_cancelled(&source).await;

    let ear = Ear::answering(&[json!({"action": "accept", "content": {"name": "Ada"}})]);
    let answered = source.call_tool(heard("ask", &json!({}), &ear)).await.unwrap();
    assert_eq!(text(&answered), "hello Ada");
    source.call_tool(heard("steps", &json!({}), &ear)).await.unwrap();
    assert_eq!(ear.heard("notifications/progress").len(), 3);
    source.close().await;
    is_served(&source, TOOLS).await;
}

#[tokio::test]
async fn a_changed_list_is_told_in_both_eras() {
    for mode in [&["mcp", "http"][..], &["mcp", "http", "session"]] {
        let server = Python::start(mode);
        let ear = Arc::new(Ear::default());
        let observer = Arc::clone(&ear) as Arc<dyn Listener>;
        let place = Place::Http(web(&server.url("mcp"), Arc::new(Open)));
        let source = Arc::new(Source::new(setup(place, observer)).unwrap());
        let listening = tokio::spawn({
            let source = Arc::clone(&source);
            async move { source.listen().await }
        });
        // The stream may open a moment after the first call.
        until(async || {
            source.call_tool(call("change", &json!({}))).await.unwrap();
            !ear.heard("notifications/tools/list_changed").is_empty()
        })
        .await;
        listening.abort();
    }
}

#[tokio::test]
async fn of_fastmcp_in_both_eras() {
    for mode in [&["fastmcp", "http"][..], &["fastmcp", "http", "session"]] {
        let server = Python::start(mode);
        is_served(&at(&server.url("mcp")), 4).await;
    }
}
