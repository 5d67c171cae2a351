//! The pages of servers: the list, one server with its tools, starting and stopping it.

use app::grants::{Grant, Refusal};
use app::identity::Who;
use app::packages::OfServer;
use app::requests::Request;
use app::servers::{Detail, Summary};
use app::{App, grants, packages, requests, servers};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id, Search};
use crate::packages::StateView;
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
    hosts: Vec<Grant>,
    packages: OfServer,
    /// How far the packages are.
    state: StateView,
    waiting: Vec<Request>,
    refusals: Vec<Refusal>,
}

#[derive(Deserialize)]
pub(crate) struct HostForm {
    host: String,
    #[serde(default)]
    port: String,
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
pub(crate) async fn show(State(app): State<App>, SignedIn(admin): SignedIn, Id(id): Id) -> Answer {
    let frame = Frame::load(&app, &admin, "/servers").await?;
    let server = servers::get(&app, id).await?;
    let hosts = grants::hosts(&app, id).await?;
    let waiting = requests::waiting_of_server(&app, id).await?;
    let refusals = grants::refusals(&app, id).await?;
    let packages = packages::of_server(&app, id).await?;
    let state = StateView { server_id: id, preparation: packages.preparation.clone() };
    view::page(&ShowPage { frame, server, hosts, packages, state, waiting, refusals })
}

/// POST /servers/{id}/allowed-hosts
pub(crate) async fn allow_host(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<HostForm>,
) -> Answer {
    let port = match form.port.trim() {
        "" => None,
        port => Some(port.parse().map_err(|_not_a_port| {
            Problem::invalid("port", "expected a number from 1 to 65535, or nothing for all")
        })?),
    };
    grants::add_host(&app, &admin, id, &form.host, port).await?;
    Ok(Redirect::to(&format!("/servers/{id}#hosts")).into_response())
}

/// POST /servers/{id}/allowed-hosts/remove
pub(crate) async fn remove_host(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<HostForm>,
) -> Answer {
    grants::remove_host(&app, &admin, id, &form.host).await?;
    Ok(Redirect::to(&format!("/servers/{id}#hosts")).into_response())
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
    use app::Page;
    use app::packages::Preparation;
    use app::requests::Kind;
    use app::servers::{Server, Status};
    use app::tools::{Revision, Tool};
    use uuid::Uuid;

    use super::*;
    use crate::packages::tests::kept;
    use crate::requests::tests::request;
    use crate::tools::tests::{revision, tool};

    pub(crate) fn server(status: Status) -> Server {
        let now = app::clock::now();
        Server {
            id: Uuid::nil(),
            name: "weather".to_owned(),
            description: "Forecasts & warnings for a place.".to_owned(),
            status,
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
            let html = page(status, vec![(tool(), revision(2, "x"))]).render().unwrap();
            view::sample("server", &html);
            assert!(html.contains(action), "{html}");
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
        page.hosts = vec![Grant {
            id: Uuid::nil(),
            kind: Kind::Host,
            server_id: Some(Uuid::nil()),
            name: "api.example.com:8443".to_owned(),
            request_id: None,
            granted_by: "grace".to_owned(),
            granted_at: app::clock::now(),
        }];
        page.waiting = vec![request(Kind::Host, "nas.example")];
        page.refusals = vec![Refusal {
            server_id: Uuid::nil(),
            tool_name: "weather__now".to_owned(),
            host: "tracker.example".to_owned(),
            port: 443,
            reason: "'tracker.example' (port 443) is not approved".to_owned(),
            count: 3,
            last_at: app::clock::now(),
        }];
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
    fn packages_are_shown_with_what_they_require_and_can_be_removed() {
        let mut page = page(Status::Running, vec![]);
        page.packages.grants = vec![Grant {
            id: Uuid::nil(),
            kind: Kind::Package,
            server_id: Some(Uuid::nil()),
            name: "jinja2==3.1.6".to_owned(),
            request_id: None,
            granted_by: "grace".to_owned(),
            granted_at: app::clock::now(),
        }];
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

    fn page(status: Status, tools: Vec<(Tool, Revision)>) -> ShowPage {
        ShowPage {
            frame: Frame::sample("/servers"),
            server: Detail { server: server(status), tools },
            hosts: vec![],
            packages: OfServer { grants: vec![], kept: None, preparation: Preparation::NotBegun },
            state: StateView { server_id: Uuid::nil(), preparation: Preparation::NotBegun },
            waiting: vec![],
            refusals: vec![],
        }
    }
}
