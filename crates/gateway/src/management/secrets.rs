//! The management tools for secrets: placeholders, never values.

use app::secrets::{self, Secret};
use app::{Error, Page};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::schema::{Fields, list_of, parameters, result, result_with, server_id, text};
use super::{Definition, Effect, Outcome, Request};
use crate::answer;

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
        input: || {
            let properties = vec![server_id(), ("cursor", text("next_cursor of the page before."))];
            parameters(&["server_id"], properties)
        },
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
    let number = arguments.text("cursor").map_or(Ok(1), page_of)?;
    let page = Page { number, size: PAGE_SIZE };
    let (server, listed) = secrets::list(&app, id, page).await?;
    let is_last = number.saturating_mul(PAGE_SIZE) >= listed.total;
    Ok(answer::object(json!({
        "server_id": id,
        "server_name": server.name,
        "secrets": listed.items.iter().map(in_list).collect::<Vec<_>>(),
        "total": listed.total,
        "next_cursor": (!is_last).then(|| cursor_of(number + 1)),
    })))
}

fn in_list(secret: &Secret) -> Value {
    json!({
        "key": secret.key,
        "description": secret.description,
        "has_value": secret.has_value,
    })
}

fn cursor_of(page: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("page:{page}"))
}

fn page_of(cursor: &str) -> Result<u64, Error> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        text.strip_prefix("page:")?.parse().ok().filter(|page| *page > 0)
    };
    read().ok_or_else(|| Error::Invalid {
        field: "cursor",
        reason: "expected `next_cursor` of the page before; leave it out for the first page"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_to_its_page_and_others_are_refused() {
        assert_eq!(page_of(&cursor_of(7)).expect("a page"), 7);
        for wrong in ["", "page:7", "cGFnZTow", "cGFnZTp4", "🦀"] {
            assert!(page_of(wrong).is_err(), "{wrong}");
        }
    }
}
