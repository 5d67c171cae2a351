//! The reviewer's page: what waits, with code and difference, and the decision about it.

use app::approvals::{Action, Decision, QueueItem};
use app::calls::{Call, Filter};
use app::capabilities::{Capabilities, Standing};
use app::servers::Status;
use app::tools::{Detail, Revision, State as RevisionState, Tool};
use app::{App, Listed, approvals, calls, capabilities, servers, tools};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use uuid::Uuid;

use crate::capabilities::Declared;
use crate::code::{self, Listing};
use crate::diff::{self, Diff};
use crate::errors::{Answer, Problem};
use crate::extract::{self, Fields, Id, Search};
use crate::requests::Waiting;
use crate::session::SignedIn;
use crate::sources::imported::Definition;
use crate::sources::rows::Waiting as WaitingSources;
use crate::view::{self, Frame, Pager};

/// Few, because each shows its whole code.
const PAGE_SIZE: u64 = 10;

/// So many test runs are shown with each.
const TESTS_SHOWN: u64 = 5;

/// A revision that a person can decide about now.
#[derive(Debug, Clone, Template)]
#[template(path = "approvals/review.html")]
pub(crate) struct Review {
    public_name: String,
    revision: Revision,
    live_number: Option<i32>,
    /// What it may use, and how that differs from the live revision.
    declared: Declared,
    /// What it changes of the live revision.
    diff: Option<Diff>,
    listing: Listing,
    /// The last test runs of exactly this revision.
    calls: Vec<Call>,
    /// What it is at its source, if it has no code of its own.
    imported: Option<Definition>,
    /// Why clients cannot call the live revision until a person has looked.
    quarantine: Option<String>,
}

impl askama::filters::HtmlSafe for Review {}

/// What came of a decision.
#[derive(Debug, Clone, Template)]
#[template(path = "approvals/decided.html")]
pub(crate) struct Decided {
    tool_id: Uuid,
    server_id: Uuid,
    public_name: String,
    revision: Revision,
    /// Whether clients can call it now.
    callable: bool,
    enabled: bool,
    /// Why its source is not trusted with it.
    quarantine: Option<String>,
}

impl askama::filters::HtmlSafe for Decided {}

#[derive(Template)]
#[template(path = "approvals/list.html")]
struct ListPage {
    frame: Frame,
    status: RevisionState,
    search: String,
    decided: Option<Decided>,
    /// Requests for modules, hosts and packages.
    waiting: Waiting,
    /// External sources that models asked for.
    sources: WaitingSources,
    reviews: Vec<Review>,
    others: Vec<QueueItem>,
    pager: Pager,
}

#[derive(Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    page: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    search: String,
    #[serde(default)]
    decided: Option<Uuid>,
}

#[derive(Deserialize)]
pub(crate) struct Form {
    action: String,
    digest: String,
    #[serde(default)]
    reason: String,
}

impl Review {
    /// With what a person has to know to decide.
    pub(crate) async fn load(
        app: &App,
        (tool, public_name): (&Tool, String),
        revision: Revision,
        live: Option<&Revision>,
    ) -> Result<Self, Problem> {
        let standing = capabilities::standing(app, tool.server_id, &revision).await?;
        let tests =
            Filter { revision_id: Some(revision.id), is_test: Some(true), ..Filter::default() };
        let page = app::Page { number: 1, size: TESTS_SHOWN };
        let calls = calls::logs(app, &tests, page).await?.items;
        let imported = Definition::of(app, &revision).await?;
        let quarantine = tool.quarantine.clone();
        let review = Self::new(public_name, revision, live, &standing, calls);
        Ok(Self { imported, quarantine, ..review })
    }

    fn new(
        public_name: String,
        revision: Revision,
        live: Option<&Revision>,
        standing: &Standing,
        calls: Vec<Call>,
    ) -> Self {
        let live = live.filter(|live| live.id != revision.id);
        let declared = live.map(Capabilities::of);
        Self {
            declared: Declared::new(standing, declared.as_ref()),
            calls,
            public_name,
            live_number: live.map(|live| live.number),
            diff: live.map(|live| diff::between(live, &revision)),
            listing: code::listing(&revision.python_code),
            imported: None,
            quarantine: None,
            revision,
        }
    }

