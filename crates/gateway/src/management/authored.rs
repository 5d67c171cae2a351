//! What the authors of tools give: the parameters that creating and updating share.

use app::tools::{self, Kind};
use serde_json::{Map, Value, json};

use super::arguments::Arguments;

pub(super) fn code() -> Value {
    json!({
        "type": "string",
        "minLength": 1,
        "description": "Python with `async def main(...)` at top level, at most 100 kB. Its typed parameters become the input schema (a default makes one optional), what it returns the result. `http` (async, as httpx), `secrets` (`secrets[\"NAME\"]`), `json`, `datetime` `arguments` (all inputs) and `ctx` (progress, log, elicit, elicit_url, sample, list_roots, is_error) are there without import. Imports: pure computation of the standard library (math, re, csv, datetime, …); no os, sys, subprocess; others on request. Hosts, secrets and modules are found in the code; declare computed ones in a first line: `# mcpbox: hosts=api.example.com secrets=NAME`.",
    })
}

pub(super) fn kind() -> Value {
    json!({
        "type": "string",
        "enum": [Kind::Tool.as_str(), Kind::Prompt.as_str(), Kind::Resource.as_str()],
        "default": Kind::Tool.as_str(),
        "description": "A prompt's main returns a text or [{role, content}], a resource's a text, data or JSON; both are given texts, which are converted by main's annotations.",
    })
}

/// A schema as a parameter.
pub(super) fn schema(description: &str) -> Value {
    json!({ "type": "object", "description": description })
}

/// The schema that an author gives; null for that of `main`, which an empty one stands for.
pub(super) fn given_schema(arguments: &Arguments) -> Option<Value> {
    let given = arguments.value("input_schema")?;
    let is_empty = given.as_object().is_some_and(Map::is_empty);
    Some(if is_empty { Value::Null } else { given.clone() })
}

pub(super) fn timeout_ms() -> Value {
    json!({
        "type": "integer",
        "minimum": tools::TIMEOUT_MS.start(),
        "maximum": tools::TIMEOUT_MS.end(),
        "description": "Time limit of a call in milliseconds.",
    })
}
