//! Names of packages, normalized: `Ruamel.YAML` and `ruamel-yaml` are one package.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name that is taken; the longest on the public index has under 100 characters.
const LONGEST: usize = 128;

/// A package's name in the normalized spelling of PEP 503: lower case, runs of `-`, `_` and `.` as one `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(String);

/// Why a text is no name of a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no name of a package: letters, digits, `-`, `_` and `.`, with a letter or digit at both ends"
)]
pub struct NameError(String);

impl PackageName {
    /// The normalized name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it stands in the file names of wheels: with `_` for `-`.
    pub fn in_file_names(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for PackageName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let separator = |letter: char| matches!(letter, '-' | '_' | '.');
        let known = |letter: char| letter.is_ascii_alphanumeric() || separator(letter);
        let bare_ends = text.starts_with(separator) || text.ends_with(separator);
        if text.is_empty() || text.len() > LONGEST || bare_ends || !text.chars().all(known) {
            return Err(NameError(text.chars().take(LONGEST).collect()));
        }
        let words: Vec<&str> = text.split(separator).filter(|word| !word.is_empty()).collect();
        Ok(Self(words.join("-").to_ascii_lowercase()))
    }
}

impl TryFrom<String> for PackageName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.0
    }
}
