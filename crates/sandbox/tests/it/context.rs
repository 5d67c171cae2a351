//! The global `ctx`: what a tool says to its client and asks of it.

mod forms;
mod waiting;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sandbox::{Abilities, FailureKind, Host, Operation, Outcome, Run, Sandbox};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{main_of, run, sandbox, tool};

/// A client that answers each question by its key, or says nothing.
#[derive(Default)]
struct Client {
    answers: Vec<(&'static str, Value)>,
    /// Answers take so long.
    delay: Duration,
    /// Where they wait for more than that.
    gate: Option<Arc<Semaphore>>,
    told: Mutex<Vec<(String, Value)>>,
}

impl Client {
    fn answering(answers: &[(&'static str, Value)]) -> Self {
        Self { answers: answers.to_vec(), ..Self::default() }
    }

    fn told(&self) -> Vec<(String, Value)> {
        self.told.lock().expect("no test has panicked").clone()
    }

    /// What was told by this operation.
    fn of(&self, operation: &str) -> Vec<Value> {
        let told = self.told().into_iter();
        told.filter(|(name, _)| name == operation).map(|(_, payload)| payload).collect()
    }
}

impl Host for Client {
    fn start(&self, operation: &str, payload: Vec<u8>) -> Operation {
        let sent: Value = serde_json::from_slice(&payload).expect("guests send JSON");
        let key = sent["key"].as_str().unwrap_or_default().to_owned();
        self.told.lock().expect("no test has panicked").push((operation.to_owned(), sent));
        let known = self.answers.iter().find(|(known, _)| *known == key);
        let answer = known.map(|(_, answer)| answer.to_string().into_bytes());
        let (delay, gate) = (self.delay, self.gate.clone());
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            if let Some(gate) = gate {
                gate.acquire().await.expect("the gate stays").forget();
            }
            answer.ok_or_else(|| format!("nobody answers {key:?}"))
        })
    }
}

async fn of(sandbox: &Sandbox, body: &str, client: &Arc<Client>) -> Outcome {
    sandbox.run(tool(&main_of(body)), Arc::<Client>::clone(client)).await
}

/// What a tool returns that talks to a client.
async fn returned(sandbox: &Sandbox, body: &str, client: &Arc<Client>) -> Value {
    let outcome = of(sandbox, body, client).await;
    let text = outcome.result.expect("the tool returns");
    serde_json::from_str(&text).expect("it is JSON")
}

#[tokio::test]
async fn what_is_said_arrives_in_order_awaited_or_not() {
    let sandbox = sandbox(1).await;
    let client = Arc::new(Client::default());
    let body = "ctx.progress(0, 2)\n\
                await ctx.progress(1.5, total=2, message='half')\n\
                ctx.log({'rows': [1]}, level='notice', logger='reader')\n\
                await ctx.debug('a'); ctx.info('b'); ctx.warning('c'); ctx.error('d')\n\
                ctx.log({1, 2}, 'alert')\n\
                ctx.log('x' * 100_000)\n\
                ctx.log({'rows': ['x' * 1_000] * 60})\n\
                ctx.log({'rows': ['ä' * 1_000] * 60})\n\
                return 1";
    let outcome = of(&sandbox, body, &client).await;
    assert_eq!(outcome.result.as_deref(), Ok("1"));
    assert_eq!(outcome.stdout, "", "no warning of what was never awaited");
    let progress = client.of(Abilities::PROGRESS);
    assert_eq!(progress[0], json!({"progress": 0, "total": 2, "message": null}));
    assert_eq!(progress[1], json!({"progress": 1.5, "total": 2, "message": "half"}));
    let logs = client.of(Abilities::LOG);
    let expected = json!({"level": "notice", "logger": "reader", "data": {"rows": [1]}});
    assert_eq!(logs[0], expected);
    let levels: Vec<_> = logs.iter().map(|log| log["level"].as_str().unwrap_or("")).collect();
    let expected = ["notice", "debug", "info", "warning", "error", "alert", "info", "info", "info"];
    assert_eq!(levels, expected);
    let cut = |log: &Value| {
        let text = log["data"].as_str().expect("it is cut");
        let (kept, told) = text.split_once('…').expect("it says so");
        (kept.chars().count(), told.to_owned())
    };
    assert_eq!(cut(&logs[6]), (8_000, " (100000 characters in all)".to_owned()));
    // What has up to 64 KB stays what it is.
    assert_eq!(logs[7]["data"], json!({"rows": vec!["x".repeat(1_000); 60]}));
    assert_eq!(cut(&logs[8]), (8_000, " (60250 characters in all)".to_owned()));
}

#[tokio::test]
async fn what_was_said_leaves_nothing_in_memory() {
    let sandbox = sandbox(1).await;
    let memory = async |times: usize| {
        let body = format!("for _ in range({times}):\n    ctx.log('x' * 60_000)\nreturn 1");
        let outcome = run(&sandbox, &main_of(&body)).await;
        assert_eq!(outcome.result.as_deref(), Ok("1"));
        outcome.used.memory_bytes
    };
    let (few, many) = (memory(10).await, memory(1_000).await);
    assert!(many < few + (8 << 20), "{many} bytes after {few}, of 60 MB that were said");
}

#[tokio::test]
async fn what_nobody_can_be_told_is_a_mistake_of_the_tool() {
    let sandbox = sandbox(1).await;
    for (body, part) in [
        ("ctx.progress('half')", "numbers"),
        ("ctx.progress(float('nan'))", "nan"),
        ("ctx.log('x', level='loud')", "emergency"),
        ("ctx.is_error = 1", "True or False"),
        ("ctx.said('x')", "elicit_url"),
        ("await ctx.elicit('', {})", "message"),
        ("await ctx.elicit('x', {'a': 'string'})", "'properties'"),
        ("await ctx.elicit('x', 3)", "TypedDict"),
        ("await ctx.elicit_url('x', None)", "url"),
        ("await ctx.sample([])", "at least one"),
        ("await ctx.sample('x', max_tokens=0)", "max_tokens"),
        ("await ctx.sample([{'role': 'system', 'content': 'x'}])", "'assistant'"),
        ("await ctx.list_roots(key=3)", "key"),
    ] {
        let client = Arc::new(Client::default());
        let failure = of(&sandbox, body, &client).await.result.expect_err(body);
        assert_eq!(failure.kind, FailureKind::Exception, "{body}: {}", failure.message);
        assert!(
            failure.message.to_lowercase().contains(&part.to_lowercase()),
            "{}",
            failure.message
        );
        assert_eq!(client.told(), [], "{body}");
    }
}

#[tokio::test]
async fn the_model_is_asked_and_the_folders_and_the_user_sent_to_an_address() {
    let sandbox = sandbox(1).await;
    let said = json!({"role": "assistant", "content": {"type": "text", "text": "4"},
                      "model": "small", "stopReason": "endTurn"});
    let client = Arc::new(Client::answering(&[
        ("sample-1", json!({ "answer": said })),
        (
            "roots-1",
            json!({"answer": {"roots": [{"uri": "file:///a", "name": "a"}, {"uri": "file:///b"}]}}),
        ),
        ("elicit-1", json!({"answer": {"action": "accept"}})),
    ]));
    let body = "answer = await ctx.sample('2 + 2?', max_tokens=7, system_prompt='Be brief.', \
                model_preferences=['small'], temperature=0.5, stop_sequences=['.'])\n\
                roots = await ctx.list_roots()\n\
                visit = await ctx.elicit_url('Pay here', 'https://pay.example/1')\n\
                return [answer.text, answer.role, answer.model, answer.stop_reason, answer.raw, \
                [[root.uri, root.name] for root in roots], visit.action]";
    let expected = json!([
        "4",
        "assistant",
        "small",
        "endTurn",
        said,
        [["file:///a", "a"], ["file:///b", null]],
        "accept"
    ]);
    assert_eq!(returned(&sandbox, body, &client).await, expected);
    let params: Vec<_> =
        client.of(Abilities::ASK).into_iter().map(|asked| asked["params"].clone()).collect();
    let sample = json!({
        "messages": [{"role": "user", "content": {"type": "text", "text": "2 + 2?"}}],
        "maxTokens": 7,
        "modelPreferences": {"hints": [{"name": "small"}]},
        "systemPrompt": "Be brief.",
        "temperature": 0.5,
        "stopSequences": ["."],
    });
    let visit = json!({"mode": "url", "message": "Pay here", "url": "https://pay.example/1"});
    assert_eq!(params, [sample, json!({}), visit]);
}

#[tokio::test]
async fn questions_of_one_step_say_so_and_others_do_not() {
    let sandbox = sandbox(1).await;
    let roots = json!({"answer": {"roots": []}});
    let keys = ["roots-1", "roots-2", "mine", "roots-3"];
    let client = Arc::new(Client::answering(&keys.map(|key| (key, roots.clone()))));
    let body = "import asyncio\n\
                await asyncio.gather(ctx.list_roots(), ctx.list_roots(), ctx.list_roots(key='mine'))\n\
                return await ctx.list_roots()";
    assert_eq!(returned(&sandbox, body, &client).await, json!([]));
    let asked = client.of(Abilities::ASK);
    let told: Vec<_> =
        asked.iter().map(|asked| (asked["key"].clone(), asked["together"].clone())).collect();
    let together = [3, 3, 3, 1];
    let expected: Vec<_> =
        keys.iter().zip(together).map(|(key, count)| (json!(key), json!(count))).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_a_client_lacks_can_be_caught_and_is_named_where_it_is_not() {
    let sandbox = sandbox(1).await;
    let refusal = |kind: &str, capability: Option<&str>| json!({"error": {"kind": kind, "message": "no such luck", "capability": capability}});
    let lacks = refusal("unsupported", Some("sampling"));
    let client = Arc::new(Client::answering(&[
        ("lacks", lacks),
        ("gone", refusal("gone", None)),
        ("slow", refusal("timed_out", None)),
        ("refused", refusal("refused", None)),
        ("limit", refusal("limit", None)),
        ("odd", json!({"answer": {"place": 3}})),
    ]));
    let caught = "import mcpbox\n\
                  kinds = []\n\
                  for key in ['lacks', 'gone', 'slow', 'refused', 'limit', 'odd', 'unknown']:\n    \
                  try:\n        await ctx.sample('x', key=key)\n    \
                  except mcpbox.ClientError as error:\n        kinds.append(type(error).__name__)\n        \
                  if key == 'lacks': kinds.append(error.capability)\n\
                  return kinds";
    let expected = json!([
        "ClientCapabilityError",
        "sampling",
        "ClientGoneError",
        "ClientTimeoutError",
        "ClientRefusedError",
        "ClientError",
        "ClientRefusedError",
        "ClientError",
    ]);
    assert_eq!(returned(&sandbox, caught, &client).await, expected);

    for body in [
        "await ctx.sample('x', key='lacks')",
        "import asyncio\nasync with asyncio.TaskGroup() as group:\n    group.create_task(ctx.sample('x', key='lacks'))",
    ] {
        let failure = of(&sandbox, body, &client).await.result.expect_err("it is not caught");
        assert_eq!(failure.kind, FailureKind::ClientCapability, "{}", failure.message);
        assert!(failure.message.contains("no such luck"), "{}", failure.message);
        let detail = failure.detail.expect("a detail");
        assert_eq!(detail["capability"], "sampling");
    }
    let failure = of(&sandbox, "await ctx.sample('x', key='gone')", &client).await.result;
    assert_eq!(failure.expect_err("not caught").kind, FailureKind::Exception);
}

#[tokio::test]
async fn a_tool_sees_what_its_client_can() {
    let sandbox = sandbox(1).await;
    let body = "can = ctx.client\nreturn [can.elicit_form, can.elicit_url, can.sample, can.roots]";
    let client = Abilities { elicit_url: true, roots: true, ..Abilities::default() };
    let run = Run { client, ..tool(&main_of(body)) };
    let outcome = sandbox.run(run, Arc::new(Client::default())).await;
    assert_eq!(outcome.result.as_deref(), Ok("[false, true, false, true]"));
}

#[tokio::test]
async fn a_result_can_be_an_error_and_keeps_its_content() {
    let sandbox = sandbox(1).await;
    let outcome = run(&sandbox, &main_of("ctx.is_error = True\nreturn {'why': 'x'}")).await;
    assert_eq!((outcome.result.as_deref(), outcome.is_error), (Ok(r#"{"why": "x"}"#), true));
    let body = "ctx.is_error = True\nctx.is_error = False\nreturn 1";
    let outcome = run(&sandbox, &main_of(body)).await;
    assert_eq!((outcome.result.as_deref(), outcome.is_error), (Ok("1"), false));
    let outcome = run(&sandbox, &main_of("ctx.is_error = True\nraise ValueError('x')")).await;
    assert!(outcome.result.is_err() && !outcome.is_error);
}

#[tokio::test]
async fn names_of_the_tool_go_before_ctx() {
    let sandbox = sandbox(1).await;
    let source = "ctx = 3\nasync def main():\n    return ctx\n";
    assert_eq!(run(&sandbox, source).await.result.as_deref(), Ok("3"));
    let source = "async def main(ctx: int = 4):\n    return ctx\n";
    assert_eq!(run(&sandbox, source).await.result.as_deref(), Ok("4"));
}
