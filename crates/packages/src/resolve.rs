//! The choice of versions: the packages that were asked for and all they require, as one lock.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pep440_rs::Version;
use pubgrub::{
    Dependencies, DependencyConstraints, DependencyProvider, Map, PackageResolutionStatistics,
    PubGrubError, Ranges,
};

use crate::environment::is_provided;
use crate::index::Unusable;
use crate::requirement::Requirement;
use crate::{Candidate, Knowledge, Listing, Lock, Locked, Metadata, PackageName, Step, explain};

/// The most packages of a lock.
pub const MOST_PACKAGES: usize = 200;

/// The most decisions of one resolution: what takes more has most likely no solution.
const MOST_DECISIONS: u32 = 2000;

/// Why there is no lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The sandbox has it already.
    #[error("`{0}` is there already: import it")]
    Provided(PackageName),
    /// One package at two versions.
    #[error("`{name}` is asked for at {one} and at {other}; tools of one server share one release")]
    Twice {
        /// Which package.
        name: PackageName,
        /// One version.
        one: Version,
        /// Another.
        other: Version,
    },
    /// The index does not know it.
    #[error("the package index has no package `{0}`: check the spelling")]
    Unknown(PackageName),
    /// The index does not know this release.
    #[error("`{name}` has no release {version}; the newest are {newest}")]
    NoSuchVersion {
        /// Which package.
        name: PackageName,
        /// What was asked for.
        version: Version,
        /// Some that exist, as text.
        newest: String,
    },
    /// The release has nothing that the sandbox could use.
    #[error("`{name}` {version} {reason}")]
    Unusable {
        /// Which package.
        name: PackageName,
        /// Which release.
        version: Version,
        /// Why.
        reason: Unusable,
    },
    /// What is required cannot be had together.
    #[error("these packages cannot be had together: {}", .0.join("; "))]
    Conflict(Vec<String>),
    /// More packages than a server may have.
    #[error("this needs more than {MOST_PACKAGES} packages")]
    TooMany,
    /// Too hard to find out.
    #[error(
        "no combination of versions was found in {MOST_DECISIONS} decisions: ask for other releases"
    )]
    TooHard,
}

/// Chooses versions with what is known: the roots as asked for, of all they require those of `preferred`, else the newest.
///
/// Asks for what it needs to know; add it and call again.
pub fn resolve(
    roots: &[(PackageName, Version)],
    preferred: &Lock,
    known: &Knowledge,
) -> Result<Step, ResolveError> {
    if let Some(name) = unlisted(roots, known)? {
        return Ok(Step::NeedListing(name));
    }
    let provider = Provider { roots, preferred, known, decisions: Cell::new(0) };
    match pubgrub::resolve(&provider, Package::Roots, Version::new([0])) {
        Ok(chosen) => provider.lock(&chosen.into_iter().collect()).map(Step::Done),
        Err(PubGrubError::NoSolution(tree)) => {
            Err(ResolveError::Conflict(explain::sentences(&tree, known)))
        }
        Err(
            PubGrubError::ErrorRetrievingDependencies { source, .. }
            | PubGrubError::ErrorChoosingVersion { source, .. }
            | PubGrubError::ErrorInShouldCancel(source),
        ) => match source {
            Pause::Listing(name) => Ok(Step::NeedListing(name)),
            Pause::Metadata(candidate) => Ok(Step::NeedMetadata(candidate)),
            Pause::TooHard => Err(ResolveError::TooHard),
        },
    }
}

/// Judges what was asked for before anything else: the first root that the index was not asked about.
fn unlisted(
    roots: &[(PackageName, Version)],
    known: &Knowledge,
) -> Result<Option<PackageName>, ResolveError> {
    let mut versions = BTreeMap::new();
    for (name, version) in roots {
        if is_provided(name) {
            return Err(ResolveError::Provided(name.clone()));
        }
        if let Some(one) = versions.insert(name, version)
            && one != version
        {
            let (one, other) = (one.clone(), version.clone());
            return Err(ResolveError::Twice { name: name.clone(), one, other });
        }
    }
    for (name, version) in roots {
        let Some(listing) = known.listing(name) else { return Ok(Some(name.clone())) };
        let listing = listing.ok_or_else(|| ResolveError::Unknown(name.clone()))?;
        check_root(listing, version)?;
    }
    Ok(None)
}

