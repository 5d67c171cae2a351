//! The pages of servers: the list, one server with its tools, starting and stopping it.

mod change;
mod hosts;

use app::grants::{Grant, Refusal};
use app::identity::{Admin, Who};
use app::packages::OfServer;
use app::requests::{Kind, Request};
use app::secrets::Secret;
use app::servers::{Detail, Summary};
use app::tools::{Newest, Tool};
use app::{App, Page, grants, network, packages, requests, secrets, servers, tools};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use uuid::Uuid;

use self::change::Settings;
pub(crate) use self::change::{delete, restart, update};
pub(crate) use self::hosts::{allow_host, remove_host};
use crate::errors::{Answer, Problem};
use crate::extract::{Id, Search};
use crate::packages::views::StateView;
use crate::session::SignedIn;
use crate::view::{self, Frame, PageNumber, Pager};

const PAGE_SIZE: u64 = 50;

#[derive(Template)]
#[template(path = "servers/list.html")]
struct ListPage {
    frame: Frame,
    servers: Vec<Summary>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "servers/show.html")]
struct ShowPage {
    frame: Frame,
    server: Detail,
    /// One page of its tools, each with its newest revision.
    tools: Vec<(Tool, Newest)>,
    pager: Pager,
    settings: Settings,
    hosts: Vec<Grant>,
    packages: OfServer,
    /// How far the packages are.
    state: StateView,
    waiting: Vec<Request>,
    refusals: Vec<Refusal>,
    /// What was typed into the form for hosts, and refused.
    host: Typed,
    /// The same of the form for packages.
    package: Typed,
    secrets: Vec<Secret>,
    /// The same of the form for secrets: key and description, never a value.
    secret: Typed,
}

/// What somebody typed into a form with two fields, and why it cannot be used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed {
    /// The name of a host or of a package.
    pub(crate) name: String,
    /// The port or the version.
    pub(crate) detail: String,
    /// Empty where nothing is wrong.
    pub(crate) problem: String,
}

/// One of the forms on the page of a server.
pub(crate) enum Form {
    Host,
    Package,
    Secret,
}

impl ShowPage {
    /// With that page of its tools.
    async fn load(app: &App, admin: &Admin, id: Uuid, number: u64) -> Result<Self, Problem> {
        let packages = packages::of_server(app, id).await?;
        let server = servers::get(app, id).await?;
        let page = Page { number, size: PAGE_SIZE };
        let tools = tools::list(app, id, page).await?.tools;
        Ok(Self {
            frame: Frame::load(app, admin, "/servers").await?,
            pager: Pager::new(page, tools.total, &format!("/servers/{id}")),
            tools: tools.items,
            settings: Settings::of(&server.server),
            server,
            hosts: grants::hosts(app, id).await?,
            state: StateView { server_id: id, preparation: packages.preparation.clone() },
            packages,
            waiting: requests::waiting_of_server(app, id).await?,
            refusals: grants::refusals(app, id).await?,
            host: Typed::default(),
            package: Typed::default(),
            secrets: all_secrets(app, id).await?,
            secret: Typed::default(),
        })
    }

    /// What waits of one kind.
    fn waiting_for(&self, kind: Kind) -> Vec<&Request> {
        self.waiting.iter().filter(|request| request.kind == kind).collect()
    }

    /// Whether the tools can reach by now what they were refused.
    fn is_allowed(&self, refusal: &Refusal) -> bool {
        network::is_allowed(refusal, &self.hosts)
    }
}

async fn all_secrets(app: &App, id: Uuid) -> Result<Vec<Secret>, Problem> {
    let everything = Page { number: 1, size: u64::MAX };
    let (_, listed) = secrets::list(app, id, everything).await?;
    Ok(listed.items)
}

