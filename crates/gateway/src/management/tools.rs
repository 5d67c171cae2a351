//! The management tools for tools and their versions.

use app::approvals::{self, RolledBack};
use app::tools::{self, Changes, ImportedFrom, New, Revision, Tool};
use app::{App, capabilities};
use serde_json::{Value, json};

use super::schema::{followed, list_of, parameters, result, result_with, server_id, text, tool_id};
use super::servers::{TOOL_FIELDS, TOOLS_PER_PAGE, list_of_tools, tool_in_list, tool_type};
use super::{Definition, Effect, Outcome, Request};
use super::{authored, declared, saved};
use crate::{answer, cursor};

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "mcpbox_list_tools",
        title: "List tools",
        description: "Lists the tools of a server, drafts too, with their approval status.",
        effect: Effect::Read,
        edits: false,
        input: || followed(&["server_id"], vec![server_id()]),
        output: || {
            result_with(
                &[
                    ("server_id", "string"),
                    ("server_name", "string"),
                    ("total", "integer"),
                    ("next_cursor", "string?"),
                ],
                vec![("tools", list_of(TOOL_FIELDS))],
            )
        },
        run: |request| Box::pin(list(request)),
    },
    Definition {
        name: "mcpbox_get_tool",
        title: "Get tool",
        description: "Shows the newest version of a tool with its code and input schema, and which version is live.",
        effect: Effect::Read,
        edits: false,
        input: || parameters(&["tool_id"], vec![tool_id()]),
        output: || {
            result(&[
                ("id", "string"),
                ("server_id", "string"),
                ("name", "string"),
                ("description", "string"),
                ("kind", "string"),
                ("uri", "string?"),
                ("enabled", "boolean"),
                ("timeout_ms", "integer?"),
                ("input_schema", "object"),
                ("input_schema_given", "boolean"),
                ("current_version", "integer"),
                ("live_version", "integer?"),
                ("approval_status", "string"),
                ("digest", "string"),
                ("capabilities", "object"),
                ("lacking", "object"),
                ("risk", "string"),
                ("python_code", "string"),
                ("tool_type", "string"),
                ("external_source_id", "string?"),
                ("external_tool_name", "string?"),
                ("quarantine", "string?"),
            ])
        },
        run: |request| Box::pin(get(request)),
    },
    Definition {
        name: "mcpbox_create_tool",
        title: "Create tool",
        description: "Saves a new tool as a draft. Next: mcpbox_test_code, then mcpbox_request_publish.",
        effect: Effect::Add,
        edits: true,
        input: || {
            let description = "What it does and when to use it, for the models that call it; the docstring's summary if left out.";
            let properties = vec![
                server_id(),
                ("name", text("Lower-case letters, digits and underscores.")),
                ("python_code", authored::code()),
                ("description", text(description)),
                ("kind", authored::kind()),
                (
                    "uri",
                    text(
                        "Of a resource alone: `notes://today`, or a template such as `notes://{day}`, whose variables are main's parameters.",
                    ),
                ),
                (
                    "input_schema",
                    authored::schema(
                        "JSON Schema to publish in the place of main's; `**others` or `arguments` has what main does not name.",
                    ),
                ),
                ("timeout_ms", authored::timeout_ms()),
            ];
            parameters(&["server_id", "name", "python_code"], properties)
        },
        output: changed,
        run: |request| Box::pin(create(request)),
    },
    Definition {
        name: "mcpbox_update_tool",
        title: "Update tool",
        description: "Changes a tool. All but `enabled` makes a new draft version to be tested and published; the approved one stays live until then.",
        effect: Effect::Change,
        edits: true,
        input: || {
            let enabled = "Whether clients may call it; takes effect at once.";
            let properties = vec![
                tool_id(),
                ("name", text("Another name.")),
                ("description", text("Another description.")),
                ("python_code", text("Other code, whole, as in mcpbox_create_tool.")),
                ("uri", text("Another URI or template of a resource.")),
                ("input_schema", authored::schema("Another schema; {} for main's again.")),
                ("timeout_ms", authored::timeout_ms()),
                ("enabled", json!({ "type": "boolean", "description": enabled })),
            ];
            parameters(&["tool_id"], properties)
        },
        output: changed,
        run: |request| Box::pin(update(request)),
    },
    Definition {
        name: "mcpbox_delete_tool",
        title: "Delete tool",
        description: "Deletes a tool; the record of its versions and decisions stays.",
        effect: Effect::Change,
        edits: true,
        input: || parameters(&["tool_id"], vec![tool_id()]),
        output: || result(&[("success", "boolean"), ("message", "string")]),
        run: |request| Box::pin(delete(request)),
    },
    Definition {
        name: "mcpbox_list_tool_versions",
        title: "List versions of a tool",
        description: "Lists the versions of a tool, newest first.",
        effect: Effect::Read,
        edits: false,
        input: || followed(&["tool_id"], vec![tool_id()]),
        output: || {
            let versions = list_of(&[
                ("version", "integer"),
                ("digest", "string"),
                ("kind", "string"),
                ("uri", "string?"),
                ("change_summary", "string"),
                ("change_source", "string"),
                ("approval_status", "string"),
                ("created_at", "string"),
            ]);
            result_with(
                &[
                    ("tool_id", "string"),
                    ("tool_name", "string"),
                    ("current_version", "integer"),
                    ("live_version", "integer?"),
                    ("total_versions", "integer"),
                    ("next_cursor", "string?"),
                ],
                vec![("versions", versions)],
            )
        },
        run: |request| Box::pin(versions(request)),
    },
    Definition {
        name: "mcpbox_rollback_tool",
        title: "Roll back a tool",
        description: "Makes an older version the newest again. It is live at once if exactly it was approved before and its grants still hold; else it waits for approval.",
        effect: Effect::Change,
        edits: true,
        input: || {
            let version = json!({
                "type": "integer",
                "minimum": 1,
                "maximum": i32::MAX,
                "description": "Number of the version.",
            });
            parameters(&["tool_id", "version"], vec![tool_id(), ("version", version)])
        },
        output: || {
            result(&[
                ("success", "boolean"),
                ("tool_id", "string"),
                ("name", "string"),
                ("current_version", "integer"),
                ("approval_status", "string"),
                ("digest", "string"),
                ("message", "string"),
            ])
        },
        run: |request| Box::pin(rollback(request)),
    },
];

