//! Traces of calls, as a collector gets them: whose they are, what they consist of, what they never say.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use isolated_network::{Dns, run};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::{Program, Start};

use crate::client::Client;
use crate::database::Database;
use crate::exchange::{ask, call, metric, response};
use crate::secrets::{make, put};
use crate::whole_loop::publish;

const PUBLIC: &str = "93.184.216.34";
const NAME_SERVER: &str = "192.168.7.53:53";

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER: &str = "00-1bf7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01";

/// What no span may hold: an argument, a result, a path, a secret.
const HIDDEN: [&str; 4] = ["hidden-argument", "hidden-result", "hidden-path", "hidden-secret"];

const CODE: &str = "# mcpbox: hosts=api.example.com
# mcpbox: secrets=KEY
import httpx

async def main(word: str, fail: bool = False) -> str:
    await http.get('http://api.example.com/hidden-path?key=' + secrets['KEY'])
    if fail:
        raise ValueError(word)
    return 'hidden-result'
";

/// Path, head and body of a request.
type Taken = (String, String, Vec<u8>);

/// Takes what is sent to it and answers each request with an empty 200.
struct Peer {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Peer {
    fn start(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        let address = listener.local_addr().expect("an address");
        let taken: Arc<Mutex<Vec<_>>> = Arc::default();
        let kept = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Some(request) = read(&mut reader) {
                        kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                        if reader.get_mut().write_all(answer).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, taken }
    }

    fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All spans that came, and all that came as text.
    fn spans(&self) -> (Vec<Span>, String) {
        let (mut spans, mut text) = (Vec::new(), String::new());
        for (path, head, body) in self.taken() {
            assert_eq!(path, "/v1/traces");
            assert!(head.to_ascii_lowercase().contains("content-type: application/x-protobuf"));
            text.push_str(&String::from_utf8_lossy(&body));
            let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("protobuf");
            for resource in request.resource_spans {
                let attributes = resource.resource.as_ref().expect("a resource").attributes.iter();
                let names: HashMap<_, _> =
                    attributes.map(|one| (one.key.as_str(), one.value.clone())).collect();
                let name = names["service.name"].clone().and_then(|value| value.value);
                assert_eq!(name, Some(Attribute::StringValue("mcpbox".to_owned())));
                spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        (spans, text)
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Taken> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = head.split_whitespace().nth(1)?.to_owned();
    Some((path, head, body))
}

/// Reads one request of a connection; empty where none comes.
pub(crate) fn read_request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let request = read(&mut BufReader::new(stream.try_clone().expect("a clone")));
    request.map(|(_, head, body)| (head, body)).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|it| char::from_digit(it.into(), 16))
        .collect()
}

/// The trace (1) or the span (2) that a `traceparent` names.
fn part(parent: &str, which: usize) -> &str {
    parent.split('-').nth(which).expect("a part")
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Attribute::StringValue(text) => Some(text.clone()),
        Attribute::IntValue(number) => Some(number.to_string()),
        Attribute::BoolValue(value) => Some(value.to_string()),
        _ => None,
    }
}

/// A program with the tool; hosts are told of traces or not.
fn start(database: &Database, collector: &Peer, tell: bool) -> (Program, Api) {
    let endpoint = format!("http://{}", collector.address);
    let mut arguments = vec!["--dns-server", NAME_SERVER, "--otlp-endpoint", &endpoint];
    arguments.extend(tell.then_some("--trace-outbound"));
    let data_dir = database.data_dir();
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let program = start.run();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    publish(&mut model, &api, "weather", "get", CODE);
    let server = make(&mut model, "weather", "KEY");
    put(&api, &server, "KEY", "hidden-secret");
    let hosts = format!("/api/servers/{server}/allowed-hosts");
    let allowed = api.send("POST", &hosts, &json!({"host": "api.example.com"}));
    assert!([200, 201, 409].contains(&allowed.status), "{allowed:?}");
    (program, api)
}

#[test]
fn a_call_is_a_span_of_the_trace_that_its_request_names_and_says_nothing_that_was_written() {
    run(async || {
        let dns = Dns::start(NAME_SERVER.parse().expect("an address")).await;
        dns.answer("api.example.com", &[PUBLIC]);
        tokio::task::spawn_blocking(traced).await.expect("it passes");
    });
}

fn traced() {
    let (host, collector) = (Peer::start(&format!("{PUBLIC}:80")), Peer::start("127.0.0.1:0"));
    let database = Database::sqlite();
    let (program, _api) = start(&database, &collector, false);
    let arguments = json!({"word": "hidden-argument"});
    let header = [("traceparent", OTHER)];
    // What the message says goes before what the headers say, and what is malformed does not count.
    for (meta, headers, failing) in [
        (json!({"traceparent": PARENT, "baggage": "a=hidden-argument"}), &header[..], false),
        (json!({"traceparent": "nonsense"}), &header[..], false),
        (json!({}), &[][..], true),
    ] {
        let mut arguments = arguments.clone();
        arguments["fail"] = json!(failing);
        let answer = call(&program.mcp, "weather__get", &arguments, &meta, headers);
        let response = response(&answer);
        assert_eq!(response["result"]["isError"] == json!(true), failing, "{response}");
    }
    assert!(program.terminate().success());

    let (spans, text) = collector.spans();
    for hidden in HIDDEN {
        assert!(!text.contains(hidden), "{hidden} is in a span");
    }
    let calls: Vec<&Span> =
        spans.iter().filter(|span| span.name == "tools/call weather__get").collect();
    let [first, second, third] = calls.as_slice() else { panic!("three calls: {spans:?}") };
    assert_eq!(hex(&first.trace_id), part(PARENT, 1));
    assert_eq!(hex(&first.parent_span_id), part(PARENT, 2));
    assert_eq!(hex(&second.trace_id), part(OTHER, 1));
    assert!(third.parent_span_id.is_empty() && third.trace_id != first.trace_id);
    assert_eq!(attribute(first, "error.type"), None);
    assert_eq!(attribute(third, "error.type").as_deref(), Some("exception"));
    assert_eq!(attribute(first, "gen_ai.tool.name").as_deref(), Some("weather__get"));
    for call in calls {
        let parts = || spans.iter().filter(|span| span.parent_span_id == call.span_id);
        assert_eq!(parts().filter(|span| span.name == "sandbox").count(), 1);
        let request = parts().find(|span| span.name == "http.request").expect("a request");
        assert_eq!(request.trace_id, call.trace_id);
        assert_eq!(attribute(request, "server.address").as_deref(), Some("api.example.com"));
        assert_eq!(attribute(request, "http.request.method").as_deref(), Some("GET"));
        assert_eq!(attribute(request, "http.response.status_code").as_deref(), Some("200"));
    }
    let asked = host.taken();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|(_, head, _)| !head.to_ascii_lowercase().contains("traceparent")));
}

