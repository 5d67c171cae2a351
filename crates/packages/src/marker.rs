//! Environment markers: the part of a requirement after `;` that says where it holds.
//!
//! Markers come from strangers, so they are read by a bounded descent and decided at once: nothing is
//! kept of them, and no marker takes more than its length in time.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifier};

use crate::environment;

/// How deep parentheses may nest.
const DEEPEST: usize = 16;

/// Variables that hold versions; all others are compared as texts.
const VERSIONS: [&str; 3] = ["python_version", "python_full_version", "implementation_version"];

/// A marker that was read and not yet decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Marker {
    All(Vec<Self>),
    Any(Vec<Self>),
    Compare { left: Operand, operator: String, right: Operand },
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operand {
    Variable(String),
    Text(String),
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'text> {
    Open,
    Close,
    Operator(&'text str),
    Word(&'text str),
    Text(&'text str),
}

impl Marker {
    /// Reads a marker; the error says what is wrong.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: &tokens, depth: 0 };
        let marker = reader.any()?;
        match reader.tokens.first() {
            None => Ok(marker),
            Some(token) => Err(format!("{token:?} is not expected there")),
        }
    }

    /// Whether it holds in the sandbox, with this extra asked for.
    pub(crate) fn holds(&self, extra: Option<&str>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(extra)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(extra)),
            Self::Compare { left, operator, right } => compare(left, operator, right, extra),
        }
    }
}

struct Reader<'tokens> {
    tokens: &'tokens [Token<'tokens>],
    depth: usize,
}

impl<'tokens> Reader<'tokens> {
    fn any(&mut self) -> Result<Marker, String> {
        let mut parts = vec![self.all()?];
        while self.skip(&Token::Word("or")) {
            parts.push(self.all()?);
        }
        Ok(Marker::Any(parts))
    }

    fn all(&mut self) -> Result<Marker, String> {
        let mut parts = vec![self.one()?];
        while self.skip(&Token::Word("and")) {
            parts.push(self.one()?);
        }
        Ok(Marker::All(parts))
    }

    fn one(&mut self) -> Result<Marker, String> {
        if !self.skip(&Token::Open) {
            let left = self.operand()?;
            let operator = self.operator()?;
            return Ok(Marker::Compare { left, operator, right: self.operand()? });
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("parentheses nest deeper than {DEEPEST}"));
        }
        let inner = self.any()?;
        self.depth -= 1;
        if self.skip(&Token::Close) { Ok(inner) } else { Err("a `)` is missing".to_owned()) }
    }

    fn operand(&mut self) -> Result<Operand, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Operand::Text((*text).to_owned())),
            Some(Token::Word("extra")) => Ok(Operand::Variable("extra".to_owned())),
            Some(Token::Word(name)) if environment::variable(name).is_some() => {
                Ok(Operand::Variable((*name).to_owned()))
            }
            other => Err(format!("a variable or a quoted text is expected, not {other:?}")),
        }
    }

    fn operator(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Operator(operator)) => Ok((*operator).to_owned()),
            Some(Token::Word("in")) => Ok("in".to_owned()),
            Some(Token::Word("not")) if self.skip(&Token::Word("in")) => Ok("not in".to_owned()),
            other => Err(format!("a comparison is expected, not {other:?}")),
        }
    }

    fn next(&mut self) -> Option<&'tokens Token<'tokens>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn skip(&mut self, token: &Token<'_>) -> bool {
        let found = self.tokens.first() == Some(token);
        if found {
            self.next();
        }
        found
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let (token, remaining) = match first {
            '(' => (Token::Open, after),
            ')' => (Token::Close, after),
            '\'' | '"' => {
                let (inner, after) = after.split_once(first).ok_or("a quotation does not end")?;
                (Token::Text(inner), after)
            }
            '<' | '>' | '=' | '!' | '~' => {
                let (operator, after) = split(rest, |letter| "<>=!~".contains(letter));
                if !["<", "<=", ">", ">=", "==", "===", "!=", "~="].contains(&operator) {
                    return Err(format!("`{operator}` is no comparison"));
                }
                (Token::Operator(operator), after)
            }
            letter if letter.is_ascii_alphabetic() => {
                let (word, after) =
                    split(rest, |letter| letter.is_ascii_alphanumeric() || "_.".contains(letter));
                (Token::Word(word), after)
            }
            other => return Err(format!("`{other}` is not expected")),
        };
        tokens.push(token);
        rest = remaining.trim_start();
    }
    Ok(tokens)
}

fn split(text: &str, inside: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|letter| !inside(letter)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Versions are compared as such where both sides are, all else as texts.
fn compare(left: &Operand, operator: &str, right: &Operand, extra: Option<&str>) -> bool {
    let is_extra = |operand: &Operand| *operand == Operand::Variable("extra".to_owned());
    let about_extra = is_extra(left) || is_extra(right);
    let value = |operand: &Operand| match operand {
        Operand::Text(text) if about_extra => normalized(text),
        Operand::Text(text) => text.clone(),
        Operand::Variable(name) if name == "extra" => extra.unwrap_or_default().to_owned(),
        Operand::Variable(name) => environment::variable(name).unwrap_or_default(),
    };
    let (one, other) = (value(left), value(right));
    let version = |operand: &Operand| match operand {
        Operand::Variable(name) => VERSIONS.contains(&name.as_str()),
        Operand::Text(_) => false,
    };
    if (version(left) || version(right))
        && let Some(holds) = compare_versions(&one, operator, &other)
    {
        return holds;
    }
    match operator {
        "==" | "===" => one == other,
        "!=" => one != other,
        "in" => other.contains(&one),
        "not in" => !other.contains(&one),
        "<" => one < other,
        "<=" => one <= other,
        ">" => one > other,
        ">=" => one >= other,
        _ => false,
    }
}

fn compare_versions(one: &str, operator: &str, other: &str) -> Option<bool> {
    if !crate::requirement::is_harmless(other) || !crate::requirement::is_harmless(one) {
        return None;
    }
    let version = Version::from_str(one).ok()?;
    let specifier = VersionSpecifier::from_str(&format!("{operator}{other}")).ok()?;
    Some(specifier.contains(&version))
}

fn normalized(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), |name: crate::PackageName| name.to_string())
}
