//! Known vulnerabilities: what to ask a feed that speaks OSV's API, and its answers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Lock, PackageName};

/// The largest answer that is read, in bytes.
pub const LARGEST_ANSWER: usize = 16_000_000;

/// The longest text that is shown, in characters.
const LONGEST: usize = 500;

/// The most vulnerabilities of one lock that are shown.
pub const MOST_ADVISORIES: usize = 100;

/// A known vulnerability of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advisory {
    /// Its identifier in the feed, such as `GHSA-…` or `PYSEC-…`.
    pub id: String,
    /// Which package of the lock it is about.
    pub package: PackageName,
    /// Its other identifiers, such as `CVE-…`, sorted.
    pub aliases: Vec<String>,
    /// One line about it.
    pub summary: String,
    /// How severe it is: a word such as `HIGH`, or a CVSS vector.
    pub severity: Option<String>,
    /// The releases in which it is mended.
    pub fixed: Vec<String>,
    /// Where to read about it.
    pub url: String,
}

/// What a feed found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Packages and identifiers, each pair once.
    pub ids: Vec<(PackageName, String)>,
    /// Whether the feed has more than it said.
    pub more: bool,
}

/// Why a feed's answer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// It is no such JSON.
    #[error("the vulnerability feed's answer is not OSV's JSON")]
    Json(#[from] serde_json::Error),
    /// It is about something else.
    #[error("the vulnerability feed's answer is about something else")]
    Other,
}

#[derive(Deserialize)]
struct Batch {
    results: Vec<Option<BatchResult>>,
}

#[derive(Deserialize, Default)]
struct BatchResult {
    #[serde(default)]
    vulns: Option<Vec<Id>>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: String,
    summary: Option<String>,
    details: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    severity: Vec<Severity>,
    #[serde(default)]
    affected: Vec<Affected>,
    database_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Severity {
    score: String,
}

#[derive(Deserialize)]
struct Specific {
    severity: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Affected {
    package: Option<Affects>,
    #[serde(default)]
    ranges: Vec<AffectedRange>,
}

#[derive(Deserialize)]
struct Affects {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct AffectedRange {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    fixed: Option<String>,
}

/// The body of `POST {feed}/v1/querybatch` about all packages of a lock.
pub fn query(lock: &Lock) -> Vec<u8> {
    let queries: Vec<_> = lock
        .packages
        .iter()
        .map(|package| {
            let subject = json!({"name": package.name.as_str(), "ecosystem": "PyPI"});
            json!({"package": subject, "version": package.version.to_string()})
        })
        .collect();
    json!({ "queries": queries }).to_string().into_bytes()
}

/// Reads the answer to [`query`] about the same lock.
pub fn read_found(lock: &Lock, bytes: &[u8]) -> Result<Found, FeedError> {
    let batch: Batch = serde_json::from_slice(bytes)?;
    if batch.results.len() != lock.packages.len() {
        return Err(FeedError::Other);
    }
    let mut found = Found::default();
    let mut known = BTreeSet::new();
    for (package, result) in lock.packages.iter().zip(batch.results) {
        let result = result.unwrap_or_default();
        found.more |= result.next_page_token.is_some_and(|token| !token.is_empty());
        for Id { id } in result.vulns.unwrap_or_default() {
            // An identifier becomes part of an address.
            if !is_id(&id) {
                return Err(FeedError::Other);
            }
            let pair = (package.name.clone(), id);
            if !known.insert(pair.clone()) {
                continue;
            }
            if found.ids.len() >= MOST_ADVISORIES {
                found.more = true;
                return Ok(found);
            }
            found.ids.push(pair);
        }
    }
    Ok(found)
}

impl Advisory {
    /// Reads the answer of `GET {feed}/v1/vulns/{id}`.
    pub fn read(package: &PackageName, id: &str, bytes: &[u8]) -> Result<Self, FeedError> {
        let vulnerability: Vulnerability = serde_json::from_slice(bytes)?;
        if vulnerability.id != id || !is_id(id) {
            return Err(FeedError::Other);
        }
        let stated = vulnerability.database_specific.and_then(|specific| specific.severity);
        let word = stated.and_then(|severity| severity.as_str().map(shorten));
        let mut aliases: Vec<String> =
            vulnerability.aliases.iter().take(20).map(|text| shorten(text)).collect();
        aliases.sort();
        let details = vulnerability.details.unwrap_or_default();
        let summary =
            vulnerability.summary.filter(|summary| !summary.is_empty()).unwrap_or(details);
        let score = || vulnerability.severity.first().map(|severity| shorten(&severity.score));
        Ok(Self {
            id: id.to_owned(),
            package: package.clone(),
            aliases,
            summary: shorten(summary.lines().next().unwrap_or_default()),
            severity: word.or_else(score),
            fixed: fixed(&vulnerability.affected, package),
            url: format!("https://osv.dev/vulnerability/{id}"),
        })
    }
}

fn fixed(affected: &[Affected], package: &PackageName) -> Vec<String> {
    let about = |affected: &&Affected| {
        let named = |affects: &Affects| {
            affects.ecosystem == "PyPI" && affects.name.parse().as_ref() == Ok(package)
        };
        affected.package.as_ref().is_some_and(named)
    };
    let ranges = affected.iter().filter(about).flat_map(|affected| &affected.ranges);
    let events = ranges.filter(|range| range.kind == "ECOSYSTEM").flat_map(|range| &range.events);
    let mut fixed: Vec<String> = Vec::new();
    for version in events.filter_map(|event| event.fixed.as_deref()).map(shorten) {
        if !fixed.contains(&version) && fixed.len() < 20 {
            fixed.push(version);
        }
    }
    fixed
}

fn is_id(id: &str) -> bool {
    let known = |letter: char| letter.is_ascii_alphanumeric() || "-_:.".contains(letter);
    !id.is_empty() && id.len() <= 100 && id.chars().all(known) && !id.starts_with('.')
}

fn shorten(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}
