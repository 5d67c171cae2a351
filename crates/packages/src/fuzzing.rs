//! What the targets of `fuzz/` call: the readers of what indexes and wheels hold, with what must hold.
//!
//! Each function returns how much of its input was understood, so that a corpus which has fallen
//! behind the code is noticed.

use std::collections::BTreeMap;

use crate::archive::{self, MOST_UNPACKED};
use crate::record::RecordFile;
use crate::{Candidate, Knowledge, Listing, Lock, Metadata, PackageName, Step, Version};
use crate::{modules, path, resolve, wheel};

#[cfg(test)]
mod tests;

/// Reads bytes as an archive and, as nobody guesses checksums, paths with contents as what an archive
/// held: a path on each line, what follows a comma is its line in RECORD. Returns how much was read.
pub fn wheels(bytes: &[u8]) -> usize {
    let entries = archive::entries(bytes).unwrap_or_default();
    let mut budget = MOST_UNPACKED;
    let mut unpacked = 0;
    for entry in &entries {
        let name = entry.name.trim_end_matches('/');
        assert_eq!(path::check(name), Ok(()), "{name:?}");
        let before = budget;
        if let Ok(content) = entry.unpack(&mut budget) {
            let taken = u64::try_from(content.len()).unwrap_or(u64::MAX);
            assert_eq!(before - budget, taken, "{name:?}");
            unpacked += 1;
        }
    }
    entries.len() + unpacked + layout(&String::from_utf8_lossy(bytes))
}

fn layout(text: &str) -> usize {
    let mut record = RecordFile::read(text.as_bytes()).ok();
    let paths = text.lines().filter_map(|line| line.split(',').next());
    let files: BTreeMap<String, Vec<u8>> = paths
        .filter(|name| path::check(name).is_ok())
        .map(|name| (name.to_owned(), Vec::new()))
        .collect();
    let listed = record.as_mut().map_or(0, |record| {
        files.iter().filter(|(name, content)| record.check(name, content).is_ok()).count()
    });
    let Ok((kept, left_out, names)) = wheel::layout(files) else { return listed };
    for name in &names {
        assert!(modules::is_identifier(name) && !modules::is_taken(name), "{name:?}");
    }
    for name in kept.keys().chain(&left_out) {
        assert_eq!(path::check(name), Ok(()), "{name:?}");
    }
    assert!(!left_out.iter().any(|name| kept.contains_key(name)));
    listed + kept.len() + left_out.len()
}

/// Reads an index's answer about the package `a` and, from the first zero byte on, the metadata of all
/// its wheels, and chooses versions with it. Returns how much of it was understood.
pub fn indexes(bytes: &[u8]) -> usize {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let [answer, metadata] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let metadata = Metadata::read(metadata);
    let required = metadata.as_ref().map_or(0, |metadata| {
        for requirement in &metadata.requires {
            let _range = requirement.range();
            let _decided = requirement.holds(Some(&requirement.name));
        }
        1 + metadata.requires.len()
    });
    let (Ok(name), Ok(base)) =
        ("a".parse::<PackageName>(), url::Url::parse("https://index.example/"))
    else {
        return 0;
    };
    let Ok(listing) = Listing::read(&name, answer, &base) else { return required };
    let candidates: Vec<Candidate> =
        listing.releases().filter_map(|(_, best)| best.ok().cloned()).collect();
    for candidate in &candidates {
        assert!(candidate.url.starts_with("http"), "{}", candidate.url);
        assert_eq!(candidate.sha256.len(), 64);
        assert_eq!(candidate.name, name);
    }
    let versions: Vec<Version> = listing.releases().map(|(version, _)| version.clone()).collect();
    let mut known = Knowledge::new();
    for candidate in &candidates {
        match &metadata {
            Ok(metadata) => known.add_metadata(candidate, metadata.clone()),
            Err(reason) => known.refuse(candidate, reason.to_string()),
        }
    }
    known.add_listing(listing);
    let chosen = versions.iter().rev().take(3).filter(|version| choose(&name, version, &known));
    required + versions.len() + chosen.count()
}

/// Chooses a release with all it requires; what else is required is not on the index.
fn choose(name: &PackageName, version: &Version, known: &Knowledge) -> bool {
    let roots = [(name.clone(), version.clone())];
    match resolve(&roots, &Lock::default(), known) {
        Ok(Step::Done(lock)) => {
            assert_eq!(lock.get(name).map(|locked| &locked.version), Some(version));
            let all = lock.packages.iter().flat_map(|locked| &locked.requires);
            assert!(all.clone().all(|required| lock.get(required).is_some()));
            true
        }
        Ok(Step::NeedListing(asked)) => {
            assert_ne!(asked, *name);
            false
        }
        Ok(Step::NeedMetadata(_)) | Err(_) => false,
    }
}
