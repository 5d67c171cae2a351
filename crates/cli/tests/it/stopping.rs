//! Ending the program: what is under way is finished, what is new is refused.

use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::http::{Answer, Api, send};
use testkit::program::{Program, Start};

use crate::client::Client;
use crate::database::Database;
use crate::exchange::{ask, call, metric, response};
use crate::whole_loop::publish;
use crate::wire::Session;

const CODE: &str = "import asyncio

async def main(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return 'finished'
";

const ASKING: &str = "async def main() -> str:
    answer = await ctx.elicit('Your name?', {'type': 'object', 'properties': {'name': {'type': 'string'}}})
    return answer.content['name']
";

struct Running {
    program: Program,
    api: Api,
}

fn start(database: &Database, arguments: &[&str]) -> Running {
    let data_dir = database.data_dir();
    let start = Start { command: "serve", data_dir: &data_dir, database_url: None, arguments };
    let program = start.run();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    publish(&mut model, &api, "slow", "wait", CODE);
    Running { program, api }
}

impl Running {
    /// Begins a call and returns once it runs.
    fn begin(&self, seconds: f64) -> JoinHandle<Answer> {
        let door = self.program.mcp.clone();
        let arguments = json!({"seconds": seconds});
        let answer = thread::spawn(move || call(&door, "slow__wait", &arguments, &json!({}), &[]));
        let began = Instant::now();
        while metric(&self.api, "mcpbox_calls_running") < 1.0 {
            assert!(began.elapsed() < Duration::from_mins(1), "the call does not run");
            thread::sleep(Duration::from_millis(20));
        }
        answer
    }

    fn signal(&self) {
        let sent = Command::new("kill").arg(self.program.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits until the program says that it is stopping.
    fn wait_until_stopping(&self) {
        let began = Instant::now();
        loop {
            let health = send(&self.program.mcp, "GET", "/health", &[], "");
            if health.status == 503 {
                assert_eq!(health.json()["status"], "stopping", "{health:?}");
                return;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "it does not stop: {health:?}");
        }
    }
}

#[test]
fn a_call_under_way_is_answered_after_the_signal_and_new_ones_are_refused_at_both_doors() {
    let database = Database::sqlite();
    let running = start(&database, &[]);
    let under_way = running.begin(4.0);
    running.signal();
    running.wait_until_stopping();
    let refused = call(&running.program.mcp, "slow__wait", &json!({"seconds": 0}), &json!({}), &[]);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.head.to_ascii_lowercase().contains("retry-after: "), "{refused:?}");
    let page = send(&running.program.admin, "GET", "/login", &[], "");
    assert_eq!(page.status, 503, "{page:?}");
    let answer = under_way.join().expect("the caller goes on");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(response(&answer)["result"]["structuredContent"], json!({"result": "finished"}));
    let id = running.program.id();
    assert!(running.program.ended().success());
    assert!(!testkit::program::alive(id));

    // What was answered is in the log.
    let program = database.serve();
    let api = Api::sign_in(&program.admin);
    let log = api.ok("GET", "/api/execution-logs", &Value::Null);
    assert_eq!(log["items"][0]["success"], json!(true), "{log}");
}

#[test]
fn a_second_signal_ends_a_call_that_the_first_one_lets_go_on() {
    let database = Database::sqlite();
    let running = start(&database, &[]);
    let under_way = running.begin(25.0);
    running.signal();
    running.wait_until_stopping();
    assert!(!under_way.is_finished());
    assert!(running.program.terminate().success());
    let answer = under_way.join().expect("the caller goes on");
    assert!(!answer.body.contains("finished"), "{answer:?}");
}

#[test]
fn calls_go_on_no_longer_than_the_setting_says() {
    let database = Database::sqlite();
    let running = start(&database, &["--shutdown-seconds", "0"]);
    let under_way = running.begin(25.0);
    assert!(running.program.terminate().success());
    let answer = under_way.join().expect("the caller goes on");
    let message = &response(&answer)["error"]["message"];
    assert!(message.as_str().is_some_and(|text| text.contains("is ending")), "{answer:?}");

    let program = database.serve();
    let api = Api::sign_in(&program.admin);
    let log = api.ok("GET", "/api/execution-logs", &Value::Null);
    assert_eq!(log["items"][0]["error_kind"], json!("cancelled"), "{log}");
}

#[test]
fn what_a_call_waits_for_is_taken_while_the_program_stops() {
    let database = Database::sqlite();
    let running = start(&database, &[]);
    let mut model = Client::connect(&running.program.mcp, "auto");
    publish(&mut model, &running.api, "asking", "name", ASKING);
    let door = &running.program.mcp;
    // Something else keeps the program for a while.
    let under_way = running.begin(6.0);
    let able = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
    let asked = response(&call(door, "asking__name", &json!({}), &able, &[]));
    let result = &asked["result"];
    assert_eq!(result["resultType"], json!("input_required"), "{asked}");
    let key = result["inputRequests"].as_object().and_then(|asked| asked.keys().next());
    let mut answers = json!({});
    answers[key.expect("a question")] = json!({"action": "accept", "content": {"name": "Ada"}});
    let params = json!({
        "name": "asking__name",
        "arguments": {},
        "_meta": able,
        "requestState": result["requestState"],
        "inputResponses": answers,
    });

    running.signal();
    running.wait_until_stopping();
    let answer = ask(door, "tools/call", &params, &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    let result = &response(&answer)["result"]["structuredContent"];
    assert_eq!(*result, json!({"result": "Ada"}), "{answer:?}");
    let refused = call(door, "asking__name", &json!({}), &able, &[]);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(under_way.join().expect("the caller goes on").status, 200);
    assert!(running.program.ended().success());
}

#[test]
fn nothing_begins_while_the_program_stops_whatever_it_says_to_go_on_with() {
    let database = Database::sqlite();
    let running = start(&database, &[]);
    let door = &running.program.mcp;
    let session = Session::open(door, &json!({}), None);
    let under_way = running.begin(6.0);
    let params = json!({
        "name": "slow__wait", "arguments": {"seconds": 0}, "requestState": "x", "inputResponses": {},
    });
    let calls = |expected: u16| {
        for method in ["tools/call", "tools/list"] {
            let asked = session.ask(method, &params);
            assert_eq!(asked.status, expected, "{method} in a session: {asked:?}");
        }
        let asked = ask(door, "tools/list", &params, &[]);
        assert_eq!(asked.status, expected, "a list that stands alone: {asked:?}");
    };
    calls(200);
    running.signal();
    running.wait_until_stopping();
    calls(503);
    let unknown = ask(door, "tools/call", &params, &[]);
    assert_eq!(unknown.status, 503, "a state of no run: {unknown:?}");
    assert_eq!(under_way.join().expect("the caller goes on").status, 200);
    assert!(running.program.ended().success());
}

#[test]
fn streams_that_only_wait_do_not_hold_up_the_end() {
    let database = Database::sqlite();
    let program = database.serve();
    let listening =
        [Client::connect(&program.mcp, "auto"), Client::connect(&program.mcp, "legacy")];
    assert_eq!(listening.len(), 2);
    assert!(program.terminate().success());
}
