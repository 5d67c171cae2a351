//! The execution log: what was called, by whom, and what came of it.

use app::artifacts::{self, Artifact};
use app::calls::{Call, Filter};
use app::outside::Logged;
use app::tools::Detail;
use app::{App, Page, calls, outside, tools};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use uuid::Uuid;

use crate::errors::{Answer, Problem};
use crate::extract::{Id, Search};
use crate::session::SignedIn;
use crate::view::{self, Frame, Pager, percent_encoded};

const PAGE_SIZE: u64 = 50;

#[derive(Template)]
#[template(path = "logs/list.html")]
struct ListPage {
    frame: Frame,
    search: Look,
    calls: Vec<Call>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "logs/show.html")]
struct ShowPage {
    frame: Frame,
    call: Call,
    tool_exists: bool,
    /// The number of the version that ran, if it is still known.
    version: Option<i32>,
    /// What the call left that was too large for its answer, until it expires.
    artifacts: Vec<Artifact>,
    /// What it did outside.
    requests: Vec<Logged>,
}

/// The fields of the filter, empty where they do not matter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    page: String,
    tool: String,
    outcome: String,
    caller: String,
    tool_id: String,
    server_id: String,
}

impl Look {
    fn filter(&self) -> Result<Filter, Problem> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(Filter {
            tool_id: id("tool_id", &self.tool_id)?,
            server_id: id("server_id", &self.server_id)?,
            tool_name_contains: text(&self.tool),
            success: match self.outcome.as_str() {
                "succeeded" => Some(true),
                "failed" => Some(false),
                _ => None,
            },
            caller: text(&self.caller),
            ..Filter::default()
        })
    }

    /// The address of this list without the number of the page.
    fn path(&self) -> String {
        let fields = [
            ("tool", &self.tool),
            ("outcome", &self.outcome),
            ("caller", &self.caller),
            ("tool_id", &self.tool_id),
            ("server_id", &self.server_id),
        ];
        let set = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<_> =
            set.map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        if pairs.is_empty() { "/logs".to_owned() } else { format!("/logs?{}", pairs.join("&")) }
    }

    fn is_filtered(&self) -> bool {
        self.path() != "/logs"
    }
}

/// GET /logs
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Search(search): Search<Look>,
) -> Answer {
    let page = Page { number: view::number(&search.page), size: PAGE_SIZE };
    let listed = calls::logs(&app, &search.filter()?, page).await?;
    view::page(&ListPage {
        frame: Frame::load(&app, &admin, "/logs").await?,
        calls: listed.items,
        pager: Pager::new(page, listed.total, &search.path()),
        search,
    })
}

/// GET /logs/{id}
pub(crate) async fn show(State(app): State<App>, SignedIn(admin): SignedIn, Id(id): Id) -> Answer {
    let frame = Frame::load(&app, &admin, "/logs").await?;
    let call = calls::find(&app, id).await?;
    let (tool_exists, version) = match tools::get(&app, call.tool_id).await {
        Ok(detail) => (true, version(&app, &detail, call.revision_id).await?),
        Err(app::Error::NotFound { .. }) => (false, None),
        Err(error) => return Err(error.into()),
    };
    let artifacts = artifacts::of_call(&app, id).await?;
    let requests = outside::logged(&call.requests);
    view::page(&ShowPage { frame, call, tool_exists, version, artifacts, requests })
}

/// The number of a revision; none where it is older than the versions that are looked through.
async fn version(app: &App, detail: &Detail, revision: Uuid) -> Result<Option<i32>, Problem> {
    let likely = [Some(&detail.newest), detail.live.as_ref()];
    if let Some(found) = likely.into_iter().flatten().find(|known| known.id == revision) {
        return Ok(Some(found.number));
    }
    let recent = tools::versions(app, detail.tool.id, Page { number: 1, size: 100 }).await?;
    Ok(recent.items.iter().find(|known| known.id == revision).map(|known| known.number))
}

