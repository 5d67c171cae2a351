//! The guest as it is shipped: compiled ahead of time, hashed and compressed.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

#[cfg(feature = "engine")]
use crate::engine;

const MAGIC: &[u8; 8] = b"mcpbxg02";

/// The level at which compressing harder stops paying for its time.
const COMPRESSION_LEVEL: i32 = 12;

/// Two raised to this is the distance in bytes at which repetitions are found: the code of
/// [`Part::Pooled`] repeats the one of [`Part::Code`], and is stored as that repetition.
const WINDOW_LOG: u32 = 27;

/// More than any compiled guest; keeps a damaged bundle from filling the memory.
const PART_MAX: u64 = 256 << 20;

/// What a bundle holds, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The compiled guest without the contents of its memory, for memory of our own.
    Code,
    /// The contents of its memory before a call.
    Image,
    /// The compiled guest with the contents of its memory, for wasmtime's pooling allocator.
    Pooled,
}

pub(crate) const PARTS: [Part; 3] = [Part::Code, Part::Image, Part::Pooled];
const ENTRY_LENGTH: usize = 8 + 32;

/// What a bundle's header promises of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Promise {
    /// Bytes.
    pub(crate) length: u64,
    /// SHA-256.
    pub(crate) hash: [u8; 32],
}

impl Promise {
    pub(crate) fn of(content: &[u8]) -> Self {
        Self { length: content.len() as u64, hash: Sha256::digest(content).into() }
    }

    fn written(&self) -> [u8; ENTRY_LENGTH] {
        let mut entry = [0; ENTRY_LENGTH];
        let (length, hash) = entry.split_at_mut(8);
        length.copy_from_slice(&self.length.to_le_bytes());
        hash.copy_from_slice(&self.hash);
        entry
    }

    fn read(entry: &[u8; ENTRY_LENGTH]) -> Option<Self> {
        let (length, hash) = entry.split_first_chunk::<8>()?;
        Some(Self { length: u64::from_le_bytes(*length), hash: hash.try_into().ok()? })
    }
}

/// Why a bundle could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The component does not compile.
    #[error("the guest component does not compile: {0}")]
    Compile(String),
    /// The bundle does not begin as `guest-compile` writes it.
    #[error("this is not a compiled guest; make one with `cargo xtask guest`")]
    Header,
    /// The bundle's content is not what its header says.
    #[error("the compiled guest is damaged: its SHA-256 is not the one recorded")]
    Hash,
    /// Compressing or decompressing failed.
    #[error("the compiled guest could not be (de)compressed")]
    Compression(#[source] io::Error),
}

/// Compiles the guest for the baseline of this machine's architecture and packs the result.
///
/// `stripped` and `merged` are the same component without and with the contents of its memory,
/// `image` is these contents: what `flatten` writes.
#[cfg(feature = "engine")]
pub fn compile(stripped: &[u8], image: &[u8], merged: &[u8]) -> Result<Vec<u8>, BundleError> {
    let failed = |error: wasmtime::Error| BundleError::Compile(format!("{error:#}"));
    let engine = engine::for_compilation().map_err(failed)?;
    let code = engine.precompile_component(stripped).map_err(failed)?;
    let pooled = engine.precompile_component(merged).map_err(failed)?;
    pack(&[&code, image, &pooled])
}

fn pack(parts: &[&[u8]; 3]) -> Result<Vec<u8>, BundleError> {
    let packed = (|| {
        let mut encoder = zstd::stream::write::Encoder::new(header(parts), COMPRESSION_LEVEL)?;
        encoder.long_distance_matching(true)?;
        encoder.window_log(WINDOW_LOG)?;
        for part in parts {
            encoder.write_all(part)?;
        }
        encoder.finish()
    })();
    packed.map_err(BundleError::Compression)
}

/// What stands before the compressed parts.
pub(crate) fn header(parts: &[&[u8]; 3]) -> Vec<u8> {
    let entries = parts.map(|part| Promise::of(part).written());
    [MAGIC.as_slice(), entries.as_flattened()].concat()
}

