//! The parts of an archive in one file: each after its length, with zeros after the last one.

use std::iter;

/// What a file is lengthened to a multiple of.
const UNIT: usize = 64 << 10;

/// A file that holds these parts, none of which is empty.
pub(super) fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for part in parts {
        file.extend((part.len() as u64).to_le_bytes());
        file.extend(part);
    }
    // At least one length of zero.
    file.resize((file.len() + size_of::<u64>()).next_multiple_of(UNIT), 0);
    file
}

/// The parts that a file holds.
pub(super) fn parts(mut file: &[u8]) -> impl Iterator<Item = &[u8]> {
    iter::from_fn(move || {
        let (length, rest) = file.split_first_chunk()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (part, rest) = rest.split_at_checked(length)?;
        file = rest;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::{UNIT, joined, parts};

    #[test]
    fn parts_come_out_as_they_went_in_whatever_their_lengths() {
        for lengths in [vec![], vec![1], vec![UNIT - 16], vec![UNIT - 8, 5], vec![UNIT, 3 * UNIT]] {
            let given: Vec<Vec<u8>> = lengths.iter().map(|length| vec![7; *length]).collect();
            let file = joined(&given);
            assert_eq!(file.len() % UNIT, 0);
            assert!(!file.is_empty());
            assert!(parts(&file).eq(given.iter().map(Vec::as_slice)), "{lengths:?}");
        }
        assert_eq!(parts(&[255; 20]).count(), 0);
    }
}
