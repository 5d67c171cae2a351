//! The management tools for asking to import a module or a package, or to reach a host.

use app::packages::{Asked, Held};
use app::requests::{self, Filed, Kind, Request as Filing};
use app::{network, packages, servers};
use serde_json::{Map, Value, json};

use super::schema::{Fields, list_of, parameters, result, result_with, server_id, text, tool_id};
use super::{Definition, Effect, Outcome, Request};
use crate::answer;

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "mcpbox_request_module",
        title: "Request a module or package",
        description: "Asks a person to let tools import a module of Python's standard library that is not allowed from the start (`module_name`), or the tools of this tool's server a pure-Python package from PyPI (`package`).",
        effect: Effect::LookUpOnce,
        edits: false,
        input: || {
            let properties = vec![
                tool_id(),
                ("module_name", text("As in `import`, such as xml.dom.")),
                ("package", text("Name on PyPI, in place of module_name.")),
                ("version", text("Exact version of the package; the newest if left out.")),
                ("justification", justification()),
            ];
            parameters(&["tool_id", "justification"], properties)
        },
        output: || {
            let fields = &[
                ("success", "boolean"),
                ("request_id", "string"),
                ("module_name", "string"),
                ("package", "string"),
                ("version", "string"),
                ("replaces", "string?"),
                ("status", "string"),
                ("message", "string"),
            ];
            result_with(fields, vec![("dependencies", list_of(DEPENDENCY_FIELDS))])
        },
        run: |request| Box::pin(request_module(request)),
    },
    Definition {
        name: "mcpbox_request_network_access",
        title: "Request network access",
        description: "Asks a person to let the tools of this tool's server reach a host.",
        effect: Effect::AddOnce,
        edits: false,
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
        edits: false,
        input: || parameters(&[], vec![server_id()]),
        output: || {
            result(&[
                ("is_custom_config", "boolean"),
                ("allowed_modules", "array"),
                ("default_modules", "array"),
                ("packages", "array"),
                ("packages_not_importable", "object"),
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

/// A request for a package in a list.
pub(super) const PACKAGE_FIELDS: Fields<'static> = &[
    ("id", "string"),
    ("package", "string"),
    ("version", "string"),
    ("status", "string"),
    ("rejection_reason", "string?"),
    ("created_at", "string"),
];

/// What comes with a package.
const DEPENDENCY_FIELDS: Fields<'static> = &[("package", "string"), ("version", "string")];

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
pub(super) fn subject(request: &Filing) -> Map<String, Value> {
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
pub(super) fn with_standing(requests: &[Filing], kind: Kind) -> Vec<Value> {
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
    let Request { app, who, admin_address, arguments, .. } = request;
    let id = arguments.id("tool_id")?;
    let why = arguments.required_text("justification");
    match (arguments.text("module_name"), arguments.text("package"), arguments.text("version")) {
        (Some(module), None, None) => {
            let filed = requests::file_module(&app, &who, id, module, &why).await?;
            Ok(answer::object(told(&filed, &admin_address)))
        }
        (None, Some(package), version) => {
            let asked = packages::file(&app, &who, id, (package, version), &why).await?;
            Ok(answer::object(told_of_package(&asked, &admin_address)))
        }
        (Some(_), None, Some(_)) => {
            Err(invalid("version", "modules of Python have none; leave it out, or give `package`"))
        }
        (Some(_), Some(_), _) => {
            Err(invalid("package", "give `module_name` or `package`, not both: one request each"))
        }
        (None, None, _) => Err(invalid(
            "module_name",
            "missing; name a module of Python's standard library, or a package of PyPI with `package`",
        )),
    }
}

fn invalid(field: &'static str, reason: &str) -> app::Error {
    app::Error::Invalid { field, reason: reason.to_owned() }
}

async fn request_network_access(request: Request) -> Outcome {
    let Request { app, who, admin_address, arguments, .. } = request;
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

/// What was filed, and what else it brings.
fn told_of_package(Asked { filed, plan }: &Asked, admin_address: &str) -> Value {
    let mut fields = told(filed, admin_address);
    let Value::Object(map) = &mut fields else { return fields };
    let Some(plan) = plan else {
        let text = "The package index did not answer, so nothing is known of the package yet; the person's page asks it again.";
        append(map, text);
        return fields;
    };
    let others = plan.packages.iter().filter(|planned| planned.locked.name != plan.package);
    let others = others.map(|planned| {
        json!({ "package": planned.locked.name, "version": planned.locked.version.to_string() })
    });
    map.insert("dependencies".to_owned(), others.collect());
    let replaces = plan.replaces.as_ref().map(ToString::to_string);
    if let Some(version) = &replaces {
        append(map, &format!("It takes the place of version {version}."));
    }
    map.insert("replaces".to_owned(), json!(replaces));
    fields
}

fn append(fields: &mut Map<String, Value>, text: &str) {
    if let Some(Value::String(message)) = fields.get_mut("message") {
        message.push(' ');
        message.push_str(text);
    }
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
    let mut allowed = modules.allowed();
    let fails = |module: &&String| modules.not_importable.contains_key(*module);
    let of_packages = modules.packages.iter().flat_map(|package| &package.modules);
    allowed.extend(of_packages.filter(|module| !fails(module)).map(String::as_str));
    allowed.sort_unstable();
    allowed.dedup();
    json!({
        "is_custom_config": !(modules.granted.is_empty() && modules.removed.is_empty() && modules.packages.is_empty()),
        "total_allowed": allowed.len(),
        "allowed_modules": allowed,
        "default_modules": modules.default,
        "packages": modules.packages.iter().map(|held| package(held, &fails)).collect::<Vec<_>>(),
        "packages_not_importable": modules.not_importable,
        "description": "Each name stands for the module and all that is in it. Ask for another one with mcpbox_request_module.",
    })
}

/// A package that a server has, for a model.
fn package(held: &Held, fails: &impl Fn(&&String) -> bool) -> Value {
    let modules = held.modules.iter().filter(|module| !fails(module));
    json!({
        "package": held.locked.name,
        "version": held.locked.version.to_string(),
        "modules": modules.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_imported_is_named_with_the_reason_and_is_not_allowed() {
        let held: Held = serde_json::from_value(json!({
            "locked": {
                "name": "sympy", "version": "1.14.0", "wheel": "sympy-1.14.0-py3-none-any.whl",
                "url": "https://files.example/sympy-1.14.0-py3-none-any.whl",
                "sha256": "ab".repeat(32), "bytes": 1, "requires": [], "provided": [],
                "yanked": null, "without_compiled": false,
            },
            "modules": ["isympy", "sympy"],
            "left_out": [],
            "summary": null, "license": null, "home_page": null,
        }))
        .unwrap();
        let ready =
            requests::Modules { default: vec!["csv"], packages: vec![held], ..Default::default() };
        assert_eq!(listed(&ready)["allowed_modules"], json!(["csv", "isympy", "sympy"]));
        let not_importable = [("sympy".to_owned(), "no mpmath".to_owned())].into();
        let listed = listed(&requests::Modules { not_importable, ..ready });
        assert_eq!(listed["allowed_modules"], json!(["csv", "isympy"]));
        assert_eq!(listed["packages"][0]["modules"], json!(["isympy"]));
        assert_eq!(listed["packages_not_importable"], json!({"sympy": "no mpmath"}));
    }

    #[test]
    fn what_was_taken_from_the_list_is_not_allowed() {
        let shorter = requests::Modules {
            default: vec!["csv", "json"],
            removed: vec!["csv".to_owned()],
            ..Default::default()
        };
        let listed = listed(&shorter);
        assert_eq!(listed["allowed_modules"], json!(["json"]));
        assert_eq!(listed["default_modules"], json!(["csv", "json"]));
        assert_eq!(listed["is_custom_config"], true);
    }

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
