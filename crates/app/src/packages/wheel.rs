//! Getting wheels: from the data directory, or from the index by the lock's address and hash.

use std::collections::BTreeMap;

use packages::{Locked, Wheel};
use sandbox::ModulePolicy;

use super::{Held, Packages};
use crate::{Error, Result};

/// The most that the packages of a server may have together, unpacked.
const BYTES_MAX: usize = 100_000_000;

/// The most that one file may have: what the sandbox is given at once.
const FILE_MAX: usize = 16_000_000;

/// The most files that they may have together.
const FILES_MAX: usize = 10_000;

/// The most modules at the top level that they may have together.
const MODULES_MAX: usize = 500;

/// A file of a set, with its path below `site-packages`.
pub(crate) type File = (String, Vec<u8>);

/// What the packages of a lock hold together.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// What is kept of each package, by name.
    pub(crate) held: Vec<Held>,
    /// All of their files.
    pub(crate) files: BTreeMap<String, (String, Vec<u8>)>,
    bytes: usize,
}

/// Gets the wheels of a lock, reads them whole and puts their files together. `tell` learns how many
/// are read.
///
/// # Errors
/// [`Error::Conflict`] for a wheel that is refused, and for packages that do not go together;
/// [`Error::Unavailable`] when the index or the folder does not give it.
pub(crate) async fn gather(
    packages: &Packages,
    locks: &[Locked],
    tell: impl Fn(usize),
) -> Result<Gathered> {
    let mut all = Gathered::default();
    for (done, locked) in locks.iter().enumerate() {
        tell(done);
        let bytes = get(packages, locked).await?;
        all.add(locked, read(locked, bytes).await?)?;
    }
    tell(locks.len());
    Ok(all)
}

/// Reads a wheel that nobody has approved, and keeps nothing of it.
pub(super) async fn look_into(packages: &Packages, locked: &Locked) -> Result<Wheel> {
    let bytes = match packages.wheels.read(&locked.sha256).await? {
        Some(bytes) => bytes,
        None => packages.index.wheel(&locked.url).await?,
    };
    read(locked, bytes).await
}

/// The bytes of a wheel, which are in the folder afterwards.
async fn get(packages: &Packages, locked: &Locked) -> Result<Vec<u8>> {
    if let Some(bytes) = packages.wheels.read(&locked.sha256).await? {
        return Ok(bytes);
    }
    let bytes = packages.index.wheel(&locked.url).await?;
    let found = super::wheels::hash(&bytes);
    if found != locked.sha256 {
        return Err(Error::Conflict(format!(
            "the package index gave another file than it promised for {}: its SHA-256 is {found}, not {}; nothing of it is used",
            locked.wheel, locked.sha256
        )));
    }
    packages.wheels.keep(&locked.sha256, bytes.clone()).await?;
    tracing::info!(wheel = %locked.wheel, sha256 = %locked.sha256, "wheel fetched");
    Ok(bytes)
}

async fn read(locked: &Locked, bytes: Vec<u8>) -> Result<Wheel> {
    let expected = locked.clone();
    let reading = tokio::task::spawn_blocking(move || Wheel::read(&bytes, &expected));
    let wheel = reading.await.map_err(|error| Error::Internal(Box::new(error)))?;
    wheel.map_err(|error| {
        Error::Conflict(format!("{} {} cannot be used: {error}", locked.name, locked.version))
    })
}

