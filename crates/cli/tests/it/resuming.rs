//! Clients of sessions that lose a connection and come back to what they waited for.

use serde_json::{Value, json};

use crate::wire::{Session, Stream};
use crate::world::World;

/// Says something, goes on for a while, says more and ends.
const CODE: &str = "import asyncio\n\n\nasync def main(seconds: float) -> str:\n    \"\"\"Take a while.\"\"\"\n    \
    ctx.log('first')\n    await asyncio.sleep(seconds)\n    ctx.log('second')\n    return 'done'\n";

/// A session of a world with a tool that takes its time.
struct Walk {
    world: World,
    session: Session,
}

impl Walk {
    fn new() -> Self {
        let mut world = World::new();
        world.publish("slow", "walk", CODE);
        let session = Session::open(&world.program.mcp, &json!({}), None);
        Self { world, session }
    }

    /// Calls the tool; the stream of its answer.
    fn call(&self, seconds: f64) -> Stream {
        self.session.call(&json!({"name": "slow__walk", "arguments": {"seconds": seconds}}))
    }

    fn another(&self) -> Session {
        Session::open(&self.world.program.mcp, &json!({}), None)
    }
}

/// The name of the next event.
fn id(stream: &mut Stream) -> String {
    loop {
        if let Some(id) = stream.line().expect("it goes on").strip_prefix("id: ") {
            return id.trim().to_owned();
        }
    }
}

/// What the next message logs.
fn logged(stream: &mut Stream) -> Value {
    stream.next()["params"]["data"].clone()
}

#[test]
fn who_comes_back_hears_the_rest_once() {
    let walk = Walk::new();
    let mut lost = walk.call(3.0);
    let beginning = id(&mut lost);
    let retry = lost.line().expect("it goes on");
    assert!(retry.starts_with("retry:"), "it says when to come back: {retry}");
    let first = id(&mut lost);
    assert_eq!(logged(&mut lost), "first");
    drop(lost);

    let mut back = walk.session.back(&first);
    assert_eq!(id(&mut back), first, "it goes on there");
    assert_eq!(logged(&mut back), "second");
    let second = back.next();
    assert_eq!(second["result"]["content"][0]["text"], "done", "{second}");

    // The end, or all of it, may have been lost, too.
    let mut again = walk.session.back(&beginning);
    assert_eq!((logged(&mut again), logged(&mut again)), (json!("first"), json!("second")));
    assert_eq!(again.next(), second);
    let calls = walk.world.api.ok("GET", "/api/execution-logs?page_size=50", &Value::Null);
    assert_eq!(calls["total"], 1, "it ran once: {calls}");
}

#[test]
fn a_connection_that_died_unseen_is_taken_over() {
    let walk = Walk::new();
    let mut old = walk.call(3.0);
    let beginning = id(&mut old);
    // The first connection stays open, as one does whose other end has gone without a word.
    let mut new = walk.session.back(&beginning);
    assert_eq!((logged(&mut new), logged(&mut new)), (json!("first"), json!("second")));
    assert_eq!(new.next()["result"]["content"][0]["text"], "done");
    drop(old);
}

#[test]
fn an_answer_is_for_its_own_session_alone() {
    let walk = Walk::new();
    let mut own = walk.call(2.0);
    let beginning = id(&mut own);
    let other = walk.another();
    for name in [&*beginning, "1-99", "99-0", "x", "-", "1-18446744073709551615"] {
        let mut back = other.back(name);
        assert_eq!(id(&mut back), "changes", "{name} is nothing of that session");
    }
    for name in ["1-99", "1-18446744073709551615"] {
        let mut back = walk.session.back(name);
        assert_eq!(id(&mut back), "changes", "{name} never was");
    }
    assert_eq!((logged(&mut own), logged(&mut own)), (json!("first"), json!("second")));
    assert_eq!(own.next()["result"]["content"][0]["text"], "done");
}

#[test]
fn a_change_that_went_out_on_a_dead_connection_is_told_again() {
    let walk = Walk::new();
    let dead = walk.session.stream();
    let servers = walk.world.api.ok("GET", "/api/servers", &Value::Null);
    let id = servers["items"][0]["id"].as_str().expect("an id");
    let other = walk.another();
    let mut witness = other.stream();
    walk.world.api.ok("POST", &format!("/api/sandbox/servers/{id}/stop"), &Value::Null);
    let method = "notifications/tools/list_changed";
    while witness.next()["method"] != method {}

    let mut back = walk.session.stream();
    while back.next()["method"] != method {}
    drop(dead);
    drop(back);
    // Once it has read the list it knows.
    for method in ["tools/list", "prompts/list", "resources/list"] {
        walk.session.ask(method, &json!({}));
    }
    let mut quiet = walk.session.stream();
    walk.world.api.ok("POST", &format!("/api/sandbox/servers/{id}/start"), &Value::Null);
    assert_eq!(quiet.next()["method"], method, "the next change is the first that is told");
}