fn check_root(listing: &Listing, version: &Version) -> Result<(), ResolveError> {
    let name = listing.name().clone();
    let version = version.clone();
    match listing.release(&version) {
        Some(Ok(_)) => Ok(()),
        Some(Err(reason)) => Err(ResolveError::Unusable { name, version, reason }),
        None => {
            let usable = listing.releases().rev().filter_map(|(version, best)| {
                let candidate = best.ok()?;
                let stable = !version.any_prerelease() && candidate.yanked.is_none();
                stable.then(|| version.to_string())
            });
            let newest: Vec<String> = usable.take(5).collect();
            let newest = if newest.is_empty() {
                "none that can be used".to_owned()
            } else {
                newest.join(", ")
            };
            Err(ResolveError::NoSuchVersion { name, version, newest })
        }
    }
}

/// What versions are chosen for: the whole, a package, or a package with one of its extras.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Package {
    Roots,
    Named { name: PackageName, extra: Option<PackageName> },
}

impl fmt::Display for Package {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Roots => formatter.write_str("what was asked for"),
            Self::Named { name, extra: None } => write!(formatter, "{name}"),
            Self::Named { name, extra: Some(extra) } => write!(formatter, "{name}[{extra}]"),
        }
    }
}

/// Why a resolution stops before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Pause {
    #[error("the index was not asked about {0}")]
    Listing(PackageName),
    #[error("the metadata of a wheel is not known")]
    Metadata(Box<Candidate>),
    #[error("too many decisions")]
    TooHard,
}

pub(crate) struct Provider<'known> {
    roots: &'known [(PackageName, Version)],
    preferred: &'known Lock,
    known: &'known Knowledge,
    decisions: Cell<u32>,
}

impl DependencyProvider for Provider<'_> {
    type P = Package;
    type V = Version;
    type VS = Ranges<Version>;
    type M = String;
    type Err = Pause;
    type Priority = (bool, u32, Reverse<Package>);

    fn prioritize(
        &self,
        package: &Package,
        range: &Ranges<Version>,
        conflicts: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let pinned = range.as_singleton().is_some();
        (pinned, conflicts.conflict_count(), Reverse(package.clone()))
    }

    fn choose_version(
        &self,
        package: &Package,
        range: &Ranges<Version>,
    ) -> Result<Option<Version>, Pause> {
        let Package::Named { name, .. } = package else {
            return Ok(range.as_singleton().cloned());
        };
        let Some(listing) = self.known.listing(name) else {
            return Err(Pause::Listing(name.clone()));
        };
        let Some(listing) = listing else { return Ok(None) };
        let pinned = range.as_singleton();
        let usable = |version: &Version, candidate: &Candidate| {
            range.contains(version)
                && (pinned == Some(version)
                    || !version.any_prerelease() && candidate.yanked.is_none())
        };
        if let Some(locked) = self.preferred.get(name)
            && let Some(Ok(candidate)) = listing.release(&locked.version)
            && usable(&locked.version, candidate)
        {
            return Ok(Some(locked.version.clone()));
        }
        let mut newest = listing.releases().rev();
        let chosen = newest.find(|(version, best)| {
            best.as_ref().is_ok_and(|candidate| usable(version, candidate))
        });
        Ok(chosen.map(|(version, _)| version.clone()))
    }

    fn get_dependencies(
        &self,
        package: &Package,
        version: &Version,
    ) -> Result<Dependencies<Package, Ranges<Version>, String>, Pause> {
        let Package::Named { name, extra } = package else {
            let pins = self.roots.iter().map(|(name, version)| {
                let package = Package::Named { name: name.clone(), extra: None };
                (package, Ranges::singleton(version.clone()))
            });
            return Ok(Dependencies::Available(pins.collect()));
        };
        let metadata = match self.metadata(name, version)? {
            Ok(metadata) => metadata,
            Err(reason) => return Ok(Dependencies::Unavailable(reason)),
        };
        let mut wanted: BTreeMap<Package, Ranges<Version>> = BTreeMap::new();
        if extra.is_some() {
            let itself = Package::Named { name: name.clone(), extra: None };
            wanted.insert(itself, Ranges::singleton(version.clone()));
        }
        for requirement in required(metadata, extra.as_ref()) {
            if requirement.url {
                let reason = format!("requires `{}` from an address of its own", requirement.name);
                return Ok(Dependencies::Unavailable(reason));
            }
            add(&mut wanted, requirement);
        }
        // The algorithm knows no requirement of a release on itself: it is met, or never is.
        if wanted.remove(package).is_some_and(|range| !range.contains(version)) {
            let reason = "requires another release of itself".to_owned();
            return Ok(Dependencies::Unavailable(reason));
        }
        Ok(Dependencies::Available(DependencyConstraints::from_iter(wanted)))
    }

    fn should_cancel(&self) -> Result<(), Pause> {
        self.decisions.set(self.decisions.get() + 1);
        if self.decisions.get() > MOST_DECISIONS { Err(Pause::TooHard) } else { Ok(()) }
    }
}

