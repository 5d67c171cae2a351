//! What reviewers have before them in all, and one decision about many things.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use serde::Serialize;
use uuid::Uuid;

use crate::approvals::{self, Action};
use crate::identity::Admin;
use crate::requests::{self, Kind};
use crate::tools::State;
use crate::{App, Error, Page, Result, clock, names};

/// The most that one decision can be about.
pub const MANY_MAX: usize = 100;

/// How far back "recently" goes.
const RECENT: TimeDelta = TimeDelta::days(7);

/// How much waits and how much was decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Tools whose newest revision waits.
    pub pending_tools: u64,
    /// Requests for modules that wait.
    pub pending_module_requests: u64,
    /// Requests for hosts that wait.
    pub pending_network_requests: u64,
    /// Requests for packages that wait.
    pub pending_package_requests: u64,
    /// External sources that wait.
    pub pending_external_sources: u64,
    /// Tools with a live revision that are switched on.
    pub approved_tools: u64,
    /// Approved requests for modules.
    pub approved_module_requests: u64,
    /// Approved requests for hosts.
    pub approved_network_requests: u64,
    /// Approved requests for packages.
    pub approved_package_requests: u64,
    /// Revisions that were approved in the last seven days.
    pub recently_approved: u64,
    /// Revisions that were rejected in the last seven days.
    pub recently_rejected: u64,
}

/// What came of one decision about many things: each was decided for itself.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many were decided so.
    pub processed: usize,
    /// Those that could not be, each with the reason.
    pub failed: Vec<(Uuid, Error)>,
}

/// How much waits and how much was decided.
pub async fn stats(app: &App) -> Result<Stats> {
    let one = Page { number: 1, size: 1 };
    let approved = async |kind| {
        let state = Some(requests::State::Approved);
        let filter = store::requests::Filter { kind: Some(kind), state, ..Default::default() };
        store::requests::count(app.store(), &filter).await
    };
    let since = clock::now() - RECENT;
    let waiting = requests::waiting(app, None).await?;
    Ok(Stats {
        pending_tools: approvals::queue(app, State::PendingReview, one).await?.total,
        pending_module_requests: waiting.modules,
        pending_network_requests: waiting.network,
        pending_package_requests: waiting.packages,
        pending_external_sources: store::external_sources::waiting(app.store(), one).await?.total,
        approved_tools: store::tools::count(app.store(), None).await?.ready,
        approved_module_requests: approved(Kind::Module).await?,
        approved_network_requests: approved(Kind::Host).await?,
        approved_package_requests: approved(Kind::Package).await?,
        recently_approved: store::approvals::count_since(app.store(), "approved", since).await?,
        recently_rejected: store::approvals::count_since(app.store(), "rejected", since).await?,
    })
}

/// Decides the same about many requests of one kind, one after the other.
///
/// # Errors
/// [`Error::Invalid`] for no ids, too many or the same twice, a rejection without a reason, and for
/// packages, which are approved with their plans.
pub async fn decide_requests(
    app: &App,
    admin: &Admin,
    kind: Kind,
    ids: &[Uuid],
    decision: requests::Decision<'_>,
) -> Result<Outcome> {
    check_ids("request_ids", ids)?;
    match decision {
        requests::Decision::Approve if kind == Kind::Package => {
            let reason = "packages are approved one by one, each with its plan; only reject is possible for many";
            return Err(Error::invalid("action", reason));
        }
        requests::Decision::Approve => {}
        requests::Decision::Reject(reason) => check_reason(reason)?,
    }
    let mut outcome = Outcome::default();
    for &id in ids {
        outcome.note(id, requests::decide(app, admin, kind, id, decision).await);
    }
    Ok(outcome)
}

/// Decides the same about many tools, one after the other; of those in `digests` only about the
/// revision with that digest.
///
/// # Errors
/// [`Error::Invalid`] for no ids, too many or the same twice, a digest of a tool that is not among
/// them, and a rejection without a reason.
pub async fn decide_tools(
    app: &App,
    admin: &Admin,
    ids: &[Uuid],
    digests: &BTreeMap<Uuid, String>,
    (action, reason): (Action, Option<&str>),
) -> Result<Outcome> {
    check_ids("tool_ids", ids)?;
    if let Some(id) = digests.keys().find(|id| !ids.contains(id)) {
        return Err(Error::invalid("digests", format!("`tool_ids` does not name {id}")));
    }
    if action == Action::Reject {
        check_reason(reason.unwrap_or_default())?;
    }
    let mut outcome = Outcome::default();
    for &id in ids {
        let decision = approvals::Decision {
            action,
            digest: digests.get(&id).cloned(),
            reason: reason.map(str::to_owned),
        };
        outcome.note(id, approvals::decide(app, admin, id, decision).await);
    }
    Ok(outcome)
}

impl Outcome {
    fn note<T>(&mut self, id: Uuid, decided: Result<T>) {
        match decided {
            Ok(_) => self.processed += 1,
            Err(error) => {
                if let Error::Internal(source) = &error {
                    tracing::error!(error = %source, %id, "one of many decisions failed");
                }
                self.failed.push((id, error));
            }
        }
    }
}

fn check_ids(field: &'static str, ids: &[Uuid]) -> Result<()> {
    if !(1..=MANY_MAX).contains(&ids.len()) {
        let reason = format!("expected 1 to {MANY_MAX} ids, got {}", ids.len());
        return Err(Error::invalid(field, reason));
    }
    let mut seen = HashSet::new();
    match ids.iter().find(|id| !seen.insert(**id)) {
        Some(twice) => Err(Error::invalid(field, format!("{twice} is named twice"))),
        None => Ok(()),
    }
}

fn check_reason(reason: &str) -> Result<()> {
    if reason.trim().is_empty() {
        return Err(Error::invalid("reason", "say why: the author reads it"));
    }
    names::check_text("reason", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_a_hundred_different_ids_are_decided_about() {
        let ids = |count| (0..count).map(Uuid::from_u128).collect::<Vec<_>>();
        assert!(check_ids("tool_ids", &ids(1)).is_ok());
        assert!(check_ids("tool_ids", &ids(100)).is_ok());
        for wrong in [ids(0), ids(101), vec![Uuid::nil(), Uuid::nil()]] {
            let refused = check_ids("tool_ids", &wrong).unwrap_err();
            assert!(matches!(refused, Error::Invalid { field: "tool_ids", .. }), "{refused}");
        }
    }
}
