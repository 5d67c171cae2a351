//! Making plans: the resolver says what it has to know, and the index is asked for that.

use std::collections::BTreeMap;
use std::time::Duration;

use packages::{
    Knowledge, Listing, Lock, Locked, PackageName, ResolveError, Step, Version, is_provided,
};
use uuid::Uuid;

use super::plan::{Draft, Known, full_name, with};
use super::{Kept, Packages, Plan, advisories, held, wheel};
use crate::{App, Error, Result, servers};

/// How long a plan may take, without the question about vulnerabilities.
const LIMIT: Duration = Duration::from_secs(20);

/// How often the index may be asked for one plan.
const QUESTIONS_MAX: usize = 1_000;

/// A package, and the version of it that somebody named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: PackageName,
    pub(crate) version: Option<Version>,
}

impl Wanted {
    /// Reads what somebody wrote, before anything is asked for.
    pub(crate) fn read(package: &str, version: Option<&str>) -> Result<Self> {
        let name: PackageName = package
            .trim()
            .parse()
            .map_err(|error: packages::NameError| Error::invalid("package", error.to_string()))?;
        if is_provided(&name) {
            return Err(Error::Conflict(format!("`{name}` is there already: import it")));
        }
        let version = version.map(str::trim).filter(|version| !version.is_empty());
        let version = version.map(read_version).transpose()?;
        Ok(Self { name, version })
    }
}

fn read_version(text: &str) -> Result<Version> {
    let exact = text.strip_prefix("==").unwrap_or(text).trim();
    exact.parse().map_err(|_unreadable| {
        let reason = "expected one exact version such as 3.1.6, or nothing for the newest";
        Error::invalid("version", reason)
    })
}

/// Whose question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A model's.
    Model,
    /// A person's, whom no model is to hold up.
    Person,
}

/// What allowing a package would do to a server, as the index has it now. Without a version the
/// newest that can be used is taken.
pub(crate) async fn plan(
    app: &App,
    server_id: Uuid,
    wanted: &Wanted,
    asker: Asker,
) -> Result<Plan> {
    servers::find(app, server_id).await?;
    let granted = held::granted(app.store(), server_id).await?;
    let before = held::kept(app.store(), server_id).await?;
    let packages = app.packages()?;
    let places = match asker {
        Asker::Model => &packages.plans,
        Asker::Person => &packages.plans_of_people,
    };
    let place = tokio::time::timeout(LIMIT, places.acquire()).await;
    let Ok(Ok(_place)) = place else {
        let reason = "many other packages are being looked up; try again".to_owned();
        return Err(Error::Busy { reason, retry_after_seconds: 5 });
    };
    let planning = draft(packages, server_id, &granted, before.as_ref(), wanted);
    let draft = tokio::time::timeout(LIMIT, planning).await.unwrap_or_else(|elapsed| {
        let text = format!("it did not say enough within {} s", LIMIT.as_secs());
        let slow = std::io::Error::new(std::io::ErrorKind::TimedOut, format!("{text}: {elapsed}"));
        Err(packages.index.unavailable(slow))
    })?;
    let mut plan = draft.plan();
    advisories::add_to(packages, &mut plan).await;
    Ok(plan)
}

async fn draft<'a>(
    packages: &Packages,
    server_id: Uuid,
    granted: &'a [(PackageName, Version)],
    before: Option<&'a Kept>,
    wanted: &Wanted,
) -> Result<Draft<'a>> {
    let name = &wanted.name;
    let version = match &wanted.version {
        Some(version) => version.clone(),
        None => newest(packages, name).await?,
    };
    if granted.contains(&(name.clone(), version.clone())) {
        return Err(Error::Conflict(already_allowed(&full_name(name, &version))));
    }
    let roots = with(granted, name, &version);
    let preferred = before.map(Kept::lock).unwrap_or_default();
    let (after, knowledge) = resolve(packages, roots, preferred).await?;
    let mut known = BTreeMap::new();
    for locked in &after.packages {
        known.insert(locked.name.clone(), about(packages, before, &knowledge, locked).await?);
    }
    let asked = (name.clone(), version);
    Ok(Draft { server_id, asked, granted, before, after, known })
}

pub(super) fn already_allowed(name: &str) -> String {
    format!("`{name}` is allowed for this server already; its tools can import it now")
}