/// Adds a requirement to what is wanted: the package, and each of the extras that it names.
fn add(wanted: &mut BTreeMap<Package, Ranges<Version>>, requirement: &Requirement) {
    let extras = requirement.extras.iter().cloned().map(Some);
    for extra in extras.chain([None]) {
        let package = Package::Named { name: requirement.name.clone(), extra };
        let range = requirement.range();
        let both = match wanted.get(&package) {
            Some(known) => known.intersection(&range),
            None => range,
        };
        wanted.insert(package, both);
    }
}

/// What holds in the sandbox of what a release requires, without what the sandbox has.
fn required<'metadata>(
    metadata: &'metadata Metadata,
    extra: Option<&'metadata PackageName>,
) -> impl Iterator<Item = &'metadata Requirement> {
    holding(metadata, extra).filter(|requirement| !is_provided(&requirement.name))
}

fn holding<'metadata>(
    metadata: &'metadata Metadata,
    extra: Option<&'metadata PackageName>,
) -> impl Iterator<Item = &'metadata Requirement> {
    metadata.requires.iter().filter(move |requirement| requirement.holds(extra))
}

impl Provider<'_> {
    fn candidate(&self, name: &PackageName, version: &Version) -> Option<&Candidate> {
        self.known.listing(name)??.release(version)?.ok()
    }

    fn metadata(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Result<Result<&Metadata, String>, Pause> {
        let Some(candidate) = self.candidate(name, version) else {
            return Ok(Err("has no wheel that the sandbox can use".to_owned()));
        };
        match self.known.of_candidate(candidate) {
            None => Err(Pause::Metadata(Box::new(candidate.clone()))),
            Some(Ok(metadata)) => Ok(Ok(metadata)),
            Some(Err(reason)) => Ok(Err(reason.to_owned())),
        }
    }

    /// Writes down what was chosen.
    fn lock(&self, chosen: &Map<Package, Version>) -> Result<Lock, ResolveError> {
        let mut extras: BTreeMap<&PackageName, BTreeSet<Option<&PackageName>>> = BTreeMap::new();
        let mut versions = BTreeMap::new();
        for (package, version) in chosen {
            if let Package::Named { name, extra } = package {
                extras.entry(name).or_default().insert(extra.as_ref());
                versions.insert(name, version);
            }
        }
        if versions.len() > MOST_PACKAGES {
            return Err(ResolveError::TooMany);
        }
        let mut lock = Lock::default();
        for (name, version) in versions {
            let Some(candidate) = self.candidate(name, version) else { continue };
            let Some(Ok(metadata)) = self.known.of_candidate(candidate) else { continue };
            let active = extras.get(name).into_iter().flatten();
            let all: BTreeSet<&PackageName> = active
                .flat_map(|extra| holding(metadata, *extra))
                .map(|requirement| &requirement.name)
                .filter(|required| *required != name)
                .collect();
            let (provided, requires) = all.into_iter().cloned().partition(is_provided);
            lock.packages.push(locked(candidate, requires, provided));
        }
        Ok(lock)
    }
}

fn locked(candidate: &Candidate, requires: Vec<PackageName>, provided: Vec<PackageName>) -> Locked {
    Locked {
        name: candidate.name.clone(),
        version: candidate.version.clone(),
        wheel: candidate.wheel.clone(),
        url: candidate.url.clone(),
        sha256: candidate.sha256.clone(),
        bytes: candidate.bytes,
        requires,
        provided,
        yanked: candidate.yanked.clone(),
        without_compiled: candidate.without_compiled,
    }
}