    /// The decision about a tool's newest revision; none where it is approved.
    pub(crate) async fn of_tool(app: &App, detail: &Detail) -> Result<Option<Self>, Problem> {
        let decidable =
            [RevisionState::Draft, RevisionState::PendingReview, RevisionState::Rejected];
        if !decidable.contains(&detail.newest.state) {
            return Ok(None);
        }
        let public_name = servers::public_name(&detail.server, &detail.newest.name);
        let tool = (&detail.tool, public_name);
        let review = Self::load(app, tool, detail.newest.clone(), detail.live.as_ref()).await?;
        Ok(Some(review))
    }

    /// What says which revision is ticked.
    fn pick(&self) -> String {
        format!("tools/{}/{}", self.revision.tool_id, self.revision.digest)
    }

    fn is_pending(&self) -> bool {
        self.revision.state == RevisionState::PendingReview
    }
}

impl Decided {
    fn of_tool(detail: Detail) -> Self {
        let approved = detail.newest.state == RevisionState::Approved;
        let running = detail.server.status == Status::Running;
        Self {
            tool_id: detail.tool.id,
            server_id: detail.server.id,
            public_name: servers::public_name(&detail.server, &detail.newest.name),
            callable: approved
                && running
                && detail.tool.enabled
                && detail.tool.quarantine.is_none(),
            enabled: detail.tool.enabled,
            quarantine: detail.tool.quarantine,
            revision: detail.newest,
        }
    }
}

/// GET /approvals
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Search(look): Search<Look>,
) -> Answer {
    let status = match look.status.as_str() {
        "approved" => RevisionState::Approved,
        "rejected" => RevisionState::Rejected,
        _ => RevisionState::PendingReview,
    };
    let page = app::Page { number: view::number(&look.page), size: PAGE_SIZE };
    let text = extract::text(&look.search)?;
    let Listed { items, total } =
        approvals::search(&app, Some(status), text.as_deref(), page).await?;
    let decided = match look.decided {
        Some(id) => tools::get(&app, id).await.ok().map(Decided::of_tool),
        None => None,
    };
    let (mut reviews, mut others) = (Vec::new(), Vec::new());
    let (mut waiting, mut sources) = (Waiting::default(), WaitingSources::default());
    if status == RevisionState::PendingReview {
        if page.number == 1 && text.is_none() {
            waiting = Waiting::load(&app).await?;
            sources = WaitingSources::load(&app).await?;
        }
        for item in items {
            let tool = (&item.tool, item.public_name);
            reviews.push(Review::load(&app, tool, item.revision, item.live.as_ref()).await?);
        }
    } else {
        others = items;
    }
    let looked_for = view::percent_encoded(&look.search);
    let path = format!("/approvals?status={}&search={looked_for}", status.as_str());
    view::page(&ListPage {
        frame: Frame::load(&app, &admin, "/approvals").await?,
        status,
        search: look.search,
        decided,
        waiting,
        sources,
        reviews,
        others,
        pager: Pager::new(page, total, &path),
    })
}

/// GET /approvals/count
pub(crate) async fn count(State(app): State<App>) -> Answer {
    view::page(&view::Count { pending: view::pending(&app).await? })
}