/// The result of creating and of updating.
fn changed() -> Value {
    result(&[
        ("success", "boolean"),
        ("id", "string"),
        ("name", "string"),
        ("current_version", "integer"),
        ("approval_status", "string"),
        ("capabilities", "object"),
        ("lacking", "object"),
        ("risk", "string"),
        ("notes", "array"),
        ("message", "string"),
    ])
}

async fn list(request: Request) -> Outcome {
    let server_id = request.arguments.id("server_id")?;
    let name = list_of_tools(server_id);
    let page = request.arguments.page_of(&name, TOOLS_PER_PAGE)?;
    let listed = tools::list(&request.app, server_id, page).await?;
    Ok(answer::object(json!({
        "server_id": server_id,
        "server_name": listed.server.name,
        "tools": listed.tools.items.iter().map(tool_in_list).collect::<Vec<_>>(),
        "total": listed.tools.total,
        "next_cursor": cursor::next(&name, page, listed.tools.total),
    })))
}

async fn get(request: Request) -> Outcome {
    let detail = tools::get(&request.app, request.arguments.id("tool_id")?).await?;
    let newest = detail.newest;
    let standing = capabilities::standing(&request.app, detail.server.id, &newest).await?;
    let imported = newest.imported.as_ref().map(ImportedFrom::from);
    Ok(answer::object(json!({
        "id": detail.tool.id,
        "server_id": detail.tool.server_id,
        "name": newest.name,
        "description": newest.description,
        "kind": newest.kind,
        "uri": newest.uri,
        "enabled": detail.tool.enabled,
        "timeout_ms": newest.timeout_ms,
        "input_schema": newest.input_schema,
        "input_schema_given": newest.schema_given,
        "current_version": newest.number,
        "live_version": detail.live.map(|live| live.number),
        "approval_status": newest.state.as_str(),
        "digest": newest.digest,
        "capabilities": declared::lists(&standing.declared),
        "lacking": declared::lacking(&standing.lacking),
        "risk": standing.risk,
        "python_code": newest.python_code,
        "tool_type": tool_type(imported.as_ref()),
        "external_source_id": imported.as_ref().map(|from| from.source_id),
        "external_tool_name": imported.as_ref().map(|from| &from.name),
        "quarantine": detail.tool.quarantine,
    })))
}

