//! Text that a model or a client wrote, for eyes: nothing in it is invisible, and nothing in it
//! reorders what stands beside it.

use askama::Template;

use crate::code::{self, Kind, Piece};

/// Such a text as HTML, isolated from its surroundings.
#[derive(Debug, Clone, Template)]
#[template(
    source = r#"<bdi>{% for piece in pieces %}{% if piece.kind == Kind::Hidden %}<span class="{{ piece.kind.class() }}">{{ piece.text }}</span>{% else %}{{ piece.text }}{% endif %}{% endfor %}</bdi>"#,
    ext = "html"
)]
pub(crate) struct Written {
    pieces: Vec<Piece>,
}

impl askama::filters::HtmlSafe for Written {}

/// Shows a text with its line breaks; what eyes cannot see is named by its number.
pub(crate) fn shown(text: impl AsRef<str>) -> Written {
    let mut pieces = Vec::new();
    for line in text.as_ref().split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        pieces.extend(code::plain(line));
        if !end.is_empty() {
            pieces.push(Piece { kind: Kind::Plain, text: end.to_owned() });
        }
    }
    Written { pieces }
}

/// The same where no markup can stand, as in the title of a page.
pub(crate) fn plain(text: impl AsRef<str>) -> String {
    shown(text).pieces.into_iter().map(|piece| piece.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named_and_the_rest_stays() {
        let html = shown("one\u{200b}\ntwo\u{202e}<b>\tö").render().unwrap();
        let mark = |name: &str| format!("<span class=\"hidden-character\">{name}</span>");
        let expected =
            format!("<bdi>one{}\ntwo{}&#60;b&#62;\tö</bdi>", mark("U+200B"), mark("U+202E"));
        assert_eq!(html, expected);
        assert_eq!(shown("as it is").render().unwrap(), "<bdi>as it is</bdi>");
    }

    #[test]
    fn a_title_has_marks_without_markup() {
        assert_eq!(plain("a\u{2066}b"), "aU+2066b");
    }
}