/// What a bundle's header promises for its `part`; the content is not looked at.
pub(crate) fn promise(bundle: &[u8], part: Part) -> Result<Promise, BundleError> {
    let (promises, _) = split(bundle)?;
    promises
        .into_iter()
        .find(|(found, _)| *found == part)
        .map(|(_, promise)| promise)
        .ok_or(BundleError::Header)
}

/// What tells this guest from all others, as hexadecimal digits.
pub(crate) fn identity(bundle: &[u8]) -> Result<String, BundleError> {
    let (promises, _) = split(bundle)?;
    let mut hasher = Sha256::new();
    for (_, promise) in promises {
        hasher.update(promise.hash);
    }
    let hash: [u8; 32] = hasher.finalize().into();
    Ok(hex::encode(hash.get(..8).unwrap_or_default()))
}

/// One part of a bundle, checked against the header.
pub(crate) fn unpack(bundle: &[u8], wanted: Part) -> Result<Vec<u8>, BundleError> {
    let (promises, packed) = split(bundle)?;
    let mut decoder = zstd::stream::read::Decoder::new(packed).map_err(BundleError::Compression)?;
    decoder.window_log_max(WINDOW_LOG).map_err(BundleError::Compression)?;
    for (part, promise) in promises {
        let mut limited = (&mut decoder).take(promise.length);
        if part == wanted {
            let mut content = Vec::new();
            limited.read_to_end(&mut content).map_err(BundleError::Compression)?;
            let intact = Promise::of(&content) == promise;
            return if intact { Ok(content) } else { Err(BundleError::Hash) };
        }
        io::copy(&mut limited, &mut io::sink()).map_err(BundleError::Compression)?;
    }
    Err(BundleError::Header)
}

type Promises = [(Part, Promise); 3];

fn split(bundle: &[u8]) -> Result<(Promises, &[u8]), BundleError> {
    let mut rest = bundle.strip_prefix(MAGIC).ok_or(BundleError::Header)?;
    let mut promises = PARTS.map(|part| (part, Promise { length: 0, hash: [0; 32] }));
    for (_, promise) in &mut promises {
        let (entry, after) = rest.split_first_chunk::<ENTRY_LENGTH>().ok_or(BundleError::Header)?;
        *promise = Promise::read(entry).ok_or(BundleError::Header)?;
        if promise.length > PART_MAX {
            return Err(BundleError::Header);
        }
        rest = after;
    }
    Ok((promises, rest))
}

#[cfg(test)]
mod tests {
    use super::{BundleError, ENTRY_LENGTH, MAGIC, PARTS, Part, pack, promise, unpack};

    #[test]
    fn every_part_comes_out_as_it_went_in() {
        let code = b"compiled code".repeat(100);
        let parts: [&[u8]; 3] = [&code, b"an image", &code];
        let bundle = pack(&parts).unwrap_or_default();
        for (part, content) in PARTS.into_iter().zip(parts) {
            let promised = promise(&bundle, part).map(|promise| promise.length);
            assert!(matches!(promised, Ok(length) if length == content.len() as u64));
            assert!(matches!(unpack(&bundle, part), Ok(unpacked) if unpacked == content));
        }
    }

    #[test]
    fn damage_is_noticed() {
        let sound = pack(&[b"code", b"image", b"pooled"]).unwrap_or_default();
        let damaged = |at: usize| {
            let mut bundle = sound.clone();
            if let Some(byte) = bundle.get_mut(at) {
                *byte ^= 1;
            }
            unpack(&bundle, Part::Code)
        };
        assert!(matches!(damaged(0), Err(BundleError::Header)));
        assert!(matches!(damaged(MAGIC.len() + 8), Err(BundleError::Hash)));
        // A length of 2^56 bytes is not even tried.
        assert!(matches!(damaged(MAGIC.len() + 7), Err(BundleError::Header)));
        assert!(damaged(MAGIC.len() + 3 * ENTRY_LENGTH).is_err());
        assert!(matches!(unpack(b"something else", Part::Code), Err(BundleError::Header)));
        assert!(matches!(unpack(MAGIC, Part::Code), Err(BundleError::Header)));
    }
}