impl Gathered {
    fn add(&mut self, locked: &Locked, wheel: Wheel) -> Result<()> {
        for (path, bytes) in wheel.files {
            if let Some((owner, present)) = self.files.get(&path) {
                // Packages that share a namespace may bring the same file.
                if *present != bytes {
                    return Err(Error::Conflict(format!(
                        "{owner} and {} both bring the file {path}, and not the same one; they cannot be used together",
                        locked.name
                    )));
                }
                continue;
            }
            if bytes.len() > FILE_MAX {
                return Err(Error::Conflict(format!(
                    "{} has a file of {} MB ({path}), and none may have more than {} MB",
                    locked.name,
                    bytes.len() / 1_000_000,
                    FILE_MAX / 1_000_000
                )));
            }
            self.bytes += bytes.len();
            self.files.insert(path, (locked.name.to_string(), bytes));
        }
        if self.bytes > BYTES_MAX || self.files.len() > FILES_MAX {
            return Err(Error::Conflict(format!(
                "the packages of this server would have more than {} MB or {FILES_MAX} files together, and no server may have more",
                BYTES_MAX / 1_000_000
            )));
        }
        self.held.push(Held {
            locked: locked.clone(),
            modules: wheel.modules,
            left_out: wheel.left_out,
            summary: wheel.metadata.summary,
            license: wheel.metadata.license,
            home_page: wheel.metadata.home_page,
        });
        let modules = self.modules();
        if modules.len() > MODULES_MAX {
            return Err(Error::Conflict(format!(
                "the packages of this server would have more than {MODULES_MAX} modules at their top level, and no server may have more"
            )));
        }
        ModulePolicy::new(Vec::new(), modules)
            .map(drop)
            .map_err(|error| Error::Conflict(format!("{} cannot be used: {error}", locked.name)))
    }

    /// The modules to import, each once.
    pub(crate) fn modules(&self) -> Vec<String> {
        let mut modules: Vec<_> =
            self.held.iter().flat_map(|held| held.modules.iter().cloned()).collect();
        modules.sort();
        modules.dedup();
        modules
    }

    /// The files alone, by path.
    pub(crate) fn into_files(self) -> Vec<File> {
        self.files.into_iter().map(|(path, (_, bytes))| (path, bytes)).collect()
    }
}

#[cfg(test)]
mod tests {
    use packages::Metadata;

    use super::super::plan::tests::locked;
    use super::*;

    fn wheel(name: &str, files: &[(&str, &str)]) -> Wheel {
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        Wheel {
            files: files.iter().map(owned).collect(),
            modules: vec![name.to_owned()],
            left_out: Vec::new(),
            metadata: Metadata::read(metadata.as_bytes()).unwrap(),
        }
    }

    #[test]
    fn packages_share_equal_files_and_no_others() {
        let mut all = Gathered::default();
        let space = ("space/__init__.py", "");
        all.add(&locked("a", "1.0", &[]), wheel("a", &[space, ("space/a.py", "1")])).unwrap();
        all.add(&locked("b", "1.0", &[]), wheel("b", &[space, ("space/b.py", "2")])).unwrap();
        assert_eq!((all.modules(), all.files.len()), (vec!["a".to_owned(), "b".to_owned()], 3));
        let other = wheel("c", &[("space/a.py", "3")]);
        let refused = all.add(&locked("c", "1.0", &[]), other).unwrap_err().to_string();
        assert!(refused.contains("a and c both bring the file space/a.py"), "{refused}");
    }

    #[test]
    fn what_is_too_much_together_is_refused() {
        let many: Vec<String> = (0..=MODULES_MAX).map(|number| format!("m{number}")).collect();
        let mut fits = wheel("a", &[]);
        fits.modules = many.iter().skip(1).cloned().collect();
        Gathered::default().add(&locked("a", "1.0", &[]), fits).unwrap();
        let too_many = Wheel { modules: many, ..wheel("a", &[]) };
        assert!(Gathered::default().add(&locked("a", "1.0", &[]), too_many).is_err());

        let files = |name: &str, count| -> Vec<(String, Vec<u8>)> {
            (0..count).map(|number| (format!("{name}{number}.bin"), vec![0; FILE_MAX])).collect()
        };
        let mut all = Gathered::default();
        let first = Wheel { files: files("a", BYTES_MAX / FILE_MAX), ..wheel("a", &[]) };
        all.add(&locked("a", "1.0", &[]), first).unwrap();
        let large =
            Wheel { files: vec![("c.bin".to_owned(), vec![0; FILE_MAX + 1])], ..wheel("c", &[]) };
        let refused = all.add(&locked("c", "1.0", &[]), large).unwrap_err().to_string();
        assert!(refused.contains("c.bin") && refused.contains("16 MB"), "{refused}");
        let second = Wheel { files: files("b", 1), ..wheel("b", &[]) };
        let refused = all.add(&locked("b", "1.0", &[]), second).unwrap_err().to_string();
        assert!(refused.contains("100 MB"), "{refused}");
    }
}
