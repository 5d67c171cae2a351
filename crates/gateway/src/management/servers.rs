//! The management tools for servers.

use app::packages::Preparation;
use app::servers::{self, Server, Started, Summary};
use app::tools::{self, ImportedFrom, Newest, Tool};
use app::{Page, grants, packages, requests};
use serde_json::{Value, json};
use uuid::Uuid;

use super::schema::{Fields, list_of, paged, parameters, result, result_with, server_id, text};
use super::{Definition, Effect, Outcome, Request};
use crate::{answer, cursor};

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "mcpbox_list_servers",
        title: "List servers",
        description: "Lists the servers (groups of tools) with status and number of tools.",
        effect: Effect::Read,
        edits: false,
        input: || paged(&[], vec![]),
        output: || {
            let servers = list_of(&[
                ("id", "string"),
                ("name", "string"),
                ("description", "string"),
                ("status", "string"),
                ("tool_count", "integer"),
                ("created_at", "string"),
            ]);
            result_with(
                &[
                    ("total", "integer"),
                    ("page", "integer"),
                    ("page_size", "integer"),
                    ("next_cursor", "string?"),
                ],
                vec![("servers", servers)],
            )
        },
        run: |request| Box::pin(list(request)),
    },
    Definition {
        name: "mcpbox_get_server",
        title: "Get server",
        description: "Shows a server with its first tools (all: mcpbox_list_tools), their approval status, the hosts they may reach, and their packages.",
        effect: Effect::Read,
        edits: false,
        input: || parameters(&["server_id"], vec![server_id()]),
        output: || {
            result_with(
                &[
                    ("id", "string"),
                    ("name", "string"),
                    ("description", "string"),
                    ("status", "string"),
                    ("tool_prefix", "string"),
                    ("default_timeout_ms", "integer"),
                    ("created_at", "string"),
                    ("updated_at", "string"),
                    ("tool_count", "integer"),
                    ("next_cursor", "string?"),
                    ("allowed_hosts", "array"),
                    ("allowed_packages", "array"),
                    ("packages_state", "string?"),
                    ("packages_not_importable", "object"),
                ],
                vec![("tools", list_of(TOOL_FIELDS)), ("pending_requests", result(PENDING_FIELDS))],
            )
        },
        run: |request| Box::pin(get(request)),
    },
    Definition {
        name: "mcpbox_create_server",
        title: "Create server",
        description: "Creates an empty server to put tools in. It starts when a person approves its first tool.",
        effect: Effect::Add,
        edits: true,
        input: || {
            let name = "Lower-case letters, digits and single underscores; clients see its tools as name__tool.";
            let description = "What its tools are for, at most 2000 characters.";
            let properties = vec![("name", text(name)), ("description", text(description))];
            parameters(&["name"], properties)
        },
        output: || {
            result(&[
                ("success", "boolean"),
                ("id", "string"),
                ("name", "string"),
                ("message", "string"),
            ])
        },
        run: |request| Box::pin(create(request)),
    },
    Definition {
        name: "mcpbox_delete_server",
        title: "Delete server",
        description: "Deletes a server with its tools; the record of versions and decisions stays.",
        effect: Effect::Change,
        edits: true,
        input: || parameters(&["server_id"], vec![server_id()]),
        output: || result(&[("success", "boolean"), ("message", "string")]),
        run: |request| Box::pin(delete(request)),
    },
    Definition {
        name: "mcpbox_start_server",
        title: "Start server",
        description: "Makes the approved and enabled tools of a server callable. A running one stays as it is.",
        effect: Effect::AddOnce,
        edits: false,
        input: || parameters(&["server_id"], vec![server_id()]),
        output: || {
            result(&[
                ("success", "boolean"),
                ("message", "string"),
                ("status", "string"),
                ("registered_tools", "integer"),
            ])
        },
        run: |request| Box::pin(start(request)),
    },
    Definition {
        name: "mcpbox_stop_server",
        title: "Stop server",
        description: "Takes a server's tools away from all clients until it is started again.",
        effect: Effect::Change,
        edits: false,
        input: || parameters(&["server_id"], vec![server_id()]),
        output: || result(&[("success", "boolean"), ("message", "string"), ("status", "string")]),
        run: |request| Box::pin(stop(request)),
    },
];

/// How much of each kind waits for a person.
const PENDING_FIELDS: Fields<'static> =
    &[("modules", "integer"), ("network", "integer"), ("packages", "integer")];

/// A tool in a list.
pub(super) const TOOL_FIELDS: Fields<'static> = &[
    ("id", "string"),
    ("name", "string"),
    ("description", "string"),
    ("kind", "string"),
    ("uri", "string?"),
    ("enabled", "boolean"),
    ("approval_status", "string"),
    ("tool_type", "string"),
    ("external_source_id", "string?"),
    ("external_tool_name", "string?"),
    ("quarantine", "string?"),
];

/// How many tools are on a page.
pub(super) const TOOLS_PER_PAGE: u64 = 50;

/// The name of a server's list of tools in cursors.
pub(super) fn list_of_tools(server_id: Uuid) -> String {
    format!("tools of {server_id}")
}

