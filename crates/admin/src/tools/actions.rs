//! What a person does on the page of a tool: switch, test, go back, revoke, delete.

use app::calls::Report;
use app::drafts::Seen;
use app::identity::Who;
use app::tools::{Changes, Kind, State as RevisionState};
use app::{App, approvals, drafts, servers, tools};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id};
use crate::session::SignedIn;
use crate::view::{self, Frame};

#[derive(Deserialize)]
pub(crate) struct Enabled {
    enabled: bool,
}

#[derive(Deserialize)]
pub(crate) struct Test {
    #[serde(default)]
    arguments: String,
    #[serde(default)]
    with_secrets: bool,
    /// The digest of the version that was on the page.
    digest: String,
}

#[derive(Deserialize)]
pub(crate) struct Version {
    version: i32,
}

#[derive(Deserialize)]
pub(crate) struct Revoke {
    digest: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    name: String,
}

#[derive(Template)]
#[template(path = "tools/test.html")]
struct TestPage {
    frame: Frame,
    tool_id: Uuid,
    name: String,
    kind: Kind,
    uri: Option<String>,
    /// Whether it runs at its source.
    is_imported: bool,
    arguments: String,
    with_secrets: bool,
    /// The version that runs, and its digest.
    version: i32,
    digest: String,
    is_approved: bool,
    /// Why it was not run.
    problem: String,
    report: Option<Tested>,
}

/// A test run, as it is shown.
struct Tested {
    call_id: Uuid,
    succeeded: bool,
    result: Option<String>,
    failure: String,
    stdout: String,
    duration: String,
    /// In whole megabytes.
    memory: u64,
}

/// POST /tools/{id}/enabled
pub(crate) async fn set_enabled(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Enabled>,
) -> Answer {
    let changes = Changes { enabled: Some(form.enabled), ..Changes::default() };
    tools::update(&app, &Who::from(admin), id, changes).await?;
    Ok(back(id))
}

/// GET /tools/{id}/test
pub(crate) async fn test_form(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    let detail = tools::get(&app, id).await?;
    view::page(&TestPage {
        frame: Frame::load(&app, &admin, "/servers").await?,
        tool_id: id,
        name: servers::public_name(&detail.server, &detail.newest.name),
        kind: detail.newest.kind,
        uri: detail.newest.uri.clone(),
        is_imported: detail.newest.imported.is_some(),
        arguments: example(&detail.newest.input_schema),
        with_secrets: false,
        version: detail.newest.number,
        digest: detail.newest.digest,
        is_approved: detail.newest.state == RevisionState::Approved,
        problem: String::new(),
        report: None,
    })
}

/// POST /tools/{id}/test
pub(crate) async fn test(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Test>,
) -> Answer {
    let detail = tools::get(&app, id).await?;
    let mut page = TestPage {
        frame: Frame::load(&app, &admin, "/servers").await?,
        tool_id: id,
        name: servers::public_name(&detail.server, &detail.newest.name),
        kind: detail.newest.kind,
        uri: detail.newest.uri.clone(),
        is_imported: detail.newest.imported.is_some(),
        arguments: form.arguments,
        with_secrets: form.with_secrets,
        version: detail.newest.number,
        digest: detail.newest.digest,
        is_approved: detail.newest.state == RevisionState::Approved,
        problem: String::new(),
        report: None,
    };
    let arguments = match read(&page.arguments) {
        Ok(arguments) => arguments,
        Err(problem) => {
            page.problem = problem;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, view::page(&page)?).into_response());
        }
    };
    let seen = Seen { digest: Some(form.digest), with_secrets: form.with_secrets };
    let report = drafts::test_by_admin(&app, &admin, id, arguments, seen).await?;
    page.report = Some(Tested::of(&report));
    view::page(&page)
}

/// POST /tools/{id}/rollback
pub(crate) async fn rollback(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Version>,
) -> Answer {
    approvals::rollback(&app, &Who::from(admin), id, form.version).await?;
    Ok(back(id))
}

/// POST /tools/{id}/revoke
pub(crate) async fn revoke(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Revoke>,
) -> Answer {
    let reason = Some(form.reason.trim()).filter(|reason| !reason.is_empty());
    approvals::revoke(&app, &admin, id, Some(&form.digest), reason).await?;
    Ok(back(id))
}