async fn create(request: Request) -> Outcome {
    let Request { app, who, arguments, .. } = request;
    let new = New {
        server_id: arguments.id("server_id")?,
        name: arguments.required_text("name"),
        description: arguments.required_text("description"),
        kind: arguments.text("kind").and_then(|kind| kind.parse().ok()).unwrap_or_default(),
        uri: arguments.text("uri").map(str::to_owned),
        input_schema: authored::given_schema(&arguments).filter(|schema| !schema.is_null()),
        python_code: arguments.required_text("python_code"),
        timeout_ms: arguments.small_integer("timeout_ms"),
    };
    let (tool, revision) = tools::create(&app, &who, new).await?;
    let message =
        "Saved as a draft. Try it with mcpbox_test_code, then file it with mcpbox_request_publish.";
    told(&app, &tool, &revision, message).await
}

async fn update(request: Request) -> Outcome {
    let Request { app, who, arguments, .. } = request;
    let text = |key| arguments.text(key).map(str::to_owned);
    let changes = Changes {
        name: text("name"),
        description: text("description"),
        uri: text("uri"),
        input_schema: authored::given_schema(&arguments),
        python_code: text("python_code"),
        timeout_ms: arguments.small_integer("timeout_ms"),
        enabled: arguments.boolean("enabled"),
        seen: None,
    };
    let id = arguments.id("tool_id")?;
    let before = tools::get(&app, id).await?;
    let updated = tools::update(&app, &who, id, changes).await?;
    let message = saved::told(&before, &updated);
    told(&app, &updated.tool, &updated.revision, &message).await
}

/// What creating and updating answer.
async fn told(app: &App, tool: &Tool, revision: &Revision, message: &str) -> Outcome {
    let standing = capabilities::standing(app, tool.server_id, revision).await?;
    let mut notes = revision.remarks.clone();
    if let Some(obstacle) = approvals::obstacle(app, tool.server_id, revision).await? {
        notes.push(format!("cannot be approved as things stand: {obstacle}"));
    }
    Ok(answer::object(json!({
        "success": true,
        "id": tool.id,
        "name": tool.name,
        "current_version": revision.number,
        "approval_status": revision.state.as_str(),
        "capabilities": declared::lists(&standing.declared),
        "lacking": declared::lacking(&standing.lacking),
        "risk": standing.risk,
        "notes": notes,
        "message": message,
    })))
}

async fn delete(request: Request) -> Outcome {
    let Request { app, who, arguments, .. } = request;
    let tool = tools::delete(&app, &who, arguments.id("tool_id")?).await?;
    Ok(answer::object(json!({
        "success": true,
        "message": format!("Tool `{}` and its versions are deleted.", tool.name),
    })))
}

async fn versions(request: Request) -> Outcome {
    let tool_id = request.arguments.id("tool_id")?;
    let name = format!("versions of {tool_id}");
    let page = request.arguments.page_of(&name, 50)?;
    let detail = tools::get(&request.app, tool_id).await?;
    let listed = tools::versions(&request.app, tool_id, page).await?;
    let versions = listed.items.iter().map(|revision| {
        json!({
            "version": revision.number,
            "digest": revision.digest,
            "kind": revision.kind,
            "uri": revision.uri,
            "change_summary": revision.change_summary,
            "change_source": revision.change_source,
            "approval_status": revision.state.as_str(),
            "created_at": revision.created_at,
        })
    });
    Ok(answer::object(json!({
        "tool_id": tool_id,
        "tool_name": detail.tool.name,
        "current_version": detail.newest.number,
        "live_version": detail.live.map(|live| live.number),
        "versions": versions.collect::<Vec<_>>(),
        "total_versions": listed.total,
        "next_cursor": cursor::next(&name, page, listed.total),
    })))
}

async fn rollback(request: Request) -> Outcome {
    let Request { app, who, admin_address, arguments, .. } = request;
    let id = arguments.id("tool_id")?;
    let version = arguments.small_integer("version").unwrap_or_default();
    let RolledBack { tool, revision, approved } =
        approvals::rollback(&app, &who, id, version).await?;
    let number = revision.number;
    let message = if approved {
        format!(
            "Version {number} is version {version} again and live: exactly it was approved before."
        )
    } else {
        format!(
            "Version {number} is version {version} again and waits for approval at {admin_address}/approvals; until then the approved version stays in use."
        )
    };
    Ok(answer::object(json!({
        "success": true,
        "tool_id": tool.id,
        "name": tool.name,
        "current_version": number,
        "approval_status": revision.state.as_str(),
        "digest": revision.digest,
        "message": message,
    })))
}
