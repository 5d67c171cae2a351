//! What a model is told about an exception of its tool.

use sandbox::{Failure, FailureKind};
use serde_json::{Value, json};

use crate::{main_of, run, sandbox};

async fn failing(source: &str) -> (Failure, Value) {
    let sandbox = sandbox(1).await;
    let failure = run(&sandbox, source).await.result.expect_err("it raises");
    let detail = failure.detail.clone().expect("a detail");
    (failure, detail)
}

#[tokio::test]
async fn the_line_is_shown_with_two_lines_on_either_side() {
    let source = "import json\n\ndef parse(text):\n    # a comment\n    value = json.loads(text)\n    return value\n\n\nasync def main():\n    return parse('{')\n";
    let (failure, detail) = failing(source).await;
    assert_eq!(failure.kind, FailureKind::Exception);
    assert!(failure.message.starts_with("json.decoder.JSONDecodeError: "), "{failure:?}");
    assert!(failure.message.ends_with("(line 5, in parse)"), "{failure:?}");
    let expected = json!([
        "     3 | def parse(text):",
        "     4 |     # a comment",
        ">    5 |     value = json.loads(text)",
        "     6 |     return value",
        "     7 | ",
    ]);
    assert_eq!(detail["context"], expected);
}

#[tokio::test]
async fn the_chain_tells_causes_from_what_was_being_handled() {
    let source = "async def main():\n    try:\n        try:\n            {}['a']\n        except KeyError as error:\n            raise ValueError('second') from error\n    except ValueError:\n        raise TypeError('third')\n";
    let (_, detail) = failing(source).await;
    let expected = json!([
        {"error_type": "ValueError", "message": "second", "line": 6, "because": false},
        {"error_type": "KeyError", "message": "'a'", "line": 4, "because": true},
    ]);
    assert_eq!(detail["chain"], expected, "{detail}");
    let (_, alone) = failing(&main_of("raise ValueError('x') from None")).await;
    assert_eq!(alone.get("chain"), None, "{alone}");
}

#[tokio::test]
async fn a_chain_that_bites_its_tail_ends() {
    let body = "a, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\nraise a";
    let (_, detail) = failing(&main_of(body)).await;
    assert_eq!(detail["chain"].as_array().map(Vec::len), Some(1), "{detail}");
}

#[tokio::test]
async fn an_http_exception_tells_status_and_the_beginning_of_the_body() {
    let requests = "
class Response:
    status_code = 404
    url = 'https://a.example/x?y=1'
    text = 'no such thing\\n' * 100
class HTTPStatusError(Exception):
    def __init__(self, message):
        super().__init__(message)
        self.response = Response()
async def main():
    raise HTTPStatusError('not found')
";
    let (_, detail) = failing(requests).await;
    assert_eq!(detail["http"]["status"], 404, "{detail}");
    assert_eq!(detail["http"]["url"], "https://a.example/x?y=1", "{detail}");
    let body = detail["http"]["body"].as_str().expect("a text");
    assert!(body.starts_with("no such thing no such thing") && body.len() == 500, "{body}");

    let library = "
import io, urllib.error
async def main():
    try:
        raise urllib.error.HTTPError('https://b.example', 503, 'Busy', {}, io.BytesIO(b'try later'))
    except urllib.error.HTTPError as error:
        raise RuntimeError('failed') from error
";
    let sandbox = sandbox(1).await;
    let refused = run(&sandbox, library).await.result.expect_err("not allowed");
    assert!(refused.message.contains("urllib.error"), "{refused:?}");
    let ducks = "
import io
class HTTPError(Exception):
    code, url, headers = 503, 'https://b.example', {}
    def read(self, count):
        return io.BytesIO(b'try later').read(count)
async def main():
    try:
        raise HTTPError()
    except HTTPError as error:
        raise RuntimeError('failed') from error
";
    let (_, detail) = failing(ducks).await;
    let http = json!({"status": 503, "url": "https://b.example", "body": "try later"});
    assert_eq!(detail["chain"][0]["http"], http, "{detail}");
    assert_eq!(detail.get("http"), None);
}

#[tokio::test]
async fn exceptions_without_a_status_tell_nothing_of_http() {
    let (_, detail) = failing(&main_of(
        "class E(Exception):\n    code = 404\n    status = True\n    @property\n    def response(self):\n        raise ValueError\nraise E('x')",
    ))
    .await;
    assert_eq!(detail.get("http"), None, "{detail}");
    assert_eq!(detail["error_type"], "main.<locals>.E", "{detail}");
}

#[tokio::test]
async fn no_text_names_a_file_but_the_tools_own() {
    for body in [
        "import json\njson.loads('{')",
        "import asyncio\nasync def f(): raise ValueError\nawait asyncio.gather(f(), f())",
        "import decimal\ndecimal.Decimal('x')",
        "import xml.etree.ElementTree as e\ne.fromstring('<a')",
        "import json\nraise ValueError(json.__file__)",
        "from json import nothing",
        "import socket",
        "import dataclasses\ndataclasses.make_dataclass('A', ['1'])",
    ] {
        let sandbox = sandbox(1).await;
        let failure = run(&sandbox, &main_of(body)).await.result.expect_err(body);
        let whole = format!("{} {}", failure.message, failure.detail.expect("a detail"));
        for hidden in ["/python", "/0/", "mcpbox_guest", "site-packages", "/tmp", "/root"] {
            assert!(!whole.contains(hidden), "{hidden} in {whole}");
        }
    }
    let (_, detail) = failing(&main_of("import json\njson.loads('{')")).await;
    let lines = detail["traceback"].to_string();
    assert!(lines.contains("File \\\"json.decoder\\\", line "), "{lines}");
    assert!(lines.contains("File \\\"tool.py\\\", line 3, in main"), "{lines}");
    assert!(lines.contains("json.loads('{')"), "the tool's own line: {lines}");
    let kept = "raise ValueError('see https://a.example/python/x.py and /python/nothing.py')";
    let (failure, _) = failing(&main_of(kept)).await;
    assert!(failure.message.contains("https://a.example/python/x.py"), "{failure:?}");
    assert!(failure.message.contains("nothing.py"), "{failure:?}");
}
