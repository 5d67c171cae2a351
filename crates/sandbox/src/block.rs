//! The blocks of a result that is more than JSON: texts, pictures, sound and files.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// More than the runner makes: only a tool that speaks for it sends so many.
const BLOCKS_MAX: usize = 1_000;

/// The most characters of a file's name that are kept.
const NAME_MAX: usize = 200;

/// The most characters of a media type.
const MEDIA_TYPE_MAX: usize = 127;

/// What a media type is called that cannot be one.
const UNKNOWN: &str = "application/octet-stream";

/// One part of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A text, or the JSON text of a value.
    Text(String),
    /// Data.
    Media(Media),
}

/// Data that is to reach the client as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// How clients are to take it.
    pub kind: MediaKind,
    /// What it is, `image/png` for instance.
    pub mime_type: String,
    /// What the tool calls it: one line without separators of paths.
    pub name: Option<String>,
    /// The data itself.
    pub data: Vec<u8>,
}

/// How clients are to take data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A picture of a format that models can look at.
    Image,
    /// Sound.
    Audio,
    /// Anything else.
    File,
}

impl Block {
    /// How many bytes it has in an answer, where data is base64.
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Media(media) => media.data.len().div_ceil(3) * 4,
        }
    }
}

/// A block as the guest writes it.
#[derive(Deserialize)]
pub(crate) struct Written<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Cow<'a, str>,
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Text,
    Image,
    Audio,
    File,
}

/// Reads the guest's blocks; `None` where they are not what its runner writes.
pub(crate) fn read(written: Vec<Written<'_>>) -> Option<Vec<Block>> {
    if written.len() > BLOCKS_MAX {
        return None;
    }
    written.into_iter().map(Written::block).collect()
}

impl Written<'_> {
    fn block(self) -> Option<Block> {
        let kind = match self.kind {
            Kind::Text => return Some(Block::Text(self.text.into_owned())),
            Kind::Image => MediaKind::Image,
            Kind::Audio => MediaKind::Audio,
            Kind::File => MediaKind::File,
        };
        let data = STANDARD.decode(&*self.data).ok()?;
        let mime_type =
            if is_media_type(&self.mime_type) { self.mime_type } else { UNKNOWN.to_owned() };
        Some(Block::Media(Media {
            kind,
            mime_type,
            name: self.name.and_then(|name| tidy(&name)),
            data,
        }))
    }
}

fn is_media_type(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "!#$&-^_.+".contains(letter))
    };
    text.len() <= MEDIA_TYPE_MAX
        && text.split_once('/').is_some_and(|(kind, form)| part(kind) && part(form))
}

/// The last part of what may be a path, without characters that do not show.
fn tidy(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().filter(|letter| !letter.is_control()).take(NAME_MAX).collect();
    let shown = shown.trim();
    (!shown.is_empty() && !shown.chars().all(|letter| letter == '.')).then(|| shown.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Block, Media, MediaKind, read};

    fn blocks(json: &str) -> Option<Vec<Block>> {
        read(serde_json::from_str(json).ok()?)
    }

    #[test]
    fn blocks_are_read_in_order() {
        let found = blocks(
            r#"[{"type":"text","text":"a\nb"},{"type":"image","mime_type":"image/png","data":"AQID"},
                {"type":"file","mime_type":"text/csv","name":"a.csv","data":""}]"#,
        );
        let media = |kind, mime_type: &str, name: Option<&str>, data: &[u8]| {
            let (mime_type, name) = (mime_type.to_owned(), name.map(str::to_owned));
            Block::Media(Media { kind, mime_type, name, data: data.to_vec() })
        };
        let expected = vec![
            Block::Text("a\nb".to_owned()),
            media(MediaKind::Image, "image/png", None, &[1, 2, 3]),
            media(MediaKind::File, "text/csv", Some("a.csv"), &[]),
        ];
        assert_eq!(expected.iter().map(Block::encoded_len).collect::<Vec<_>>(), [3, 4, 0]);
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn what_the_runner_does_not_write_is_refused() {
        for json in [
            r#"[{"type":"video","data":""}]"#,
            r#"[{"type":"image","data":"not base64!"}]"#,
            r#"[{"data":""}]"#,
            "[1]",
        ] {
            assert_eq!(blocks(json), None, "{json}");
        }
        let many = |count: usize| format!("[{}]", vec![r#"{"type":"text"}"#; count].join(","));
        assert_eq!(blocks(&many(super::BLOCKS_MAX)).map(|found| found.len()), Some(1_000));
        assert_eq!(blocks(&many(super::BLOCKS_MAX + 1)), None);
    }

    #[test]
    fn names_and_types_that_could_mislead_are_mended() {
        let one = |mime_type: &str, name: &str| {
            let json = serde_json::json!([{"type": "file", "mime_type": mime_type, "name": name, "data": ""}]);
            match blocks(&json.to_string())?.pop()? {
                Block::Media(media) => Some((media.mime_type, media.name)),
                Block::Text(_) => None,
            }
        };
        let named = |mime_type: &str, name: Option<&str>| {
            Some((mime_type.to_owned(), name.map(str::to_owned)))
        };
        assert_eq!(one("image/svg+xml", "a b.svg"), named("image/svg+xml", Some("a b.svg")));
        assert_eq!(one("a\r\nX: 1", "../../etc/pass\nwd"), named(super::UNKNOWN, Some("passwd")));
        assert_eq!(one("text", ".."), named(super::UNKNOWN, None));
        assert_eq!(one("text/html; charset=x", "c:\\"), named(super::UNKNOWN, None));
    }
}
