//! Prompts and resources: texts as arguments, messages and contents as results.

use std::sync::Arc;

use sandbox::{Arguments, FailureKind, Limits, NoHost, Outcome, Purpose, Run, Sandbox};
use serde_json::{Value, json};

use crate::{main_of, sandbox, tool};

const URI: &str = "notes://today";

async fn serve(sandbox: &Sandbox, source: &str, values: &Value, purpose: Purpose) -> Outcome {
    let arguments = Arguments { values: values.to_string(), purpose, schema: None };
    sandbox.run(Run { arguments, ..tool(source) }, Arc::new(NoHost)).await
}

fn value(outcome: &Outcome) -> Value {
    serde_json::from_str(outcome.result.as_ref().expect("a result")).expect("JSON")
}

async fn prompt(sandbox: &Sandbox, returned: &str) -> Outcome {
    let source =
        format!("from mcpbox import File, Image\n{}", main_of(&format!("return {returned}")));
    serve(sandbox, &source, &json!({}), Purpose::Prompt).await
}

async fn resource(sandbox: &Sandbox, returned: &str) -> Outcome {
    let source =
        format!("from mcpbox import File, Image\n{}", main_of(&format!("return {returned}")));
    serve(sandbox, &source, &json!({}), Purpose::Resource { uri: URI.to_owned() }).await
}

#[tokio::test]
async fn what_a_prompt_returns_becomes_messages() {
    let sandbox = sandbox(1).await;
    let said = |role: &str, block: Value| json!({"role": role, "content": block});
    let text = |text: &str| json!({"type": "text", "text": text});
    let svg = json!({"type": "resource", "resource": {
        "uri": "mcpbox://attachments/1/a.csv", "mimeType": "text/csv", "text": "a,b",
    }});
    for (returned, messages) in [
        ("'hello'", json!([said("user", text("hello"))])),
        (
            "['a', {'role': 'assistant', 'content': 'b'}]",
            json!([said("user", text("a")), said("assistant", text("b"))]),
        ),
        ("[{'role': 'user', 'content': {'n': 1}}]", json!([said("user", text("{\"n\": 1}"))])),
        ("File('a,b', 'a.csv')", json!([said("user", svg)])),
        (
            "[{'role': 'user', 'content': ['look', Image(b'GIF89a')]}]",
            json!([
                said("user", text("look")),
                said("user", json!({"type": "image", "data": "R0lGODlh", "mimeType": "image/gif"}))
            ]),
        ),
        (
            "[{'role': 'user', 'content': {'type': 'audio', 'data': b'RIFF', 'mimeType': 'audio/wav'}}]",
            json!([said(
                "user",
                json!({"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"})
            )]),
        ),
        (
            "[{'role': 'user', 'content': {'type': 'resource', 'resource': {'uri': 'a:b', 'text': ''}}}]",
            json!([said(
                "user",
                json!({"type": "resource", "resource": {"uri": "a:b", "text": ""}})
            )]),
        ),
    ] {
        let outcome = prompt(&sandbox, returned).await;
        assert_eq!(value(&outcome), json!({ "messages": messages }), "{returned}");
        assert!(outcome.blocks.is_empty(), "{returned}");
    }
    let described = prompt(&sandbox, "{'description': 'Says it.', 'messages': ['x']}").await;
    assert_eq!(value(&described)["description"], "Says it.");
    assert_eq!(value(&described)["messages"][0]["content"]["text"], "x");
}