#[test]
fn a_management_tool_is_a_span_and_the_draft_that_it_runs_a_part_of_it() {
    let collector = Peer::start("127.0.0.1:0");
    let database = Database::sqlite();
    let (endpoint, data_dir) = (format!("http://{}", collector.address), database.data_dir());
    let arguments = ["--otlp-endpoint", endpoint.as_str()];
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let program = start.run();
    let mut model = Client::connect(&program.mcp, "auto");
    let server = model.ok("mcpbox_create_server", &json!({"name": "notes"}))["id"].clone();
    let code = "async def main(word: str):\n    return word\n";
    let new = json!({"server_id": server, "name": "say", "python_code": code});
    let tool = model.ok("mcpbox_create_tool", &new)["id"].clone();
    let meta = json!({"traceparent": PARENT});
    for (tool, fails) in [(tool, false), (json!("hidden-argument"), true)] {
        let arguments = json!({"tool_id": tool, "arguments": {"word": "hidden-argument"}});
        let answer = call(&program.mcp, "mcpbox_test_code", &arguments, &meta, &[]);
        assert_eq!(response(&answer)["result"]["isError"], fails, "{answer:?}");
    }
    assert!(program.terminate().success());

    let (spans, text) = collector.spans();
    assert!(!text.contains("hidden"), "what was written is in a span");
    let of = |name: &str| -> Vec<&Span> { spans.iter().filter(|span| span.name == name).collect() };
    assert_eq!(of("tools/call mcpbox_create_tool").len(), 1, "{spans:?}");
    let tests = of("tools/call mcpbox_test_code");
    let [works, fails] = tests.as_slice() else { panic!("two: {spans:?}") };
    for test in [works, fails] {
        assert_eq!(hex(&test.trace_id), part(PARENT, 1));
        assert_eq!(hex(&test.parent_span_id), part(PARENT, 2));
        assert_eq!(attribute(test, "gen_ai.tool.name").as_deref(), Some("mcpbox_test_code"));
    }
    assert_eq!(attribute(works, "error.type"), None);
    assert_eq!(attribute(fails, "error.type").as_deref(), Some("tool_error"));
    let drafts = of("tools/call notes__say");
    let [draft] = drafts.as_slice() else { panic!("one: {spans:?}") };
    assert_eq!((&draft.trace_id, &draft.parent_span_id), (&works.trace_id, &works.span_id));
}

