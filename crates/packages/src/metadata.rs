//! A wheel's core metadata: what it is, what it requires, which Python it needs.

use pep440_rs::{Version, VersionSpecifiers};

use crate::PackageName;
use crate::requirement::{Requirement, read_specifiers, read_version};

/// The largest metadata that is read, in bytes: descriptions can be long.
pub const LARGEST_METADATA: usize = 4_000_000;

/// The most requirements of one release.
const MOST_REQUIREMENTS: usize = 2000;

/// The longest line that is shown to a person, in characters.
const LONGEST_LINE: usize = 300;

/// What a release says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Which package it is.
    pub name: PackageName,
    /// Which release.
    pub version: Version,
    /// What it requires, with extras and markers, in the order of the file.
    pub requires: Vec<Requirement>,
    /// Which versions of Python it needs.
    pub requires_python: Option<VersionSpecifiers>,
    /// One line about it.
    pub summary: Option<String>,
    /// Its licence: an SPDX expression, or what the author wrote.
    pub license: Option<String>,
    /// Where to read about it: an http(s) address.
    pub home_page: Option<String>,
}

/// Why metadata cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It is no text, or too long.
    #[error("its metadata is no text of at most {LARGEST_METADATA} bytes")]
    Unreadable,
    /// The hash that the index gives is another one.
    #[error("its metadata is not what the index promised: the hashes differ")]
    Hash,
    /// A field is missing or given twice.
    #[error("its metadata has not exactly one field `{0}`")]
    Field(&'static str),
    /// It is about another package or release.
    #[error("its metadata is about {0}")]
    Other(String),
    /// A field cannot be read.
    #[error("its metadata says `{line}`, which cannot be read: {reason}")]
    Line {
        /// The field, shortened.
        line: String,
        /// What is wrong with it.
        reason: String,
    },
    /// More than anybody could mean.
    #[error("its metadata lists more than {MOST_REQUIREMENTS} requirements")]
    TooMany,
}

impl Metadata {
    /// Reads a `METADATA` file, or the file of an index beside a wheel.
    pub fn read(bytes: &[u8]) -> Result<Self, MetadataError> {
        if bytes.len() > LARGEST_METADATA {
            return Err(MetadataError::Unreadable);
        }
        let text = std::str::from_utf8(bytes).map_err(|_not_text| MetadataError::Unreadable)?;
        let fields = fields(text);
        let name = only(&fields, "Name")?;
        let version = only(&fields, "Version")?;
        let lines: Vec<&str> = all(&fields, "Requires-Dist").collect();
        if lines.len() > MOST_REQUIREMENTS {
            return Err(MetadataError::TooMany);
        }
        let requires = lines
            .into_iter()
            .map(|line| Requirement::read(line).map_err(|reason| wrong(line, reason)));
        let requires_python = all(&fields, "Requires-Python")
            .next()
            .map(|text| read_specifiers(text).map_err(|reason| wrong(text, reason)));
        Ok(Self {
            name: name
                .parse()
                .map_err(|reason: crate::NameError| wrong(name, reason.to_string()))?,
            version: read_version(version).map_err(|reason| wrong(version, reason))?,
            requires: requires.collect::<Result<_, _>>()?,
            requires_python: requires_python.transpose()?,
            summary: shown(&fields, "Summary"),
            license: license(&fields),
            home_page: home_page(&fields),
        })
    }

    /// Refuses metadata of another package or release.
    pub(crate) fn check(
        self,
        name: &PackageName,
        version: &Version,
    ) -> Result<Self, MetadataError> {
        if &self.name == name && &self.version == version {
            return Ok(self);
        }
        Err(MetadataError::Other(format!("{} {}", self.name, self.version)))
    }
}

fn wrong(line: &str, reason: String) -> MetadataError {
    MetadataError::Line { line: shorten(line), reason }
}

/// The header's fields: `Name: value`, continued on lines that begin with a space.
fn fields(text: &str) -> Vec<(&str, String)> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name, value.trim().to_owned()));
        }
    }
    fields
}

fn all<'fields>(
    fields: &'fields [(&str, String)],
    name: &'static str,
) -> impl Iterator<Item = &'fields str> {
    let named = fields.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str())
}

fn only<'fields>(
    fields: &'fields [(&str, String)],
    name: &'static str,
) -> Result<&'fields str, MetadataError> {
    let mut values = all(fields, name);
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(MetadataError::Field(name)),
    }
}

fn shown(fields: &[(&str, String)], name: &'static str) -> Option<String> {
    let line = all(fields, name).next()?.lines().next()?.trim();
    (!line.is_empty() && line != "UNKNOWN").then(|| shorten(line))
}

fn license(fields: &[(&str, String)]) -> Option<String> {
    let classified = || {
        let mut classifiers = all(fields, "Classifier");
        let last = classifiers.find_map(|text| text.strip_prefix("License :: "))?;
        last.rsplit(" :: ").next().map(shorten)
    };
    shown(fields, "License-Expression").or_else(|| shown(fields, "License")).or_else(classified)
}

fn home_page(fields: &[(&str, String)]) -> Option<String> {
    let labelled = all(fields, "Project-URL").filter_map(|line| line.split_once(','));
    let labelled: Vec<(String, &str)> =
        labelled.map(|(label, url)| (label.trim().to_ascii_lowercase(), url.trim())).collect();
    let of = |wanted: &str| labelled.iter().find(|(label, _)| label == wanted).map(|(_, url)| *url);
    let first = || labelled.first().map(|(_, url)| *url);
    let stated = all(fields, "Home-page").find(|url| *url != "UNKNOWN");
    let url = stated.or_else(|| of("homepage")).or_else(|| of("source")).or_else(first)?;
    let readable =
        url::Url::parse(url).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    readable.map(String::from).filter(|url| url.len() <= LONGEST_LINE)
}

fn shorten(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_LINE).collect()
}
