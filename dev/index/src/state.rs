//! What the server answers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::file::File;

/// What goes wrong with a path.
#[derive(Debug, Clone)]
pub enum Fault {
    /// No answer comes.
    Silence,
    /// The answer comes later.
    Late(Duration),
    /// The answer has a body that never ends.
    Endless,
    /// The answer has this status and this body.
    Answer(u16, Vec<u8>),
    /// The answer leads elsewhere.
    Redirect(String),
}

/// An answer: status, content type, body.
pub(crate) type Answer = (u16, &'static str, Vec<u8>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) files: Vec<File>,
    pub(crate) faults: BTreeMap<String, Fault>,
    pub(crate) vulnerabilities: Vec<(String, String, Value)>,
    pub(crate) requests: Vec<String>,
}

const SIMPLE: &str = "application/vnd.pypi.simple.v1+json";
const JSON: &str = "application/json";

impl State {
    pub(crate) fn answer(&self, path: &str, body: &[u8]) -> Answer {
        if path == "/feed/v1/querybatch" {
            return (200, JSON, self.found(body));
        }
        if let Some(id) = path.strip_prefix("/feed/v1/vulns/") {
            let mut known = self.vulnerabilities.iter().map(|(_, _, details)| details);
            let details = known.find(|details| details["id"] == id);
            return details.map_or_else(missing, |details| (200, JSON, details.to_string().into()));
        }
        if let Some(file) = path.strip_prefix("/files/") {
            return self
                .file(file)
                .map_or_else(missing, |content| (200, "application/zip", content));
        }
        let package = path.strip_prefix("/simple/").and_then(|rest| rest.strip_suffix('/'));
        package
            .and_then(|package| self.listing(package))
            .map_or_else(missing, |listing| (200, SIMPLE, listing))
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        let named = |name: &str| self.files.iter().find(|file| file.name == name);
        match name.strip_suffix(".metadata") {
            Some(wheel) => named(wheel)?.metadata.clone(),
            None => named(name).map(|file| file.content.clone()),
        }
    }

    fn listing(&self, package: &str) -> Option<Vec<u8>> {
        let files: Vec<_> = self.files.iter().filter(|file| file.package() == package).collect();
        let listed: Vec<Value> = files.iter().map(|file| file.listed()).collect();
        let meta = json!({"api-version": "1.3"});
        let listing = json!({"meta": meta, "name": package, "files": listed, "versions": []});
        (!files.is_empty()).then(|| listing.to_string().into())
    }

    fn found(&self, body: &[u8]) -> Vec<u8> {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let results = asked["queries"].as_array().into_iter().flatten().map(|query| {
            let about = |(name, version, _): &&(String, String, Value)| {
                query["package"]["name"] == *name && query["version"] == *version
            };
            let found = self.vulnerabilities.iter().filter(about);
            let ids: Vec<Value> =
                found.map(|(_, _, details)| json!({"id": details["id"]})).collect();
            if ids.is_empty() { json!({}) } else { json!({"vulns": ids}) }
        });
        json!({"results": results.collect::<Vec<_>>()}).to_string().into()
    }
}

fn missing() -> Answer {
    (404, "text/plain", b"not here".to_vec())
}
