//! JSON of servers, read field by field: unknown fields, and known ones of another kind, do no harm.

use serde_json::{Map, Value};

use crate::scope::Scopes;
use crate::text::shown;

/// The largest document that is read, in bytes.
const LARGEST: usize = 256 * 1024;

/// The most members of a list that are read.
const MOST: usize = 256;

/// A JSON object.
pub(crate) struct Document(Map<String, Value>);

impl Document {
    /// Reads an object, if it is one.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let fits = body.len() <= LARGEST;
        // Some servers begin their files with a byte order mark.
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let read = fits.then(|| serde_json::from_slice(body))?;
        match read {
            Ok(Value::Object(fields)) => Some(Self(fields)),
            Ok(_) | Err(_) => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A text of the server, fit to be shown.
    pub(crate) fn shown(&self, name: &str) -> Option<String> {
        self.text(name).map(shown).filter(|text| !text.is_empty())
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A number, also where it is written as a text.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        match self.0.get(name)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The texts of a list; nothing where it is no list.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        let list = self.0.get(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).take(MOST).map(str::to_owned).collect())
    }

    /// Scopes as a list of names, or as one text.
    pub(crate) fn scopes(&self, name: &str) -> Scopes {
        match self.0.get(name) {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => Scopes::read(text),
            _ => Scopes::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_another_kind_are_as_if_absent() {
        let body =
            br#"{"a": 1, "b": "x", "c": ["y", 2, "z"], "d": "12", "e": true, "f": "p q", "g": ""}"#;
        let read = Document::read(body).unwrap();
        assert_eq!((read.text("a"), read.text("b"), read.text("g")), (None, Some("x"), None));
        assert_eq!(read.list("c").unwrap(), ["y", "z"]);
        assert_eq!((read.list("b"), read.list("h")), (None, None));
        assert_eq!(
            (read.number("d"), read.number("a"), read.number("b")),
            (Some(12.0), Some(1.0), None)
        );
        assert!(read.flag("e") && !read.flag("b"));
        assert_eq!(read.scopes("f"), read.scopes("f"));
        assert_eq!(read.scopes("c"), Scopes::read("y z"));
    }

    #[test]
    fn what_is_no_object_or_too_large_is_not_read() {
        for body in [&b""[..], b"[]", b"null", b"<html>", b"{", b"\xff"] {
            assert!(Document::read(body).is_none());
        }
        let padded = |spaces: usize| "{}".to_owned() + &" ".repeat(spaces);
        assert!(Document::read(padded(LARGEST - 2).as_bytes()).is_some());
        assert!(Document::read(padded(LARGEST - 1).as_bytes()).is_none());
        assert!(Document::read(b"\xef\xbb\xbf{}").is_some());
    }
}
