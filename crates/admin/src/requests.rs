//! The pages of requests for modules, hosts and packages: what waits, what was decided, what is allowed.

mod modules;

use std::collections::HashSet;

use app::grants::{Event, Grant, RemovedModule};
use app::identity::Admin;
use app::requests::{Decision, Kind, Named, State as RequestState};
use app::{App, Page, grants, network, requests, tools};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use uuid::Uuid;

pub(crate) use self::modules::{add_module, remove_module, reset_modules};
use crate::errors::{Answer, Problem};
use crate::extract::{self, Fields, Id, Search};
use crate::session::SignedIn;
use crate::view::{self, Frame, Pager};

const PAGE_SIZE: u64 = 20;

/// How many of those that wait stand above the tools that wait.
const FIRST: u64 = 10;

/// A request as a card, with the forms that decide about it.
#[derive(Debug, Clone, Template)]
#[template(path = "requests/card.html")]
pub(crate) struct Card {
    named: Named,
    host: String,
    port: Option<u16>,
    /// What approving it changes of the live tool that asked.
    consequence: Option<String>,
}

impl askama::filters::HtmlSafe for Card {}

/// What waits first, and how much waits in all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting {
    pub(crate) cards: Vec<Card>,
    pub(crate) total: u64,
}

#[derive(Template)]
#[template(path = "requests/list.html")]
struct ListPage {
    frame: Frame,
    status: RequestState,
    search: String,
    cards: Vec<Card>,
    modules: Vec<Grant>,
    removed: Vec<RemovedModule>,
    /// Those that every tool may import from the start and still can.
    default: Vec<&'static str>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "requests/history.html")]
struct HistoryPage {
    frame: Frame,
    events: Vec<Event>,
    /// The servers of them that there still are.
    servers: HashSet<Uuid>,
    pager: Pager,
}

impl HistoryPage {
    /// The server of an event, unless it is gone.
    fn still_there(&self, event: &Event) -> Option<Uuid> {
        event.server_id.filter(|id| self.servers.contains(id))
    }
}

#[derive(Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    page: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    search: String,
}

#[derive(Deserialize)]
pub(crate) struct Form {
    action: String,
    #[serde(default)]
    reason: String,
}

impl From<Named> for Card {
    fn from(named: Named) -> Self {
        let (host, port) = network::parts(&named.request.name);
        Self { host: host.to_owned(), port, named, consequence: None }
    }
}

impl Card {
    /// With what a person has to know to decide.
    async fn load(app: &App, named: Named) -> Result<Self, Problem> {
        let consequence = requests::consequence(app, &named.request).await?;
        Ok(Self { consequence, ..Self::from(named) })
    }

    async fn load_all(app: &App, named: Vec<Named>) -> Result<Vec<Self>, Problem> {
        let mut cards = Vec::with_capacity(named.len());
        for named in named {
            cards.push(Self::load(app, named).await?);
        }
        Ok(cards)
    }

    fn is_module(&self) -> bool {
        self.named.request.kind == Kind::Module
    }

    fn is_package(&self) -> bool {
        self.named.request.kind == Kind::Package
    }

    /// The name under which clients see the tool that asked.
    fn public_name(&self) -> String {
        tools::public_name(&self.named.server_prefix, &self.named.tool_name)
    }

    /// What says which one is ticked.
    pub(crate) fn pick(&self) -> String {
        format!("{}/{}", self.of_kind(), self.named.request.id)
    }

    pub(crate) fn name(&self) -> &str {
        &self.named.request.name
    }

    fn is(&self, state: RequestState) -> bool {
        self.named.request.state == state
    }

    /// The part of the paths of its kind.
    fn of_kind(&self) -> &'static str {
        match self.named.request.kind {
            Kind::Module => "modules",
            Kind::Host => "network",
            Kind::Package => "packages",
        }
    }
}

impl Waiting {
    /// What waits now.
    pub(crate) async fn load(app: &App) -> Result<Self, Problem> {
        let page = Page { number: 1, size: FIRST };
        let listed = requests::queue(app, RequestState::Pending, page).await?;
        let cards = Card::load_all(app, listed.items).await?;
        Ok(Self { cards, total: listed.total })
    }
}

