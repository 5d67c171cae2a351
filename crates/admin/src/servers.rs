//! The pages of servers: the list, one server with its tools, starting and stopping it.

use app::identity::Who;
use app::servers::{Detail, Summary};
use app::{App, servers};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};

use crate::errors::Answer;
use crate::extract::{Id, Search};
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
    view::page(&ShowPage { frame, server: servers::get(&app, id).await? })
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
    use app::servers::{Server, Status};
    use uuid::Uuid;

    use super::*;
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
            let server = Detail { server: server(status), tools: vec![(tool(), revision(2, "x"))] };
            let html = ShowPage { frame: Frame::sample("/servers"), server }.render().unwrap();
            view::sample("server", &html);
            assert!(html.contains(action), "{html}");
        }
    }

    #[test]
    fn an_empty_server_says_what_to_do_next() {
        let server = Detail { server: server(Status::Imported), tools: vec![] };
        let html = ShowPage { frame: Frame::sample("/servers"), server }.render().unwrap();
        assert!(html.contains("mcpbox_create_tool"), "{html}");
    }
}