/// Publishes a prompt or a resource of the server.
fn publish_kind(model: &mut Client, api: &Api, server: &str, new: &Value) {
    let mut new = new.clone();
    new["server_id"] = json!(server);
    let tool = model.ok("mcpbox_create_tool", &new)["id"].clone();
    model.ok("mcpbox_request_publish", &json!({"tool_id": tool}));
    api.approve(tool.as_str().expect("an id"));
}

#[test]
fn prompts_and_resources_are_told_by_their_own_methods() {
    let collector = Peer::start("127.0.0.1:0");
    let database = Database::sqlite();
    let (endpoint, data_dir) = (format!("http://{}", collector.address), database.data_dir());
    let arguments = ["--otlp-endpoint", endpoint.as_str()];
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let program = start.run();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let server = model.ok("mcpbox_create_server", &json!({"name": "notes"}))["id"].clone();
    let server = server.as_str().expect("an id");
    let code = |takes: &str| format!("async def main({takes}):\n    return 'hidden-result'\n");
    for new in [
        json!({"name": "ask", "kind": "prompt", "python_code": code("topic: str")}),
        json!({"name": "today", "kind": "resource", "uri": "notes://today", "python_code": code("")}),
        json!({"name": "day", "kind": "resource", "uri": "notes://{day}", "python_code": code("day: str")}),
    ] {
        publish_kind(&mut model, &api, server, &new);
    }
    let asked = json!({"name": "notes__ask", "arguments": {"topic": "hidden-argument"}});
    for (method, params) in [
        ("prompts/get", asked),
        ("resources/read", json!({"uri": "notes://today"})),
        ("resources/read", json!({"uri": "notes://hidden-argument"})),
    ] {
        let answer = ask(&program.mcp, method, &params, &[]);
        assert!(response(&answer)["result"].is_object(), "{answer:?}");
    }
    for (method, tool) in
        [("prompts/get", "ask"), ("resources/read", "today"), ("resources/read", "day")]
    {
        let labels = format!("method=\"{method}\",server=\"notes\",tool=\"notes__{tool}\"");
        let counted = metric(&api, &format!("mcpbox_calls_total{{{labels},outcome=\"ok\"}}"));
        assert!(counted > 0.0, "{labels}");
    }
    assert!(program.terminate().success());

    let (spans, text) = collector.spans();
    assert!(!text.contains("hidden"), "what was written is in a span");
    assert!(!spans.iter().any(|span| span.name.starts_with("tools/call notes__")), "{spans:?}");
    let told = |name: &str, resource: Option<&str>| {
        let own = |span: &&Span| {
            span.name == name && attribute(span, "mcpbox.resource.name").as_deref() == resource
        };
        let span = spans.iter().find(own).unwrap_or_else(|| panic!("{name}: {spans:?}"));
        let keys =
            ["mcp.method.name", "gen_ai.prompt.name", "gen_ai.tool.name", "mcp.resource.uri"];
        keys.map(|key| attribute(span, key))
    };
    let text = |text: &str| Some(text.to_owned());
    let prompt = told("prompts/get notes__ask", None);
    assert_eq!(prompt, [text("prompts/get"), text("notes__ask"), None, None]);
    let today = told("resources/read", Some("notes__today"));
    assert_eq!(today, [text("resources/read"), None, None, text("notes://today")]);
    let day = told("resources/read", Some("notes__day"));
    assert_eq!(day, [text("resources/read"), None, None, None], "a variable is an argument");
}

#[test]
fn hosts_are_told_of_the_trace_where_the_operator_wants_that() {
    run(async || {
        let dns = Dns::start(NAME_SERVER.parse().expect("an address")).await;
        dns.answer("api.example.com", &[PUBLIC]);
        tokio::task::spawn_blocking(told).await.expect("it passes");
    });
}

fn told() {
    let (host, collector) = (Peer::start(&format!("{PUBLIC}:80")), Peer::start("127.0.0.1:0"));
    let database = Database::sqlite();
    let (program, _api) = start(&database, &collector, true);
    let meta = json!({"traceparent": PARENT});
    call(&program.mcp, "weather__get", &json!({"word": "x"}), &meta, &[]);
    assert!(program.terminate().success());
    let (spans, _) = collector.spans();
    let request = spans.iter().find(|span| span.name == "http.request").expect("a span");
    let expected = format!("traceparent: 00-{}-{}-01", part(PARENT, 1), hex(&request.span_id));
    let asked = host.taken();
    let head = asked.first().expect("a request").1.to_ascii_lowercase();
    assert!(head.contains(&expected), "{head}: {expected}");
}
