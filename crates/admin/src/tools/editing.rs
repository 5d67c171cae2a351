//! The form that changes a tool.

use app::identity::{Admin, Who};
use app::tools::{Changes, Detail, Revision};
use app::{App, tools};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::actions::back;
use crate::code;
use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id};
use crate::session::SignedIn;
use crate::view::{self, Frame};

#[derive(Deserialize)]
pub(crate) struct Edit {
    /// The digest of the version that was on the page.
    digest: String,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    uri: String,
    #[serde(default)]
    input_schema: String,
    /// Nothing of a tool that its source defines.
    python_code: Option<String>,
    timeout_ms: String,
}

/// A page of its own: in the fields of a form nothing can be made visible.
#[derive(Template)]
#[template(path = "tools/edit.html")]
struct EditPage {
    frame: Frame,
    detail: Detail,
    /// What stands in the fields.
    form: Edit,
    /// Whether there is something in it that the fields do not show.
    has_hidden: bool,
    /// Why it was not saved.
    problem: String,
}

/// GET /tools/{id}/edit
pub(crate) async fn edit_form(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    let detail = tools::get(&app, id).await?;
    let frame = Frame::load(&app, &admin, "/servers").await?;
    view::page(&EditPage::new(frame, detail))
}

impl EditPage {
    fn new(frame: Frame, detail: Detail) -> Self {
        let newest = &detail.newest;
        let timeout_ms = newest.timeout_ms.unwrap_or(detail.server.default_timeout_ms);
        let form = Edit {
            digest: newest.digest.clone(),
            name: newest.name.clone(),
            description: newest.description.clone(),
            uri: newest.uri.clone().unwrap_or_default(),
            input_schema: given_schema(newest).unwrap_or_default(),
            python_code: newest.imported.is_none().then(|| newest.python_code.clone()),
            timeout_ms: timeout_ms.to_string(),
        };
        Self::with(frame, detail, form, String::new())
    }

    fn with(frame: Frame, detail: Detail, form: Edit, problem: String) -> Self {
        let texts = [&form.name, &form.description, &form.uri, &form.input_schema];
        let texts = texts.into_iter().chain(&form.python_code);
        let has_hidden = texts.into_iter().any(|text| code::has_hidden(text));
        Self { frame, detail, form, has_hidden, problem }
    }
}

/// The schema that an author wrote, as the field has it.
fn given_schema(revision: &Revision) -> Option<String> {
    revision.schema_given.then(|| view::pretty(&revision.input_schema))
}

/// POST /tools/{id}/edit
pub(crate) async fn edit(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Edit>,
) -> Answer {
    match saved(&app, &admin, id, &form).await {
        Ok(()) => Ok(back(id)),
        // What was typed is not lost.
        Err(problem)
            if problem.status().is_client_error() && problem.status() != StatusCode::NOT_FOUND =>
        {
            let detail = tools::get(&app, id).await?;
            let frame = Frame::load(&app, &admin, "/servers").await?;
            let page = EditPage::with(frame, detail, form, problem.detail().to_owned());
            Ok((problem.status(), view::page(&page)?).into_response())
        }
        Err(problem) => Err(problem),
    }
}

async fn saved(app: &App, admin: &Admin, id: Uuid, form: &Edit) -> Result<(), Problem> {
    let timeout_ms = form.timeout_ms.trim().parse().map_err(|_no_number| {
        Problem::invalid("timeout_ms", "expected a whole number of milliseconds")
    })?;
    let uri = Some(form.uri.trim().to_owned()).filter(|uri| !uri.is_empty());
    let has_code = form.python_code.is_some();
    let input_schema = if has_code { Some(schema_of(&form.input_schema)?) } else { None };
    let changes = Changes {
        name: Some(form.name.trim().to_owned()),
        // Browsers end lines as HTTP does.
        description: has_code.then(|| form.description.replace("\r\n", "\n")),
        python_code: form.python_code.clone(),
        uri,
        input_schema,
        timeout_ms: Some(timeout_ms),
        enabled: None,
        seen: Some(form.digest.clone()),
    };
    tools::update(app, &Who::from(admin.clone()), id, changes).await?;
    Ok(())
}

/// The schema in a field; an empty one is that of the signature.
fn schema_of(field: &str) -> Result<Value, Problem> {
    if field.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(field).map_err(|error| {
        Problem::invalid("input_schema", &format!("expected a JSON object, or nothing: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use app::servers::Status;
    use app::tools::Kind;
    use serde_json::json;

    use super::*;
    use crate::servers::tests::server;
    use crate::tools::tests::{revision, tool};

    #[test]
    fn who_edits_is_told_of_what_the_fields_do_not_show() {
        let detail = |source: &str| {
            let newest = revision(2, source);
            Detail { tool: tool(), server: server(Status::Running), newest, live: None }
        };
        let edited = |source: &str| EditPage::new(Frame::sample("/servers"), detail(source));
        let plain = edited("a = 1\nb = '</textarea>'\n").render().unwrap();
        view::sample("tool-edit", &plain);
        assert!(!plain.contains("do not show") && !plain.contains("'</textarea>"), "{plain}");
        let hidden = edited("a = '\u{202e}'").render().unwrap();
        assert!(hidden.contains("do not show"), "{hidden}");
    }

    #[test]
    fn a_given_schema_and_a_uri_are_fields_that_come_back_as_they_were() {
        let schema = json!({"type": "object", "properties": {"b": {}, "a": {"maximum": 1e30}}});
        let newest = Revision {
            kind: Kind::Resource,
            uri: Some("notes://{b}".to_owned()),
            input_schema: schema.clone(),
            schema_given: true,
            ..revision(2, "x")
        };
        let detail = Detail { tool: tool(), server: server(Status::Running), newest, live: None };
        let page = EditPage::new(Frame::sample("/servers"), detail);
        let html = page.render().unwrap();
        assert!(html.contains("value=\"notes://{b}\""), "{html}");
        let read = schema_of(&page.form.input_schema.replace('\n', "\r\n")).ok();
        assert_eq!(read.map(|read| read.to_string()), Some(schema.to_string()));
        assert_eq!(schema_of(" \n").ok(), Some(Value::Null));
        assert!(schema_of("{").is_err());
    }
}
