//! Results in the form of the revision that the client speaks.

use serde_json::{Map, Value, json};

use crate::version::Version;

/// Who answers, as results of revision 2026-07-28 name it.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// The result of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallResult {
    /// Content blocks.
    pub(crate) content: Vec<Value>,
    /// An object for every client; none where content says more.
    pub(crate) structured: Option<Value>,
    pub(crate) is_error: bool,
    /// Other members, as an external source gave them.
    pub(crate) more: Map<String, Value>,
}

impl CallResult {
    pub(crate) fn success(content: Vec<Value>) -> Self {
        Self { content, structured: None, is_error: false, more: Map::new() }
    }

    pub(crate) fn error(content: Vec<Value>) -> Self {
        Self { content, structured: None, is_error: true, more: Map::new() }
    }

    /// What an external source answered. What it says of its own revision is not the client's.
    pub(crate) fn passed(answered: &Value) -> Self {
        let mut more = answered.as_object().cloned().unwrap_or_default();
        more.remove("resultType");
        let content = match more.remove("content") {
            Some(Value::Array(content)) => content,
            _ => Vec::new(),
        };
        let structured = more.remove("structuredContent").filter(|value| !value.is_null());
        let is_error = more.remove("isError").is_some_and(|flag| flag == Value::Bool(true));
        Self { content, structured, is_error, more }
    }

    /// As the members of the protocol's result. Revision 2025-03-26 knows neither links to resources
    /// nor structured content.
    pub(crate) fn members(mut self, version: Version) -> Map<String, Value> {
        if version < Version::June2025 {
            for block in &mut self.content {
                if block.get("type").is_some_and(|kind| kind == "resource_link") {
                    let uri = block.get("uri").and_then(Value::as_str).unwrap_or_default();
                    *block = text(&format!("[resource: {uri}]"));
                }
            }
            self.structured = None;
        }
        if !version.is_modern() {
            self = self.without_odd_structure();
        }
        let mut members = self.more;
        members.insert("content".to_owned(), Value::Array(self.content));
        if let Some(structured) = self.structured {
            members.insert("structuredContent".to_owned(), structured);
        }
        members.insert("isError".to_owned(), Value::Bool(self.is_error));
        members
    }

    /// Clients of sessions take nothing but an object as structure. Where only the structure says something, it is
    /// told as text.
    fn without_odd_structure(mut self) -> Self {
        if let Some(odd) = self.structured.take_if(|structured| !structured.is_object())
            && self.content.is_empty()
        {
            self.content.push(text(&odd.to_string()));
        }
        self
    }
}

/// A block of text.
pub(crate) fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// What this server is called.
pub(crate) fn server_info() -> Value {
    json!({ "name": "mcpbox", "title": "mcpbox", "version": env!("CARGO_PKG_VERSION") })
}

/// The same within a session: revision 2025-03-26 knows no titles.
pub(crate) fn server_info_in(version: Version) -> Value {
    let mut info = server_info();
    if let Some(info) = info.as_object_mut().filter(|_| version < Version::June2025) {
        info.shift_remove("title");
    }
    info
}

/// A result that is complete, as JSON.
pub(crate) fn complete(version: Version, mut members: Map<String, Value>) -> String {
    if version.is_modern() {
        mark(&mut members, "complete");
    }
    Value::Object(members).to_string()
}

/// A result that asks the client for more, as JSON.
pub(crate) fn input_required(requests: Map<String, Value>, state: &str) -> String {
    let mut members = Map::new();
    members.insert("inputRequests".to_owned(), Value::Object(requests));
    members.insert("requestState".to_owned(), Value::from(state));
    mark(&mut members, "input_required");
    Value::Object(members).to_string()
}

/// A list, of which each element is JSON already. Whoever does not listen for changes learns of
/// them by listing again, so nothing is to be kept.
pub(crate) fn list(version: Version, key: &str, elements: &[&str], next: Option<&str>) -> String {
    let mut text = format!("{{\"{key}\":[");
    for (place, element) in elements.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(element);
    }
    text.push(']');
    let mut rest = Map::new();
    if let Some(next) = next {
        rest.insert("nextCursor".to_owned(), Value::from(next));
    }
    if version.is_modern() {
        cache(&mut rest);
        mark(&mut rest, "complete");
    }
    for (key, value) in rest {
        text.push(',');
        text.push_str(&Value::from(key).to_string());
        text.push(':');
        text.push_str(&value.to_string());
    }
    text.push('}');
    text
}

/// Says how long a result may be kept: not at all, and by this caller alone.
pub(crate) fn cache(members: &mut Map<String, Value>) {
    members.insert("ttlMs".to_owned(), Value::from(0));
    members.insert("cacheScope".to_owned(), Value::from("private"));
}

fn mark(members: &mut Map<String, Value>, kind: &str) {
    members.insert("resultType".to_owned(), Value::from(kind));
    let meta = members.entry("_meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert(SERVER_INFO.to_owned(), server_info());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn only_the_newest_revision_says_what_kind_of_result_it_is() {
        let members = || answer::object(json!({"a": 1})).members(Version::July2026);
        let modern = read(&complete(Version::July2026, members()));
        assert_eq!(modern["resultType"], "complete");
        assert_eq!(modern["_meta"][SERVER_INFO]["name"], "mcpbox");
        let legacy = read(&complete(Version::November2025, members()));
        assert_eq!(
            legacy,
            json!({
                "content": [{"type": "text", "text": "{\"a\":1}"}],
                "structuredContent": {"a": 1},
                "isError": false,
            })
        );
    }

    #[test]
    fn the_oldest_revision_gets_no_links_and_no_structure() {
        let link = json!({"type": "resource_link", "uri": "mcpbox://artifacts/1", "name": "x"});
        let result = CallResult { structured: Some(json!({})), ..CallResult::success(vec![link]) };
        let oldest = Value::Object(result.clone().members(Version::March2025));
        assert_eq!(oldest["content"][0]["text"], "[resource: mcpbox://artifacts/1]");
        assert!(oldest.get("structuredContent").is_none());
        let newer = Value::Object(result.members(Version::June2025));
        assert_eq!(newer["content"][0]["type"], "resource_link");
    }

    #[test]
    fn a_structure_that_is_no_object_is_for_the_newest_revision_alone() {
        let of = |content: &Value, version| {
            let answered = json!({"content": content, "structuredContent": [1, 2]});
            Value::Object(CallResult::passed(&answered).members(version))
        };
        let said = json!([{"type": "text", "text": "one, two"}]);
        assert_eq!(of(&said, Version::July2026)["structuredContent"], json!([1, 2]));
        let legacy = of(&said, Version::November2025);
        assert_eq!((legacy.get("structuredContent"), &legacy["content"]), (None, &said));
        assert_eq!(of(&json!([]), Version::June2025)["content"][0]["text"], "[1,2]");
    }

    #[test]
    fn lists_are_put_together_from_json() {
        let elements = ["{\"name\":\"a\"}", "{\"name\":\"b\"}"];
        let list = read(&list(Version::July2026, "tools", &elements, Some("c\"")));
        assert_eq!((&list["tools"][1]["name"], &list["nextCursor"]), (&json!("b"), &json!("c\"")));
        assert_eq!((&list["ttlMs"], &list["cacheScope"]), (&json!(0), &json!("private")));
        let none = read(&super::list(Version::June2025, "tools", &[], None));
        assert_eq!(none, json!({"tools": []}));
    }
}
