//! The parts of a result as the protocol's content blocks.

use std::fmt::Write as _;

use app::artifacts::{self, Address};
use app::calls::{Content, Kept, Media, MediaKind, Report};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::result::text;

/// The blocks of a report, in order; none where its JSON text says all.
pub(crate) fn blocks(report: &Report) -> Vec<Value> {
    let mut blocks = Vec::new();
    for (number, part) in report.content.iter().enumerate() {
        match part {
            Content::Text(shown) => blocks.push(text(shown)),
            Content::Media(media) => {
                let uri = format!("mcpbox://calls/{}/{}", report.call_id, number + 1);
                blocks.push(block(media, &uri));
            }
            Content::Kept(kept) => {
                blocks.push(text(&beginning(kept)));
                let mut link = Map::from_iter([("type".to_owned(), json!("resource_link"))]);
                link.extend(resource(&kept.artifact));
                blocks.push(Value::Object(link));
            }
        }
    }
    blocks
}

fn block(media: &Media, uri: &str) -> Value {
    let inline = |kind: &str| json!({ "type": kind, "data": STANDARD.encode(&media.data), "mimeType": media.mime_type });
    match media.kind {
        MediaKind::Image => inline("image"),
        MediaKind::Audio => inline("audio"),
        MediaKind::File => {
            let name = media.name.as_deref().map(encoded_name);
            let uri = name.map_or_else(|| uri.to_owned(), |name| format!("{uri}/{name}"));
            json!({ "type": "resource", "resource": contents(&media.data, &media.mime_type, &uri) })
        }
    }
}

/// Data as the contents of a resource: as text where it is one.
fn contents(data: &[u8], mime_type: &str, uri: &str) -> Value {
    let text = std::str::from_utf8(data).ok().filter(|_| artifacts::is_textual(mime_type));
    match text {
        Some(text) => json!({ "uri": uri, "mimeType": mime_type, "text": text }),
        None => json!({ "uri": uri, "mimeType": mime_type, "blob": STANDARD.encode(data) }),
    }
}

/// The beginning of what did not fit, and how to read on.
fn beginning(kept: &Kept) -> String {
    match kept.head.as_deref() {
        Some(head) if !head.is_empty() => format!("{head}\n\n{}", kept.advice()),
        _ => kept.advice(),
    }
}

/// An artifact as clients list it.
pub(crate) fn resource(artifact: &artifacts::Artifact) -> Map<String, Value> {
    let name = artifact.name.clone().unwrap_or_else(|| format!("result {}", artifact.id));
    let until = artifact.expires_at.format("%Y-%m-%d %H:%M UTC");
    Map::from_iter([
        ("uri".to_owned(), Value::from(Address::of(artifact.id).to_string())),
        ("name".to_owned(), Value::from(name)),
        ("description".to_owned(), Value::from(format!("Returned by a tool; kept until {until}."))),
        ("mimeType".to_owned(), Value::from(artifact.mime_type.as_str())),
        ("size".to_owned(), Value::from(artifact.bytes)),
    ])
}

/// A name as a segment of an address.
fn encoded_name(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else if write!(encoded, "%{byte:02X}").is_err() {
            break;
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: MediaKind, mime_type: &str, name: Option<&str>, data: &[u8]) -> Value {
        let (mime_type, name) = (mime_type.to_owned(), name.map(str::to_owned));
        let media = Media { kind, mime_type, name, data: data.to_vec() };
        block(&media, "mcpbox://calls/c/1")
    }

    #[test]
    fn pictures_and_sound_are_blocks_of_their_kind() {
        let image = shown(MediaKind::Image, "image/png", None, &[1, 2, 3]);
        assert_eq!(image, json!({"type": "image", "data": "AQID", "mimeType": "image/png"}));
        let audio = shown(MediaKind::Audio, "audio/wav", None, &[1, 2, 3]);
        assert_eq!(audio, json!({"type": "audio", "data": "AQID", "mimeType": "audio/wav"}));
    }

    #[test]
    fn a_file_is_an_embedded_resource_as_text_where_it_is_one() {
        let text = shown(MediaKind::File, "text/csv", Some("my ä.csv"), "a,ö".as_bytes());
        let uri = "mcpbox://calls/c/1/my%20%C3%A4.csv";
        let resource = json!({"uri": uri, "mimeType": "text/csv", "text": "a,ö"});
        assert_eq!(text, json!({"type": "resource", "resource": resource}));
        let data = shown(MediaKind::File, "application/pdf", None, b"%PDF");
        let resource =
            json!({"uri": "mcpbox://calls/c/1", "mimeType": "application/pdf", "blob": "JVBERg=="});
        assert_eq!(data, json!({"type": "resource", "resource": resource}));
        let broken = shown(MediaKind::File, "text/plain", None, &[0xFF]);
        assert_eq!(broken["resource"]["blob"], "/w==");
    }
}
