//! Takes the values of secrets out of whatever a tool says, in every form they are likely to have there.

mod forms;
mod json;
mod searched;
mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

use searched::Searched;
use secrecy::{ExposeSecret as _, SecretString};
pub(crate) use shown::Shown;

/// Values shorter than this, in bytes, are not searched for: they would be found everywhere.
pub(crate) const VALUE_MIN: usize = 6;

/// What stands where a part of a text was cut out.
const CUT: &str = "…";

/// The secrets that a call is given, by name. They leave memory with it, and are never shown.
#[derive(Default)]
pub(crate) struct Secrets(BTreeMap<String, SecretString>);

impl Secrets {
    pub(crate) fn insert(&mut self, name: String, value: SecretString) {
        self.0.insert(name, value);
    }

    /// The values themselves, for the one that runs the call.
    pub(crate) fn exposed(&self) -> BTreeMap<&str, &str> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect()
    }
}

/// Finds the values of some secrets.
pub(crate) struct Redactor {
    known: Known,
}

enum Known {
    /// Those of a call, from its beginning; none where there is nothing to search for.
    Fixed(Option<Arc<Searched>>),
    /// All that were shown to somebody by the time of each search.
    Growing(Arc<Shown>),
}

impl Redactor {
    /// A redactor of these secrets, for one call.
    pub(crate) fn new(secrets: &Secrets) -> Self {
        Self { known: Known::Fixed(Searched::of(secrets.exposed()).map(Arc::new)) }
    }

    /// A redactor of all that is shown to somebody, before and after.
    pub(crate) fn of_shown(shown: Arc<Shown>) -> Self {
        Self { known: Known::Growing(shown) }
    }

    fn searched(&self) -> Option<Arc<Searched>> {
        match &self.known {
            Known::Fixed(searched) => searched.clone(),
            Known::Growing(shown) => shown.searched(),
        }
    }

    /// Whether there is nothing to search for, so that every text stays as it is.
    pub(crate) fn is_idle(&self) -> bool {
        self.searched().is_none()
    }

    /// The text with a mark in the place of each value.
    pub(crate) fn text(&self, text: String) -> String {
        match self.searched() {
            Some(searched) if searched.is_in(text.as_bytes()) => searched.replaced(&text),
            _ => text,
        }
    }

    /// The same for a text that was cut off, or that [`CUT`] stands in for a part of: what is left of a
    /// value at a cut is taken out too.
    pub(crate) fn cut_text(&self, text: String) -> String {
        let text = self.text(text);
        let Some(searched) = self.searched() else { return text };
        let parts = text.split(CUT).enumerate();
        let mended = parts.map(|(number, part)| {
            let part =
                if number > 0 { searched.without_end_of_value(part) } else { part.to_owned() };
            searched.without_beginning_of_value(&part)
        });
        mended.collect::<Vec<_>>().join(CUT)
    }

    /// Whether data holds a value.
    pub(crate) fn found_in(&self, data: &[u8]) -> bool {
        self.searched().is_some_and(|searched| searched.is_in(data))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

    const VALUE: &str = "p@ss \"w\\ö/rd+";

    pub(super) fn redactor(values: &[(&str, &str)]) -> Redactor {
        let mut secrets = Secrets::default();
        for (name, value) in values {
            secrets.insert((*name).to_owned(), (*value).into());
        }
        Redactor::new(&secrets)
    }

    #[test]
    fn a_value_is_found_in_every_form() {
        let redactor = redactor(&[("KEY", VALUE)]);
        let quoted = json!({ "key": VALUE }).to_string();
        for text in [
            VALUE.to_owned(),
            quoted.clone(),
            json!({ "inner": quoted }).to_string(),
            r#"{"key": "p@ss \"w\\\u00f6/rd+"}"#.to_owned(),
            "?key=p%40ss%20%22w%5C%C3%B6%2Frd%2B&x".to_owned(),
            "?key=p%40ss+%22w%5c%c3%b6%2frd%2b&x".to_owned(),
            "/p%40ss%20%22w%5C%C3%B6/rd%2B".to_owned(),
            hex::encode(VALUE),
            hex::encode_upper(VALUE),
        ] {
            let told = redactor.text(format!("before {text} after"));
            assert!(told.contains("[secret KEY]"), "{text}: {told}");
            assert!(told.starts_with("before ") && told.ends_with(" after"), "{told}");
            assert!(!told.contains("rd"), "{told}");
        }
    }

    #[test]
    fn a_value_is_found_in_base64_wherever_it_stands() {
        let redactor = redactor(&[("KEY", "s3cret-value")]);
        for before in ["", "a", "ab", "abc", "user:", "key="] {
            for after in ["", "x", "xy", "xyz"] {
                let text = format!("{before}s3cret-value{after}");
                for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let told = redactor.text(encoded.clone());
                    assert!(told.contains("[secret KEY]"), "{text}: {encoded}: {told}");
                }
            }
        }
    }