#[tokio::test]
async fn what_is_no_message_is_refused_with_its_place() {
    let sandbox = sandbox(1).await;
    for (returned, part) in [
        ("None", "result is of type NoneType: a prompt returns"),
        ("7", "result is of type int"),
        ("[]", "result is empty"),
        ("['a', 7]", "result[1] is of type int"),
        ("[{'role': 'system', 'content': 'x'}]", "result[0]['role'] is 'system'"),
        ("[{'role': 'user'}]", "result[0] has no 'content'"),
        ("[{'role': 'user', 'content': 'x', 'name': 'y'}]", "result[0] has 'name'"),
        ("{'messages': 'x', 'other': 1}", "has 'other'"),
        ("{'messages': ['x'], 'description': 1}", "result['description'] is no text"),
        ("[{'role': 'user', 'content': {'type': 'video'}}]", "has the type 'video'"),
        ("[{'role': 'user', 'content': {'type': 'text'}}]", "has no 'text'"),
        (
            "[{'role': 'user', 'content': {'type': 'image', 'data': '?', 'mimeType': 'image/png'}}]",
            "no base64",
        ),
        ("[{'role': 'user', 'content': {'type': 'image', 'data': b'x'}}]", "'mimeType'"),
        ("'\\ud800'", "half of a surrogate pair"),
        ("{'messages': ['x' for _ in range(1001)]}", "more than 1000 messages"),
    ] {
        let failure = prompt(&sandbox, returned).await.result.expect_err(returned);
        assert_eq!(failure.kind, FailureKind::NotSerializable, "{returned}: {failure:?}");
        assert!(failure.message.contains(part), "{returned}: {}", failure.message);
    }
}

#[tokio::test]
async fn what_a_resource_returns_becomes_contents() {
    let sandbox = sandbox(1).await;
    let of = |mime: &str, key: &str, data: &str| json!({"uri": URI, "mimeType": mime, key: data});
    for (returned, contents) in [
        ("'text'", json!([of("text/plain", "text", "text")])),
        ("''", json!([of("text/plain", "text", "")])),
        ("{'a': 1}", json!([of("application/json", "text", "{\"a\": 1}")])),
        ("['a', 1]", json!([of("application/json", "text", "[\"a\", 1]")])),
        ("[]", json!([of("application/json", "text", "[]")])),
        ("b'GIF89a'", json!([of("image/gif", "blob", "R0lGODlh")])),
        ("b'\\x00\\xff'", json!([of("application/octet-stream", "blob", "AP8=")])),
        ("File('a,b', 'a.csv')", json!([of("text/csv", "text", "a,b")])),
        (
            "{'text': '# A', 'mimeType': 'text/markdown'}",
            json!([of("text/markdown", "text", "# A")]),
        ),
        ("{'text': 7}", json!([of("application/json", "text", "{\"text\": 7}")])),
        (
            "{'text': 'x', 'author': 'y'}",
            json!([of("application/json", "text", "{\"text\": \"x\", \"author\": \"y\"}")]),
        ),
        (
            "[{'uri': 'a:b', 'blob': b'x'}, Image(b'GIF89a')]",
            json!([{"uri": "a:b", "blob": "eA=="}, of("image/gif", "blob", "R0lGODlh")]),
        ),
    ] {
        let outcome = resource(&sandbox, returned).await;
        assert_eq!(value(&outcome), json!({ "contents": contents }), "{returned}");
    }
    for (returned, part) in [
        ("None", "result is None"),
        ("{'text': 'x', 'blob': b'y'}", "either 'text' or 'blob'"),
        ("{'blob': '?'}", "no base64"),
        ("{'text': 'x', 'mimeType': 'nothing'}", "'mimeType'"),
        ("{'text': 'x', 'uri': ''}", "'uri'"),
        ("lambda: 1", "was a call meant?"),
    ] {
        let failure = resource(&sandbox, returned).await.result.expect_err(returned);
        assert!(failure.message.contains(part), "{returned}: {}", failure.message);
    }
}

#[tokio::test]
async fn what_is_larger_than_the_limit_is_no_result() {
    let sandbox = sandbox(1).await;
    for (returned, purpose) in [
        ("'x' * 1001", Purpose::Prompt),
        ("Image(b'GIF89a' + bytes(800))", Purpose::Prompt),
        ("bytes(800)", Purpose::Resource { uri: URI.to_owned() }),
    ] {
        let source =
            format!("from mcpbox import Image\n{}", main_of(&format!("return {returned}")));
        let arguments = Arguments { values: "{}".to_owned(), purpose, schema: None };
        let limits = Limits { result_bytes: 1_000, ..Limits::default() };
        let run = Run { arguments, limits, ..tool(&source) };
        let failure = sandbox.run(run, Arc::new(NoHost)).await.result.expect_err(returned);
        assert_eq!(failure.kind, FailureKind::ResultTooLarge, "{returned}: {failure:?}");
    }
}

