//! A scanner of Python that knows enough to colour it: names, strings, comments, numbers.

use super::Piece;

/// Words of the language.
const KEYWORDS: [&str; 37] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "case", "class",
    "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if",
    "import", "in", "is", "lambda", "match", "nonlocal", "not", "or", "pass", "raise", "return",
    "try", "while", "with", "yield",
];

/// How a piece is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Keyword,
    Text,
    Comment,
    Number,
    Decorator,
    /// A character that would otherwise not be seen.
    Hidden,
}

impl Kind {
    /// The name of the class in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Keyword => "keyword",
            Self::Text => "text",
            Self::Comment => "comment",
            Self::Number => "number",
            Self::Decorator => "decorator",
            Self::Hidden => "hidden-character",
        }
    }
}

/// Reads a source line by line and remembers a string that goes on in the next one.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    open: Option<Quote>,
}

/// The end that an open string waits for.
#[derive(Debug, Clone, Copy)]
struct Quote {
    mark: char,
    triple: bool,
}

impl Scanner {
    /// The pieces of the next line.
    pub(crate) fn line(&mut self, line: &str) -> Vec<Piece> {
        let letters: Vec<char> = line.chars().collect();
        let mut pieces: Vec<Piece> = Vec::new();
        let mut rest = letters.as_slice();
        while let Some(first) = rest.first().copied() {
            let at_start = pieces.iter().all(|piece| piece.text.trim().is_empty());
            let (kind, length) = self.next(first, rest, at_start);
            let (piece, after) = rest.split_at(length.clamp(1, rest.len()));
            let text: String = piece.iter().collect();
            match pieces.last_mut() {
                Some(last) if last.kind == kind => last.text.push_str(&text),
                _ => pieces.push(Piece { kind, text }),
            }
            rest = after;
        }
        if self.open.is_some_and(|quote| !quote.triple) && letters.last() != Some(&'\\') {
            self.open = None;
        }
        pieces
    }

    fn next(&mut self, first: char, rest: &[char], at_start: bool) -> (Kind, usize) {
        if let Some(quote) = self.open {
            return (Kind::Text, self.string(quote, rest, 0));
        }
        match first {
            '#' => (Kind::Comment, rest.len()),
            '"' | '\'' => (Kind::Text, self.begin(rest, 0)),
            '@' if at_start => (Kind::Decorator, 1 + run(rest, 1, |c| word(c) || c == '.')),
            '0'..='9' => (Kind::Number, run(rest, 0, |c| word(c) || c == '.')),
            letter if word(letter) => self.name(rest),
            _ => (Kind::Plain, 1),
        }
    }

    fn name(&mut self, rest: &[char]) -> (Kind, usize) {
        let length = run(rest, 0, word);
        let name: String = rest.iter().take(length).collect();
        let quoted = matches!(rest.get(length), Some('"' | '\''));
        let prefix = length <= 2 && name.chars().all(|c| "rRbBfFuUtT".contains(c));
        if quoted && prefix {
            return (Kind::Text, self.begin(rest, length));
        }
        let kind = if KEYWORDS.contains(&name.as_str()) { Kind::Keyword } else { Kind::Plain };
        (kind, length)
    }

    /// The length of a string whose opening quote stands at `from`.
    fn begin(&mut self, rest: &[char], from: usize) -> usize {
        let Some(mark) = rest.get(from).copied() else { return from };
        let triple = stands(rest, from, mark, 3);
        self.string(Quote { mark, triple }, rest, from + if triple { 3 } else { 1 })
    }

    /// The length up to the end of an open string, read from `from`.
    fn string(&mut self, quote: Quote, rest: &[char], from: usize) -> usize {
        self.open = Some(quote);
        let needed = if quote.triple { 3 } else { 1 };
        let mut at = from;
        while let Some(letter) = rest.get(at) {
            if *letter == '\\' {
                at += 2;
                continue;
            }
            if stands(rest, at, quote.mark, needed) {
                self.open = None;
                return at + needed;
            }
            at += 1;
        }
        rest.len()
    }
}

fn word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// How many letters from `from` on belong together.
fn run(letters: &[char], from: usize, belongs: impl Fn(char) -> bool) -> usize {
    letters.iter().skip(from).take_while(|letter| belongs(**letter)).count()
}

/// Whether `needed` of the mark stand at `from`.
fn stands(letters: &[char], from: usize, mark: char, needed: usize) -> bool {
    run(letters, from, |letter| letter == mark) >= needed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(line: &str) -> Vec<(Kind, String)> {
        let pieces = Scanner::default().line(line);
        pieces.into_iter().map(|piece| (piece.kind, piece.text)).collect()
    }

    fn found(line: &str, kind: Kind, text: &str) -> bool {
        kinds(line).contains(&(kind, text.to_owned()))
    }

    #[test]
    fn tokens_are_told_apart() {
        let line = "    return f'a#{b}' + 12.5  # why";
        for (kind, text) in [
            (Kind::Keyword, "return"),
            (Kind::Text, "f'a#{b}'"),
            (Kind::Number, "12.5"),
            (Kind::Comment, "# why"),
        ] {
            assert!(found(line, kind, text), "{text}: {:?}", kinds(line));
        }
        assert!(found("@dataclass(frozen=True)", Kind::Decorator, "@dataclass"));
        assert!(found("returned = a @ b", Kind::Plain, "returned = a @ b"));
    }

    #[test]
    fn an_escaped_quote_does_not_end_a_string() {
        assert!(found(r#"x = "a\"b" # c"#, Kind::Text, r#""a\"b""#));
        assert!(found(r"x = '\\' # c", Kind::Comment, "# c"));
    }

    #[test]
    fn a_triple_quoted_string_goes_on_until_its_end() {
        let mut scanner = Scanner::default();
        scanner.line(r#"x = """first "#);
        assert!(scanner.line("import os").iter().all(|piece| piece.kind == Kind::Text));
        let last = scanner.line(r#"end""" + y"#);
        assert_eq!(last.first().map(|piece| piece.text.as_str()), Some(r#"end""""#));
        assert!(scanner.line("import os").iter().any(|piece| piece.kind == Kind::Keyword));
    }

    #[test]
    fn an_unfinished_string_ends_with_its_line() {
        let mut scanner = Scanner::default();
        scanner.line("x = 'abc");
        assert!(scanner.line("import os").iter().any(|piece| piece.kind == Kind::Keyword));
        scanner.line("x = 'abc\\");
        assert!(scanner.line("import os").iter().all(|piece| piece.kind == Kind::Text));
    }
}