/// A kind of failure in words for people.
pub(crate) fn outcome(kind: &str) -> String {
    let text = match kind {
        "syntax" => "syntax error",
        "no_main" => "no main function",
        "arguments" => "wrong arguments",
        "exception" => "raised an error",
        "client_capability" => "client cannot be asked",
        "reported" => "returned an error",
        "exit" => "tried to exit",
        "memory" => "out of memory",
        "cpu" => "too much processor time",
        "wall_clock" => "timed out",
        "recursion" => "nested too deeply",
        "handles" => "too many handles",
        "source_too_large" => "code too long",
        "result_too_large" => "result too large",
        "not_serializable" => "no JSON result",
        "return_type" => "wrong result type",
        "deadlock" => "waited for nothing",
        "trap" => "interpreter failed",
        "worker_lost" => "sandbox failed",
        "busy" => "sandbox was busy",
        other => return view::words(other),
    };
    text.to_owned()
}

/// How long a call ran; a dash where the tool never began.
pub(crate) fn duration(call: &Call) -> String {
    let never_ran = ["arguments", "busy", "syntax", "source_too_large", "no_main"];
    match call.error_kind.as_deref() {
        Some(kind) if never_ran.contains(&kind) => "–".to_owned(),
        _ => view::duration(call.duration_us),
    }
}