/// GET /approvals/requests
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Search(look): Search<Look>,
) -> Answer {
    let status = match look.status.as_str() {
        "approved" => RequestState::Approved,
        "rejected" => RequestState::Rejected,
        _ => RequestState::Pending,
    };
    let page = Page { number: view::number(&look.page), size: PAGE_SIZE };
    let text = extract::text(&look.search)?;
    let search = requests::Search { state: Some(status), text, ..Default::default() };
    let listed = requests::search(&app, &search, page).await?;
    let looked_for = view::percent_encoded(&look.search);
    let path = format!("/approvals/requests?status={status}&search={looked_for}");
    let all = requests::modules(&app, None).await?;
    let is_there = |name: &&str| !all.removed.iter().any(|removed| removed == name);
    view::page(&ListPage {
        frame: Frame::load(&app, &admin, "/approvals").await?,
        status,
        cards: Card::load_all(&app, listed.items).await?,
        modules: grants::modules(&app).await?,
        removed: grants::removed_modules(&app).await?,
        default: all.default.iter().copied().filter(is_there).collect(),
        search: look.search,
        pager: Pager::new(page, listed.total, &path),
    })
}

/// GET /approvals/history
pub(crate) async fn history(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Search(look): Search<Look>,
) -> Answer {
    let page = Page { number: view::number(&look.page), size: PAGE_SIZE };
    let listed = grants::history(&app, page).await?;
    let servers = grants::servers_of(&app, &listed.items).await?;
    view::page(&HistoryPage {
        servers,
        frame: Frame::load(&app, &admin, "/approvals").await?,
        events: listed.items,
        pager: Pager::new(page, listed.total, "/approvals/history"),
    })
}

/// POST /approvals/modules/{id}
pub(crate) async fn decide_module(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Form>,
) -> Answer {
    decide(&app, &admin, Kind::Module, id, &form).await
}

/// POST /approvals/network/{id}
pub(crate) async fn decide_network(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Form>,
) -> Answer {
    decide(&app, &admin, Kind::Host, id, &form).await
}

async fn decide(app: &App, admin: &Admin, kind: Kind, id: Uuid, form: &Form) -> Answer {
    match form.action.as_str() {
        "revoke" => {
            requests::revoke(app, admin, kind, id).await?;
            let path = format!("/approvals/requests#request-{id}");
            return Ok(Redirect::to(&path).into_response());
        }
        "delete" => {
            let state = requests::delete(app, admin, kind, id).await?.state;
            let path = format!("/approvals/requests?status={state}");
            return Ok(Redirect::to(&path).into_response());
        }
        _ => {}
    }
    let decision = decision(&form.action, &form.reason)?;
    let decided = requests::decide(app, admin, kind, id, decision).await?;
    let path = format!("/approvals/requests?status={}#request-{id}", decided.state);
    Ok(Redirect::to(&path).into_response())
}