/// POST /tools/{id}/delete
pub(crate) async fn delete(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Delete>,
) -> Answer {
    let detail = tools::get(&app, id).await?;
    if form.name.trim() != detail.tool.name {
        return Err(Problem::invalid("name", "type the tool's name to delete it"));
    }
    tools::delete(&app, &Who::from(admin), id).await?;
    Ok(Redirect::to(&format!("/servers/{}", detail.server.id)).into_response())
}

pub(super) fn back(id: Uuid) -> axum::response::Response {
    Redirect::to(&format!("/tools/{id}")).into_response()
}

/// The arguments that a person wrote; nothing written is none.
fn read(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err("the arguments are a JSON object, such as {\"place\": \"Rome\"}".to_owned()),
        Err(error) => Err(format!("the arguments are no JSON: {error}")),
    }
}

/// An object with the parameters that have to be given, to be filled in.
fn example(schema: &Value) -> String {
    let required = schema.get("required").and_then(Value::as_array);
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    let fields = names.map(|name| {
        let kind = schema.pointer(&format!("/properties/{name}/type")).and_then(Value::as_str);
        let value = match kind {
            Some("string") => Value::from(""),
            Some("integer" | "number") => Value::from(0),
            Some("boolean") => Value::from(false),
            Some("array") => Value::Array(Vec::new()),
            Some("object") => Value::Object(Map::new()),
            _ => Value::Null,
        };
        (name.to_owned(), value)
    });
    view::pretty(&Value::Object(fields.collect()))
}

impl Tested {
    fn of(report: &Report) -> Self {
        let result = report.outcome.as_ref().ok().map(|text| {
            serde_json::from_str(text).map_or_else(|_| text.clone(), |value| view::pretty(&value))
        });
        let microseconds = i64::try_from(report.duration.as_micros()).unwrap_or(i64::MAX);
        Self {
            call_id: report.call_id,
            succeeded: report.succeeded(),
            result,
            failure: report.text_of_failure(),
            stdout: report.beginning_of_stdout(),
            duration: view::duration(microseconds),
            memory: report.memory_bytes >> 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(report: Option<Tested>, problem: &str) -> TestPage {
        TestPage {
            frame: Frame::sample("/servers"),
            tool_id: Uuid::nil(),
            name: "weather__forecast".to_owned(),
            kind: Kind::Tool,
            uri: None,
            is_imported: false,
            arguments: "{\"place\": \"<b>\"}".to_owned(),
            with_secrets: false,
            version: 2,
            digest: "3f".repeat(32),
            is_approved: false,
            problem: problem.to_owned(),
            report,
        }
    }

    #[test]
    fn arguments_are_an_object_or_nothing() {
        assert_eq!(read(" \n").unwrap(), Map::new());
        assert_eq!(read(r#"{"a": 1}"#).unwrap().get("a"), Some(&json!(1)));
        assert!(read("[1]").unwrap_err().contains("JSON object"));
        assert!(read("{").unwrap_err().contains("no JSON"));
    }

    #[test]
    fn the_form_names_what_has_to_be_given() {
        let schema = json!({
            "properties": {"place": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["place"],
        });
        assert_eq!(serde_json::from_str::<Value>(&example(&schema)).unwrap(), json!({"place": ""}));
        assert_eq!(example(&json!({})), "{}");
    }

    #[test]
    fn a_run_shows_its_result_its_failure_and_what_it_printed() {
        let tested = Tested {
            call_id: Uuid::nil(),
            succeeded: false,
            result: Some("1".to_owned()),
            failure: "the run asked for what it does not have: host `a.example`".to_owned(),
            stdout: "before <i>".to_owned(),
            duration: "1.5 ms".to_owned(),
            memory: 40,
        };
        let html = page(Some(tested), "").render().unwrap();
        view::sample("tool-test", &html);
        let digest = format!("name=\"digest\" value=\"{}\"", "3f".repeat(32));
        for part in
            [&*digest, "a.example", "before &#60;i&#62;", "1.5 ms", "{&#34;place&#34;: &#34;&#60;b"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        let html = page(None, "the arguments are no JSON").render().unwrap();
        assert!(html.contains("role=\"alert\"") && !html.contains("Printed"), "{html}");
        assert!(html.contains("name=\"with_secrets\""), "{html}");
        let imported = TestPage { is_imported: true, ..page(None, "") }.render().unwrap();
        assert!(imported.contains("at its source") && !imported.contains("with_secrets"));
    }
}