fn id(field: &'static str, text: &str) -> Result<Option<Uuid>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let id = text.parse().ok();
    id.map(Some).ok_or_else(|| Problem::invalid(field, "expected a UUID"))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn call(success: bool) -> Call {
        Call {
            id: Uuid::nil(),
            server_id: Uuid::nil(),
            tool_id: Uuid::nil(),
            revision_id: Uuid::nil(),
            digest: "3f7a9c".repeat(10),
            tool_name: "weather__forecast".to_owned(),
            caller: "laptop".to_owned(),
            is_test: !success,
            kind: tools::Kind::Tool,
            arguments: json!({"place": "Lund", "days": 3}),
            result: success.then(|| json!({"place": "Lund", "days": [21.46, 22.46]})),
            requests: json!([
                {"method": "GET", "url": "https://api.example.com/now?city", "status": 200,
                 "sent_bytes": 0, "received_bytes": 512, "duration_us": 8_400},
                {"method": "POST", "url": "http://192.168.1.7/", "status": null,
                 "sent_bytes": 12, "received_bytes": 0, "duration_us": 90,
                 "error": "'192.168.1.7' (port 80) is not approved for this server"},
                {"asked": "elicit", "key": "sure", "outcome": "timed_out", "duration_us": 61_000},
                {"more": 3},
            ]),
            refused: json!([]),
            stdout: "looking at Lund\n".to_owned(),
            error: (!success).then(|| "ZeroDivisionError: division by zero\nline 9".to_owned()),
            error_kind: (!success).then(|| "exception".to_owned()),
            success,
            duration_us: 12_345,
            created_at: app::clock::now(),
        }
    }

    fn artifact() -> Artifact {
        Artifact {
            id: Uuid::nil(),
            call_id: Uuid::nil(),
            owner: "local".to_owned(),
            mime_type: "application/json".to_owned(),
            name: None,
            is_text: true,
            bytes: 3_000_000,
            created_at: app::clock::now(),
            expires_at: app::clock::now(),
        }
    }

    #[test]
    fn the_filter_goes_on_through_the_pages() {
        let search =
            Look { tool: "a b".to_owned(), outcome: "failed".to_owned(), ..Look::default() };
        assert_eq!(search.path(), "/logs?tool=a%20b&outcome=failed");
        let filter = search.filter().unwrap();
        assert_eq!(
            (filter.tool_name_contains.as_deref(), filter.success),
            (Some("a b"), Some(false))
        );
        let pager = Pager::new(Page { number: 2, size: 50 }, 120, &search.path());
        let frame = Frame::sample("/logs");
        let calls = vec![call(true), call(false)];
        let html = ListPage { frame, search, calls, pager }.render().unwrap();
        view::sample("logs", &html);
        assert!(html.contains("/logs?tool=a%20b&#38;outcome=failed&#38;page=3"), "{html}");
    }

    #[test]
    fn an_id_that_is_none_is_refused_and_an_empty_one_ignored() {
        assert!(Look { tool_id: "x".to_owned(), ..Look::default() }.filter().is_err());
        assert_eq!(Look::default().filter().unwrap(), Filter::default());
    }

    #[test]
    fn a_call_shows_what_went_in_and_what_came_out() {
        for (success, expected) in [(true, "21.46"), (false, "ZeroDivisionError")] {
            let version = success.then_some(3);
            let frame = Frame::sample("/logs");
            let artifacts = if success { vec![artifact()] } else { Vec::new() };
            let call = call(success);
            let requests = outside::logged(&call.requests);
            let page = ShowPage { frame, call, tool_exists: true, version, artifacts, requests };
            let html = page.render().unwrap();
            view::sample(if success { "call" } else { "call-failed" }, &html);
            for part in [
                expected,
                "Lund",
                "looking at Lund",
                "laptop",
                "12.3 ms",
                "https://api.example.com/now?city",
                "8.4 ms",
                "<code><bdi>sure</bdi></code>",
                "timed out",
                "61.0 ms",
                "is not approved",
                "and 3 more",
            ] {
                assert!(html.contains(part), "{part}: {html}");
            }
            let kept = html.contains("/artifacts/00000000-0000-0000-0000-000000000000");
            assert_eq!(kept, success, "{html}");
        }
    }

    #[test]
    fn the_version_that_ran_is_named_or_else_its_digest() {
        let page = |version| {
            let frame = Frame::sample("/logs");
            let (call, artifacts) = (call(true), Vec::new());
            ShowPage { frame, call, tool_exists: true, version, artifacts, requests: Vec::new() }
                .render()
                .unwrap()
        };
        assert!(page(Some(3)).contains("?version=3"));
        assert!(page(None).contains("<dd><code class=\"digest\">3f7a9c3f7a9c</code>"));
    }

    #[test]
    fn outcomes_are_words_and_a_call_that_never_ran_has_no_duration() {
        let kinds = ["arguments", "wall_clock", "not_serializable", "a_new_kind"];
        let words = kinds.map(outcome);
        assert_eq!(words, ["wrong arguments", "timed out", "no JSON result", "a new kind"]);
        let refused = Call { error_kind: Some("arguments".to_owned()), ..call(false) };
        assert_eq!([duration(&refused), duration(&call(false))], ["–", "12.3 ms"]);
    }

    #[test]
    fn nothing_in_a_call_is_invisible() {
        let evil = "a\u{202e}b\u{200b}c";
        let call = Call {
            tool_name: evil.to_owned(),
            caller: evil.to_owned(),
            arguments: json!({ evil: evil }),
            result: Some(json!([evil])),
            stdout: evil.to_owned(),
            error: Some(evil.to_owned()),
            ..call(false)
        };
        let frame = Frame::sample("/logs");
        let artifacts = vec![Artifact { name: Some(evil.to_owned()), ..artifact() }];
        let (tool_exists, version) = (true, None);
        let requests = outside::logged(&call.requests);
        let call_shown = call.clone();
        let shown = ShowPage { frame, call: call_shown, tool_exists, version, artifacts, requests };
        let pager = Pager::new(Page { number: 1, size: 50 }, 1, "/logs");
        let frame = Frame::sample("/logs");
        let list = ListPage { frame, search: Look::default(), calls: vec![call], pager };
        for html in [shown.render().unwrap(), list.render().unwrap()] {
            assert!(html.contains("U+202E") && html.contains("U+200B"), "{html}");
            assert!(!html.contains(['\u{202e}', '\u{200b}']), "{html}");
        }
    }

    #[test]
    fn an_empty_log_says_what_to_do_next() {
        let pager = Pager::new(Page { number: 1, size: 50 }, 0, "/logs");
        let frame = Frame::sample("/logs");
        let page = ListPage { frame, search: Look::default(), calls: vec![], pager };
        assert!(page.render().unwrap().contains("No calls yet"));
    }
}
