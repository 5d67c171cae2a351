//! The page of a tool: its code, its state, its history, and the decision about it.

mod actions;
mod editing;

use app::approvals::Approval;
use app::calls::{Call, Filter};
use app::capabilities::Capabilities;
use app::tools::{Detail, Revision};
use app::{App, Page, approvals, calls, capabilities, tools};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;

pub(crate) use self::actions::{delete, revoke, rollback, set_enabled, test, test_form};
pub(crate) use self::editing::{edit, edit_form};
use crate::approvals::Review;
use crate::capabilities::Declared;
use crate::code::{self, Listing};
use crate::diff::{self, Diff};
use crate::errors::{Answer, Problem};
use crate::extract::{Id, Search};
use crate::session::SignedIn;
use crate::sources::imported::Definition;
use crate::view::{self, Frame, Pager};

const VERSIONS_PER_PAGE: u64 = 20;

#[derive(Template)]
#[template(path = "tools/show.html")]
struct ShowPage {
    frame: Frame,
    detail: Detail,
    /// The decision that can be made now, about the newest revision.
    review: Option<Review>,
    /// The revision that is looked at.
    shown: Revision,
    /// What it may use.
    declared: Declared,
    listing: Listing,
    /// What it is at its source, if it has no code of its own.
    imported: Option<Definition>,
    diff: Option<Diff>,
    versions: Vec<Revision>,
    pager: Pager,
    history: Vec<Approval>,
    calls: Vec<Call>,
}

impl ShowPage {
    fn timeout_ms(&self) -> i32 {
        self.detail.newest.timeout_ms.unwrap_or(self.detail.server.default_timeout_ms)
    }

    fn time_limit(&self) -> String {
        view::limit(self.timeout_ms())
    }

    fn public_name(&self) -> String {
        app::servers::public_name(&self.detail.server, &self.detail.tool.name)
    }

    fn is_live(&self, version: &Revision) -> bool {
        self.detail.tool.live_revision == Some(version.id)
    }
}

#[derive(Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    page: String,
    #[serde(default)]
    version: String,
}

/// GET /tools/{id}
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Search(look): Search<Look>,
) -> Answer {
    let detail = tools::get(&app, id).await?;
    let shown = version(&app, &detail, &look.version).await?;
    let page = Page { number: view::number(&look.page), size: VERSIONS_PER_PAGE };
    let versions = tools::versions(&app, id, page).await?;
    let of_tool = Filter { tool_id: Some(id), ..Filter::default() };
    // While the newest version is looked at, the review shows its code.
    let review =
        if shown.id == detail.newest.id { Review::of_tool(&app, &detail).await? } else { None };
    let standing = capabilities::standing(&app, detail.server.id, &shown).await?;
    let of_live = detail.live.as_ref().filter(|live| live.id != shown.id).map(Capabilities::of);
    let live = detail.live.as_ref().filter(|live| live.id != shown.id);
    view::page(&ShowPage {
        frame: Frame::load(&app, &admin, "/servers").await?,
        review,
        declared: Declared::new(&standing, of_live.as_ref()),
        listing: code::listing(&shown.python_code),
        imported: Definition::of(&app, &shown).await?,
        diff: live.map(|live| diff::between(live, &shown)),
        versions: versions.items,
        pager: Pager::new(page, versions.total, &format!("/tools/{id}")),
        history: approvals::history(&app, id).await?,
        calls: calls::logs(&app, &of_tool, Page { number: 1, size: 10 }).await?.items,
        shown,
        detail,
    })
}

/// The revision of that number, or the newest one where none is asked for.
async fn version(app: &App, detail: &Detail, number: &str) -> Result<Revision, Problem> {
    if number.is_empty() {
        return Ok(detail.newest.clone());
    }
    let wanted = number
        .parse()
        .map_err(|_no_number| Problem::not_found(format!("this tool has no version {number}")))?;
    Ok(tools::version(app, detail.tool.id, wanted).await?)
}

#[cfg(test)]
pub(crate) mod tests {
    use app::servers::Status;
    use app::tools::{State as RevisionState, Tool};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::approvals::tests::review;
    use crate::capabilities::tests::standing;
    use crate::logs::tests::call;
    use crate::servers::tests::server;

    pub(crate) const SOURCE: &str = r#""""Forecasts."""
from dataclasses import dataclass
import json


@dataclass
class Day:
    high: float
    low: float = -5.5


async def main(place: str, days: int = 3) -> dict:
    """The weather of the next days.

    Args:
        place: Where, as people say it.
        days: How many days from now on.
    """
    # Two decimals are enough for anybody.
    print(f"looking at {place}")
    found = [Day(21.456 + day) for day in range(days)]
    return {"place": place, "days": [round(day.high, 2) for day in found]}
"#;

    pub(crate) fn tool() -> Tool {
        let now = app::clock::now();
        Tool {
            id: Uuid::nil(),
            server_id: Uuid::nil(),
            name: "forecast".to_owned(),
            description: "The weather of the next days.".to_owned(),
            enabled: true,
            live_revision: None,
            quarantine: None,
            created_at: now,
            updated_at: now,
        }
    }

