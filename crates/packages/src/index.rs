//! What an index says of one package: the JSON form of its simple API, or the older pages.

use std::collections::BTreeMap;

use pep440_rs::Version;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use crate::environment;
use crate::metadata::{Metadata, MetadataError};
use crate::requirement::{read_specifiers, read_version};
use crate::tags::{Fit, WheelName};
use crate::{PackageName, hash, html};

/// What to send as `Accept` when asking an index.
pub const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, \
     application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// The largest listing that is read, in bytes.
pub const LARGEST_LISTING: usize = 32_000_000;

/// The most files of a listing that are looked at.
const MOST_FILES_LISTED: usize = 100_000;

/// The longest reason for a withdrawal that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// The files of one package, as far as the sandbox can use them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    name: PackageName,
    releases: BTreeMap<Version, Release>,
}

/// Why the answer of an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It is no such JSON.
    #[error(
        "the package index's answer about `{name}` is neither the simple API's JSON nor a page of links"
    )]
    Json {
        /// What was asked about.
        name: PackageName,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is some other page, such as one to sign in with.
    #[error("the package index's answer about `{0}` is a page without a link to a file")]
    NoLinks(PackageName),
    /// It is longer than any listing is.
    #[error("the package index's answer about `{0}` is longer than {LARGEST_LISTING} bytes")]
    TooLarge(PackageName),
    /// It speaks another version of the API.
    #[error("the package index speaks version {0} of the simple API; version 1 is known")]
    Version(String),
    /// It is about another package.
    #[error("the package index was asked about `{asked}` and answers about `{answered}`")]
    OtherName {
        /// What was asked about.
        asked: PackageName,
        /// What it is about.
        answered: String,
    },
}

/// One release: the wheel that the sandbox would use, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Release {
    best: Result<Ranked, Unusable>,
}

/// A wheel with what it is compared by: of two, the greater is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ranked {
    fit: Fit,
    build: u64,
    candidate: Candidate,
}

/// Why a release has no wheel for the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unusable {
    /// Only a source archive.
    #[error("is published as source only; only wheels can be used")]
    SourceOnly,
    /// Only wheels for other versions of Python.
    #[error("has wheels for other versions of Python only; the sandbox has Python 3.14")]
    OtherPython,
    /// `requires-python` says no.
    #[error("does not allow Python 3.14, which the sandbox has")]
    RequiresPython,
    /// Only wheels with compiled parts that it is nothing without.
    #[error("consists of compiled code, and the sandbox runs pure Python only; do it without")]
    Compiled,
    /// No hash that could be checked.
    #[error("has wheels without a SHA-256 in the package index, so that none can be checked")]
    NoHash,
}

/// A wheel that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which package.
    pub name: PackageName,
    /// Which release.
    pub version: Version,
    /// The wheel's file name.
    pub wheel: String,
    /// Where the index says it is.
    pub url: String,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Its size in bytes, or 0 when the index does not say.
    pub bytes: u64,
    /// Where its metadata is by itself, and its SHA-256 where the index gives it. Without it the wheel has to be fetched.
    pub metadata: Option<(String, Option<String>)>,
    /// Why it was withdrawn.
    pub yanked: Option<String>,
    /// Whether it is for another system.
    pub without_compiled: bool,
}

#[derive(Deserialize)]
struct Answer<'a> {
    meta: Meta,
    name: String,
    /// Not read until it is their turn: a short text can be a large value.
    #[serde(borrow)]
    files: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "api-version")]
    api_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct File {
    pub(crate) filename: String,
    pub(crate) url: String,
    pub(crate) hashes: BTreeMap<String, String>,
    pub(crate) requires_python: Option<String>,
    pub(crate) size: Option<u64>,
    #[serde(default)]
    pub(crate) yanked: Flag,
    #[serde(default)]
    pub(crate) core_metadata: Flag,
    /// Its older name, which is sent beside the other.
    #[serde(default)]
    pub(crate) dist_info_metadata: Flag,
}

/// `false`, `true`, or more about it.
#[derive(Deserialize, Default)]
#[serde(untagged)]
pub(crate) enum Flag {
    Text(String),
    Hashes(BTreeMap<String, String>),
    Bare(bool),
    #[default]
    Missing,
}

impl Listing {
    /// Reads what an index answered about `name` from the address `base`. Files that cannot be read are skipped.
    pub fn read(name: &PackageName, bytes: &[u8], base: &Url) -> Result<Self, IndexError> {
        if bytes.len() > LARGEST_LISTING {
            return Err(IndexError::TooLarge(name.clone()));
        }
        let mut listing = Self { name: name.clone(), releases: BTreeMap::new() };
        if html::is_page(bytes) {
            let files = html::files(bytes, base);
            if files.is_empty() {
                return Err(IndexError::NoLinks(name.clone()));
            }
            files.iter().take(MOST_FILES_LISTED).for_each(|file| listing.add(file, base));
            return Ok(listing);
        }
        let answer: Answer<'_> = serde_json::from_slice(bytes)
            .map_err(|source| IndexError::Json { name: name.clone(), source })?;
        if !answer.meta.api_version.starts_with("1.") {
            let version = answer.meta.api_version.chars().take(20).collect();
            return Err(IndexError::Version(version));
        }
        if answer.name.parse().as_ref() != Ok(name) {
            let answered = answer.name.chars().take(100).collect();
            return Err(IndexError::OtherName { asked: name.clone(), answered });
        }
        for file in answer.files.into_iter().take(MOST_FILES_LISTED) {
            if let Ok(file) = serde_json::from_str(file.get()) {
                listing.add(&file, base);
            }
        }
        Ok(listing)
    }