/// What an action and a reason say.
pub(crate) fn decision<'a>(action: &str, reason: &'a str) -> Result<Decision<'a>, Problem> {
    match action {
        "approve" => Ok(Decision::Approve),
        "reject" => Ok(Decision::Reject(reason)),
        _ => Err(Problem::invalid("action", "expected approve or reject")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use app::requests::Request;

    use super::*;

    pub(crate) fn request(kind: Kind, name: &str) -> Request {
        Request {
            id: Uuid::nil(),
            kind,
            server_id: Uuid::nil(),
            tool_id: Uuid::nil(),
            name: name.to_owned(),
            justification: "Plans the <b>next</b> runs.".to_owned(),
            plan: None,
            state: RequestState::Pending,
            requested_by: "claude".to_owned(),
            created_at: app::clock::now(),
            reviewed_at: None,
            reviewed_by: None,
            rejection_reason: None,
        }
    }

    pub(crate) fn card(request: Request) -> Card {
        let (tool_name, server_name) = ("forecast".to_owned(), "weather".to_owned());
        let server_prefix = "wx".to_owned();
        Card::from(Named { request, tool_name, server_name, server_prefix })
    }

    fn page(cards: Vec<Card>, modules: Vec<Grant>) -> String {
        let page = ListPage {
            frame: Frame::sample("/approvals"),
            status: RequestState::Pending,
            search: "a<b".to_owned(),
            cards,
            modules,
            removed: vec![RemovedModule {
                name: "csv".to_owned(),
                removed_by: "grace".to_owned(),
                removed_at: app::clock::now(),
            }],
            default: vec!["json", "math"],
            pager: Pager::new(Page { number: 1, size: 20 }, 2, "/approvals/requests"),
        };
        page.render().unwrap()
    }

    #[test]
    fn what_waits_is_shown_with_its_reason_and_both_decisions() {
        let module = card(request(Kind::Module, "sched"));
        let host = card(request(Kind::Host, "api.example.com:8443"));
        let html = page(vec![module, host], vec![]);
        view::sample("requests", &html);
        for part in [
            "Plans the &#60;b&#62;next&#60;/b&#62; runs.",
            "action=\"/approvals/modules/00000000",
            "action=\"/approvals/network/00000000",
            "value=\"reject\"",
            "port 8443",
            "every tool of this installation",
            "every tool of the server",
            "wx__forecast",
            "name=\"pick\" value=\"modules/00000000",
            "value=\"a&#60;b\"",
            "<option value=\"math\">",
            "name=\"name\" value=\"csv\"",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn a_package_is_approved_where_its_plan_is_shown() {
        let html = card(request(Kind::Package, "jinja2==3.1.6")).render().unwrap();
        assert!(html.contains("href=\"/approvals/packages/00000000"), "{html}");
        assert!(html.contains("Package <code>") && html.contains("every tool of the server"));
        assert!(html.contains("value=\"reject\"") && !html.contains("value=\"approve\""), "{html}");
    }

    #[test]
    fn what_was_rejected_can_still_be_approved_and_what_was_approved_not_again() {
        let mut asked = request(Kind::Module, "sched");
        asked.state = RequestState::Rejected;
        asked.rejection_reason = Some("use asyncio".to_owned());
        let html = card(asked.clone()).render().unwrap();
        assert!(html.contains("value=\"approve\"") && html.contains("use asyncio"), "{html}");
        assert!(!html.contains("value=\"reject\""), "{html}");
        asked.state = RequestState::Approved;
        let html = card(asked).render().unwrap();
        assert!(!html.contains("value=\"approve\"") && !html.contains("value=\"delete\""));
        assert!(html.contains("value=\"revoke\""), "{html}");
    }

    #[test]
    fn the_history_names_the_server_and_leads_to_one_that_is_still_there() {
        let event = |kind, server_id: u128, name: &str| Event {
            id: Uuid::nil(),
            kind,
            server_id: Some(Uuid::from_u128(server_id)),
            server_name: Some(name.to_owned()),
            tool_id: None,
            name: "a.example".to_owned(),
            action: "added".to_owned(),
            actor: "grace".to_owned(),
            reason: None,
            at: app::clock::now(),
        };
        let (here, module) = (event(Kind::Host, 1, "weather"), event(Kind::Module, 1, "shop"));
        let page = HistoryPage {
            frame: Frame::sample("/approvals"),
            events: vec![here, event(Kind::Package, 2, "gone"), module],
            servers: [Uuid::from_u128(1)].into(),
            pager: Pager::new(Page { number: 1, size: 20 }, 3, "/approvals/history"),
        };
        let html = page.render().unwrap();
        view::sample("history", &html);
        let link = format!("href=\"/servers/{}\"><bdi>weather</bdi></a>", Uuid::from_u128(1));
        assert!(html.contains(&link) && html.contains("<bdi>gone</bdi>"), "{html}");
        assert_eq!(html.matches("href=\"/servers/").count(), 1, "{html}");
        assert!(html.contains("every server") && !html.contains("shop"), "{html}");
    }

    #[test]
    fn what_is_allowed_can_be_taken_back() {
        let grant = Grant {
            id: Uuid::nil(),
            kind: Kind::Module,
            server_id: None,
            name: "sched".to_owned(),
            request_id: None,
            granted_by: "grace".to_owned(),
            granted_at: app::clock::now(),
        };
        let html = page(vec![], vec![grant]);
        assert!(html.contains("name=\"name\" value=\"sched\""), "{html}");
        assert!(page(vec![], vec![]).contains("None beside those"), "nothing to take back");
    }
}