/// POST /approvals/{id}
pub(crate) async fn decide(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    headers: HeaderMap,
    Fields(form): Fields<Form>,
) -> Answer {
    let action = match form.action.as_str() {
        "approve" => Action::Approve,
        "reject" => Action::Reject,
        _ => return Err(Problem::invalid("action", "expected approve or reject")),
    };
    let reason = Some(form.reason).filter(|reason| !reason.trim().is_empty());
    let decision = Decision { action, digest: Some(form.digest), reason };
    approvals::decide(&app, &admin, id, decision).await?;
    if !headers.contains_key("hx-request") {
        return Ok(Redirect::to(&format!("/approvals?decided={id}")).into_response());
    }
    let fragment = view::page(&Decided::of_tool(tools::get(&app, id).await?))?;
    // The count in the navigation listens for this.
    let tell = [(HeaderName::from_static("hx-trigger"), r#"{"decided":{"target":"body"}}"#)];
    Ok((StatusCode::OK, tell, fragment).into_response())
}

#[cfg(test)]
pub(crate) mod tests {
    use app::requests::Kind;

    use super::*;
    use crate::capabilities::tests::standing;
    use crate::logs::tests::call;
    use crate::requests::tests::{card, request};
    use crate::servers::tests::server;
    use crate::tools::tests::{SOURCE, revision, tool};

    pub(crate) fn queue_item() -> QueueItem {
        QueueItem {
            tool: tool(),
            revision: revision(1, SOURCE),
            server_name: "weather".to_owned(),
            public_name: "weather__forecast".to_owned(),
            live: None,
        }
    }

    pub(crate) fn review(revision: Revision, live: Option<&Revision>) -> Review {
        Review::new("weather__forecast".to_owned(), revision, live, &standing(), vec![call(true)])
    }

    fn page(reviews: Vec<Review>) -> ListPage {
        ListPage {
            frame: Frame::sample("/approvals"),
            status: RevisionState::PendingReview,
            search: String::new(),
            decided: None,
            waiting: Waiting::default(),
            sources: WaitingSources::default(),
            reviews,
            others: vec![],
            pager: Pager::new(app::Page { number: 1, size: 10 }, 2, "/approvals"),
        }
    }

    #[test]
    fn what_waits_is_shown_with_its_code_and_its_digest() {
        let live = revision(1, SOURCE);
        let changed = SOURCE.replace("range(days)", "range(days + 1)");
        let mut update = review(revision(2, &changed), Some(&live));
        update.revision.remarks = vec!["line 3 uses a computed attribute name".to_owned()];
        let new = review(revision(1, SOURCE), None);
        let html = page(vec![new, update]).render().unwrap();
        view::sample("approvals", &html);
        let digest = live.digest;
        assert!(html.contains(&format!("value=\"{digest}\"")), "{html}");
        assert!(html.contains(&format!("/{digest}\" form=\"many\"")), "{html}");
        assert!(html.contains("Reads nothing from the network."), "{html}");
        assert!(html.contains("computed attribute"), "{html}");
        let place = |part: &str| html.find(part).unwrap_or_else(|| panic!("{part}: {html}"));
        let (uses, code) = (place("What it uses"), place("Code"));
        assert!(uses < code && code < place("Test runs"), "{html}");
    }

    #[test]
    fn requests_for_modules_stand_above_the_tools() {
        let mut shown = page(vec![]);
        let asked = request(Kind::Module, "sched");
        shown.waiting = Waiting { cards: vec![card(asked)], total: 11 };
        let html = shown.render().unwrap();
        assert!(html.contains("<code><bdi>sched</bdi></code>"), "{html}");
        assert!(html.contains("All 11 requests") && !html.contains("Nothing waits"), "{html}");
    }

    #[test]
    fn an_empty_queue_says_so() {
        let html = page(vec![]).render().unwrap();
        view::sample("approvals-empty", &html);
        assert!(html.contains("Nothing waits"), "{html}");
    }

    #[test]
    fn a_decision_says_whether_clients_can_call_the_tool() {
        let approved = Revision { state: RevisionState::Approved, ..revision(1, SOURCE) };
        for (status, text) in
            [(Status::Running, "Clients can call it now"), (Status::Stopped, "is stopped")]
        {
            let decided = Decided::of_tool(Detail {
                tool: tool(),
                server: server(status),
                newest: approved.clone(),
                live: None,
            });
            let html = decided.render().unwrap();
            assert!(html.contains("approved") && html.contains(text), "{html}");
        }
    }
}
