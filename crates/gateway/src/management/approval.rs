//! The management tools for getting a tool approved.

use app::external_sources::Detail;
use app::requests::{self, Kind, Named};
use app::tools::{self, ImportedFrom, State};
use app::{App, Page, approvals, capabilities, external_sources, packages, servers};
use serde_json::{Value, json};

use super::permission::{MODULE_FIELDS, NETWORK_FIELDS, PACKAGE_FIELDS, subject, with_standing};
use super::schema::{Fields, followed, list_of, parameters, result, result_with, text, tool_id};
use super::servers::tool_type;
use super::{Definition, Effect, Outcome, Request, declared};
use crate::{answer, cursor, standing};

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "mcpbox_request_publish",
        title: "Request publication",
        description: "Files the newest version of a tool for a person's approval, with requests for what it declares and has not. Once approved, clients can call it.",
        effect: Effect::AddOnce,
        edits: false,
        input: || {
            let notes = text("What the reviewer should know.");
            parameters(&["tool_id"], vec![tool_id(), ("notes", notes)])
        },
        output: || {
            result(&[
                ("success", "boolean"),
                ("tool_id", "string"),
                ("name", "string"),
                ("status", "string"),
                ("version", "integer"),
                ("digest", "string"),
                ("filed_requests", "array"),
                ("message", "string"),
            ])
        },
        run: |request| Box::pin(request_publish(request)),
    },
    Definition {
        name: "mcpbox_get_tool_status",
        title: "Get approval status",
        description: "Shows how far the approval of a tool, prompt or resource is, how clients have it, and what to do next if they have not.",
        effect: Effect::Read,
        edits: false,
        input: || parameters(&["tool_id"], vec![tool_id()]),
        output: || {
            let fields = &[
                ("tool_id", "string"),
                ("name", "string"),
                ("approval_status", "string"),
                ("current_version", "integer"),
                ("digest", "string"),
                ("live_version", "integer?"),
                ("capabilities", "object"),
                ("lacking", "object"),
                ("risk", "string"),
                ("kind", "string"),
                ("uri", "string?"),
                ("callable_as", "string?"),
                ("server_status", "string"),
                ("enabled", "boolean"),
                ("next", "string"),
                ("created_by", "string"),
                ("approval_requested_at", "string?"),
                ("approved_at", "string?"),
                ("approved_by", "string?"),
                ("rejection_reason", "string?"),
                ("publish_notes", "string?"),
                ("packages_not_importable", "object"),
                ("tool_type", "string"),
                ("external_source_id", "string?"),
                ("external_tool_name", "string?"),
                ("quarantine", "string?"),
            ];
            let asked = vec![
                ("module_requests", list_of(MODULE_FIELDS)),
                ("network_access_requests", list_of(NETWORK_FIELDS)),
                ("package_requests", list_of(PACKAGE_FIELDS)),
            ];
            result_with(fields, asked)
        },
        run: |request| Box::pin(status(request)),
    },
    Definition {
        name: "mcpbox_list_pending_requests",
        title: "List pending requests",
        description: "Lists what waits for a person's decision, oldest first; `cursor` leads on in all of its lists.",
        effect: Effect::Read,
        edits: false,
        input: || followed(&[], vec![]),
        output: || {
            let tools = list_of(&[
                ("id", "string"),
                ("name", "string"),
                ("server_name", "string"),
                ("version", "integer"),
                ("requested_at", "string?"),
            ]);
            let summary = result(&[
                ("tools", "integer"),
                ("modules", "integer"),
                ("network", "integer"),
                ("packages", "integer"),
                ("sources", "integer"),
                ("total", "integer"),
            ]);
            let lists = vec![
                ("pending_tools", tools),
                ("pending_module_requests", list_of(WAITING_MODULE_FIELDS)),
                ("pending_network_requests", list_of(WAITING_NETWORK_FIELDS)),
                ("pending_package_requests", list_of(WAITING_PACKAGE_FIELDS)),
                ("pending_external_sources", list_of(WAITING_SOURCE_FIELDS)),
                ("summary", summary),
            ];
            result_with(&[("next_cursor", "string?")], lists)
        },
        run: |request| Box::pin(pending(request)),
    },
];

/// The name of the lists of what waits in cursors.
const PENDING: &str = "pending";

const WAITING_MODULE_FIELDS: Fields<'static> = &[
    ("id", "string"),
    ("module_name", "string"),
    ("tool_name", "string"),
    ("server_name", "string"),
];

const WAITING_PACKAGE_FIELDS: Fields<'static> = &[
    ("id", "string"),
    ("package", "string"),
    ("version", "string"),
    ("tool_name", "string"),
    ("server_name", "string"),
];

const WAITING_NETWORK_FIELDS: Fields<'static> = &[
    ("id", "string"),
    ("host", "string"),
    ("port", "integer?"),
    ("tool_name", "string"),
    ("server_name", "string"),
];

const WAITING_SOURCE_FIELDS: Fields<'static> =
    &[("id", "string"), ("name", "string"), ("url", "string?"), ("server_name", "string")];