/// The page of a server with what was typed into one of its forms, and what is wrong with that; or
/// the problem itself, where it is none of the form.
pub(crate) async fn show_again(
    app: &App,
    admin: &Admin,
    id: Uuid,
    (form, typed): (Form, (String, String)),
    problem: Problem,
) -> Answer {
    if !is_of_form(&problem) {
        return Err(problem);
    }
    let status = problem.status();
    let mut page = ShowPage::load(app, admin, id, 1).await?;
    let typed = Typed { name: typed.0, detail: typed.1, problem: problem.detail().to_owned() };
    match form {
        Form::Host => page.host = typed,
        Form::Package => page.package = typed,
        Form::Secret => page.secret = typed,
    }
    Ok((status, view::page(&page)?).into_response())
}

/// Whether the page is shown again with the problem in it.
fn is_of_form(problem: &Problem) -> bool {
    let of_form =
        [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CONFLICT, StatusCode::SERVICE_UNAVAILABLE];
    of_form.contains(&problem.status())
}

/// GET /servers
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Search(search): Search<PageNumber>,
) -> Answer {
    let page = search.of(PAGE_SIZE);
    let listed = servers::list(&app, page).await?;
    view::page(&ListPage {
        frame: Frame::load(&app, &admin, "/servers").await?,
        servers: listed.items,
        pager: Pager::new(page, listed.total, "/servers"),
    })
}

/// GET /servers/{id}
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Search(search): Search<PageNumber>,
) -> Answer {
    let number = search.of(PAGE_SIZE).number;
    view::page(&ShowPage::load(&app, &admin, id, number).await?)
}

/// POST /servers/{id}/start
pub(crate) async fn start(State(app): State<App>, SignedIn(admin): SignedIn, Id(id): Id) -> Answer {
    servers::start(&app, &Who::from(admin), id).await?;
    Ok(Redirect::to(&format!("/servers/{id}")).into_response())
}

/// POST /servers/{id}/stop
pub(crate) async fn stop(State(app): State<App>, SignedIn(admin): SignedIn, Id(id): Id) -> Answer {
    servers::stop(&app, &Who::from(admin), id).await?;
    Ok(Redirect::to(&format!("/servers/{id}")).into_response())
}

#[cfg(test)]
pub(crate) mod tests {
    use app::packages::Preparation;
    use app::servers::{Server, Status};

    use super::*;
    use crate::packages::views::tests::kept;
    use crate::requests::tests::request;
    use crate::tools::tests::{revision, tool};

