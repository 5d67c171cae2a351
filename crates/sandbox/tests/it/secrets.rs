//! The global `secrets` of a tool: what it shows, what it refuses, and what it tells while a call learns.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sandbox::{FailureKind, Host, NoHost, Operation, Outcome, Run, Sandbox, Secrets};
use serde_json::{Value, json};

use crate::{assert_works, main_of, sandbox, tool};

/// Notes the names that are missed, and answers nothing.
#[derive(Default)]
struct Noting {
    names: Mutex<Vec<String>>,
}

impl Host for Noting {
    fn start(&self, operation: &str, payload: Vec<u8>) -> Operation {
        assert_eq!(operation, Secrets::MISSED);
        let name = String::from_utf8(payload).expect("a name");
        self.names.lock().expect("it is whole").push(name);
        Box::pin(std::future::pending())
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// A call that has one secret, and is told why it has not another one.
fn secrets(learning: bool) -> Secrets {
    let refusals = map(&[("UNSET", "UNSET has no value yet: a person sets it on the page")]);
    Secrets { values: map(&[("KEY", "the-value"), ("EMPTY", "")]), refusals, learning }
}

async fn run_with(sandbox: &Sandbox, learning: bool, body: &str) -> (Outcome, Vec<String>) {
    let host = Arc::new(Noting::default());
    let run = Run { secrets: secrets(learning), ..tool(&main_of(body)) };
    let outcome = sandbox.run(run, Arc::<Noting>::clone(&host)).await;
    let names = host.names.lock().expect("it is whole").clone();
    (outcome, names)
}

async fn value(sandbox: &Sandbox, learning: bool, body: &str) -> Value {
    let (outcome, _) = run_with(sandbox, learning, body).await;
    let text = outcome.result.expect(body);
    serde_json::from_str(&text).expect("the result is JSON")
}

#[tokio::test]
async fn it_is_a_mapping_of_what_the_call_has() {
    let sandbox = sandbox(1).await;
    for learning in [false, true] {
        for (body, expected) in [
            ("return [secrets['KEY'], secrets['EMPTY']]", json!(["the-value", ""])),
            (
                "return [secrets.get('KEY'), secrets.get('NONE'), secrets.get('UNSET', 3)]",
                json!(["the-value", null, 3]),
            ),
            (
                "return [x in secrets for x in ('KEY', 'EMPTY', 'NONE', 'UNSET', 1, None)]",
                json!([true, true, false, false, false, false]),
            ),
            (
                "return [sorted(secrets), len(secrets), bool(secrets)]",
                json!([["EMPTY", "KEY"], 2, true]),
            ),
            (
                "return [sorted(secrets.items()), {**secrets} == secrets, dict(secrets) == secrets]",
                json!([[["EMPTY", ""], ["KEY", "the-value"]], true, true]),
            ),
            (
                "from collections.abc import Mapping, MutableMapping\nreturn [isinstance(secrets, Mapping), isinstance(secrets, MutableMapping)]",
                json!([true, false]),
            ),
            ("return secrets.get(1, 'other')", json!("other")),
            (
                "try:\n    secrets[1] if arguments == {} else 0\nexcept TypeError as error:\n    return str(error)",
                json!("the name of a secret is a text, not int"),
            ),
        ] {
            assert_eq!(value(&sandbox, learning, body).await, expected, "{body}");
        }
    }
    let (outcome, _) =
        run_with(&sandbox, false, "print(secrets, repr(secrets), f'{secrets}', [secrets])").await;
    assert!(
        outcome.stdout.contains("KEY") && !outcome.stdout.contains("the-value"),
        "{}",
        outcome.stdout
    );
}

#[tokio::test]
async fn nothing_can_be_changed_in_it() {
    let sandbox = sandbox(1).await;
    for (statement, kind) in [
        ("secrets['KEY'] = 'x'", "TypeError: `secrets` cannot be changed"),
        ("del secrets['KEY']", "TypeError: `secrets` cannot be changed"),
        ("secrets.update(KEY='x')", "AttributeError"),
        ("secrets.KEY = 'x'", "AttributeError"),
    ] {
        let (outcome, _) = run_with(&sandbox, false, statement).await;
        let failure = outcome.result.expect_err(statement);
        assert_eq!(failure.kind, FailureKind::Exception);
        assert!(failure.message.starts_with(kind), "{statement}: {failure:?}");
    }
    let body = "try:\n    secrets['KEY'] = 1\nexcept TypeError:\n    return secrets['KEY']";
    assert_eq!(value(&sandbox, false, body).await, "the-value");
}

#[tokio::test]
async fn a_missing_one_says_why_and_what_to_do() {
    let sandbox = sandbox(1).await;
    for (name, texts) in [
        ("UNSET", &["UNSET has no value yet: a person sets it on the page"][..]),
        ("OTHER", &["does not declare the secret 'OTHER'", "`# mcpbox: secrets=OTHER`"]),
    ] {
        let (outcome, told) = run_with(&sandbox, false, &format!("return secrets['{name}']")).await;
        let failure = outcome.result.expect_err(name);
        assert_eq!(failure.kind, FailureKind::Exception);
        assert!(failure.message.starts_with("SecretNotAvailableError: "), "{failure:?}");
        assert!(texts.iter().all(|text| failure.message.contains(text)), "{failure:?}");
        assert!(failure.message.ends_with("(line 2, in main)"), "{failure:?}");
        assert_eq!(told, [""; 0], "a live call tells nothing");
    }
    let body = "try:\n    secrets['OTHER']\nexcept KeyError as error:\n    return str(error)[:12]";
    assert_eq!(value(&sandbox, false, body).await, "this revisio");
}

#[tokio::test]
async fn a_call_that_learns_goes_on_and_tells_each_name_once() {
    let sandbox = sandbox(1).await;
    let body = "
import asyncio
found = [secrets[name] for name in ('UNSET', 'OTHER', 'UNSET', 'KEY')]
'ASKED' in secrets, secrets.get('GOT')
await asyncio.sleep(0)
return found";
    let (outcome, told) = run_with(&sandbox, true, body).await;
    let found: Value = serde_json::from_str(&outcome.result.expect("it goes on")).expect("JSON");
    let expected = json!([
        "mcpbox-placeholder-for-UNSET",
        "mcpbox-placeholder-for-OTHER",
        "mcpbox-placeholder-for-UNSET",
        "the-value"
    ]);
    assert_eq!(found, expected);
    assert_eq!(told, ["UNSET", "OTHER"]);
}

#[tokio::test]
async fn what_is_told_is_bounded_and_holds_no_handle() {
    let sandbox = sandbox(1).await;
    let body = "return len([secrets[f'N{n}'] for n in range(1000)])";
    let (outcome, told) = run_with(&sandbox, true, body).await;
    assert_eq!(outcome.result.as_deref(), Ok("1000"));
    let expected: Vec<String> = (0..100).map(|n| format!("N{n}")).collect();
    assert_eq!(told, expected);
    let body = "
from mcpbox_host import call
import asyncio
for n in range(100):
    secrets[f'N{n}']
waiting = [asyncio.ensure_future(call('secrets.missed', b'open')) for _ in range(256)]
await asyncio.sleep(0.01)
return sum(not one.done() for one in waiting)";
    let (outcome, _) = run_with(&sandbox, true, body).await;
    assert_eq!(outcome.result.as_deref(), Ok("256"), "all handles are free");
    for name in ["'x' * 256", r"'\ud800'"] {
        let (outcome, told) = run_with(&sandbox, true, &format!("return secrets[{name}]")).await;
        let failure = outcome.result.expect_err(name);
        assert!(failure.message.contains("SecretNotAvailableError"), "{failure:?}");
        assert_eq!(told, [""; 0]);
    }
    let (outcome, told) = run_with(&sandbox, true, "return secrets['x' * 255][-3:]").await;
    assert_eq!((outcome.result.as_deref(), told), (Ok("\"xxx\""), vec!["x".repeat(255)]));
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn modules_are_refused_in_a_call_that_learns_as_in_any_other() {
    let sandbox = sandbox(1).await;
    let (outcome, told) = run_with(&sandbox, true, "import sched").await;
    let failure = outcome.result.expect_err("it is not granted");
    assert!(failure.message.contains("mcpbox_request_module"), "{failure:?}");
    assert_eq!(told, [""; 0]);
}

#[tokio::test]
async fn a_module_level_reads_the_secrets_of_its_own_call_every_time() {
    let sandbox = sandbox(1).await;
    let source = "KEY = secrets.get('KEY', 'none')\nasync def main():\n    return [KEY, secrets.get('KEY')]\n";
    for n in 0..6 {
        let value = format!("value-{}", n / 2);
        let secrets = Secrets { values: map(&[("KEY", &value)]), ..Secrets::default() };
        let outcome = sandbox.run(Run { secrets, ..tool(source) }, Arc::new(NoHost)).await;
        assert_eq!(
            outcome.result.expect("it runs"),
            json!([value, value]).to_string().replace(',', ", ")
        );
    }
    let without = sandbox.run(tool(source), Arc::new(NoHost)).await;
    assert_eq!(without.result.as_deref(), Ok(r#"["none", null]"#));
}

#[tokio::test]
async fn a_constant_tool_has_the_secrets_of_each_call_when_it_is_loaded_ahead() {
    let sandbox = sandbox(1).await;
    let source = "LIMIT = 3\nasync def main():\n    return [secrets.get('KEY'), len(secrets)]\n";
    for n in 0..6 {
        let value = format!("value-{n}");
        let secrets = Secrets { values: map(&[("KEY", &value)]), ..Secrets::default() };
        let outcome = sandbox.run(Run { secrets, ..tool(source) }, Arc::new(NoHost)).await;
        assert_eq!(outcome.result.expect("it runs"), format!(r#"["{value}", 1]"#));
    }
}

#[tokio::test]
async fn types_are_described_of_a_tool_whose_module_level_reads_a_secret() {
    let sandbox = sandbox(1).await;
    let source = "from typing import TypedDict\nKEY = secrets['KEY']\nclass Out(TypedDict):\n    n: int\n\
                  async def main(out: Out): ...\n";
    let found =
        sandbox.inspect(source, &sandbox::ModulePolicy::default(), None, crate::GROUP).await;
    let found = found.expect("an inspection");
    assert!(found.notes.is_empty(), "{:?}", found.notes);
    let schema = found.input_schema.expect("it has inputs");
    assert_eq!(schema["properties"]["out"]["properties"]["n"]["type"], "integer");
    assert_eq!(found.capabilities.secrets, ["KEY"]);
}
