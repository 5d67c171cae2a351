//! Wheels: what is imported of them, after everything that could be wrong with them was looked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::archive::{self, ArchiveError, MOST_UNPACKED};
use crate::metadata::{Metadata, MetadataError};
use crate::modules::{is_identifier, is_taken};
use crate::record::{RecordError, RecordFile};
use crate::requirement::read_version;
use crate::tags::WheelName;
use crate::{Candidate, Locked, PackageName, Version, hash};

/// What of a wheel is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheel {
    /// Paths below the folder that packages are imported from, sorted, with their content.
    pub files: Vec<(String, Vec<u8>)>,
    /// The names that can be imported at the top level, sorted.
    pub modules: Vec<String>,
    /// Compiled parts for another system, which are not in `files`, sorted.
    pub left_out: Vec<String>,
    /// What it says about itself.
    pub metadata: Metadata,
}

/// Why a wheel is refused. Each text goes on after the wheel's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WheelError {
    /// Its hash is another one.
    #[error("is not the file that was approved: its SHA-256 is {found}, not {expected}")]
    Hash {
        /// What was approved.
        expected: String,
        /// What came.
        found: String,
    },
    /// The file name is no wheel's, or another wheel's.
    #[error("has a file name that is not that of a wheel of this release")]
    Name,
    /// The archive is not in order.
    #[error("is refused: {0}")]
    Archive(#[from] ArchiveError),
    /// The list of files does not fit the files.
    #[error("is refused: {0}")]
    Record(#[from] RecordError),
    /// The metadata cannot be read or is about something else.
    #[error("is refused: {0}")]
    Metadata(#[from] MetadataError),
    /// Not exactly one folder about this release.
    #[error(
        "is refused: it has not exactly one folder `{0}-….dist-info` with METADATA, WHEEL and RECORD"
    )]
    DistInfo(PackageName),
    /// A later format.
    #[error("is refused: its format is newer than version 1 of wheels")]
    Format,
    /// Files of the wheel would take one another's place.
    #[error("is refused: `{0}` is in it twice")]
    Twice(String),
    /// It would take the place of a module of Python or of the sandbox.
    #[error(
        "is refused: its module `{0}` would take the place of one that Python or the sandbox has"
    )]
    Shadows(String),
    /// A module exists in compiled form only.
    #[error(
        "is refused: `{0}` exists only in compiled form for another system, and no Python source stands for it"
    )]
    CompiledOnly(String),
    /// It requires what the index did not say.
    #[error("is refused: it requires `{0}`, which the package index did not say")]
    Requires(PackageName),
}

impl Wheel {
    /// Reads the wheel of a lock's entry; the SHA-256 comes first.
    pub fn read(bytes: &[u8], expected: &Locked) -> Result<Self, WheelError> {
        let wheel =
            read(bytes, &expected.wheel, &expected.sha256, (&expected.name, &expected.version))?;
        let said: BTreeSet<_> = expected.requires.iter().chain(&expected.provided).collect();
        let mut requires =
            wheel.metadata.requires.iter().filter(|requirement| requirement.holds(None));
        match requires.find(|found| found.name != expected.name && !said.contains(&found.name)) {
            Some(unsaid) => Err(WheelError::Requires(unsaid.name.clone())),
            None => Ok(wheel),
        }
    }
}

impl Candidate {
    /// Reads the metadata in the wheel itself, for an index that does not have it by itself.
    pub fn read_wheel(&self, bytes: &[u8]) -> Result<Metadata, WheelError> {
        read(bytes, &self.wheel, &self.sha256, (&self.name, &self.version))
            .map(|wheel| wheel.metadata)
    }
}

fn read(
    bytes: &[u8],
    file: &str,
    sha256: &str,
    release: (&PackageName, &Version),
) -> Result<Wheel, WheelError> {
    let found = hash::of(bytes);
    if found != sha256 {
        return Err(WheelError::Hash { expected: sha256.to_owned(), found });
    }
    let (name, version) = release;
    let named = WheelName::read(file).ok_or(WheelError::Name)?;
    if (&named.name, &named.version) != (name, version) {
        return Err(WheelError::Name);
    }
    let mut unpacked = unpack(bytes)?;
    let folder = dist_info(&unpacked, name, version)?;
    check_record(&unpacked, &folder, name)?;
    let mut own = |file: &str| {
        unpacked
            .remove(&format!("{folder}/{file}"))
            .ok_or_else(|| WheelError::DistInfo(name.clone()))
    };
    own("RECORD")?;
    check_format(&own("WHEEL")?)?;
    let raw = own("METADATA")?;
    let metadata = Metadata::read(&raw)?.check(name, version)?;
    unpacked.insert(format!("{folder}/METADATA"), raw);
    let (files, left_out, modules) = layout(unpacked)?;
    Ok(Wheel { files: files.into_iter().collect(), modules, left_out, metadata })
}

fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, WheelError> {
    let mut budget = MOST_UNPACKED;
    let mut files = BTreeMap::new();
    for entry in archive::entries(bytes)? {
        let content = entry.unpack(&mut budget)?;
        if !entry.is_folder {
            files.insert(entry.name, content);
        } else if !content.is_empty() {
            return Err(ArchiveError::Content(entry.name).into());
        }
    }
    Ok(files)
}

/// The one folder that describes the release.
fn dist_info(
    files: &BTreeMap<String, Vec<u8>>,
    name: &PackageName,
    version: &Version,
) -> Result<String, WheelError> {
    let wrong = || WheelError::DistInfo(name.clone());
    let folders: BTreeSet<&str> = files
        .keys()
        .filter_map(|path| path.split_once('/').map(|(folder, _)| folder))
        .filter(|folder| folder.to_ascii_lowercase().ends_with(".dist-info"))
        .collect();
    let [folder] = folders.into_iter().collect::<Vec<_>>().try_into().map_err(|_count| wrong())?;
    if release_of(folder, ".dist-info") == Some((name.clone(), version.clone())) {
        return Ok(folder.to_owned());
    }
    Err(wrong())
}

