//! Makes the tools, prompts and resources that the suites ask for, on the way that every tool goes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use testkit::http::Api;

use crate::door::Door;

/// The server of whatever names no other. Its prefix is empty, as the suites know the names.
const SERVER: &str = "conformance";

/// What was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// The servers' ids by their names.
    pub(crate) servers: BTreeMap<String, String>,
    /// How many fixtures are live.
    pub(crate) count: usize,
    /// What could not be made, and why.
    pub(crate) refused: Vec<String>,
}

/// Makes every fixture; what is refused is told and does not keep the others from being made.
pub(crate) fn make(author: &Door, person: &Api) -> Result<Made> {
    let about = fs::read_to_string(folder().join("fixtures.json")).context("fixtures.json")?;
    let about: Value = serde_json::from_str(&about).context("fixtures.json")?;
    let mut made = Made { servers: BTreeMap::new(), count: 0, refused: Vec::new() };
    for source in sources()? {
        let name = name_of(&source);
        let about = about.get(&name).cloned().unwrap_or_else(|| json!({}));
        let server = server(author, person, &mut made.servers, &about)?;
        match publish(author, person, &server, &source, about) {
            Ok(()) => made.count += 1,
            Err(error) => made.refused.push(format!("{name}: {error:#}")),
        }
    }
    Ok(made)
}

/// The id of a fixture's server, which is made when it is needed first.
fn server(
    author: &Door,
    person: &Api,
    servers: &mut BTreeMap<String, String>,
    about: &Value,
) -> Result<String> {
    let name = about.get("server").and_then(Value::as_str).unwrap_or(SERVER);
    if let Some(id) = servers.get(name) {
        return Ok(id.clone());
    }
    let made = author.call("mcpbox_create_server", &json!({"name": name}))?;
    let id = made.get("id").and_then(Value::as_str).context("a server has an id")?.to_owned();
    if name == SERVER {
        person.ok("PATCH", &format!("/api/servers/{id}"), &json!({"tool_prefix": ""}));
    }
    servers.insert(name.to_owned(), id.clone());
    Ok(id)
}

fn publish(author: &Door, person: &Api, server: &str, source: &Path, about: Value) -> Result<()> {
    let code = fs::read_to_string(source).with_context(|| source.display().to_string())?;
    let mut new = json!({"server_id": server, "name": name_of(source), "python_code": code});
    if let (Some(new), Value::Object(about)) = (new.as_object_mut(), about) {
        new.extend(about.into_iter().filter(|(key, _)| key != "server"));
    }
    let made = author.call("mcpbox_create_tool", &new)?;
    let id = made.get("id").and_then(Value::as_str).context("a tool has an id")?;
    author.call("mcpbox_request_publish", &json!({"tool_id": id}))?;
    person.approve(id);
    Ok(())
}

fn name_of(source: &Path) -> String {
    source.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The sources in the order of their names.
fn sources() -> Result<Vec<PathBuf>> {
    let folder = folder().join("fixtures");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry.context("a file of the fixtures")?.path();
        if path.extension().is_some_and(|extension| extension == "py") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{folder, sources};

    #[test]
    fn what_is_told_of_a_fixture_is_told_of_a_source() {
        let about = std::fs::read_to_string(folder().join("fixtures.json")).expect("a file");
        let about: Value = serde_json::from_str(&about).expect("JSON");
        let sources = sources().expect("a folder");
        for name in about.as_object().expect("an object").keys() {
            let is_it = |source: &std::path::PathBuf| {
                source.file_stem().is_some_and(|stem| stem == name.as_str())
            };
            assert!(sources.iter().any(is_it), "{name}");
        }
    }
}
