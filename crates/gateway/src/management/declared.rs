//! What a tool declares and what it lacks, as a model is told of it.

use app::capabilities::{Capabilities, Lacking, Need, NeedKind};
use app::{network, packages};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The lists that hold something: `{"hosts": ["api.example.com"]}`.
pub(super) fn lists(declared: &Capabilities) -> Value {
    let filled = declared.lists().into_iter().filter(|(_, list)| !list.is_empty());
    Value::Object(filled.map(|(name, list)| (name.to_owned(), json!(list))).collect())
}

/// What is declared and not had, in the same form.
pub(super) fn lacking(lacking: &Lacking) -> Value {
    let mut lists = Map::new();
    for need in lacking.needs() {
        let list = lists.entry(format!("{}s", need.kind)).or_insert_with(|| json!([]));
        if let Value::Array(names) = list {
            names.push(json!(need.name));
        }
    }
    Value::Object(lists)
}

/// The call of a management tool by which a model asks for what a test was refused.
pub(super) fn request(need: &Need, tool_id: Uuid, server_id: Uuid) -> Value {
    let justification = "say what it is needed for";
    let (tool, arguments) = match need.kind {
        NeedKind::Module => (
            "mcpbox_request_module",
            json!({ "tool_id": tool_id, "module_name": need.name, "justification": justification }),
        ),
        NeedKind::Package => {
            let (package, version) = packages::parts(&need.name);
            let package = packages::usual_package(package);
            let mut arguments =
                json!({ "tool_id": tool_id, "package": package, "justification": justification });
            if let (false, Value::Object(fields)) = (version.is_empty(), &mut arguments) {
                fields.insert("version".to_owned(), json!(version));
            }
            ("mcpbox_request_module", arguments)
        }
        NeedKind::Host => {
            let (host, port) = network::parts(&need.name);
            let mut arguments =
                json!({ "tool_id": tool_id, "host": host, "justification": justification });
            if let (Some(port), Value::Object(fields)) = (port, &mut arguments) {
                fields.insert("port".to_owned(), json!(port));
            }
            ("mcpbox_request_network_access", arguments)
        }
        NeedKind::Secret => (
            "mcpbox_create_server_secret",
            json!({ "server_id": server_id, "key": need.name, "description": justification }),
        ),
    };
    json!({ "tool": tool, "arguments": arguments })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_that_hold_something_are_told() {
        let declared =
            Capabilities { hosts: vec!["a.example".to_owned()], ..Capabilities::default() };
        assert_eq!(lists(&declared), json!({"hosts": ["a.example"]}));
        let lacks = Lacking { secrets: vec!["KEY".to_owned()], ..Lacking::default() };
        assert_eq!(lacking(&lacks), json!({"secrets": ["KEY"]}));
    }

    #[test]
    fn each_need_has_its_request() {
        let request = |kind, name: &str| request(&Need::new(kind, name), Uuid::nil(), Uuid::max());
        let host = request(NeedKind::Host, "a.example:8443");
        assert_eq!(host["tool"], "mcpbox_request_network_access");
        assert_eq!(
            (&host["arguments"]["host"], &host["arguments"]["port"]),
            (&json!("a.example"), &json!(8443))
        );
        let package = request(NeedKind::Package, "jinja2.ext");
        assert_eq!(package["arguments"]["package"], "jinja2");
        assert!(package["arguments"].get("version").is_none());
        let secret = request(NeedKind::Secret, "KEY");
        assert_eq!(secret["arguments"]["server_id"], json!(Uuid::max()));
        let module = request(NeedKind::Module, "http.cookies");
        assert_eq!(module["arguments"]["module_name"], "http.cookies");
    }
}