fn release_of(folder: &str, suffix: &str) -> Option<(PackageName, Version)> {
    let (name, version) = folder.strip_suffix(suffix)?.split_once('-')?;
    Some((name.parse().ok()?, read_version(version).ok()?))
}

fn check_record(
    files: &BTreeMap<String, Vec<u8>>,
    folder: &str,
    name: &PackageName,
) -> Result<(), WheelError> {
    let own = format!("{folder}/RECORD");
    let listed = files.get(&own).ok_or_else(|| WheelError::DistInfo(name.clone()))?;
    let mut record = RecordFile::read(listed)?;
    let unlisted = [own.clone(), format!("{own}.jws"), format!("{own}.p7s")];
    for path in &unlisted {
        record.skip(path);
    }
    for (path, content) in files.iter().filter(|(path, _)| !unlisted.contains(path)) {
        record.check(path, content)?;
    }
    Ok(record.finish()?)
}

fn check_format(bytes: &[u8]) -> Result<(), WheelError> {
    let text = std::str::from_utf8(bytes).map_err(|_not_text| WheelError::Format)?;
    let versions = text.lines().filter_map(|line| line.strip_prefix("Wheel-Version:"));
    let versions: Vec<&str> = versions.map(str::trim).collect();
    match versions.as_slice() {
        [version] if version.starts_with("1.") => Ok(()),
        _ => Err(WheelError::Format),
    }
}

type Layout = (BTreeMap<String, Vec<u8>>, Vec<String>, Vec<String>);

/// What of unpacked files is imported, what is left out, and the names of its modules.
pub(crate) fn layout(unpacked: BTreeMap<String, Vec<u8>>) -> Result<Layout, WheelError> {
    let (files, left_out) = place(unpacked)?;
    check_compiled(&files, &left_out)?;
    let modules = modules(&files)?;
    Ok((files, left_out, modules))
}

type Placed = (BTreeMap<String, Vec<u8>>, Vec<String>);

/// Where each file is imported from, and what is left out.
///
/// Scripts, headers and data would land outside of what is imported; bytecode is for another machine to
/// trust, and files `*.pth` only mean something to an installed Python.
fn place(unpacked: BTreeMap<String, Vec<u8>>) -> Result<Placed, WheelError> {
    let mut files = BTreeMap::new();
    let mut left_out = BTreeSet::new();
    for (path, content) in unpacked {
        let inside = path.split_once('/').filter(|(folder, _)| extension(folder) == "data");
        let inside = inside.map(|(_, inside)| inside);
        let path = match inside.map(|inside| inside.split_once('/').unwrap_or((inside, ""))) {
            Some(("purelib" | "platlib", "")) => continue,
            Some(("purelib" | "platlib", rest)) => rest.to_owned(),
            Some(_) => continue,
            None => path,
        };
        if is_bytecode(&path) || !path.contains('/') && extension(&path) == "pth" {
            continue;
        }
        if is_compiled(&path) {
            left_out.insert(path);
        } else if files.insert(path.clone(), content).is_some() {
            return Err(WheelError::Twice(path));
        }
    }
    Ok((files, left_out.into_iter().collect()))
}

fn is_bytecode(path: &str) -> bool {
    ["pyc", "pyo"].contains(&extension(path)) || path.split('/').any(|part| part == "__pycache__")
}

/// What follows the last dot of a file's name.
fn extension(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Whether a file is a shared library: `x.so`, `x.so.1`, `x.pyd`, `x.dll`, `x.dylib`.
fn is_compiled(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let ends = [".so", ".pyd", ".dll", ".dylib"].iter().any(|suffix| file.ends_with(suffix));
    ends || file.split_once(".so.").is_some_and(|(_, rest)| rest.split('.').all(is_number))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Refuses what certainly does not work without its compiled parts; the rest is found out by importing it.
fn check_compiled(
    files: &BTreeMap<String, Vec<u8>>,
    left_out: &[String],
) -> Result<(), WheelError> {
    for path in left_out {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let module = file.split('.').next().unwrap_or(file);
        // Libraries that compiled parts are linked with lie in folders that nothing imports.
        if !folder.split('/').all(|part| part.is_empty() || is_identifier(part)) {
            continue;
        }
        let stands = if folder.is_empty() {
            has_source(files, module)
        } else {
            files.contains_key(&format!("{folder}/__init__.py"))
        };
        if !stands {
            return Err(WheelError::CompiledOnly(path.clone()));
        }
    }
    Ok(())
}

fn has_source(files: &BTreeMap<String, Vec<u8>>, module: &str) -> bool {
    files.contains_key(&format!("{module}.py"))
        || files.contains_key(&format!("{module}/__init__.py"))
}

/// The names at the top level that Python code can be imported from.
fn modules(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<String>, WheelError> {
    let mut modules = BTreeSet::new();
    for path in files.keys() {
        let (name, is_module) = match path.split_once('/') {
            Some((folder, rest)) => (folder, extension(rest) == "py"),
            None => match path.strip_suffix(".py") {
                Some(module) => (module, true),
                None => continue,
            },
        };
        if is_taken(name) {
            return Err(WheelError::Shadows(name.to_owned()));
        }
        if is_module && is_identifier(name) {
            modules.insert(name.to_owned());
        }
    }
    Ok(modules.into_iter().collect())
}
