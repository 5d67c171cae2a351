//! Text that came out of a guest, made fit to be shown.

/// Decodes what may break off in the middle of a character.
pub(crate) fn decode_prefix(mut bytes: Vec<u8>) -> String {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// One line of at most `most` bytes, cut between characters, without control characters: terminals obey them.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let mut line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.len() > most {
        line.truncate(line.floor_char_boundary(most));
        line.push('…');
    }
    line
}

/// A duration as a person says it: `30 s`, `1.5 s`, `200 ms`.
pub(crate) fn duration(duration: std::time::Duration) -> String {
    if duration.as_secs() == 0 {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{} s", (duration.as_secs_f64() * 10.0).round() / 10.0)
    }
}

/// A size as a person says it: `256 MB`, `10 KB`, `7 bytes`.
pub(crate) fn size(bytes: usize) -> String {
    const UNIT: usize = 1 << 10;
    match bytes {
        0..UNIT => format!("{bytes} bytes"),
        UNIT..0x10_0000 => format!("{} KB", bytes / UNIT),
        _ => format!("{} MB", bytes / UNIT / UNIT),
    }
}

#[cfg(test)]
mod tests {
    use super::{decode_prefix, duration, one_line, size};
    use std::time::Duration;

    #[test]
    fn a_broken_off_character_is_dropped_and_a_wrong_one_is_marked() {
        assert_eq!(decode_prefix("añ".as_bytes().to_vec()), "añ");
        assert_eq!(decode_prefix(vec![b'a', 0xC3]), "a");
        assert_eq!(decode_prefix(vec![b'a', 0xFF, b'b']), "a\u{FFFD}b");
    }

    #[test]
    fn lines_sizes_and_durations_read_well() {
        assert_eq!(one_line("a\n  b", 10), "a b");
        assert_eq!(one_line("a\u{1b}[31mb\u{2028}", 10), "a [31mb");
        assert_eq!(one_line("ñññ", 3), "ñ…");
        assert_eq!([size(7), size(10 << 10), size(256 << 20)], ["7 bytes", "10 KB", "256 MB"]);
        assert_eq!(duration(Duration::from_millis(1500)), "1.5 s");
        assert_eq!(duration(Duration::from_millis(200)), "200 ms");
        assert_eq!(duration(Duration::from_secs(30)), "30 s");
    }
}