    /// Which package it is of.
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// All releases, oldest first, with what would be used of them.
    pub fn releases(
        &self,
    ) -> impl DoubleEndedIterator<Item = (&Version, Result<&Candidate, Unusable>)> {
        self.releases.iter().map(|(version, release)| {
            let best = release.best.as_ref().map(|ranked| &ranked.candidate);
            (version, best.map_err(|reason| *reason))
        })
    }

    /// What would be used of a release; nothing where there is no such release.
    pub fn release(&self, version: &Version) -> Option<Result<&Candidate, Unusable>> {
        let release = self.releases.get(version)?;
        let best = release.best.as_ref().map(|ranked| &ranked.candidate);
        Some(best.map_err(|reason| *reason))
    }

    fn add(&mut self, file: &File, base: &Url) {
        let Some((version, found)) = self.judge(file, base) else { return };
        let Some(known) = self.releases.get_mut(&version) else {
            self.releases.insert(version, Release { best: found });
            return;
        };
        let better = match (&known.best, &found) {
            (Ok(old), Ok(new)) => new.rank() > old.rank(),
            (Ok(_), Err(_)) => false,
            (Err(_), Ok(_)) => true,
            (Err(old), Err(new)) => new > old,
        };
        if better {
            known.best = found;
        }
    }

    /// The release that a file belongs to and what it is worth; nothing where it is no file of the package.
    fn judge(&self, file: &File, base: &Url) -> Option<(Version, Result<Ranked, Unusable>)> {
        let Some(wheel) = WheelName::read(&file.filename) else {
            return Some((self.source_version(&file.filename)?, Err(Unusable::SourceOnly)));
        };
        if wheel.name != self.name {
            return None;
        }
        let refuse = |reason| Some((wheel.version.clone(), Err(reason)));
        let Some(fit) = wheel.fit else { return refuse(Unusable::OtherPython) };
        let specifiers = file.requires_python.as_deref().map(read_specifiers);
        match specifiers {
            Some(Ok(specifiers)) if !specifiers.contains(environment::python()) => {
                return refuse(Unusable::RequiresPython);
            }
            // What cannot be read forbids nothing: installers see it so.
            _ => (),
        }
        if fit != Fit::Pure && environment::is_compiled(&self.name) {
            return refuse(Unusable::Compiled);
        }
        let Some(sha256) = file.hashes.get("sha256").and_then(|text| hash::read(text)) else {
            return refuse(Unusable::NoHash);
        };
        let url = base.join(&file.url).ok()?;
        if !["http", "https"].contains(&url.scheme()) {
            return None;
        }
        let candidate = Candidate {
            name: wheel.name,
            version: wheel.version.clone(),
            wheel: file.filename.clone(),
            metadata: file.metadata(&url),
            url: url.into(),
            sha256,
            bytes: file.size.unwrap_or_default(),
            yanked: file.yanked.reason(),
            without_compiled: fit != Fit::Pure,
        };
        Some((wheel.version, Ok(Ranked { fit, build: wheel.build, candidate })))
    }

    /// The version in the name of a source archive.
    fn source_version(&self, file: &str) -> Option<Version> {
        let stem = [".tar.gz", ".zip", ".tar.bz2", ".tgz"]
            .iter()
            .find_map(|suffix| file.strip_suffix(suffix))?;
        // Old archives have `-` in the name, so every `-` may be the one before the version.
        stem.match_indices('-').find_map(|(at, _)| {
            let (name, rest) = stem.split_at_checked(at)?;
            let version = rest.strip_prefix('-')?;
            let fits = name.parse().as_ref() == Ok(&self.name);
            fits.then(|| read_version(version).ok()).flatten()
        })
    }
}

impl File {
    fn metadata(&self, wheel: &Url) -> Option<(String, Option<String>)> {
        let newer = self.core_metadata.metadata_of(wheel);
        newer.or_else(|| self.dist_info_metadata.metadata_of(wheel))
    }
}

impl Ranked {
    fn rank(&self) -> (Fit, u64, &str) {
        (self.fit, self.build, &self.candidate.wheel)
    }
}

impl Flag {
    fn reason(&self) -> Option<String> {
        match self {
            Self::Text(reason) => Some(reason.chars().take(LONGEST_REASON).collect()),
            Self::Bare(true) => Some(String::new()),
            Self::Bare(false) | Self::Hashes(_) | Self::Missing => None,
        }
    }

    fn metadata_of(&self, wheel: &Url) -> Option<(String, Option<String>)> {
        let hash = match self {
            Self::Hashes(hashes) => hashes.get("sha256").and_then(|text| hash::read(text)),
            Self::Bare(true) => None,
            Self::Bare(false) | Self::Text(_) | Self::Missing => return None,
        };
        let mut url = wheel.clone();
        url.set_fragment(None);
        url.set_path(&format!("{}.metadata", wheel.path()));
        Some((url.into(), hash))
    }
}

impl Candidate {
    /// Reads the metadata that the index has beside the wheel, after checking its hash.
    pub fn read_metadata(&self, bytes: &[u8]) -> Result<Metadata, MetadataError> {
        let promised = self.metadata.as_ref().and_then(|(_, hash)| hash.as_ref());
        if promised.is_some_and(|promised| *promised != hash::of(bytes)) {
            return Err(MetadataError::Hash);
        }
        Metadata::read(bytes)?.check(&self.name, &self.version)
    }
}
