//! One decision about all that a person has ticked on a page.

use std::collections::BTreeMap;

use app::identity::Admin;
use app::requests::Kind;
use app::review::{self, Outcome};
use app::{App, Error};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use uuid::Uuid;

use crate::api::bulk::of_tools;
use crate::errors::{Answer, Problem};
use crate::extract::Fields;
use crate::requests::decision;
use crate::session::SignedIn;
use crate::view::{self, Frame};

/// What could not be decided so.
#[derive(Template)]
#[template(path = "approvals/bulk.html")]
struct FailedPage {
    frame: Frame,
    processed: usize,
    /// A link to each, and why not.
    failed: Vec<(String, String)>,
    back: &'static str,
}

/// What was ticked, by kind.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ticked {
    tools: BTreeMap<Uuid, String>,
    requests: Vec<(Kind, Vec<Uuid>)>,
}

impl Ticked {
    /// From `tools/<id>/<digest>`, `modules/<id>`, `network/<id>` and `packages/<id>`.
    fn read(picks: &[&str]) -> Option<Self> {
        let mut ticked = Self::default();
        for pick in picks {
            let (kind, rest) = pick.split_once('/')?;
            if kind == "tools" {
                let (id, digest) = rest.split_once('/')?;
                ticked.tools.insert(id.parse().ok()?, digest.to_owned());
                continue;
            }
            let kind = match kind {
                "modules" => Kind::Module,
                "network" => Kind::Host,
                "packages" => Kind::Package,
                _ => return None,
            };
            let id = rest.parse().ok()?;
            match ticked.requests.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, ids)) => ids.push(id),
                None => ticked.requests.push((kind, vec![id])),
            }
        }
        Some(ticked)
    }

    fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.requests.is_empty()
    }
}

/// POST /approvals/bulk
pub(crate) async fn decide(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Fields(form): Fields<Vec<(String, String)>>,
) -> Answer {
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let picks = form.iter().filter(|(key, _)| key == "pick").map(|(_, value)| value.as_str());
    let ticked = Ticked::read(&picks.collect::<Vec<_>>())
        .ok_or_else(|| Problem::invalid("pick", "expected what the page has to tick"))?;
    if ticked.is_empty() {
        return Err(Problem::invalid("pick", "tick what you decide about first"));
    }
    let back = if field("back") == "requests" { "/approvals/requests" } else { "/approvals" };
    let done = decide_all(&app, &admin, ticked, (field("action"), field("reason"))).await?;
    if done.failed.is_empty() {
        return Ok(Redirect::to(back).into_response());
    }
    let frame = Frame::load(&app, &admin, "/approvals").await?;
    let Done { processed, failed } = done;
    let page = view::page(&FailedPage { frame, processed, failed, back })?;
    Ok((StatusCode::CONFLICT, page).into_response())
}

/// What was decided of everything.
#[derive(Default)]
struct Done {
    processed: usize,
    failed: Vec<(String, String)>,
}

impl Done {
    fn add(&mut self, outcome: Outcome, place: impl Fn(Uuid) -> String) {
        self.processed += outcome.processed;
        let told = |(id, error): (Uuid, Error)| (place(id), error.to_string());
        self.failed.extend(outcome.failed.into_iter().map(told));
    }
}

async fn decide_all(
    app: &App,
    admin: &Admin,
    ticked: Ticked,
    (action, reason): (&str, &str),
) -> Result<Done, Problem> {
    let decision = decision(action, reason)?;
    let mut done = Done::default();
    // First what is refused as a whole, so that it is refused before anything is decided.
    let mut requests = ticked.requests;
    requests.sort_by_key(|(kind, _)| *kind != Kind::Package);
    for (kind, ids) in requests {
        let outcome = review::decide_requests(app, admin, kind, &ids, decision).await?;
        done.add(outcome, |id| format!("/approvals/requests#request-{id}"));
    }
    if !ticked.tools.is_empty() {
        let ids: Vec<Uuid> = ticked.tools.keys().copied().collect();
        let decision = (of_tools(action)?, Some(reason).filter(|text| !text.trim().is_empty()));
        let outcome = review::decide_tools(app, admin, &ids, &ticked.tools, decision).await?;
        done.add(outcome, |id| format!("/tools/{id}"));
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ticked_is_read_by_kind_and_nothing_else_is() {
        let id = Uuid::from_u128(7);
        let tool = format!("tools/{id}/abc");
        let (module, host) = (format!("modules/{id}"), format!("network/{id}"));
        let ticked = Ticked::read(&[&tool, &module, &host]).unwrap();
        assert_eq!(ticked.tools, BTreeMap::from([(id, "abc".to_owned())]));
        assert_eq!(ticked.requests, [(Kind::Module, vec![id]), (Kind::Host, vec![id])]);
        for wrong in ["", "tools", &format!("tools/{id}"), "modules/x", &format!("files/{id}")] {
            assert_eq!(Ticked::read(&[wrong]), None, "{wrong}");
        }
        assert!(Ticked::read(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_failed_is_told_with_the_reason() {
        let failed = vec![("/tools/1".to_owned(), "changed <since>".to_owned())];
        let html = FailedPage {
            frame: Frame::sample("/approvals"),
            processed: 2,
            failed,
            back: "/approvals",
        }
        .render()
        .unwrap();
        view::sample("bulk", &html);
        assert!(html.contains("changed &#60;since&#62;") && html.contains("/tools/1"), "{html}");
    }
}
