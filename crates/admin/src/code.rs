//! Source text for eyes: numbered lines, coloured tokens, and nothing invisible.

mod python;

use askama::Template;

pub(crate) use python::Kind;

/// A stretch of a line that is shown in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

/// Source text with line numbers, as HTML.
#[derive(Debug, Clone, Template)]
#[template(path = "components/listing.html")]
pub(crate) struct Listing {
    lines: Vec<Vec<Piece>>,
}

impl askama::filters::HtmlSafe for Listing {}

/// Shows source text.
pub(crate) fn listing(source: &str) -> Listing {
    Listing { lines: lines(source) }
}

/// The pieces of each line. Lines end where Python's do, except at a lone carriage return, which
/// is shown as a mark.
pub(crate) fn lines(source: &str) -> Vec<Vec<Piece>> {
    let mut scanner = python::Scanner::default();
    source.lines().map(|line| scanner.line(line).into_iter().flat_map(reveal).collect()).collect()
}

/// The pieces of one line that is no source text.
pub(crate) fn plain(line: &str) -> Vec<Piece> {
    reveal(Piece { kind: Kind::Plain, text: line.to_owned() })
}

/// Whether a text has characters that eyes cannot see.
pub(crate) fn has_hidden(text: &str) -> bool {
    text.contains(|letter| letter != '\n' && is_hidden(letter))
}

/// Splits a piece at characters that eyes cannot see or that reorder the text around them, so
/// that what a person approves is what runs.
fn reveal(piece: Piece) -> Vec<Piece> {
    if !piece.text.contains(is_hidden) {
        return vec![piece];
    }
    let mut pieces = Vec::new();
    let mut visible = String::new();
    for character in piece.text.chars() {
        if is_hidden(character) {
            if !visible.is_empty() {
                pieces.push(Piece { kind: piece.kind, text: std::mem::take(&mut visible) });
            }
            let text = format!("U+{:04X}", u32::from(character));
            pieces.push(Piece { kind: Kind::Hidden, text });
        } else {
            visible.push(character);
        }
    }
    if !visible.is_empty() {
        pieces.push(Piece { kind: piece.kind, text: visible });
    }
    pieces
}

fn is_hidden(character: char) -> bool {
    let invisible = matches!(
        u32::from(character),
        0xAD | 0x34F
            | 0x61C
            | 0x115F..=0x1160
            | 0x17B4..=0x17B5
            | 0x180B..=0x180F
            | 0x200B..=0x200F
            | 0x2028..=0x202E
            | 0x2060..=0x206F
            | 0x3164
            | 0xFE00..=0xFE0F
            | 0xFEFF
            | 0xFFA0
            | 0xFFF9..=0xFFFB
            | 0xE0000..=0xE0FFF
    );
    invisible || (character.is_control() && character != '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_reorder_text_are_shown_by_their_number() {
        let html = listing("x = 1  # \u{202e}evil\u{2066}").render().unwrap();
        for mark in ["U+202E", "U+2066"] {
            assert!(html.contains(mark), "{html}");
        }
        assert!(!html.contains('\u{202e}'), "{html}");
    }

    #[test]
    fn a_line_break_that_only_python_sees_is_shown() {
        let html = listing("# harmless\rimport secrets").render().unwrap();
        assert!(html.contains("U+000D"), "{html}");
    }

    #[test]
    fn source_text_cannot_become_markup() {
        let html = listing("s = '</pre><script>alert(1)</script>'").render().unwrap();
        assert!(!html.contains("<script>"), "{html}");
    }

    #[test]
    fn every_line_is_there_as_written() {
        let source = "async def main(a: int = 1):\n\n    return {\"ä\": f'{a}'}  # done\n";
        let shown: Vec<String> = lines(source)
            .into_iter()
            .map(|line| line.into_iter().map(|piece| piece.text).collect())
            .collect();
        assert_eq!(shown, source.lines().collect::<Vec<_>>());
    }
}
