//! What strangers wrote, made fit to be shown to a person.

/// The longest text of a server that is shown or kept.
const LONGEST: usize = 500;

/// The text on one line, without control and invisible characters, cut where it is long.
/// What was made fit stays as it is.
pub(crate) fn shown(text: &str) -> String {
    let letters = text.chars().filter(|letter| letter.is_whitespace() || is_shown(*letter));
    let visible: String = letters.collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    let mut line = words.join(" ");
    let mut ends = line.char_indices().map(|(end, _)| end).skip(LONGEST - 1);
    if let (Some(end), Some(_)) = (ends.next(), ends.next()) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// Not what changes the direction of a line, joins letters or has no width.
fn is_shown(letter: char) -> bool {
    let invisible = matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
    !letter.is_control() && !invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_short_line_of_visible_letters() {
        assert_eq!(shown(" a\r\n\tb\u{202e}c\u{0}  d "), "a bc d");
        assert_eq!(shown("Größe – 木"), "Größe – 木");
        assert_eq!(shown(&"ä".repeat(LONGEST)), "ä".repeat(LONGEST));
        let cut = "ä".repeat(LONGEST - 1) + "…";
        assert_eq!(shown(&"ä".repeat(LONGEST + 1)), cut);
        assert_eq!(shown(&cut), cut);
        assert_eq!(shown("a \u{200b} b"), "a b");
    }
}