    pub(crate) fn server(status: Status) -> Server {
        let now = app::clock::now();
        Server {
            id: Uuid::nil(),
            name: "weather".to_owned(),
            description: "Forecasts & warnings for a place.".to_owned(),
            status,
            tool_prefix: None,
            default_timeout_ms: 30_000,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn a_list_shows_each_server_and_its_number_of_tools() {
        let html = ListPage {
            frame: Frame::sample("/servers"),
            servers: vec![
                Summary { server: server(Status::Running), tool_count: 3 },
                Summary { server: server(Status::Imported), tool_count: 0 },
            ],
            pager: Pager::new(Page { number: 2, size: 50 }, 120, "/servers"),
        }
        .render()
        .unwrap();
        view::sample("servers", &html);
        assert!(html.contains("/servers/00000000-0000-0000-0000-000000000000"), "{html}");
        assert!(html.contains("/servers?page=3"), "{html}");
    }

    #[test]
    fn a_running_server_can_be_stopped_and_a_stopped_one_started() {
        for (status, action) in [(Status::Running, "/stop"), (Status::Stopped, "/start")] {
            let html =
                page(status, vec![(tool(), Newest::from(&revision(2, "x")))]).render().unwrap();
            view::sample("server", &html);
            assert!(html.contains(action), "{html}");
        }
    }

    #[test]
    fn a_server_is_changed_where_its_values_stand_and_deleted_by_its_name() {
        let mut page = page(Status::Running, vec![]);
        page.pager = Pager::new(Page { number: 2, size: 50 }, 2_000, "/servers/1");
        let html = page.render().unwrap();
        for part in [
            "name=\"name\" value=\"weather\"",
            "value=\"name\" checked",
            "name=\"seen\"",
            "/delete\"",
            "/restart\"",
            "Page 2 of 40",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        page.settings.prefix = "own".to_owned();
        page.settings.tool_prefix = "<w>".to_owned();
        page.settings.problem = "tool_prefix: <no>".to_owned();
        page.settings.not_deleted = "name: type it".to_owned();
        let html = page.render().unwrap();
        view::sample("server-settings", &html);
        for part in ["value=\"&#60;w&#62;\"", "&#60;no&#62;", "value=\"own\" checked", "type it"] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn an_empty_server_says_what_to_do_next() {
        let html = page(Status::Imported, vec![]).render().unwrap();
        assert!(html.contains("mcpbox_create_tool"), "{html}");
        assert!(html.contains("mcpbox_request_network_access"), "{html}");
        assert!(!html.contains("allowed-hosts/remove"), "{html}");
    }

    #[test]
    fn hosts_can_be_taken_back_and_what_waits_is_named() {
        let mut page = page(Status::Running, vec![]);
        page.hosts = vec![grant(Kind::Host, "api.example.com:8443")];
        page.waiting = vec![request(Kind::Host, "nas.example")];
        page.refusals = vec![refusal("tracker.example", NOT_APPROVED)];
        let html = page.render().unwrap();
        view::sample("server-hosts", &html);
        assert!(html.contains("name=\"host\" value=\"api.example.com:8443\""), "{html}");
        assert!(html.contains("nas.example") && !html.contains("no network"), "{html}");
        assert!(
            html.contains("<bdi>tracker.example</bdi>:443") && html.contains("3 times"),
            "{html}"
        );
    }

    #[test]
    fn what_a_person_may_allow_is_allowed_beside_what_was_refused() {
        let mut page = page(Status::Running, vec![]);
        page.refusals = vec![refusal("tracker.example", NOT_APPROVED)];
        let html = page.render().unwrap();
        let form = "<input type=\"hidden\" name=\"host\" value=\"tracker.example\"><input type=\"hidden\" name=\"port\" value=\"443\">";
        assert!(html.contains(form) && html.contains("Nobody has allowed it"), "{html}");
        assert!(!html.contains("mcpbox_request_network_access (host"), "{html}");
        page.hosts = vec![grant(Kind::Host, "tracker.example")];
        let html = page.render().unwrap();
        assert!(!html.contains(form) && html.contains("Allowed since"), "{html}");
        page.refusals = vec![refusal("tracker.example", "it is a loopback address")];
        let html = page.render().unwrap();
        assert!(!html.contains(form) && html.contains("it is a loopback address"), "{html}");
    }

    #[test]
    fn what_waits_stands_in_the_card_of_its_kind() {
        let mut page = page(Status::Running, vec![]);
        page.waiting = vec![
            request(Kind::Package, "jinja2==3.1.6"),
            request(Kind::Host, "nas.example"),
            request(Kind::Module, "sched"),
        ];
        let html = page.render().unwrap();
        let (before, cards) = html.split_once("id=\"hosts\"").unwrap();
        let (hosts, packages) = cards.split_once("id=\"packages\"").unwrap();
        assert!(before.contains("<bdi>sched</bdi>") && !before.contains("nas.example"), "{html}");
        assert!(hosts.contains("nas.example") && !hosts.contains("jinja2"), "{hosts}");
        assert!(packages.contains("jinja2==3.1.6") && !packages.contains("nas"), "{packages}");
    }

    #[test]
    fn what_was_typed_and_cannot_be_used_is_shown_with_the_reason() {
        let mut page = page(Status::Running, vec![]);
        page.package = Typed {
            name: "gree<ting".to_owned(),
            detail: "1".to_owned(),
            problem: "package: no <name>".to_owned(),
        };
        let html = page.render().unwrap();
        view::sample("server-typed", &html);
        for part in ["value=\"gree&#60;ting\"", "value=\"1\"", "no &#60;name&#62;", "aria-invalid"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        let untouched = self::page(Status::Running, vec![]).render().unwrap();
        assert!(!untouched.contains("aria-invalid"), "{untouched}");
    }

    #[test]
    fn packages_are_shown_with_what_they_require_and_can_be_removed() {
        let mut page = page(Status::Running, vec![]);
        page.packages.grants = vec![grant(Kind::Package, "jinja2==3.1.6")];
        page.packages.kept = Some(kept());
        page.state.preparation = Preparation::Fetching { done: 0, all: 2 };
        let html = page.render().unwrap();
        view::sample("server-packages", &html);
        for part in [
            "name=\"package\" value=\"jinja2\"",
            "All 2 with what they require",
            "<code><bdi>markupsafe</bdi></code>",
            "0 of 2",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn secrets_show_whether_they_are_set_and_take_a_value() {
        let mut page = page(Status::Running, vec![]);
        let secret = |key: &str, has_value, is_short| Secret {
            key: key.to_owned(),
            description: "The <key> of the service.".to_owned(),
            has_value,
            is_short,
            created_by: "claude".to_owned(),
            created_at: app::clock::now(),
            updated_by: "grace".to_owned(),
            updated_at: app::clock::now(),
        };
        page.secrets = vec![
            secret("UNSET", false, false),
            secret("PIN", true, true),
            secret("KEY", true, false),
        ];
        let html = page.render().unwrap();
        view::sample("server-secrets", &html);
        let (_, card) = html.split_once("id=\"secrets\"").unwrap();
        for part in [
            "not set",
            "short: not redacted",
            "/secrets/KEY/value#secrets",
            "type=\"password\"",
            "The &#60;key&#62;",
            "/secrets/KEY/clear",
            "/secrets/UNSET/delete",
        ] {
            assert!(card.contains(part), "{part}: {card}");
        }
        assert!(!card.contains("/secrets/UNSET/clear"), "{card}");
        assert_eq!(card.matches("short: not redacted").count(), 1, "{card}");
        page.secret.problem = "key: expected".to_owned();
        assert!(page.render().unwrap().contains("id=\"secret-problem\""));
    }

    const NOT_APPROVED: &str = "'tracker.example' (port 443) is not approved for this server: ask for it with mcpbox_request_network_access (host 'tracker.example', port 443), a person then decides";

    fn refusal(host: &str, reason: &str) -> Refusal {
        Refusal {
            server_id: Uuid::nil(),
            tool_name: "weather__now".to_owned(),
            host: host.to_owned(),
            port: 443,
            reason: reason.to_owned(),
            count: 3,
            last_at: app::clock::now(),
        }
    }

    fn grant(kind: Kind, name: &str) -> Grant {
        Grant {
            id: Uuid::nil(),
            kind,
            server_id: Some(Uuid::nil()),
            name: name.to_owned(),
            request_id: None,
            granted_by: "grace".to_owned(),
            granted_at: app::clock::now(),
        }
    }

    fn page(status: Status, tools: Vec<(Tool, Newest)>) -> ShowPage {
        let (tool_count, ready_tools) = (tools.len() as u64, 0);
        ShowPage {
            frame: Frame::sample("/servers"),
            pager: Pager::new(Page { number: 1, size: 50 }, tool_count, "/servers/1"),
            settings: Settings::of(&server(status)),
            server: Detail { server: server(status), tool_count, ready_tools },
            tools,
            hosts: vec![],
            packages: OfServer { grants: vec![], kept: None, preparation: Preparation::NotBegun },
            state: StateView { server_id: Uuid::nil(), preparation: Preparation::NotBegun },
            waiting: vec![],
            refusals: vec![],
            host: Typed::default(),
            package: Typed::default(),
            secrets: vec![],
            secret: Typed::default(),
        }
    }
}
