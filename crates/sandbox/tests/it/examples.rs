//! The example tools of `docs/examples`: each is described, does what its calls say, and fails as they say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sandbox::{ModulePolicy, NoHost, Outcome, Run, Sandbox};
use serde::Deserialize;
use serde_json::Value;

use crate::{sandbox, tool};

/// How many examples there are; the documentation names the number.
const EXAMPLES: usize = 20;

/// A tool's file and the calls beside it.
struct Example {
    name: String,
    source: String,
    calls: Calls,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Calls {
    calls: Vec<Call>,
    failures: Vec<Failing>,
}

/// A call that succeeds, with its exact result or, where chance or the clock takes part, its form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    arguments: Value,
    result: Option<Value>,
    result_schema: Option<Value>,
    /// Whether a result of chance is another one in the next call.
    #[serde(default)]
    by_chance: bool,
}

/// A call that fails, with the kind of the failure and the beginning or a part of its text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failing {
    arguments: Value,
    kind: String,
    message: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples")
}

/// All examples by name.
fn examples() -> Vec<Example> {
    let files = std::fs::read_dir(folder()).expect("the folder of the examples");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    paths.sort();
    paths.iter().map(|path| example(path)).collect()
}

fn example(path: &Path) -> Example {
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let source = std::fs::read_to_string(path).expect("a text");
    let calls = std::fs::read_to_string(path.with_extension("json"))
        .unwrap_or_else(|error| panic!("{name} has no calls beside it: {error}"));
    let calls: Calls = serde_json::from_str(&calls)
        .unwrap_or_else(|error| panic!("the calls of {name} cannot be read: {error}"));
    assert!(!calls.calls.is_empty() && !calls.failures.is_empty(), "{name} needs both kinds");
    Example { name, source, calls }
}

async fn call(sandbox: &Sandbox, example: &Example, arguments: &Value) -> Outcome {
    let run = Run { arguments: arguments.to_string().into(), ..tool(&example.source) };
    sandbox.run(run, Arc::new(NoHost)).await
}

/// What `value` breaks of `schema`; empty where it fits.
fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::new(schema).expect("a JSON Schema");
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[tokio::test]
async fn every_example_describes_itself_and_all_its_parameters() {
    let sandbox = sandbox(1).await;
    for example in examples() {
        let name = &example.name;
        let inspection = sandbox
            .inspect(&example.source, &ModulePolicy::default(), None, crate::GROUP)
            .await
            .expect("it is inspected");
        assert!(inspection.valid && inspection.notes.is_empty(), "{name}: {inspection:?}");
        assert!(inspection.doc.is_some_and(|text| text.ends_with('.')), "{name} has no summary");
        let schema = inspection.input_schema.expect("it has inputs");
        let properties = schema["properties"].as_object().expect("an object");
        assert_eq!(properties.len(), inspection.parameters.len(), "{name}");
        for (parameter, property) in properties {
            assert!(property["description"].is_string(), "{name}: {parameter} is not described");
        }
        for one in &example.calls.calls {
            assert_eq!(faults(&schema, &one.arguments), [""; 0], "{name}: {}", one.arguments);
        }
    }
}

#[tokio::test]
async fn every_example_returns_what_its_calls_say_and_its_schema_promises() {
    let sandbox = sandbox(1).await;
    let mut wrong = Vec::new();
    for example in examples() {
        let inspection = sandbox
            .inspect(&example.source, &ModulePolicy::default(), None, crate::GROUP)
            .await
            .expect("it is inspected");
        for one in &example.calls.calls {
            let shown = format!("{} of {}", example.name, one.arguments);
            let result = match call(&sandbox, &example, &one.arguments).await.result {
                Ok(text) => serde_json::from_str::<Value>(&text).expect("JSON"),
                Err(failure) => {
                    wrong.push(format!("{shown} fails: {failure:?}"));
                    continue;
                }
            };
            match (&one.result, &one.result_schema) {
                (Some(expected), None) if *expected != result => {
                    wrong.push(format!("{shown} returns\n  {result}, not\n  {expected}"));
                }
                (None, Some(form)) => wrong.extend(faults(form, &result)),
                (Some(_), None) => {}
                _ => wrong.push(format!("{shown} needs either `result` or `result_schema`")),
            }
            if one.by_chance {
                let again = call(&sandbox, &example, &one.arguments).await.result;
                assert_ne!(again.ok(), Some(result.to_string()), "{shown} is not by chance");
            }
            if let Some(schema) = &inspection.output_schema {
                wrong.extend(
                    faults(schema, &result).iter().map(|fault| format!("{shown}: {fault}")),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_example_fails_with_the_text_that_its_calls_say() {
    let sandbox = sandbox(1).await;
    let mut wrong = Vec::new();
    for example in examples() {
        for one in &example.calls.failures {
            let outcome = call(&sandbox, &example, &one.arguments).await;
            let Err(failure) = outcome.result else {
                wrong.push(format!("{} of {} succeeds", example.name, one.arguments));
                continue;
            };
            if failure.kind.as_str() != one.kind || !failure.message.contains(&one.message) {
                wrong.push(format!("{}: {} is not\n  {}", example.name, failure, one.message));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_is_listed() {
    let index = std::fs::read_to_string(folder().join("README.md")).expect("the index");
    let examples = examples();
    assert_eq!(examples.len(), EXAMPLES);
    for Example { name, .. } in &examples {
        assert!(index.contains(&format!("[{name}]({name}.py)")), "{name} is not in the index");
    }
    // Those that make requests are called with their services, in the tests of the program.
    let listed = index.matches(".py)").count() - index.matches("](network/").count();
    assert_eq!(listed, EXAMPLES, "the index lists what is not there");
}
