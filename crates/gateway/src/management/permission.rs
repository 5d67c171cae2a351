//! The management tools for asking to import a module or to reach a host.

use app::requests::{self, Filed, Kind, Request as Asked};
use app::{network, packages, servers};
use serde_json::{Map, Value, json};

use super::schema::{Fields, parameters, result, server_id, text, tool_id};
use super::{Definition, Effect, Outcome, Request};
use crate::answer;

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "mcpbox_request_module",
        title: "Request a module",
        description: "Asks a person to let tools import a module of Python's standard library that is not allowed from the start.",
        effect: Effect::AddOnce,
        input: || {
            let properties = vec![
                tool_id(),
                ("module_name", text("As in `import`, such as xml.dom.")),
                ("justification", justification()),
            ];
            parameters(&["tool_id", "module_name", "justification"], properties)
        },
        output: || {
            result(&[
                ("success", "boolean"),
                ("request_id", "string"),
                ("module_name", "string"),
                ("status", "string"),
                ("message", "string"),
            ])
        },
        run: |request| Box::pin(request_module(request)),
    },
    Definition {
        name: "mcpbox_request_network_access",
        title: "Request network access",
        description: "Asks a person to let the tools of this tool's server reach a host.",
        effect: Effect::AddOnce,
        input: || {
            let port = json!({
                "type": "integer",
                "minimum": 1,
                "maximum": 65535,
                "description": "The only port needed; every port if left out.",
            });
            let properties = vec![
                tool_id(),
                ("host", text("Name or IP address alone: no scheme, path or wildcard.")),
                ("port", port),
                ("justification", justification()),
            ];
            parameters(&["tool_id", "host", "justification"], properties)
        },
        output: || {
            result(&[
                ("success", "boolean"),
                ("request_id", "string"),
                ("host", "string"),
                ("port", "integer?"),
                ("status", "string"),
                ("message", "string"),
            ])
        },
        run: |request| Box::pin(request_network_access(request)),
    },
    Definition {
        name: "mcpbox_get_server_modules",
        title: "List modules",
        description: "Lists the modules that tools may import.",
        effect: Effect::Read,
        input: || parameters(&[], vec![server_id()]),
        output: || {
            result(&[
                ("is_custom_config", "boolean"),
                ("allowed_modules", "array"),
                ("default_modules", "array"),
                ("total_allowed", "integer"),
                ("description", "string"),
            ])
        },
        run: |request| Box::pin(modules(request)),
    },
];

/// A request for a module in a list.
pub(super) const MODULE_FIELDS: Fields<'static> = &[
    ("id", "string"),
    ("module_name", "string"),
    ("status", "string"),
    ("rejection_reason", "string?"),
    ("created_at", "string"),
];

/// A request for a host in a list.
pub(super) const NETWORK_FIELDS: Fields<'static> = &[
    ("id", "string"),
    ("host", "string"),
    ("port", "integer?"),
    ("status", "string"),
    ("rejection_reason", "string?"),
    ("created_at", "string"),
];

/// What a request is for, under the names of its kind.
pub(super) fn subject(request: &Asked) -> Map<String, Value> {
    let named = match request.kind {
        Kind::Module => json!({ "module_name": request.name }),
        Kind::Host => {
            let (host, port) = network::parts(&request.name);
            json!({ "host": host, "port": port })
        }
        Kind::Package => {
            let (package, version) = packages::parts(&request.name);
            json!({ "package": package, "version": version })
        }
    };
    named.as_object().cloned().unwrap_or_default()
}

/// The requests of one kind, each with what became of it.
pub(super) fn with_standing(requests: &[Asked], kind: Kind) -> Vec<Value> {
    let of_kind = requests.iter().filter(|request| request.kind == kind);
    let shown = of_kind.map(|request| {
        let mut fields = subject(request);
        fields.insert("id".to_owned(), json!(request.id));
        fields.insert("status".to_owned(), json!(request.state));
        fields.insert("rejection_reason".to_owned(), json!(request.rejection_reason));
        fields.insert("created_at".to_owned(), json!(request.created_at));
        Value::Object(fields)
    });
    shown.collect()
}

fn justification() -> Value {
    text("What it is needed for; the person who decides reads it.")
}

async fn request_module(request: Request) -> Outcome {
    let Request { app, who, admin_address, arguments } = request;
    let id = arguments.id("tool_id")?;
    let module = arguments.required_text("module_name");
    let why = arguments.required_text("justification");
    let filed = requests::file_module(&app, &who, id, &module, &why).await?;
    Ok(answer::object(told(&filed, &admin_address)))
}

async fn request_network_access(request: Request) -> Outcome {
    let Request { app, who, admin_address, arguments } = request;
    let id = arguments.id("tool_id")?;
    let host = arguments.required_text("host");
    let port = arguments.integer("port").and_then(|port| u16::try_from(port).ok());
    let why = arguments.required_text("justification");
    let filed = requests::file_host(&app, &who, id, (&host, port), &why).await?;
    Ok(answer::object(told(&filed, &admin_address)))
}

fn told(Filed { request, already_pending }: &Filed, admin_address: &str) -> Value {
    let again = if *already_pending { " already" } else { "" };
    let message = format!(
        "The request for `{}` waits{again}. Tell your user: a person has to approve it at {admin_address}/approvals. It holds from the next call on; mcpbox_get_tool_status shows what was decided.",
        request.name
    );
    let mut fields = subject(request);
    fields.insert("success".to_owned(), json!(true));
    fields.insert("request_id".to_owned(), json!(request.id));
    fields.insert("status".to_owned(), json!(request.state));
    fields.insert("message".to_owned(), json!(message));
    Value::Object(fields)
}

async fn modules(request: Request) -> Outcome {
    let Request { app, arguments, .. } = request;
    let server_id = match arguments.text("server_id") {
        Some(_) => Some(arguments.id("server_id")?),
        None => None,
    };
    if let Some(id) = server_id {
        servers::get(&app, id).await?;
    }
    let modules = requests::modules(&app, server_id).await?;
    Ok(answer::object(listed(&modules)))
}

fn listed(modules: &requests::Modules) -> Value {
    let mut allowed: Vec<&str> = modules.default.clone();
    allowed.extend(modules.granted.iter().map(String::as_str));
    allowed.sort_unstable();
    json!({
        "is_custom_config": !modules.granted.is_empty(),
        "total_allowed": allowed.len(),
        "allowed_modules": allowed,
        "default_modules": modules.default,
        "description": "Each name stands for the module and all that is in it. Ask for another one with mcpbox_request_module.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_granted_stands_among_what_is_allowed_from_the_start() {
        let none = requests::Modules { default: vec!["csv", "json"], ..Default::default() };
        assert_eq!(listed(&none)["is_custom_config"], false);
        let one = requests::Modules { granted: vec!["http".to_owned()], ..none };
        let listed = listed(&one);
        assert_eq!(listed["allowed_modules"], json!(["csv", "http", "json"]));
        assert_eq!(listed["default_modules"], json!(["csv", "json"]));
        assert_eq!(
            (&listed["is_custom_config"], &listed["total_allowed"]),
            (&json!(true), &json!(3))
        );
    }
}