    pub(crate) fn revision(number: i32, source: &str) -> Revision {
        let now = app::clock::now();
        Revision {
            id: Uuid::from_u128(u128::from(number.unsigned_abs())),
            tool_id: Uuid::nil(),
            number,
            digest: "3f7a9c".repeat(11).chars().take(64).collect(),
            name: "forecast".to_owned(),
            description: "The weather of the next days.".to_owned(),
            kind: tools::Kind::Tool,
            uri: None,
            imported: None,
            python_code: source.to_owned(),
            timeout_ms: Some(30_000),
            input_schema: json!({
                "type": "object",
                "properties": {"place": {"type": "string"}, "days": {"type": "integer", "default": 3}},
                "required": ["place"],
            }),
            schema_given: false,
            output_schema: None,
            timeout_inherited: false,
            capabilities: json!({}),
            state: RevisionState::PendingReview,
            change_summary: "Updated code".to_owned(),
            change_source: "llm".to_owned(),
            created_by: "claude at 127.0.0.1".to_owned(),
            created_at: now,
            requested_at: Some(now),
            requested_by: Some("claude at 127.0.0.1".to_owned()),
            notes: Some("Reads nothing from the network.".to_owned()),
            decided_at: None,
            decided_by: None,
            rejection_reason: None,
            remarks: Vec::new(),
        }
    }

    fn page(live: Option<Revision>, newest: Revision) -> ShowPage {
        let detail = Detail {
            tool: Tool { live_revision: live.as_ref().map(|live| live.id), ..tool() },
            server: server(Status::Running),
            newest: newest.clone(),
            live: live.clone(),
        };
        ShowPage {
            frame: Frame::sample("/servers"),
            review: (newest.state == RevisionState::PendingReview)
                .then(|| review(newest.clone(), live.as_ref())),
            declared: Declared::new(&standing(), None),
            listing: code::listing(&newest.python_code),
            imported: Definition::new(&newest, Some("box".to_owned())),
            diff: live.as_ref().map(|live| diff::between(live, &newest)),
            versions: [Some(newest.clone()), live].into_iter().flatten().collect(),
            pager: Pager::new(Page { number: 1, size: 20 }, 2, "/tools/x"),
            history: vec![],
            calls: vec![call(true), call(false)],
            shown: newest,
            detail,
        }
    }

    #[test]
    fn a_waiting_change_shows_the_difference_and_the_decision() {
        let live = Revision { state: RevisionState::Approved, ..revision(1, SOURCE) };
        let html =
            page(Some(live), revision(2, &SOURCE.replace("21.456", "19.0"))).render().unwrap();
        view::sample("tool", &html);
        for part in ["name=\"digest\"", "19.0", "21.456", "Approve", "Reject"] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn nothing_that_a_model_wrote_is_invisible() {
        let evil = || "a\u{202e}b\u{200b}c".to_owned();
        let written = |state| Revision {
            name: evil(),
            description: evil(),
            input_schema: json!({"properties": {"days": {"default": evil()}}}),
            output_schema: Some(json!({"title": evil()})),
            change_summary: evil(),
            created_by: evil(),
            requested_by: Some(evil()),
            notes: Some(evil()),
            rejection_reason: Some(evil()),
            remarks: vec![evil()],
            state,
            ..revision(2, SOURCE)
        };
        for state in [RevisionState::PendingReview, RevisionState::Approved] {
            let mut page = page(Some(revision(1, SOURCE)), written(state));
            page.detail.tool.name = evil();
            page.detail.tool.description = evil();
            page.detail.server.name = evil();
            let html = page.render().unwrap();
            assert!(html.contains("U+202E") && html.contains("U+200B"), "{html}");
            assert!(!html.contains(['\u{202e}', '\u{200b}']), "{html}");
        }
    }

    #[test]
    fn an_imported_tool_shows_its_definition_and_why_it_does_not_answer() {
        let definition = json!({
            "name": "Search!",
            "description": "Looks\u{200b} for files.",
            "inputSchema": {"type": "object"},
            "annotations": {"readOnlyHint": true},
        });
        let imported = tools::Imported { source_id: Uuid::from_u128(9), definition };
        let approved = Revision {
            state: RevisionState::Approved,
            imported: Some(imported),
            ..revision(1, "")
        };
        let mut page = page(Some(approved.clone()), approved);
        let html = page.render().unwrap();
        let source = format!("href=\"/sources/{}\"", Uuid::from_u128(9));
        for part in [&*source, "Search!", "U+200B", "readOnlyHint", "external"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("aria-label=\"Source code\""), "{html}");
        assert!(html.contains(">live<") && !html.contains("changed at its source"), "{html}");
        page.detail.tool.quarantine = Some("its source has changed its description".to_owned());
        let html = page.render().unwrap();
        view::sample("tool-quarantined", &html);
        assert!(
            html.contains("changed its description") && !html.contains(">live</span> v"),
            "{html}"
        );
    }

    #[test]
    fn an_approved_tool_asks_for_no_decision() {
        let approved = Revision { state: RevisionState::Approved, ..revision(1, SOURCE) };
        let html = page(Some(approved.clone()), approved).render().unwrap();
        view::sample("tool-approved", &html);
        assert!(!html.contains("action=\"/approvals/") && html.contains("Revoke"), "{html}");
    }
}
