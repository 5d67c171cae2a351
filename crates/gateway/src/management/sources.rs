//! The management tools for external sources: MCP servers of others whose tools are imported.

use app::external_sources::{
    self as sources, Choice, Detail, Discovered, Found, Imports, NamedAuth, Transport, Wish,
};
use app::tools::Imported;
use app::{Page, servers};
use serde_json::{Value, json};

use super::schema::{
    Fields, choice, followed, id, list_of, parameters, result, result_with, server_id, text,
};
use super::{Definition, Effect, Outcome, Request};
use crate::{answer, cursor};

/// Sources in one answer.
const PAGE_SIZE: u64 = 50;

/// Tools in one answer: each comes with its schema.
const TOOLS_PER_PAGE: u64 = 50;

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "mcpbox_add_external_source",
        title: "Add external source",
        description: "Asks a person to let a server import tools from another MCP server. Nothing is connected to before they allow its host.",
        effect: Effect::Add,
        edits: false,
        input: || {
            let properties = vec![
                server_id(),
                ("name", text("Its tools are imported as name_tool.")),
                ("url", text("Such as https://host/mcp.")),
                ("auth_type", choice(&["none", "bearer", "header", "oauth"], "Its credentials.")),
                ("auth_secret_name", text("Secret of the server to send (bearer, header).")),
                ("auth_header_name", text("Field to send it in (header).")),
                ("transport_type", choice(&["streamable_http", "sse"], "How it is spoken to.")),
            ];
            parameters(&["server_id", "name", "url"], properties)
        },
        output: || {
            result(&[
                ("success", "boolean"),
                ("source_id", "string"),
                ("name", "string"),
                ("url", "string?"),
                ("auth_type", "string"),
                ("transport_type", "string"),
                ("status", "string"),
                ("message", "string"),
            ])
        },
        run: |request| Box::pin(add(request)),
    },
    Definition {
        name: "mcpbox_list_external_sources",
        title: "List external sources",
        description: "Lists the external sources of a server and how they stand.",
        effect: Effect::Read,
        edits: false,
        input: || followed(&["server_id"], vec![server_id()]),
        output: || {
            let fields = &[
                ("server_id", "string"),
                ("server_name", "string"),
                ("total", "integer"),
                ("next_cursor", "string?"),
            ];
            result_with(fields, vec![("sources", list_of(SOURCE_FIELDS))])
        },
        run: |request| Box::pin(list(request)),
    },
    Definition {
        name: "mcpbox_discover_external_tools",
        title: "Discover external tools",
        description: "Asks an external source that a person has allowed for its tools.",
        effect: Effect::LookUpOnce,
        edits: false,
        input: || followed(&["source_id"], vec![source_id()]),
        output: || {
            let fields = &[
                ("success", "boolean"),
                ("source_id", "string"),
                ("source_name", "string"),
                ("total", "integer"),
                ("next_cursor", "string?"),
                ("message", "string"),
            ];
            let lists =
                vec![("tools", list_of(FOUND_FIELDS)), ("left_out", list_of(LEFT_OUT_FIELDS))];
            result_with(fields, lists)
        },
        run: |request| Box::pin(discover(request)),
    },
    Definition {
        name: "mcpbox_import_external_tools",
        title: "Import external tools",
        description: "Makes drafts of tools that were discovered. Next: mcpbox_request_publish for each.",
        effect: Effect::AddOnce,
        edits: true,
        input: || {
            let names = json!({
                "type": "array",
                "items": { "type": "string" },
                "minItems": 1,
                "description": "Their names at the source.",
            });
            parameters(&["source_id", "tool_names"], vec![source_id(), ("tool_names", names)])
        },
        output: || {
            let fields = &[
                ("success", "boolean"),
                ("count", "integer"),
                ("skipped_count", "integer"),
                ("message", "string"),
            ];
            let lists = vec![
                ("imported_tools", list_of(IMPORTED_FIELDS)),
                ("skipped_tools", list_of(SKIPPED_FIELDS)),
            ];
            result_with(fields, lists)
        },
        run: |request| Box::pin(import(request)),
    },
];

const SOURCE_FIELDS: Fields<'static> = &[
    ("id", "string"),
    ("name", "string"),
    ("url", "string?"),
    ("auth_type", "string"),
    ("transport_type", "string"),
    ("status", "string"),
    ("tool_count", "integer"),
    ("last_discovered_at", "string?"),
    ("failure", "string?"),
    ("rejection_reason", "string?"),
];

const FOUND_FIELDS: Fields<'static> = &[
    ("name", "string"),
    ("description", "string"),
    ("input_schema", "object"),
    ("imported_as", "string?"),
    ("remarks", "array"),
    ("not_importable", "string?"),
];

const LEFT_OUT_FIELDS: Fields<'static> = &[("name", "string"), ("reason", "string")];

const IMPORTED_FIELDS: Fields<'static> = &[
    ("id", "string"),
    ("name", "string"),
    ("description", "string"),
    ("tool_type", "string"),
    ("approval_status", "string"),
    ("external_tool_name", "string"),
];

const SKIPPED_FIELDS: Fields<'static> =
    &[("name", "string"), ("status", "string"), ("reason", "string")];

fn source_id() -> (&'static str, Value) {
    ("source_id", id("Id of the source."))
}

