//! The forms in which a value may stand in what a tool says.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

/// Lines of a value of several lines are searched for by themselves from so many bytes on.
const LINE_MIN: usize = 8;

/// What stays as it is in the path of a URL (WHATWG URL, path percent-encode set), and did before
/// the circumflex was added.
const PATH: &str = "!$%&'()*+,/:;=@[\\]|";
const PATH_BEFORE: &str = "!$%&'()*+,/:;=@[\\]^|";

/// What stays as it is in its query (special-query percent-encode set).
const QUERY: &str = "!$%&()*+,/:;=?@[\\]^`{|}";

/// A value in all the forms that are searched for.
pub(super) fn forms_of(value: &str) -> Vec<String> {
    let mut forms = whole_forms(value);
    // Error texts come line by line.
    let lines = value.lines().map(str::trim).filter(|line| line.len() >= LINE_MIN);
    let parts = lines.filter(|line| line.len() < value.len());
    // A text that is cut off within an encoded value still has its first lines.
    forms.extend(parts.flat_map(whole_forms));
    forms
}

fn whole_forms(value: &str) -> Vec<String> {
    let escaped = [escaped(value, false), escaped(value, true)];
    // JSON within a JSON text is escaped once more.
    let twice = escaped.each_ref().map(|text| self::escaped(text, false));
    let mut forms = vec![value.to_owned()];
    forms.extend(escaped);
    forms.extend(twice);
    for quote in ["'", "\\'"] {
        forms.push(shown_by_python(value.chars(), quote, false));
        forms.push(shown_by_python(value.chars(), quote, true));
        // As Python shows bytes.
        let shown_bytes = shown_by_python(value.bytes().map(char::from), quote, true);
        // What it shows, shown once more: within a list, for instance.
        for ascii in [false, true] {
            let shown = shown_by_python(value.chars(), quote, ascii);
            forms.extend(["'", "\\'"].map(|outer| shown_by_python(shown.chars(), outer, ascii)));
        }
        forms.extend(["'", "\\'"].map(|outer| shown_by_python(shown_bytes.chars(), outer, true)));
        forms.push(shown_bytes);
    }
    // Names of hosts are written so.
    forms.push(value.to_lowercase());
    for kept in ["", "/", "!'()*", PATH, PATH_BEFORE, QUERY] {
        for (upper, space) in [(true, "%20"), (false, "%20"), (true, "+"), (false, "+")] {
            forms.push(percent_encoded(value, kept, upper, space));
        }
    }
    let bytes = value.as_bytes();
    for before in 0..3 {
        let text = within_base64(bytes, before);
        forms.push(text.replace('+', "-").replace('/', "_"));
        forms.push(text);
    }
    forms.push(hex::encode(bytes));
    forms.push(hex::encode_upper(bytes));
    forms
}

/// The value as it stands in a JSON string; `ascii` escapes all other letters too, as Python does.
fn escaped(value: &str, ascii: bool) -> String {
    let quoted = Value::from(value).to_string();
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let inner = inner.unwrap_or_default();
    if !ascii {
        return inner.to_owned();
    }
    let mut units = [0_u16; 2];
    let mut text = String::with_capacity(inner.len());
    for letter in inner.chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut units) {
                // Writing into a text does not fail.
                let _written = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// The value as `repr` shows it, or, with `ascii`, as `ascii` does; with `'` as given.
fn shown_by_python(letters: impl Iterator<Item = char>, quote: &str, ascii: bool) -> String {
    let mut text = String::new();
    for letter in letters {
        let number = u32::from(letter);
        let is_shown = if letter.is_ascii() {
            letter.is_ascii_graphic() || letter == ' '
        } else {
            !ascii && !letter.is_control() && !letter.is_whitespace()
        };
        // Writing into a text does not fail.
        let _written = match letter {
            '\'' => text.write_str(quote),
            '\\' => text.write_str("\\\\"),
            '\n' => text.write_str("\\n"),
            '\r' => text.write_str("\\r"),
            '\t' => text.write_str("\\t"),
            _ if is_shown => text.write_char(letter),
            _ if number <= 0xFF => write!(text, "\\x{number:02x}"),
            _ if number <= 0xFFFF => write!(text, "\\u{number:04x}"),
            _ => write!(text, "\\U{number:08x}"),
        };
    }
    text
}

fn percent_encoded(value: &str, kept: &str, upper: bool, space: &str) -> String {
    let mut text = String::with_capacity(value.len() * 3);
    for byte in value.bytes() {
        let letter = char::from(byte);
        if byte == b' ' {
            text.push_str(space);
        } else if letter.is_ascii_alphanumeric() || "-_.~".contains(letter) || kept.contains(letter)
        {
            text.push(letter);
        } else {
            let digits = if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
            text.push_str(&digits);
        }
    }
    text
}

/// The letters that the value determines wherever it stands in data that is written as base64,
/// `before` bytes after the beginning of a group of three.
fn within_base64(value: &[u8], before: usize) -> String {
    let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(value.iter().copied()).collect();
    let text = STANDARD_NO_PAD.encode(&padded);
    let first = (before * 8).div_ceil(6);
    let whole = padded.len() * 8 / 6;
    text.get(first..whole).unwrap_or_default().to_owned()
}
