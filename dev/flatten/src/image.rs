//! The memory as it is before the first instruction runs.

use crate::error::Error;
use crate::program::Program;

const WASM_PAGE: u64 = 64 << 10;

/// The size in which an engine maps memory, so that whole pages of zeros cost nothing.
const PAGE: usize = 4 << 10;

/// The contents of the memory at its initial size: zeros, and over them the segments in order.
pub(crate) fn build(program: &Program<'_>) -> Result<Vec<u8>, Error> {
    let pages = program.memory()?.initial;
    let length = pages.checked_mul(WASM_PAGE).and_then(|length| usize::try_from(length).ok());
    let mut image = vec![0; length.ok_or(Error::OutOfBounds("memory"))?];
    for segment in &program.data {
        let start = usize::try_from(segment.offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(segment.bytes.len());
        let place = image.get_mut(start..end).ok_or(Error::OutOfBounds("data"))?;
        place.copy_from_slice(segment.bytes);
    }
    Ok(image)
}

/// The runs of pages that hold something else than zeros, each with its offset in bytes.
pub(crate) fn runs(image: &[u8]) -> Vec<(usize, &[u8])> {
    let mut runs = Vec::new();
    let mut first = None;
    for (number, page) in image.chunks(PAGE).enumerate() {
        let offset = number.saturating_mul(PAGE);
        let empty = page.iter().all(|byte| *byte == 0);
        match (first, empty) {
            (None, false) => first = Some(offset),
            (Some(start), true) => {
                runs.extend(image.get(start..offset).map(|run| (start, run)));
                first = None;
            }
            _ => {}
        }
    }
    if let Some(start) = first {
        runs.extend(image.get(start..).map(|run| (start, run)));
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::{PAGE, runs};

    #[test]
    fn runs_hold_everything_but_empty_pages() {
        let mut image = vec![0; 6 * PAGE];
        for place in [PAGE + 7, 3 * PAGE - 1, 6 * PAGE - 1] {
            if let Some(byte) = image.get_mut(place) {
                *byte = 1;
            }
        }
        let found: Vec<_> =
            runs(&image).into_iter().map(|(start, run)| (start, run.len())).collect();
        assert_eq!(found, [(PAGE, 2 * PAGE), (5 * PAGE, PAGE)]);
        assert!(runs(&[0; 2 * PAGE]).is_empty());
    }
}
