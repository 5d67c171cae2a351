//! The lock of a server: exactly which wheels its tools import.

use std::collections::BTreeSet;

use pep440_rs::Version;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::PackageName;

/// One package of a lock: the wheel it comes from and how it got there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// Which package.
    pub name: PackageName,
    /// Which release of it.
    pub version: Version,
    /// The wheel's file name.
    pub wheel: String,
    /// Where the index says the wheel is.
    pub url: String,
    /// The wheel's SHA-256 in 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The wheel's size in bytes as the index gives it, or 0 when it does not say.
    pub bytes: u64,
    /// What it requires, as names inside the same lock, sorted.
    pub requires: Vec<PackageName>,
    /// What it requires and the sandbox has already, so that it is not in the lock, sorted.
    pub provided: Vec<PackageName>,
    /// Why its author withdrew this release; `Some("")` without a reason. Only what a person pinned can be withdrawn.
    pub yanked: Option<String>,
    /// Whether only wheels for other systems exist and its compiled parts are left out.
    pub without_compiled: bool,
}

/// All packages of a server, at exact versions and hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The packages, sorted by name, each name once.
    pub packages: Vec<Locked>,
}

impl Lock {
    /// The SHA-256 over names, versions and hashes, in hexadecimal: servers with equal digests run the same code.
    pub fn digest(&self) -> String {
        let mut packages: Vec<_> = self.packages.iter().collect();
        packages.sort_by(|one, other| one.name.cmp(&other.name));
        let identities: Vec<serde_json::Value> = packages
            .into_iter()
            .map(|package| {
                let version = package.version.to_string();
                serde_json::json!([package.name.as_str(), version, package.sha256])
            })
            .collect();
        let canonical = serde_json::Value::Array(identities).to_string();
        hex::encode(Sha256::digest(canonical.as_bytes()))
    }

    /// The package of this name.
    pub fn get(&self, name: &PackageName) -> Option<&Locked> {
        self.packages.iter().find(|package| &package.name == name)
    }

    /// The part of the lock that these packages need: they, what they require, and so on.
    pub fn reachable_from(&self, roots: &[PackageName]) -> Self {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<&PackageName> = roots.iter().collect();
        while let Some(name) = waiting.pop() {
            let Some(package) = self.get(name) else { continue };
            if reached.insert(name) {
                waiting.extend(&package.requires);
            }
        }
        let packages =
            self.packages.iter().filter(|package| reached.contains(&package.name)).cloned();
        Self { packages: packages.collect() }
    }
}
