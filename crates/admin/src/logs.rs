//! The execution log: what was called, by whom, and what came of it.

use app::calls::{Call, Filter};
use app::{App, Page, calls};
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
    view::page(&ShowPage { frame, call: calls::find(&app, id).await? })
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
            arguments: json!({"place": "Lund", "days": 3}),
            result: success.then(|| json!({"place": "Lund", "days": [21.46, 22.46]})),
            stdout: "looking at Lund\n".to_owned(),
            error: (!success).then(|| "ZeroDivisionError: division by zero\nline 9".to_owned()),
            error_kind: (!success).then(|| "exception".to_owned()),
            success,
            duration_us: 12_345,
            created_at: app::clock::now(),
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
            let html = ShowPage { frame: Frame::sample("/logs"), call: call(success) };
            let html = html.render().unwrap();
            view::sample(if success { "call" } else { "call-failed" }, &html);
            for part in [expected, "Lund", "looking at Lund", "laptop", "12.3 ms"] {
                assert!(html.contains(part), "{part}: {html}");
            }
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
