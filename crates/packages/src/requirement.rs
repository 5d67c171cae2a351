//! What a package requires: a name, extras, versions, and where that holds.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};
use pubgrub::Ranges;

use crate::PackageName;
use crate::marker::Marker;

/// The longest requirement, in bytes.
const LONGEST: usize = 4096;

/// The most digits of a number in a version: more would not fit what versions are computed in.
const MOST_DIGITS: usize = 17;

/// One line `Requires-Dist`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// What is required.
    pub name: PackageName,
    pub(crate) extras: Vec<PackageName>,
    pub(crate) versions: VersionSpecifiers,
    pub(crate) url: bool,
    marker: Option<Marker>,
}

impl Requirement {
    /// Reads a requirement as PEP 508 has it; the error says what is wrong.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let text = text.trim();
        let end = text.find(|letter: char| !is_of_name(letter)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let name = PackageName::from_str(name).map_err(|reason| reason.to_string())?;
        let (extras, rest) = read_extras(rest.trim_start())?;
        let (versions, marker, url) = if let Some(address) = rest.strip_prefix('@') {
            // The address ends at a space; what it is does not matter, as none is followed.
            let marker = address.split_once(" ;").map(|(_, marker)| marker);
            ("", marker, true)
        } else {
            match rest.split_once(';') {
                Some((versions, marker)) => (versions, Some(marker), false),
                None => (rest, None, false),
            }
        };
        let versions = versions.trim();
        let versions = versions
            .strip_prefix('(')
            .and_then(|inner| inner.strip_suffix(')'))
            .unwrap_or(versions);
        let marker = marker.map(Marker::read).transpose()?;
        Ok(Self { name, extras, versions: read_specifiers(versions)?, url, marker })
    }

    /// Whether it holds in the sandbox, for the package itself or one of its extras.
    pub(crate) fn holds(&self, extra: Option<&PackageName>) -> bool {
        let extra = extra.map(PackageName::as_str);
        self.marker.as_ref().is_none_or(|marker| marker.holds(extra))
    }

    /// The versions that meet it.
    pub(crate) fn range(&self) -> Ranges<Version> {
        Ranges::from(self.versions.clone())
    }
}

/// Reads `>=1,<2`; nothing means every version.
pub(crate) fn read_specifiers(text: &str) -> Result<VersionSpecifiers, String> {
    if text.trim().is_empty() {
        return Ok(VersionSpecifiers::empty());
    }
    if text.len() > LONGEST || !is_harmless(text) {
        return Err("its versions are longer than versions are".to_owned());
    }
    // Some old metadata ends the list with a comma.
    let text = text.trim().trim_end_matches(',');
    VersionSpecifiers::from_str(text).map_err(|reason| one_line(&reason.to_string()))
}

/// Reads a version.
pub(crate) fn read_version(text: &str) -> Result<Version, String> {
    if text.len() > 256 || !is_harmless(text) {
        return Err("a version that is longer than versions are".to_owned());
    }
    Version::from_str(text).map_err(|reason| one_line(&reason.to_string()))
}

/// Whether all numbers in a version are of a size that can be counted on.
pub(crate) fn is_harmless(text: &str) -> bool {
    let digit = |letter: char| letter.is_ascii_digit();
    text.split(|letter| !digit(letter)).all(|number| number.len() <= MOST_DIGITS)
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-_.".contains(letter)
}

fn read_extras(text: &str) -> Result<(Vec<PackageName>, &str), String> {
    let Some(inner) = text.strip_prefix('[') else {
        return Ok((Vec::new(), text));
    };
    let (inner, rest) = inner.split_once(']').ok_or("a `]` is missing")?;
    let names = inner.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: Result<_, _> = names.map(PackageName::from_str).collect();
    Ok((names.map_err(|reason| reason.to_string())?, rest.trim_start()))
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