#[tokio::test]
async fn texts_are_converted_by_the_signature_of_a_prompt_and_not_of_a_tool() {
    let sandbox = sandbox(1).await;
    let source = "
from datetime import date
from typing import Literal

async def main(
    name: str, count: int = 2, share: float | None = None, loud: bool = False,
    day: date | None = None, tags: list[str] | None = None, size: Literal[1, 2] = 1, any=None,
):
    return repr([name, count, share, loud, day and day.year, tags, size, any])
";
    let said = async |values: Value| {
        let outcome = serve(&sandbox, source, &values, Purpose::Prompt).await;
        match &outcome.result {
            Ok(_) => value(&outcome)["messages"][0]["content"]["text"].as_str().map(str::to_owned),
            Err(failure) => Some(failure.message.clone()),
        }
        .expect("a text")
    };
    let all = json!({
        "name": "7", "count": " 3 ", "share": "0.5", "loud": "True", "day": "2026-01-02",
        "tags": "[\"a\"]", "size": "2", "any": "9",
    });
    assert_eq!(said(all).await, "['7', 3, 0.5, True, 2026, ['a'], 2, '9']");
    let empty = json!({"name": "", "count": "", "share": "", "loud": "", "day": "", "tags": ""});
    assert_eq!(said(empty).await, "['', 2, None, False, None, None, 1, None]");
    let plain = json!({"name": "x", "count": 3, "loud": true});
    assert_eq!(said(plain).await, "['x', 3, None, True, None, None, 1, None]");
    for (values, part) in [
        (json!({"name": "x", "count": "three"}), "argument count must be an integer, got a string"),
        (json!({"name": "x", "count": "3.5"}), "count must be an integer"),
        (json!({"name": "x", "count": "NaN"}), "count must be an integer"),
        (json!({"name": "x", "loud": "yes"}), "loud must be"),
        (json!({"name": "x", "tags": "[1]"}), "tags[0] must be a string"),
        (json!({"count": "3"}), "missing argument 'name'"),
        (json!({"name": "x", "nme": "y"}), "unknown argument 'nme'"),
    ] {
        let text = said(values.clone()).await;
        assert!(text.contains(part), "{values}: {text}");
    }
    let values = json!({"name": "x", "count": "3"});
    let as_tool = serve(&sandbox, source, &values, Purpose::Tool).await;
    assert_eq!(as_tool.result.expect_err("a text").kind, FailureKind::Arguments);
}

#[tokio::test]
async fn what_is_returned_as_an_error_is_why_there_is_no_prompt_and_no_resource() {
    let sandbox = sandbox(1).await;
    for (returned, message) in [
        ("'no such topic'", "no such topic"),
        ("{'topic': 1}", r#"{"topic": 1}"#),
        ("''", "the prompt has set ctx.is_error, and says nothing"),
    ] {
        let source = main_of(&format!("ctx.is_error = True\nreturn {returned}"));
        let outcome = serve(&sandbox, &source, &json!({}), Purpose::Prompt).await;
        let failure = outcome.result.expect_err(returned);
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Reported, message));
    }
    let purpose = || Purpose::Resource { uri: URI.to_owned() };
    let source = main_of("ctx.is_error = True\nreturn 'no such note'");
    let failure = serve(&sandbox, &source, &json!({}), purpose()).await.result.expect_err("it");
    assert_eq!(failure.kind, FailureKind::Reported, "{failure}");
    let source = main_of("ctx.is_error = False\nreturn 'a note'");
    assert!(serve(&sandbox, &source, &json!({}), purpose()).await.result.is_ok());
}
