//! Calls and streams that nothing is heard of for a while: signs of life, clients that went away, tokens that were taken back.
//!
//! The times are the program's own, so these tests take long; none says how long.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::exchange::metric;
use crate::wire::{Session, Stream, message};
use crate::world::World;

const CODE: &str = "import asyncio

async def main(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return 'finished'
";

struct Setting {
    world: World,
    tool: String,
}

fn setting() -> Setting {
    let mut world = World::new();
    let tool = world.publish("slow", "wait", CODE);
    let longer = json!({"tool_id": tool, "timeout_ms": 120_000});
    world.model.ok("mcpbox_update_tool", &longer);
    world.model.ok("mcpbox_request_publish", &json!({"tool_id": tool}));
    world.api.approve(&tool);
    Setting { world, tool }
}

impl Setting {
    /// What the log has of calls, newest first.
    fn logged(&mut self) -> Vec<Value> {
        let logs = self.world.model.ok("mcpbox_get_tool_logs", &json!({"tool_id": self.tool}));
        logs["logs"].as_array().expect("rows").clone()
    }

    fn waits_for_a_call(&self) {
        let began = Instant::now();
        while metric(&self.world.api, "mcpbox_calls_running") < 1.0 {
            assert!(began.elapsed() < Duration::from_mins(1), "the call does not run");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn waits_for_rows(&mut self, count: usize) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let rows = self.logged();
            if rows.len() >= count {
                return rows;
            }
            assert!(began.elapsed() < Duration::from_secs(90), "{count} calls: {rows:?}");
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// What a stream holds before its end: the notifications, how many signs that say nothing, and the last message.
fn heard(mut stream: Stream) -> (Vec<Value>, usize, Value) {
    let (mut told, mut comments) = (Vec::new(), 0);
    while let Some(line) = stream.line() {
        comments += usize::from(line.starts_with(':') || line.starts_with("retry:"));
        let Some(message) = message(&line) else { continue };
        if message.get("method").is_none() {
            return (told, comments, message);
        }
        told.push(message);
    }
    panic!("it ended without an answer: {told:?}");
}

#[test]
fn a_silent_call_gives_signs_of_life_that_its_client_understands() {
    let setting = setting();
    let arguments = json!({"seconds": 28});
    let with = json!({
        "name": "slow__wait", "arguments": arguments, "_meta": {"progressToken": "mine"},
    });
    let without = json!({"name": "slow__wait", "arguments": arguments});
    let session =
        |params: &Value| Session::open(&setting.world.program.mcp, &json!({}), None).call(params);
    let alone = |params: &Value| Stream::call(&setting.world.program.mcp, params);
    let streams = [session(&with), alone(&with), session(&without), alone(&without)];
    let waiting = streams.map(|stream| thread::spawn(move || heard(stream)));
    let [with_one, with_other, without_one, without_other] =
        waiting.map(|thread| thread.join().expect("it is answered"));
    for (told, comments, answer) in [with_one, with_other] {
        assert!(comments > 0, "the beginning of the stream");
        assert!(!told.is_empty(), "{answer}");
        for notification in told {
            assert_eq!(notification["method"], "notifications/progress", "{notification}");
            assert_eq!(notification["params"]["progressToken"], "mine", "{notification}");
        }
        assert_eq!(answer["result"]["structuredContent"]["result"], "finished", "{answer}");
    }
    for (told, comments, answer) in [without_one, without_other] {
        assert_eq!(told, Vec::<Value>::new());
        assert!(comments > 1, "the beginning of the stream, and a sign of life: {comments}");
        assert_eq!(answer["result"]["structuredContent"]["result"], "finished", "{answer}");
    }
}

#[test]
fn a_session_waits_a_while_for_a_client_that_went_away_and_then_ends_its_call() {
    let mut setting = setting();
    let session = Session::open(&setting.world.program.mcp, &json!({}), None);
    let call = |seconds: u32| json!({"name": "slow__wait", "arguments": {"seconds": seconds}});
    let short = session.call(&call(3));
    setting.waits_for_a_call();
    drop(short);
    let rows = setting.waits_for_rows(1);
    assert_eq!(rows[0]["success"], json!(true), "one that soon ends does so: {rows:?}");

    let long = session.call(&call(100));
    setting.waits_for_a_call();
    drop(long);
    thread::sleep(Duration::from_secs(4));
    assert_eq!(setting.logged().len(), 1, "it is not ended at once");
    let rows = setting.waits_for_rows(2);
    assert_eq!(rows[0]["success"], json!(false), "{rows:?}");
    assert_eq!(rows[0]["error_kind"], "cancelled", "{rows:?}");
}

#[test]
fn streams_end_when_their_token_is_taken_back_and_those_of_others_go_on() {
    let World { program, api, .. } = &World::new();
    let door = &program.mcp;
    let token = |name: &str| {
        let made = api.ok("POST", "/api/tokens", &json!({"name": name, "scopes": ["call"]}));
        let text = |key: &str| made[key].as_str().unwrap_or_default().to_owned();
        (text("id"), text("token"))
    };
    let ((id, mine), (_, other)) = (token("mine"), token("other"));
    let open = |token: &str| {
        let session = Session::open(door, &json!({}), Some(token));
        let filter = json!({"toolsListChanged": true});
        let mut listening = Stream::listen(door, &filter, Some(token));
        listening.acknowledged();
        [session.stream(), listening]
    };
    let (own, others) = (open(&mine), open(&other));
    api.ok("DELETE", &format!("/api/tokens/{id}"), &Value::Null);
    for mut stream in own {
        let began = Instant::now();
        while stream.line().is_some() {
            assert!(began.elapsed() < Duration::from_mins(2), "the stream goes on");
        }
    }
    for mut stream in others {
        stream.comment();
        stream.comment();
    }
}
