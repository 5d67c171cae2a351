//! The loop that the application runs: choose, fetch what is asked for, choose again.

use package_index::Index;
use packages::{
    Candidate, Knowledge, Listing, Lock, Locked, PackageName, ResolveError, Step, Version, resolve,
};

pub(crate) fn name(text: &str) -> PackageName {
    text.parse().unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// Roots written as `name==version`.
pub(crate) fn roots(texts: &[&str]) -> Vec<(PackageName, Version)> {
    let pairs = texts.iter().map(|text| text.split_once("==").unwrap());
    pairs.map(|(left, right)| (name(left), version(right))).collect()
}

/// `name==version` of each package of a lock.
pub(crate) fn shown(lock: &Lock) -> Vec<String> {
    lock.packages.iter().map(|locked| format!("{}=={}", locked.name, locked.version)).collect()
}

/// What an index has at an address.
fn get(url: &str) -> Option<String> {
    let path = url.splitn(4, '/').nth(3).unwrap();
    let answer = testkit::http::send(url, "GET", &format!("/{path}"), &[], "");
    (answer.status == 200).then_some(answer.body)
}

/// Chooses with all that the index has.
pub(crate) fn plan(index: &Index, wanted: &[&str]) -> Result<Lock, ResolveError> {
    plan_preferring(index, wanted, &Lock::default())
}

pub(crate) fn plan_preferring(
    index: &Index,
    wanted: &[&str],
    preferred: &Lock,
) -> Result<Lock, ResolveError> {
    let mut known = Knowledge::new();
    let base = index.url();
    for _ in 0..1000 {
        match resolve(&roots(wanted), preferred, &known)? {
            Step::Done(lock) => return Ok(lock),
            Step::NeedListing(name) => {
                let url = format!("{base}{name}/");
                match get(&url) {
                    None => known.add_missing(name),
                    Some(body) => {
                        let base = url.parse().unwrap();
                        known.add_listing(Listing::read(&name, body.as_bytes(), &base).unwrap());
                    }
                }
            }
            Step::NeedMetadata(candidate) => add_metadata(&mut known, &candidate),
        }
    }
    panic!("the resolution asks without end");
}

fn add_metadata(known: &mut Knowledge, candidate: &Candidate) {
    let (url, _hash) = candidate.metadata.as_ref().expect("the index has metadata");
    match candidate.read_metadata(get(url).unwrap().as_bytes()) {
        Ok(metadata) => known.add_metadata(candidate, metadata),
        Err(reason) => known.refuse(candidate, reason.to_string()),
    }
}

/// A lock's entry for a wheel that no index has.
pub(crate) fn locked(file: &str, bytes: &[u8]) -> Locked {
    let mut parts = file.split('-');
    Locked {
        name: name(parts.next().unwrap()),
        version: version(parts.next().unwrap()),
        wheel: file.to_owned(),
        url: format!("https://files.example/{file}"),
        sha256: package_index::File::new(file, bytes).sha256.unwrap(),
        bytes: u64::try_from(bytes.len()).unwrap(),
        requires: Vec::new(),
        provided: Vec::new(),
        yanked: None,
        without_compiled: false,
    }
}
