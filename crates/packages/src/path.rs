//! Paths inside a wheel: relative, plain, and the same for every reader.

/// The longest path, in bytes, and the deepest.
const LONGEST: usize = 1000;
const DEEPEST: usize = 40;

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It leads out of the wheel or is no plain path.
    #[error("leads out of the wheel")]
    Outside,
    /// A part of it is empty or `.`.
    #[error("is no plain path")]
    Plain,
    /// It holds a character that means something else elsewhere.
    #[error("holds a character that no file name of a wheel may hold")]
    Character,
    /// It is too long or too deep.
    #[error("is too long")]
    Long,
}

/// Refuses what is no plain relative path.
pub(crate) fn check(path: &str) -> Result<(), PathError> {
    // Drive letters and streams have a colon, other systems' separators a backslash.
    if path.chars().any(|letter| letter.is_control() || letter == '\\' || letter == ':') {
        return Err(PathError::Character);
    }
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(PathError::Outside);
    }
    if path.split('/').any(|part| part.is_empty() || part == ".") {
        return Err(PathError::Plain);
    }
    let too_deep = path.split('/').count() > DEEPEST;
    if path.len() > LONGEST || too_deep { Err(PathError::Long) } else { Ok(()) }
}

/// A path as it can be shown.
pub(crate) fn shown(path: &str) -> String {
    path.chars()
        .take(120)
        .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
        .collect()
}
