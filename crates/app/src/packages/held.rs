//! The packages that a server has: its lock, as the database keeps it.

use packages::{Lock, Locked, PackageName, Version};
use serde::{Deserialize, Serialize};
use store::Json;
use store::package_locks::PackageLock;
use uuid::Uuid;

use crate::grants::Kind;
use crate::{Error, Result};

/// A package of a server, with what was read in its wheel when a person approved it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which one, and its place in the lock.
    pub locked: Locked,
    /// The modules that it brings, as `import` names them.
    pub modules: Vec<String>,
    /// Compiled parts that are left out.
    pub left_out: Vec<String>,
    /// What it is, in its author's words.
    pub summary: Option<String>,
    /// Its licence, as it says itself.
    pub license: Option<String>,
    /// Where to read about it.
    pub home_page: Option<String>,
}

/// All packages of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Names the set: servers with equal digests run the same code.
    pub digest: String,
    /// By name.
    pub packages: Vec<Held>,
}

impl Kept {
    /// These packages under their digest.
    pub(crate) fn new(packages: Vec<Held>) -> Self {
        let digest = lock(&packages).digest();
        Self { digest, packages }
    }

    /// The lock itself.
    pub fn lock(&self) -> Lock {
        lock(&self.packages)
    }

    /// The modules that all of them bring.
    pub fn modules(&self) -> impl Iterator<Item = &String> {
        self.packages.iter().flat_map(|package| &package.modules)
    }

    /// As the database keeps it.
    pub(crate) fn to_json(&self) -> Result<Json> {
        let packages = serde_json::to_value(&self.packages);
        packages.map(Json).map_err(|error| Error::Internal(Box::new(error)))
    }

    /// From what the database keeps, if that is what was approved: a lock that was changed behind our back
    /// is none.
    pub(crate) fn from_row(row: PackageLock) -> Result<Self> {
        let packages = serde_json::from_value(row.packages.0);
        let kept = packages.map(Self::new).map_err(|error| Error::Internal(Box::new(error)))?;
        if kept.digest == row.digest {
            return Ok(kept);
        }
        tracing::error!(server_id = %row.server_id, "packages do not match their digest; not using them");
        Err(Error::Conflict(
            "the packages of this server do not match the digest that they were approved under, so they are not used; remove them and allow them again".to_owned(),
        ))
    }
}

fn lock(packages: &[Held]) -> Lock {
    Lock { packages: packages.iter().map(|package| package.locked.clone()).collect() }
}

/// What people allowed a server, by name.
pub(crate) async fn granted(
    db: &impl store::Connection,
    server_id: Uuid,
) -> Result<Vec<(PackageName, Version)>> {
    let mut rows = store::grants::of(db, Some(server_id)).await?;
    rows.retain(|row| row.kind == Kind::Package);
    rows.iter().map(|row| release(&row.name)).collect()
}

/// The package and the version in the name of a grant.
fn release(name: &str) -> Result<(PackageName, Version)> {
    let (package, version) = super::parts(name);
    if let (Ok(package), Ok(version)) = (package.parse(), version.parse()) {
        return Ok((package, version));
    }
    let text = format!("a grant names no package and version: {name:?}");
    Err(Error::Internal(Box::new(std::io::Error::other(text))))
}

/// The packages of a server, if it has any.
pub(crate) async fn kept(db: &impl store::Connection, server_id: Uuid) -> Result<Option<Kept>> {
    let found = store::package_locks::find(db, server_id).await?;
    found.map(Kept::from_row).transpose()
}