    #[test]
    fn every_position_of_odd_bytes_in_base64_is_found() {
        let odd = "\u{3ff}\u{3fe}?>?>~~";
        let redactor = redactor(&[("ODD", odd)]);
        for before in ["", "1", "12"] {
            let text = format!("{before}{odd}");
            for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                assert!(redactor.found_in(encoded.as_bytes()), "{encoded}");
            }
        }
    }

    #[test]
    fn the_longer_of_two_values_is_taken_out_whole() {
        let redactor = redactor(&[("SHORT", "abcdef"), ("LONG", "abcdefghi")]);
        assert_eq!(redactor.text("abcdefghi abcdef".to_owned()), "[secret LONG] [secret SHORT]");
    }

    #[test]
    fn what_python_shows_of_a_value_is_found() {
        let value = "it's \"p\\x\"\t\u{1b}é€";
        let redactor = redactor(&[("KEY", value)]);
        for text in [r#"'it\'s "p\\x"\t\x1bé€'"#, r#"b'it\'s "p\\x"\t\x1b\xc3\xa9\xe2\x82\xac'"#]
        {
            let told = redactor.text(text.to_owned());
            assert!(told.contains("[secret KEY]"), "{text}: {told}");
        }
    }

    #[test]
    fn each_line_of_a_value_is_found_by_itself() {
        let redactor = redactor(&[("PEM", "-----BEGIN-----\nc2VjcmV0IGtleQ\r\nab\n")]);
        assert_eq!(redactor.text("> c2VjcmV0IGtleQ <".to_owned()), "> [secret PEM] <");
        assert_eq!(redactor.text("ab".to_owned()), "ab");
    }

    #[test]
    fn the_beginning_of_a_value_at_a_cut_is_taken_out() {
        let redactor = redactor(&[("KEY", "hunter2-hunter2")]);
        for (cut, told) in [
            ("it is hunter2-hunt", "it is [secret KEY]"),
            ("it is hunter2…", "it is [secret KEY]…"),
            (
                "it is hunter2 … 9 characters left out … hunter2!",
                "it is [secret KEY] … 9 characters left out … [secret KEY]!",
            ),
            ("it is hunte", "it is hunte"),
            ("hunter2 it is", "hunter2 it is"),
        ] {
            assert_eq!(redactor.cut_text(cut.to_owned()), told);
            assert_eq!(redactor.cut_json(json!([cut])), json!([told]));
        }
        assert_eq!(redactor.text("it is hunter2-hunt".to_owned()), "it is hunter2-hunt");
    }

    #[test]
    fn an_encoded_value_of_several_lines_is_taken_out_at_a_cut() {
        let redactor =
            redactor(&[("PEM", "-----BEGIN KEY-----\nc2VjcmV0LW9mLWxpbmVz\n-----END KEY-----")]);
        let cut = "said -----BEGIN+KEY-----%0Ac2VjcmV0LW9mLWxpbmVz%0A-----EN … 12 characters left out … x";
        let told = redactor.cut_text(cut.to_owned());
        assert!(!told.contains("KEY-----") && !told.contains("c2Vj"), "{told}");
        assert!(told.starts_with("said ") && told.ends_with(" x"), "{told}");
    }

    #[test]
    fn long_values_are_found_too() {
        let long = "0123456789abcdef".repeat(600);
        let redactor = redactor(&[("LONG", &long)]);
        assert_eq!(redactor.text(format!("a{long}b")), "a[secret LONG]b");
        assert_eq!(redactor.text(hex::encode(&long)), "[secret LONG]");
    }

    #[test]
    fn short_values_and_other_texts_stay() {
        let short = redactor(&[("PIN", "12345"), ("EMPTY", "")]);
        assert!(short.is_idle());
        assert_eq!(short.text("12345".to_owned()), "12345");
        let other = redactor(&[("KEY", "123456")]);
        assert_eq!(other.text("12345 6".to_owned()), "12345 6");
        assert!(!other.is_idle() && !other.found_in(b"12345"));
    }
}