async fn add(request: Request) -> Outcome {
    let Request { app, who, admin_address, arguments, .. } = request;
    let named = |key| arguments.text(key).map(str::to_owned);
    let auth = NamedAuth {
        auth_type: named("auth_type"),
        secret: named("auth_secret_name"),
        header: named("auth_header_name"),
        oauth: None,
    };
    let transport = arguments.text("transport_type").and_then(|name| name.parse().ok());
    let wish = Wish {
        name: arguments.required_text("name"),
        description: String::new(),
        transport: transport.unwrap_or(Transport::StreamableHttp),
        url: named("url"),
        command: None,
        auth: auth.try_into()?,
    };
    let server_id = arguments.id("server_id")?;
    let source = sources::add(&app, &who, server_id, &wish).await?;
    let host = sources::host_of(&app, &source)?.unwrap_or_default();
    let id = source.id;
    let message = format!(
        "The source waits, and nothing was connected to. Tell your user: a person has to allow {host} at {admin_address}/sources/{id}. Then call mcpbox_discover_external_tools; mcpbox_list_external_sources shows what was decided."
    );
    let detail = Detail { source, tokens: None };
    Ok(answer::object(json!({
        "success": true,
        "source_id": id,
        "name": detail.source.name,
        "url": sources::address_of(&detail.source),
        "auth_type": detail.source.auth_type,
        "transport_type": detail.source.transport,
        "status": detail.status().as_str(),
        "message": message,
    })))
}

async fn list(request: Request) -> Outcome {
    let Request { app, arguments, .. } = request;
    let id = arguments.id("server_id")?;
    let name = format!("sources of {id}");
    let page = arguments.page_of(&name, PAGE_SIZE)?;
    let server = servers::get(&app, id).await?.server;
    let listed = sources::list(&app, Some(id), page).await?;
    Ok(answer::object(json!({
        "server_id": id,
        "server_name": server.name,
        "sources": listed.items.iter().map(in_list).collect::<Vec<_>>(),
        "total": listed.total,
        "next_cursor": cursor::next(&name, page, listed.total),
    })))
}

fn in_list(detail: &Detail) -> Value {
    let source = &detail.source;
    json!({
        "id": source.id,
        "name": source.name,
        "url": sources::address_of(source),
        "auth_type": source.auth_type,
        "transport_type": source.transport,
        "status": detail.status().as_str(),
        "tool_count": source.tool_count,
        "last_discovered_at": source.last_discovered_at,
        "failure": source.failure,
        "rejection_reason": source.rejection_reason,
    })
}

/// Asks the source, or reads on in what it said when it was asked last.
async fn discover(request: Request) -> Outcome {
    let Request { app, who, arguments, .. } = request;
    let id = arguments.id("source_id")?;
    let name = format!("tools of source {id}");
    let page = arguments.page_of(&name, TOOLS_PER_PAGE)?;
    let found = if page.number > 1 {
        sources::discovered(&app, id).await?
    } else {
        sources::discover(&app, &who, id).await?
    };
    Ok(answer::object(told(&found, &name, page)))
}

fn told(found: &Discovered, list: &str, page: Page) -> Value {
    let Discovered { source, tools, left_out } = found;
    let total = tools.len() as u64;
    let before = usize::try_from((page.number - 1) * page.size).unwrap_or(usize::MAX);
    let shown = tools.iter().skip(before).take(usize::try_from(page.size).unwrap_or(usize::MAX));
    let left_out = left_out.iter().map(|(name, why)| json!({ "name": name, "reason": why }));
    let plural = if total == 1 { "tool" } else { "tools" };
    json!({
        "success": true,
        "source_id": source.id,
        "source_name": source.name,
        "tools": shown.map(offered).collect::<Vec<_>>(),
        "left_out": left_out.collect::<Vec<_>>(),
        "total": total,
        "next_cursor": cursor::next(list, page, total),
        "message": format!(
            "`{}` offers {total} {plural}. Choose with your user, then mcpbox_import_external_tools.",
            source.name
        ),
    })
}

fn offered(tool: &Found) -> Value {
    json!({
        "name": tool.name,
        "description": tool.description(),
        "input_schema": tool.input_schema(),
        "imported_as": tool.imported_as,
        "remarks": tool.remarks,
        "not_importable": tool.fault,
    })
}

async fn import(request: Request) -> Outcome {
    let Request { app, who, arguments, .. } = request;
    let id = arguments.id("source_id")?;
    let names = arguments.value("tool_names").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let choice = Choice::Named(names.collect());
    let imports = sources::import(&app, &who, id, choice, false).await?;
    Ok(answer::object(imported(&imports)))
}

fn imported(imports: &Imports) -> Value {
    let Imports { created, skipped } = imports;
    let tools = created.iter().map(|(tool, revision)| {
        let name = revision.imported.as_ref().map(Imported::name);
        json!({
            "id": tool.id,
            "name": tool.name,
            "description": tool.description,
            "tool_type": "mcp_passthrough",
            "approval_status": revision.state.as_str(),
            "external_tool_name": name,
        })
    });
    let tools: Vec<Value> = tools.collect();
    let left = skipped
        .iter()
        .map(|one| json!({ "name": one.name, "status": one.status, "reason": one.reason }));
    let count = tools.len();
    let mut message = match count {
        0 => "Nothing was imported.".to_owned(),
        1 => "Imported as a draft. File it with mcpbox_request_publish.".to_owned(),
        _ => format!("{count} imported as drafts. File each with mcpbox_request_publish."),
    };
    if !skipped.is_empty() {
        message.push_str(" Each that was skipped says why.");
    }
    json!({
        "success": true,
        "imported_tools": tools,
        "count": count,
        "skipped_tools": left.collect::<Vec<_>>(),
        "skipped_count": skipped.len(),
        "message": message,
    })
}
