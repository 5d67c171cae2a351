//! `RECORD`: the list of a wheel's files with their hashes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Hashes are written without padding; some builders pad them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong with a list, or with a file against it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is no such list.
    #[error("its RECORD cannot be read")]
    Unreadable,
    /// A file is listed twice.
    #[error("its RECORD lists `{0}` twice")]
    Twice(String),
    /// A file is not listed.
    #[error("`{0}` is not in its RECORD")]
    NotListed(String),
    /// A file is listed without a hash that could be checked.
    #[error("its RECORD has no SHA-256 or better of `{0}`")]
    NoHash(String),
    /// A file is not what the list says.
    #[error("`{0}` is not what its RECORD says")]
    Differs(String),
    /// A listed file is not there.
    #[error("its RECORD lists `{0}`, which is not in it")]
    Absent(String),
}

struct Line {
    hash: String,
    size: String,
}

/// A list that was read.
pub(crate) struct RecordFile {
    lines: BTreeMap<String, Line>,
}

impl RecordFile {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let text = std::str::from_utf8(bytes).map_err(|_not_text| RecordError::Unreadable)?;
        let mut lines = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let [path, hash, size] = columns(line).ok_or(RecordError::Unreadable)?;
            let line = Line { hash, size };
            if lines.insert(path.clone(), line).is_some() {
                return Err(RecordError::Twice(path));
            }
        }
        Ok(Self { lines })
    }

    /// Checks a file and crosses it off the list.
    pub(crate) fn check(&mut self, path: &str, content: &[u8]) -> Result<(), RecordError> {
        let line =
            self.lines.remove(path).ok_or_else(|| RecordError::NotListed(path.to_owned()))?;
        let no_hash = || RecordError::NoHash(path.to_owned());
        let (algorithm, hash) = line.hash.split_once('=').ok_or_else(no_hash)?;
        let found = match algorithm {
            "sha256" => Sha256::digest(content).to_vec(),
            "sha384" => Sha384::digest(content).to_vec(),
            "sha512" => Sha512::digest(content).to_vec(),
            _ => return Err(no_hash()),
        };
        let size_fits = line.size.is_empty() || line.size == content.len().to_string();
        if BASE64.decode(hash) != Ok(found) || !size_fits {
            return Err(RecordError::Differs(path.to_owned()));
        }
        Ok(())
    }

    /// Crosses off what is listed without a hash: the list itself and its signatures.
    pub(crate) fn skip(&mut self, path: &str) {
        self.lines.remove(path);
    }

    /// Refuses a list with files that are not there.
    pub(crate) fn finish(mut self) -> Result<(), RecordError> {
        match self.lines.pop_first() {
            None => Ok(()),
            Some((path, _)) => Err(RecordError::Absent(path)),
        }
    }
}

/// Three columns; one that holds a comma or a quotation mark is quoted.
fn columns(line: &str) -> Option<[String; 3]> {
    let mut columns = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        let (column, after) = if let Some(quoted) = text.strip_prefix('"') {
            unquote(quoted)?
        } else {
            match text.split_once(',') {
                Some((column, after)) => (column.to_owned(), Some(after)),
                None => (text.to_owned(), None),
            }
        };
        columns.push(column);
        rest = after;
    }
    columns.try_into().ok()
}

/// The text up to the closing quotation mark, two of which stand for one, and what follows the comma.
fn unquote(quoted: &str) -> Option<(String, Option<&str>)> {
    let mut column = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('"')?;
        column.push_str(part);
        if let Some(after) = after.strip_prefix('"') {
            column.push('"');
            rest = after;
        } else if after.is_empty() {
            return Some((column, None));
        } else {
            return Some((column, Some(after.strip_prefix(',')?)));
        }
    }
}