pub(super) fn tool_in_list((tool, newest): &(Tool, Newest)) -> Value {
    // What a source says anew may speak to the model: a person looks first.
    let description = match &tool.quarantine {
        Some(reason) => format!("Kept from clients: {reason}"),
        None => tool.description.clone(),
    };
    json!({
        "id": tool.id,
        "name": tool.name,
        "description": description,
        "kind": newest.kind,
        "uri": newest.uri,
        "enabled": tool.enabled,
        "approval_status": newest.state.as_str(),
        "tool_type": tool_type(newest.imported.as_ref()),
        "external_source_id": newest.imported.as_ref().map(|from| from.source_id),
        "external_tool_name": newest.imported.as_ref().map(|from| &from.name),
        "quarantine": tool.quarantine,
    })
}

/// Whether a tool has code of its own or is called at a source.
pub(super) fn tool_type(imported: Option<&ImportedFrom>) -> &'static str {
    if imported.is_some() { "mcp_passthrough" } else { "python_code" }
}

async fn list(request: Request) -> Outcome {
    let size = request.arguments.positive("page_size").unwrap_or(50);
    let page = request.arguments.page_of("servers", size)?;
    let listed = servers::list(&request.app, page).await?;
    let in_list = |Summary { server, tool_count }: &Summary| {
        json!({
            "id": server.id,
            "name": server.name,
            "description": server.description,
            "status": server.status.as_str(),
            "tool_count": tool_count,
            "created_at": server.created_at,
        })
    };
    Ok(answer::object(json!({
        "servers": listed.items.iter().map(in_list).collect::<Vec<_>>(),
        "total": listed.total,
        "page": page.number,
        "page_size": page.size,
        "next_cursor": cursor::next("servers", page, listed.total),
    })))
}

async fn get(request: Request) -> Outcome {
    let detail = servers::get(&request.app, request.arguments.id("server_id")?).await?;
    let allowed = grants::of(&request.app, detail.server.id).await?;
    let preparation = match &allowed.lock {
        Some(lock) => Some(packages::preparation(&request.app, &lock.digest)),
        None => None,
    };
    let waiting = requests::waiting(&request.app, Some(detail.server.id)).await?;
    let first = Page { number: 1, size: TOOLS_PER_PAGE };
    let tools = tools::list(&request.app, detail.server.id, first).await?.tools;
    let Server {
        id,
        name,
        description,
        status,
        tool_prefix,
        default_timeout_ms,
        created_at,
        updated_at,
    } = detail.server;
    Ok(answer::object(json!({
        "id": id,
        "name": name,
        "description": description,
        "status": status.as_str(),
        "tool_prefix": tool_prefix.as_ref().unwrap_or(&name),
        "default_timeout_ms": default_timeout_ms,
        "created_at": created_at,
        "updated_at": updated_at,
        "tools": tools.items.iter().map(tool_in_list).collect::<Vec<_>>(),
        "tool_count": tools.total,
        "next_cursor": cursor::next(&list_of_tools(id), first, tools.total),
        "allowed_hosts": allowed.hosts,
        "allowed_packages": allowed.packages,
        "packages_state": preparation.as_ref().map(Preparation::whole_text),
        "packages_not_importable": preparation.map(|state| state.not_importable()).unwrap_or_default(),
        "pending_requests": waiting,
    })))
}

async fn create(request: Request) -> Outcome {
    let Request { app, who, arguments, .. } = request;
    let name = arguments.required_text("name");
    let description = arguments.text("description").unwrap_or_default();
    let server = servers::create(&app, &who, &name, description).await?;
    Ok(answer::object(json!({
        "success": true,
        "id": server.id,
        "name": server.name,
        "message": format!("Server `{name}` created; add tools with mcpbox_create_tool."),
    })))
}

async fn delete(request: Request) -> Outcome {
    let Request { app, who, arguments, .. } = request;
    let server = servers::delete(&app, &who, arguments.id("server_id")?).await?;
    Ok(answer::object(json!({
        "success": true,
        "message": format!("Server `{}` and its tools are deleted.", server.name),
    })))
}

async fn start(request: Request) -> Outcome {
    let Request { app, who, arguments, .. } = request;
    let started = servers::start(&app, &who, arguments.id("server_id")?).await?;
    let message = start_message(&started);
    Ok(answer::object(json!({
        "success": true,
        "message": message,
        "status": started.server.status.as_str(),
        "registered_tools": started.registered_tools,
    })))
}

fn start_message(started: &Started) -> String {
    let (name, callable) = (&started.server.name, started.registered_tools);
    let before = if started.already_running { " already" } else { "" };
    let next = match (callable, started.already_running) {
        (0, _) => "it has no approved and enabled tool yet, so clients see none of it",
        (_, true) => "nothing changed",
        (_, false) => "clients see its approved and enabled tools",
    };
    format!("Server `{name}` is running{before}; {next}.")
}

async fn stop(request: Request) -> Outcome {
    let Request { app, who, arguments, .. } = request;
    let server = servers::stop(&app, &who, arguments.id("server_id")?).await?;
    Ok(answer::object(json!({
        "success": true,
        "message": format!("Server `{}` is stopped; clients see none of its tools until mcpbox_start_server.", server.name),
        "status": server.status.as_str(),
    })))
}
