//! SHA-256 in hexadecimal.

use sha2::{Digest, Sha256};

/// The hash of bytes, in 64 lower-case digits.
pub(crate) fn of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A hash as somebody wrote it, in lower case; nothing where it is none.
pub(crate) fn read(text: &str) -> Option<String> {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| text.to_ascii_lowercase())
}
