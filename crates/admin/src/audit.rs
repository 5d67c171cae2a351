//! The page of the audit log.

use app::audit::{self, Filter, Row};
use app::{App, Page};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use crate::errors::Answer;
use crate::extract::Search;
use crate::session::SignedIn;
use crate::view::{self, Frame, Pager, percent_encoded};

const PAGE_SIZE: u64 = 50;

#[derive(Template)]
#[template(path = "audit/list.html")]
struct AuditPage {
    frame: Frame,
    search: Look,
    rows: Vec<Row>,
    pager: Pager,
}

/// What to show, as the page's form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    page: String,
    action: String,
    actor: String,
    subject_id: String,
}

impl Look {
    /// The filter; an id that is none cannot be anything's.
    fn filter(&self) -> Option<Filter> {
        let given = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let subject_id = match given(&self.subject_id) {
            Some(id) => Some(id.parse().ok()?),
            None => None,
        };
        Some(Filter { action: given(&self.action), actor: given(&self.actor), subject_id })
    }

    fn is_filtered(&self) -> bool {
        [&self.action, &self.actor, &self.subject_id].iter().any(|text| !text.trim().is_empty())
    }

    fn path(&self) -> String {
        let pairs =
            [("action", &self.action), ("actor", &self.actor), ("subject_id", &self.subject_id)];
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        let given: Vec<_> =
            given.map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        if given.is_empty() { "/audit".to_owned() } else { format!("/audit?{}", given.join("&")) }
    }
}

/// GET /audit
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Search(search): Search<Look>,
) -> Answer {
    let page = Page { number: view::number(&search.page), size: PAGE_SIZE };
    let listed = match search.filter() {
        Some(filter) => audit::list(&app, &filter, page).await?,
        None => app::Listed { items: Vec::new(), total: 0 },
    };
    view::page(&AuditPage {
        frame: Frame::load(&app, &admin, "/audit").await?,
        pager: Pager::new(page, listed.total, &search.path()),
        rows: listed.items,
        search,
    })
}

/// What else a row tells, name by name.
fn details(row: &Row) -> Vec<(String, String)> {
    let Value::Object(detail) = &row.detail.0 else { return Vec::new() };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    detail.iter().filter_map(|(name, value)| Some((view::words(name), text(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn row(action: &str, detail: Value) -> Row {
        Row {
            number: 7,
            at: app::clock::now(),
            actor: "grace".to_owned(),
            address: Some("192.0.2.7".to_owned()),
            action: action.to_owned(),
            subject_kind: "setting".to_owned(),
            subject: "remote_tool_editing".to_owned(),
            subject_id: Some(Uuid::nil()),
            digest: Some("a".repeat(64)),
            detail: audit::Json(detail),
            previous_hash: "b".repeat(64),
            hash: "c".repeat(64),
        }
    }

    fn page(rows: Vec<Row>, search: Look) -> String {
        let pager = Pager::new(Page { number: 1, size: PAGE_SIZE }, 60, &search.path());
        let frame = Frame::sample("/audit");
        AuditPage { frame, search, rows, pager }.render().unwrap()
    }

    #[test]
    fn a_row_tells_who_what_where_and_from_what_to_what() {
        let detail = json!({"old": "disabled", "new": "<b>", "server_id": null});
        let html = page(vec![row("setting.changed", detail)], Look::default());
        view::sample("audit", &html);
        for part in [
            "grace",
            "192.0.2.7",
            "setting.changed",
            "remote_tool_editing",
            "old",
            "disabled",
            "&#60;b&#62;",
            "aaaaaaaaaaaa",
            "/audit?page=2",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("server id"), "{html}");
    }

    #[test]
    fn the_filter_stays_over_the_pages_and_an_id_that_is_none_finds_nothing() {
        let look = |id: &str| Look {
            action: "token".to_owned(),
            actor: "gr ace".to_owned(),
            subject_id: id.to_owned(),
            ..Look::default()
        };
        assert_eq!(look("").path(), "/audit?action=token&actor=gr%20ace");
        assert!(look("").filter().is_some_and(|filter| filter.subject_id.is_none()));
        assert!(look("x").filter().is_none());
        let html = page(Vec::new(), look("x"));
        assert!(html.contains("Nothing like this"), "{html}");
    }
}
