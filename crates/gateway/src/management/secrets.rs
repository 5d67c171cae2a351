//! The management tools for secrets: placeholders, never values.

use app::secrets::{self, Secret};
use serde_json::{Value, json};

use super::schema::{Fields, followed, list_of, parameters, result, result_with, server_id, text};
use super::{Definition, Effect, Outcome, Request};
use crate::{answer, cursor};

/// Secrets in one answer.
const PAGE_SIZE: u64 = 100;

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "mcpbox_create_server_secret",
        title: "Create secret",
        description: "Makes a secret without a value; a person sets that, tools read it as secrets[key].",
        effect: Effect::Add,
        edits: false,
        input: || {
            let properties = vec![
                server_id(),
                ("key", text("Such as API_KEY.")),
                ("description", text("What it is, for the person.")),
            ];
            parameters(&["server_id", "key"], properties)
        },
        output: || {
            result(&[
                ("success", "boolean"),
                ("server_id", "string"),
                ("key", "string"),
                ("description", "string"),
                ("has_value", "boolean"),
                ("message", "string"),
            ])
        },
        run: |request| Box::pin(create(request)),
    },
    Definition {
        name: "mcpbox_list_server_secrets",
        title: "List secrets",
        description: "Lists a server's secrets, never their values.",
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
            result_with(fields, vec![("secrets", list_of(SECRET_FIELDS))])
        },
        run: |request| Box::pin(list(request)),
    },
];

const SECRET_FIELDS: Fields<'static> =
    &[("key", "string"), ("description", "string"), ("has_value", "boolean")];

async fn create(request: Request) -> Outcome {
    let Request { app, who, admin_address, arguments, .. } = request;
    let id = arguments.id("server_id")?;
    let key = arguments.required_text("key");
    let description = arguments.text("description").unwrap_or_default();
    let secret = secrets::create(&app, &who, id, &key, description).await?;
    let message = format!(
        "Secret `{key}` has no value yet. Ask your user to set it at {admin_address}/servers/{id}#secrets; never ask for the value itself. Tools read it as secrets[\"{key}\"]."
    );
    let mut fields = in_list(&secret);
    if let Value::Object(fields) = &mut fields {
        fields.insert("success".to_owned(), json!(true));
        fields.insert("server_id".to_owned(), json!(id));
        fields.insert("message".to_owned(), json!(message));
    }
    Ok(answer::object(fields))
}

async fn list(request: Request) -> Outcome {
    let Request { app, arguments, .. } = request;
    let id = arguments.id("server_id")?;
    let name = format!("secrets of {id}");
    let page = arguments.page_of(&name, PAGE_SIZE)?;
    let (server, listed) = secrets::list(&app, id, page).await?;
    Ok(answer::object(json!({
        "server_id": id,
        "server_name": server.name,
        "secrets": listed.items.iter().map(in_list).collect::<Vec<_>>(),
        "total": listed.total,
        "next_cursor": cursor::next(&name, page, listed.total),
    })))
}

fn in_list(secret: &Secret) -> Value {
    json!({
        "key": secret.key,
        "description": secret.description,
        "has_value": secret.has_value,
    })
}
