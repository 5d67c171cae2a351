//! The dashboard: what there is, what waits for a person, how a client is connected.

use std::sync::Arc;

use app::approvals::QueueItem;
use app::calls::{Call, Filter};
use app::tools::State as RevisionState;
use app::{App, Health, Page, approvals, calls, external_sources, requests, servers, tools};
use askama::Template;
use axum::extract::State;

use crate::Door;
use crate::errors::Answer;
use crate::session::SignedIn;
use crate::view::{self, Frame};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    mcp_address: String,
    health: Health,
    servers: u64,
    live_tools: usize,
    calls: u64,
    failed_calls: u64,
    waiting: Vec<QueueItem>,
    /// How many requests for modules, hosts and packages wait.
    requests: u64,
    /// How many external sources wait.
    sources: u64,
    recent: Vec<Call>,
}

/// GET /
pub(crate) async fn show(
    State(app): State<App>,
    State(door): State<Arc<Door>>,
    SignedIn(admin): SignedIn,
) -> Answer {
    let one = Page { number: 1, size: 1 };
    let five = Page { number: 1, size: 5 };
    let ten = Page { number: 1, size: 10 };
    let recent = calls::logs(&app, &Filter::default(), ten).await?;
    let asked = requests::waiting(&app, None).await?;
    let failed = Filter { success: Some(false), ..Filter::default() };
    view::page(&HomePage {
        frame: Frame::load(&app, &admin, "/").await?,
        mcp_address: door.mcp_address.clone(),
        health: app.health().await,
        servers: servers::list(&app, one).await?.total,
        live_tools: tools::callable(&app).await?.len(),
        calls: recent.total,
        failed_calls: calls::logs(&app, &failed, one).await?.total,
        waiting: approvals::queue(&app, RevisionState::PendingReview, five).await?.items,
        requests: asked.total(),
        sources: external_sources::waiting(&app, one).await?.total,
        recent: recent.items,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approvals::tests::queue_item;
    use crate::logs::tests::call;

    fn dashboard() -> HomePage {
        HomePage {
            frame: Frame::sample("/"),
            mcp_address: "http://127.0.0.1:8002/mcp".to_owned(),
            health: Health {
                status: "healthy",
                version: "0.1.0",
                database: "connected",
                sandbox: "connected",
                memory_reset: None,
                walls: None,
            },
            servers: 3,
            live_tools: 7,
            calls: 1204,
            failed_calls: 12,
            waiting: vec![queue_item()],
            requests: 2,
            sources: 1,
            recent: vec![call(true), call(false)],
        }
    }

    #[test]
    fn the_address_for_clients_is_shown() {
        let html = dashboard().render().unwrap();
        view::sample("home", &html);
        assert!(html.contains("http://127.0.0.1:8002/mcp"), "{html}");
        assert!(html.contains("weather__forecast"), "{html}");
        assert!(html.contains("2 requests for modules, hosts and packages"), "{html}");
        assert!(html.contains("1 external source<"), "{html}");
    }

    #[test]
    fn an_empty_installation_says_what_to_do_next() {
        let empty = HomePage {
            waiting: vec![],
            requests: 0,
            sources: 0,
            recent: vec![],
            calls: 0,
            ..dashboard()
        };
        let html = empty.render().unwrap();
        view::sample("home-empty", &html);
        assert!(html.contains("No calls yet") && html.contains("Nothing waits"), "{html}");
        assert!(!html.contains("requests for modules"), "{html}");
    }
}