async fn request_publish(request: Request) -> Outcome {
    let Request { app, who, admin_address, arguments, .. } = request;
    let id = arguments.id("tool_id")?;
    let filed = approvals::request_publish(&app, &who, id, arguments.text("notes")).await?;
    let number = filed.revision.number;
    let filed_before = if filed.already_pending { " already" } else { "" };
    let along = filed.along.iter().map(|along| {
        let (status, reason) = match &along.outcome {
            Ok(state) => (*state, None),
            Err(reason) => ("not_filed", Some(reason)),
        };
        json!({ "kind": along.need.kind, "name": along.need.name, "status": status, "reason": reason })
    });
    let along: Vec<Value> = along.collect();
    let message = if filed.revision.state == State::Approved {
        format!("Version {number} is approved at once, as this installation is set.")
    } else if let Some(obstacle) =
        approvals::obstacle(&app, filed.tool.server_id, &filed.revision).await?
    {
        format!(
            "Version {number} is{filed_before} filed, but cannot be approved as things stand: {obstacle}. Mend it with mcpbox_update_tool and file it again, or tell your user, who decides at {admin_address}/approvals."
        )
    } else {
        format!(
            "Version {number} is{filed_before} filed. Tell your user: a person has to approve it at {admin_address}/approvals. mcpbox_get_tool_status shows whether clients can call it then, and under which name. Clients that do not refresh their list of tools see it in their next conversation."
        )
    };
    Ok(answer::object(json!({
        "success": true,
        "tool_id": filed.tool.id,
        "name": filed.revision.name,
        "status": filed.revision.state.as_str(),
        "version": number,
        "digest": filed.revision.digest,
        "filed_requests": along,
        "message": message,
    })))
}

async fn status(request: Request) -> Outcome {
    let detail = tools::get(&request.app, request.arguments.id("tool_id")?).await?;
    let callable_as = standing::callable_as(&detail);
    let next = standing::next(&detail, &request.admin_address);
    let newest = detail.newest;
    let held = capabilities::standing(&request.app, detail.server.id, &newest).await?;
    let approved = newest.state == State::Approved;
    let imported = newest.imported.as_ref().map(ImportedFrom::from);
    let asked = requests::of_tool(&request.app, detail.tool.id).await?;
    let not_importable = packages::not_importable(&request.app, detail.server.id).await?;
    Ok(answer::object(json!({
        "tool_id": detail.tool.id,
        "name": newest.name,
        "approval_status": newest.state.as_str(),
        "current_version": newest.number,
        "digest": newest.digest,
        "live_version": detail.live.map(|live| live.number),
        "capabilities": declared::lists(&held.declared),
        "lacking": declared::lacking(&held.lacking),
        "risk": held.risk,
        "kind": newest.kind,
        "uri": newest.uri,
        "callable_as": callable_as,
        "server_status": detail.server.status.as_str(),
        "enabled": detail.tool.enabled,
        "next": next,
        "created_by": newest.created_by,
        "approval_requested_at": newest.requested_at,
        "approved_at": newest.decided_at.filter(|_| approved),
        "approved_by": newest.decided_by.filter(|_| approved),
        "rejection_reason": newest.rejection_reason,
        "publish_notes": newest.notes,
        "module_requests": with_standing(&asked, Kind::Module),
        "network_access_requests": with_standing(&asked, Kind::Host),
        "packages_not_importable": not_importable,
        "package_requests": with_standing(&asked, Kind::Package),
        "tool_type": tool_type(imported.as_ref()),
        "external_source_id": imported.as_ref().map(|from| from.source_id),
        "external_tool_name": imported.as_ref().map(|from| &from.name),
        "quarantine": detail.tool.quarantine,
    })))
}

async fn pending(request: Request) -> Outcome {
    let page = request.arguments.page_of(PENDING, 50)?;
    let queue = approvals::queue(&request.app, State::PendingReview, page).await?;
    let waiting = Some(requests::State::Pending);
    let modules = requests::list(&request.app, Kind::Module, waiting, page).await?;
    let network = requests::list(&request.app, Kind::Host, waiting, page).await?;
    let packages = requests::list(&request.app, Kind::Package, waiting, page).await?;
    let tools = queue.items.iter().map(|item| {
        json!({
            "id": item.tool.id,
            "name": item.revision.name,
            "server_name": item.server_name,
            "version": item.revision.number,
            "requested_at": item.revision.requested_at,
        })
    });
    let (sources, waiting_sources) = waiting_sources(&request.app, page).await?;
    let totals = [queue.total, modules.total, network.total, packages.total, sources];
    let longest = totals.into_iter().max().unwrap_or_default();
    let total: u64 = totals.into_iter().sum();
    Ok(answer::object(json!({
        "pending_tools": tools.collect::<Vec<_>>(),
        "pending_module_requests": modules.items.iter().map(in_queue).collect::<Vec<_>>(),
        "pending_network_requests": network.items.iter().map(in_queue).collect::<Vec<_>>(),
        "pending_package_requests": packages.items.iter().map(in_queue).collect::<Vec<_>>(),
        "pending_external_sources": waiting_sources,
        "summary": {
            "tools": queue.total,
            "modules": modules.total,
            "network": network.total,
            "packages": packages.total,
            "sources": sources,
            "total": total,
        },
        "next_cursor": cursor::next(PENDING, page, longest),
    })))
}

/// How many external sources wait, and those of a page.
async fn waiting_sources(app: &App, page: Page) -> app::Result<(u64, Vec<Value>)> {
    let listed = external_sources::waiting(app, page).await?;
    let mut shown = Vec::with_capacity(listed.items.len());
    for Detail { source, .. } in listed.items {
        let server = servers::get(app, source.server_id).await?.server;
        shown.push(json!({
            "id": source.id,
            "name": source.name,
            "url": external_sources::address_of(&source),
            "server_name": server.name,
        }));
    }
    Ok((listed.total, shown))
}

fn in_queue(Named { request, tool_name, server_name, .. }: &Named) -> Value {
    let mut fields = subject(request);
    fields.insert("id".to_owned(), json!(request.id));
    fields.insert("tool_name".to_owned(), json!(tool_name));
    fields.insert("server_name".to_owned(), json!(server_name));
    Value::Object(fields)
}
