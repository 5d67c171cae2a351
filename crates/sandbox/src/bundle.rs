//! The guest as it is shipped: compiled ahead of time, hashed and compressed.

use sha2::{Digest, Sha256};

use crate::engine;

const MAGIC: &[u8; 8] = b"mcpbxg01";
const HASH_LENGTH: usize = 32;

/// The level at which compressing harder stops paying for its time.
const COMPRESSION_LEVEL: i32 = 9;

/// More than any compiled guest; keeps a damaged bundle from filling the memory.
const UNPACKED_MAX: usize = 512 << 20;

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
    Compression(#[source] std::io::Error),
}

/// Compiles a component for the baseline of this machine's architecture and packs the result.
pub fn compile(component: &[u8]) -> Result<Vec<u8>, BundleError> {
    let failed = |error: wasmtime::Error| BundleError::Compile(format!("{error:#}"));
    let engine = engine::for_compilation().map_err(failed)?;
    let compiled = engine.precompile_component(component).map_err(failed)?;
    pack(&compiled)
}

fn pack(content: &[u8]) -> Result<Vec<u8>, BundleError> {
    let mut bundle = MAGIC.to_vec();
    bundle.extend_from_slice(&Sha256::digest(content));
    let packed =
        zstd::bulk::compress(content, COMPRESSION_LEVEL).map_err(BundleError::Compression)?;
    bundle.extend_from_slice(&packed);
    Ok(bundle)
}

/// The SHA-256 that a bundle's header promises for its content.
pub(crate) fn promised_hash(bundle: &[u8]) -> Result<[u8; HASH_LENGTH], BundleError> {
    let (hash, _) = split(bundle)?;
    Ok(hash)
}

/// The content of a bundle, checked against its header.
pub(crate) fn unpack(bundle: &[u8]) -> Result<Vec<u8>, BundleError> {
    let (hash, packed) = split(bundle)?;
    let mut content = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(packed).map_err(BundleError::Compression)?;
    let mut limited = std::io::Read::take(decoder, UNPACKED_MAX as u64);
    std::io::Read::read_to_end(&mut limited, &mut content).map_err(BundleError::Compression)?;
    if hash_of(&content) == hash { Ok(content) } else { Err(BundleError::Hash) }
}

pub(crate) fn hash_of(content: &[u8]) -> [u8; HASH_LENGTH] {
    Sha256::digest(content).into()
}

fn split(bundle: &[u8]) -> Result<([u8; HASH_LENGTH], &[u8]), BundleError> {
    let rest = bundle.strip_prefix(MAGIC).ok_or(BundleError::Header)?;
    let (hash, packed) = rest.split_first_chunk::<HASH_LENGTH>().ok_or(BundleError::Header)?;
    Ok((*hash, packed))
}

#[cfg(test)]
mod tests {
    use super::{BundleError, hash_of, pack, promised_hash, unpack};

    #[test]
    fn what_is_packed_comes_out_and_damage_is_noticed() {
        let content = b"compiled code".repeat(100);
        let mut bundle = pack(&content).unwrap_or_default();
        assert!(matches!(promised_hash(&bundle), Ok(hash) if hash == hash_of(&content)));
        assert!(matches!(unpack(&bundle), Ok(unpacked) if unpacked == content));
        if let Some(byte) = bundle.get_mut(10) {
            *byte ^= 1;
        }
        assert!(matches!(unpack(&bundle), Err(BundleError::Hash)));
        assert!(matches!(unpack(b"something else"), Err(BundleError::Header)));
    }
}
