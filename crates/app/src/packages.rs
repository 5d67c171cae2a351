//! Packages: what the tools of a server import beside Python, who allowed it, and how it gets here.
//!
//! A person allows a package at one version for one server. The host resolves all that the server
//! has to a lock, fetches the wheels into the data directory, and has the sandbox import them once.

mod advisories;
mod ask;
mod decide;
mod held;
mod importable;
mod index;
mod keeper;
mod plan;
mod planning;
mod preparation;
pub(crate) mod set;
mod usual;
mod wheel;
mod wheels;

use std::path::{Path, PathBuf};

pub use ::packages::{Advisory, Lock, Locked, PackageName, Version};
use outbound::{Client, Configured};
use tokio::sync::Semaphore;
use uuid::Uuid;

pub use self::ask::{Asked, file, to_decide, with_sizes};
pub use self::decide::{Approval, add, approve, plan, remove};
pub(crate) use self::held::kept;
pub use self::held::{Held, Kept};
pub use self::importable::not_importable;
pub(crate) use self::keeper::keep;
#[cfg(test)]
pub(crate) use self::plan::tests as samples;
pub use self::plan::{Change, Lost, Plan, Planned};
pub use self::preparation::Preparation;
pub use self::usual::usual_package;
use crate::grants::{Grant, Kind};
use crate::settings::Sources;
use crate::{App, Error, Result};

/// How many sets are made at once.
const MAKING_MAX: usize = 2;

/// How many plans are made at once, for models and for people.
const PLANS_MAX: usize = 4;

/// What every part of this module works with.
pub(crate) struct Packages {
    pub(crate) index: index::Index,
    pub(crate) feed: Option<advisories::Feed>,
    pub(crate) wheels: wheels::Wheels,
    pub(crate) sets: preparation::Preparations<sandbox::Set>,
    /// Where wheels and sets are kept.
    pub(crate) folder: PathBuf,
    /// Places for plans that are being made: each may hold a lot of the index.
    pub(crate) plans: Semaphore,
    /// Others for people, whom no model is to hold up.
    pub(crate) plans_of_people: Semaphore,
    /// Places for sets that are being made.
    pub(crate) making: Semaphore,
}

impl Packages {
    /// With what it keeps in `folder`.
    pub(crate) fn new(sources: &Sources, folder: &Path, client: &Client) -> Result<Self> {
        let feed = sources.vulnerability_feed.as_deref();
        let feed = feed.map(|url| configured("vulnerability_feed", url, client)).transpose()?;
        Ok(Self {
            index: index(sources, client)?,
            feed: feed.map(advisories::Feed),
            wheels: wheels::Wheels::new(folder.join("wheels")),
            sets: preparation::Preparations::new(set::told),
            folder: folder.to_owned(),
            plans: Semaphore::new(PLANS_MAX),
            plans_of_people: Semaphore::new(PLANS_MAX),
            making: Semaphore::new(MAKING_MAX),
        })
    }
}

fn index(sources: &Sources, client: &Client) -> Result<index::Index> {
    let mut service = configured("package_index", &sources.package_index, client)?;
    for host in &sources.package_hosts {
        let invalid = |error| Error::invalid("package_host", format!("{host}: {error}"));
        service = service.with_host(host).map_err(invalid)?;
    }
    Ok(index::Index::new(service))
}

fn configured(flag: &'static str, url: &str, client: &Client) -> Result<Configured> {
    Configured::new(client, url).map_err(|error| Error::invalid(flag, format!("{url}: {error}")))
}

/// The packages of one server: what people allowed, what that was resolved to, how far it is.
#[derive(Debug, Clone)]
pub struct OfServer {
    /// What people allowed, as `name==version`; by name.
    pub grants: Vec<Grant>,
    /// All packages that the tools run with; none where nothing is allowed.
    pub kept: Option<Kept>,
    /// How far they are in this process.
    pub preparation: Preparation,
}

/// The packages of a server.
pub async fn of_server(app: &App, server_id: Uuid) -> Result<OfServer> {
    let mut grants = store::grants::of(app.store(), Some(server_id)).await?;
    grants.retain(|grant| grant.kind == Kind::Package);
    let (kept, preparation) = match kept(app.store(), server_id).await {
        Ok(Some(kept)) => {
            let preparation = preparation(app, &kept.digest);
            (Some(kept), preparation)
        }
        Ok(None) => (None, Preparation::NotBegun),
        // What a person does about it, they do where the packages are shown.
        Err(Error::Conflict(reason)) => (None, Preparation::Failed { reason }),
        Err(error) => return Err(error),
    };
    Ok(OfServer { grants, kept, preparation })
}

/// The name and the version in the name of a grant or of a request, `name==version`.
pub fn parts(name: &str) -> (&str, &str) {
    name.split_once("==").unwrap_or((name, ""))
}

/// How far the set of that digest is in this process.
pub fn preparation(app: &App, digest: &str) -> Preparation {
    app.packages().map_or(Preparation::NotBegun, |packages| packages.sets.state(digest))
}

/// Whether the package index answers, for a diagnosis.
pub(crate) async fn check_index(sources: &Sources, client: &Client) -> Result<String> {
    let index = index(sources, client)?;
    index.check().await?;
    Ok(index.url().to_owned())
}
