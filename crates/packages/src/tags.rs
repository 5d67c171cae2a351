//! File names of wheels, and which wheels the sandbox can use.

use pep440_rs::Version;

use crate::PackageName;
use crate::environment::PYTHON_MINOR;
use crate::requirement::read_version;

/// How well a wheel fits: of two, the greater is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// For another system and another Python; its compiled parts are left out.
    Foreign,
    /// For another system and this Python.
    SamePython,
    /// The same, for the system that most wheels are made for.
    SamePythonUsualSystem,
    /// For every system: it has no compiled parts.
    Pure,
}

/// What a wheel's file name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WheelName {
    pub(crate) name: PackageName,
    pub(crate) version: Version,
    /// The number of the build, by which of two equal wheels the later is told.
    pub(crate) build: u64,
    /// Nothing where the sandbox cannot use it.
    pub(crate) fit: Option<Fit>,
}

impl WheelName {
    /// Reads `name-version(-build)?-python-abi-platform.whl`; nothing where it is no such name.
    pub(crate) fn read(file: &str) -> Option<Self> {
        let stem = file.strip_suffix(".whl")?;
        let parts: Vec<&str> = stem.split('-').collect();
        let (name, version, build, [python, abi, platform]) = match parts.as_slice() {
            [name, version, python, abi, platform] => (name, version, 0, [python, abi, platform]),
            [name, version, build, python, abi, platform] => {
                (name, version, number(build)?, [python, abi, platform])
            }
            _ => return None,
        };
        Some(Self {
            name: name.parse().ok()?,
            version: read_version(version).ok()?,
            build,
            fit: fit(python, abi, platform),
        })
    }
}

/// The number that a build tag begins with.
fn number(build: &str) -> Option<u64> {
    let digits = build.split(|letter: char| !letter.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn fit(python: &str, abi: &str, platform: &str) -> Option<Fit> {
    let pythons = || python.split('.');
    let has = |tags: &str, wanted: &str| tags.split('.').any(|tag| tag == wanted);
    if has(abi, "none") && has(platform, "any") {
        return pythons().any(is_usable).then_some(Fit::Pure);
    }
    if has(platform, "any") {
        return None;
    }
    let this = format!("cp3{PYTHON_MINOR}");
    let same = pythons().any(|tag| tag == this) && has(abi, &this)
        || has(abi, "abi3") && pythons().any(is_usable);
    let usual = |tag: &str| tag.starts_with("manylinux") && tag.ends_with("x86_64");
    if same {
        let is_usual = platform.split('.').any(usual);
        return Some(if is_usual { Fit::SamePythonUsualSystem } else { Fit::SamePython });
    }
    pythons().any(|tag| tag == "py3" || tag.starts_with("cp3")).then_some(Fit::Foreign)
}

/// Whether a tag stands for Python 3 up to the guest's.
fn is_usable(tag: &str) -> bool {
    let Some(digits) = tag.strip_prefix("py3").or_else(|| tag.strip_prefix("cp3")) else {
        return false;
    };
    if digits.is_empty() {
        return tag == "py3";
    }
    digits.parse::<u64>().is_ok_and(|minor| minor <= PYTHON_MINOR)
}
