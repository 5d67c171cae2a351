//! A part of an artifact's data, of a text in whole characters.

use store::artifacts::Artifact;

/// How many bytes a character of UTF-8 has beside its first.
pub(super) const MARGIN: u64 = 3;

/// A part of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is a part of.
    pub artifact: Artifact,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// The data.
    pub data: Vec<u8>,
}

impl Part {
    /// How many bytes the whole artifact has.
    pub fn total(&self) -> u64 {
        u64::try_from(self.artifact.bytes).unwrap_or_default()
    }

    /// Where the next part begins; none after the last.
    pub fn next(&self) -> Option<u64> {
        let end = self.offset + length_of(&self.data);
        (end < self.total()).then_some(end)
    }

    /// The data as text, where the artifact is one.
    pub fn text(&self) -> Option<&str> {
        if self.artifact.is_text { std::str::from_utf8(&self.data).ok() } else { None }
    }
}

fn length_of(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

/// The part from `offset` on of `length` bytes, out of `data`, which begins at `first`.
pub(super) fn cut(artifact: Artifact, first: u64, data: &[u8], offset: u64, length: u64) -> Part {
    let place =
        |position: u64| usize::try_from(position.saturating_sub(first)).unwrap_or(usize::MAX);
    let (mut from, mut to) = (place(offset), place(offset + length));
    if artifact.is_text {
        (from, to) = whole(data, from, to);
    }
    let offset = first + u64::try_from(from).unwrap_or_default();
    let data = data.get(from..to.min(data.len())).unwrap_or_default().to_vec();
    Part { artifact, offset, data }
}

/// The range of whole characters: from the one in which it begins up to the one in which it ends,
/// that excluded unless there would be nothing else.
fn whole(data: &[u8], from: usize, to: usize) -> (usize, usize) {
    let begins = |place: usize| data.get(place).is_none_or(|byte| byte & 0xC0 != 0x80);
    let from = (0..=from).rev().find(|place| begins(*place)).unwrap_or(from);
    let before = (from + 1..=to).rev().find(|place| begins(*place));
    let after = || (to..=data.len()).find(|place| *place > from && begins(*place));
    (from, before.or_else(after).unwrap_or(to))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn artifact(bytes: usize, is_text: bool) -> Artifact {
        Artifact {
            id: Uuid::nil(),
            call_id: Uuid::nil(),
            owner: "local".to_owned(),
            mime_type: "text/plain".to_owned(),
            name: None,
            is_text,
            bytes: i64::try_from(bytes).unwrap(),
            created_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH,
        }
    }

    fn part(whole: &[u8], is_text: bool, offset: u64, length: u64) -> Part {
        let length = length.min(whole.len() as u64 - offset);
        let margin = if is_text { MARGIN } else { 0 };
        let first = offset.saturating_sub(margin);
        let end = usize::try_from(offset + length + margin).unwrap().min(whole.len());
        let data = whole[usize::try_from(first).unwrap()..end].to_vec();
        cut(artifact(whole.len(), is_text), first, &data, offset, length)
    }

    #[test]
    fn reading_on_from_part_to_part_gives_the_whole_text() {
        let text = "aä€😀".repeat(5) + "z";
        for length in 1..=12 {
            let (mut read, mut next) = (String::new(), Some(0));
            while let Some(offset) = next {
                let part = part(text.as_bytes(), true, offset, length);
                assert!(!part.data.is_empty(), "{length} at {offset}");
                read.push_str(part.text().expect("whole characters"));
                next = part.next();
            }
            assert_eq!(read, text, "{length}");
        }
    }

    #[test]
    fn a_range_within_a_character_begins_with_it_and_says_so() {
        let part = part("a€b".as_bytes(), true, 2, 3);
        assert_eq!((part.offset, part.text(), part.next()), (1, Some("€b"), None));
    }

    #[test]
    fn data_is_cut_at_the_byte() {
        let part = part(&[0xC3, 0xA4, 0xFF, 1], false, 1, 2);
        assert_eq!(
            (part.offset, part.data.as_slice(), part.next()),
            (1, &[0xA4, 0xFF][..], Some(3))
        );
        assert_eq!(part.text(), None);
    }

    #[test]
    fn nothing_is_left_at_the_end() {
        let part = part(b"abc", true, 3, 10);
        assert_eq!((part.data.len(), part.next()), (0, None));
    }
}
