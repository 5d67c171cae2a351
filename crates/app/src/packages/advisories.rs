//! Known vulnerabilities of a plan: told beside it, never in its way.

use std::time::Duration;

use futures::future::join_all;
use outbound::{Bounds, Configured};
use packages::{Advisory, PackageName, osv};

use super::{Packages, Plan};

/// How long the feed may take, in all.
const LIMIT: Duration = Duration::from_secs(5);

/// A feed that speaks OSV's API.
pub(crate) struct Feed(pub(super) Configured);

/// Adds what the feed knows of the packages of a plan, or why it knows nothing.
pub(super) async fn add_to(packages: &Packages, plan: &mut Plan) {
    let Some(feed) = &packages.feed else {
        plan.not_checked = Some("the vulnerability feed is switched off".to_owned());
        return;
    };
    let asking = tokio::time::timeout(LIMIT, feed.found(plan));
    let outcome = asking.await.unwrap_or_else(|_too_long| {
        Err(format!("{} did not answer within {} s", feed.url(), LIMIT.as_secs()))
    });
    match outcome {
        Ok((advisories, incomplete)) => {
            for planned in &mut plan.packages {
                let about = |advisory: &&Advisory| advisory.package == planned.locked.name;
                planned.advisories = advisories.iter().filter(about).cloned().collect();
            }
            plan.not_checked = incomplete;
        }
        Err(reason) => plan.not_checked = Some(reason),
    }
}

impl Feed {
    /// What it knows, and why that may not be all.
    async fn found(&self, plan: &Plan) -> Result<(Vec<Advisory>, Option<String>), String> {
        let lock = plan.lock();
        let address = format!("{}v1/querybatch", self.url());
        let answer = self.0.post(&address, osv::query(&lock), bounds()).await;
        let answer =
            answer.map_err(|error| format!("{} could not be asked: {error}", self.url()))?;
        if answer.status() != 200 {
            return Err(format!("{} answered {}", self.url(), answer.status()));
        }
        let found = osv::read_found(&lock, answer.body()).map_err(|error| error.to_string())?;
        let details = found.ids.iter().map(|(package, id)| self.advisory(package, id));
        let mut incomplete =
            found.more.then(|| "the feed knows of more than is shown here".to_owned());
        let mut advisories = Vec::new();
        for (detail, (package, id)) in join_all(details).await.into_iter().zip(&found.ids) {
            advisories.push(detail.unwrap_or_else(|reason| {
                incomplete = Some(format!("the feed did not tell all about {id}: {reason}"));
                untold(package, id)
            }));
        }
        Ok((advisories, incomplete))
    }

    async fn advisory(&self, package: &PackageName, id: &str) -> Result<Advisory, String> {
        let address = format!("{}v1/vulns/{id}", self.url());
        let answer = self.0.get(&address, "application/json", bounds()).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status() != 200 {
            return Err(format!("it answered {}", answer.status()));
        }
        Advisory::read(package, id, answer.body()).map_err(|error| error.to_string())
    }

    fn url(&self) -> &str {
        self.0.url()
    }
}

fn bounds() -> Bounds {
    Bounds { bytes: osv::LARGEST_ANSWER, time: LIMIT }
}

/// A vulnerability of which only the identifier is known.
fn untold(package: &PackageName, id: &str) -> Advisory {
    Advisory {
        id: id.to_owned(),
        package: package.clone(),
        aliases: Vec::new(),
        summary: String::new(),
        severity: None,
        fixed: Vec::new(),
        url: format!("https://osv.dev/vulnerability/{id}"),
    }
}