/// Resolves, and asks the index for whatever the resolver has to know for that.
async fn resolve(
    packages: &Packages,
    roots: Vec<(PackageName, Version)>,
    preferred: Lock,
) -> Result<(Lock, Knowledge)> {
    let mut known = Knowledge::new();
    for _question in 0..QUESTIONS_MAX {
        let (given_roots, given_lock) = (roots.clone(), preferred.clone());
        // It can take its processor time.
        let resolving = tokio::task::spawn_blocking(move || {
            let step = packages::resolve(&given_roots, &given_lock, &known);
            (step, known)
        });
        let (step, back) = resolving.await.map_err(|error| Error::Internal(Box::new(error)))?;
        known = back;
        match step.map_err(|error| refused(&error))? {
            Step::Done(lock) => return Ok((lock, known)),
            Step::NeedListing(name) => match packages.index.listing(&name).await? {
                Some(listing) => known.add_listing(listing),
                None => known.add_missing(name),
            },
            Step::NeedMetadata(candidate) => match packages.index.metadata(&candidate).await? {
                Ok(metadata) => known.add_metadata(&candidate, metadata),
                Err(reason) => known.refuse(&candidate, reason),
            },
        }
    }
    Err(Error::Conflict(format!(
        "the package index would have to be asked more than {QUESTIONS_MAX} times; ask for a package that requires less"
    )))
}

/// The newest release that can be used: no pre-release while there is another one.
async fn newest(packages: &Packages, name: &PackageName) -> Result<Version> {
    let Some(listing) = packages.index.listing(name).await? else {
        return Err(refused(&ResolveError::Unknown(name.clone())));
    };
    newest_of(&listing)
}

fn newest_of(listing: &Listing) -> Result<Version> {
    let usable = |version: &&Version| {
        let found = listing.release(version);
        found.is_some_and(|found| found.is_ok_and(|candidate| candidate.yanked.is_none()))
    };
    let versions = || listing.releases().rev().map(|(version, _)| version);
    let stable = versions().filter(|version| !version.any_prerelease());
    if let Some(version) = stable.chain(versions()).find(usable) {
        return Ok(version.clone());
    }
    let name = listing.name();
    let newest = listing.releases().next_back().map_or_else(
        || "it has none".to_owned(),
        |(version, found)| match found {
            Err(reason) => format!("the newest, {version}, {reason}"),
            Ok(_withdrawn) => format!("the newest, {version}, was withdrawn by its author"),
        },
    );
    Err(Error::invalid("package", format!("`{name}` has no release that can be used: {newest}")))
}

/// What to show of a package of the lock.
async fn about(
    packages: &Packages,
    before: Option<&Kept>,
    knowledge: &Knowledge,
    locked: &Locked,
) -> Result<Known> {
    let same = |held: &&super::Held| held.locked.sha256 == locked.sha256;
    if let Some(held) = before.and_then(|kept| kept.packages.iter().find(same)) {
        return Ok(Known {
            summary: held.summary.clone(),
            license: held.license.clone(),
            home_page: held.home_page.clone(),
            left_out: held.left_out.clone(),
        });
    }
    let mut known = Known::default();
    if let Some(metadata) = knowledge.metadata(locked) {
        known.summary.clone_from(&metadata.summary);
        known.license.clone_from(&metadata.license);
        known.home_page.clone_from(&metadata.home_page);
    }
    if locked.without_compiled {
        known.left_out = wheel::look_into(packages, locked).await?.left_out;
    }
    Ok(known)
}

/// What a model or a person reads of a resolution that failed.
fn refused(error: &ResolveError) -> Error {
    let text = error.to_string();
    match error {
        ResolveError::Unknown(_) => Error::invalid("package", text),
        ResolveError::NoSuchVersion { .. } | ResolveError::Unusable { .. } => {
            Error::invalid("version", text)
        }
        _ => Error::Conflict(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_read_before_anything_is_asked_for() {
        let wanted = Wanted::read(" Python_Dateutil ", Some("== 2.9.0.post0")).unwrap();
        assert_eq!(
            full_name(&wanted.name, &wanted.version.unwrap()),
            "python-dateutil==2.9.0.post0"
        );
        for nothing in [None, Some(""), Some("  ")] {
            assert_eq!(Wanted::read("jinja2", nothing).unwrap().version, None);
        }
        for package in
            ["", "a b", "../x", "https://x.example/y.whl", "jinja2==3.1.6", "-x", "naïve"]
        {
            let refused = Wanted::read(package, None).unwrap_err();
            assert!(matches!(refused, Error::Invalid { field: "package", .. }), "{refused}");
        }
        for version in ["latest", ">=3", "3.1.*", "3.1 || 4"] {
            let refused = Wanted::read("jinja2", Some(version)).unwrap_err();
            assert!(matches!(refused, Error::Invalid { field: "version", .. }), "{refused}");
        }
        let there = Wanted::read("HTTPX", None).unwrap_err().to_string();
        assert!(there.contains("import it"), "{there}");
    }
}
