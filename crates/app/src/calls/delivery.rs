//! Fits a result into an answer: what does not fit is kept as an artifact, and its beginning stands for it.

use sandbox::{Block, Failure, FailureKind, Media, Outcome, Used};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use store::artifacts::Artifact;
use uuid::Uuid;

use crate::App;
use crate::artifacts::{self, Address, New, READ_MAX};
use crate::identity::Who;

/// The most bytes of a result that an answer holds, where data is base64.
pub const ANSWER_MAX: usize = 1 << 20;

/// So many bytes of a text that is kept are shown.
const HEAD_BYTES: usize = 4 << 10;

/// So many bytes of it are proposed to be read next: a part that a model can look through.
const NEXT_BYTES: u64 = 64 << 10;

/// A part of a result.
#[derive(Debug, Clone)]
pub enum Content {
    /// A text, or the JSON text of a value.
    Text(String),
    /// Data.
    Media(Media),
    /// What did not fit.
    Kept(Kept),
}

/// What did not fit into the answer.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Where it is now.
    pub artifact: Artifact,
    /// The beginning of a text.
    pub head: Option<String>,
}

impl Kept {
    /// What it is and how to read on, for a model.
    pub fn advice(&self) -> String {
        let Artifact { id, mime_type, bytes, name, .. } = &self.artifact;
        let named = name.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default();
        let shown = self.head.as_ref().map_or(0, String::len);
        let next = Address {
            offset: u64::try_from(shown).unwrap_or_default(),
            length: self.head.as_ref().map(|_| NEXT_BYTES),
            ..Address::of(*id)
        };
        let begun = match shown {
            0 => String::new(),
            shown => format!(" the first {shown} stand above;"),
        };
        format!(
            "[mcpbox: this part of the result{named} is {mime_type} of {bytes} bytes, more than an \
             answer of {ANSWER_MAX} holds;{begun} it is kept until {}. Read on with resources/read \
             of {next} (`offset` and `length` in bytes, at most {READ_MAX} at once), or have the \
             tool return less.]",
            self.artifact.expires_at.format("%Y-%m-%d %H:%M UTC"),
        )
    }

    /// `{uri, mime_type, bytes, name}`.
    pub fn described(&self) -> Value {
        let Artifact { id, mime_type, bytes, name, .. } = &self.artifact;
        let uri = Address::of(*id).to_string();
        let mut described = json!({ "uri": uri, "mime_type": mime_type, "bytes": bytes });
        if let (Some(name), Some(fields)) = (name, described.as_object_mut()) {
            fields.insert("name".to_owned(), json!(name));
        }
        described
    }
}

/// An outcome whose result fits into an answer.
pub(super) struct Delivered {
    pub(super) result: Result<String, Failure>,
    pub(super) passed: Option<Value>,
    pub(super) content: Vec<Content>,
    pub(super) is_kept: bool,
    pub(super) is_error: bool,
    pub(super) stdout: String,
    pub(super) stdout_truncated: bool,
    pub(super) used: Used,
}

/// Fits an outcome into an answer.
pub(super) async fn deliver(app: &App, call_id: Uuid, who: &Who, outcome: Outcome) -> Delivered {
    let Outcome { result, blocks, is_error, stdout, stdout_truncated, used, .. } = outcome;
    let fitted = match result {
        Ok(text) => fitted(&Keeper { app, call_id, who }, text, blocks).await,
        Err(failure) => Err(failure),
    };
    let (result, content, is_kept) = match fitted {
        Ok(Fitted { text, content, is_kept }) => (Ok(text), content, is_kept),
        Err(failure) => (Err(failure), Vec::new(), false),
    };
    let is_error = is_error && result.is_ok();
    let passed = None;
    Delivered { result, passed, content, is_kept, is_error, stdout, stdout_truncated, used }
}

/// A result that fits.
struct Fitted {
    text: String,
    content: Vec<Content>,
    is_kept: bool,
}

async fn fitted(keeper: &Keeper<'_>, text: String, blocks: Vec<Block>) -> Result<Fitted, Failure> {
    let is_kept = text.len() > ANSWER_MAX;
    let content = match (blocks.is_empty(), is_kept) {
        (true, false) => Vec::new(),
        (true, true) => {
            let content = vec![keeper.keep_result(text).await?];
            return Ok(Fitted { text: named(&content), content, is_kept });
        }
        (false, _) => parts(keeper, blocks).await?,
    };
    let text = if is_kept { named(&content) } else { text };
    Ok(Fitted { text, content, is_kept })
}

/// As many of the blocks as an answer holds, and what stands for the others.
async fn parts(keeper: &Keeper<'_>, blocks: Vec<Block>) -> Result<Vec<Content>, Failure> {
    let mut room = ANSWER_MAX;
    let mut content = Vec::with_capacity(blocks.len());
    for block in blocks {
        let length = block.encoded_len();
        if length <= room {
            room -= length;
            content.push(match block {
                Block::Text(text) => Content::Text(text),
                Block::Media(media) => Content::Media(media),
            });
            continue;
        }
        content.push(match block {
            Block::Text(text) => keeper.keep_text(text).await?,
            Block::Media(media) => keeper.keep(media.mime_type, media.name, media.data).await?,
        });
    }
    Ok(content)
}

/// The JSON text that stands for a result kept as artifacts.
fn named(content: &[Content]) -> String {
    let kept = content.iter().filter_map(|part| match part {
        Content::Kept(kept) => Some(kept.described()),
        _ => None,
    });
    json!({ "artifacts": kept.collect::<Vec<_>>() }).to_string()
}

/// Keeps what one call leaves.
struct Keeper<'a> {
    app: &'a App,
    call_id: Uuid,
    who: &'a Who,
}

impl Keeper<'_> {
    /// A result that is nothing but JSON: a text is kept as it is.
    async fn keep_result(&self, text: String) -> Result<Content, Failure> {
        match serde_json::from_str::<String>(&text) {
            Ok(plain) => self.keep("text/plain".to_owned(), None, plain.into_bytes()).await,
            Err(_other) => self.keep_text(text).await,
        }
    }

    /// A text, or the JSON text of an array or an object.
    async fn keep_text(&self, text: String) -> Result<Content, Failure> {
        let is_json =
            text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(&text).is_ok();
        let mime_type = if is_json { "application/json" } else { "text/plain" };
        self.keep(mime_type.to_owned(), None, text.into_bytes()).await
    }

    async fn keep(
        &self,
        mime_type: String,
        name: Option<String>,
        data: Vec<u8>,
    ) -> Result<Content, Failure> {
        let length = data.len();
        let head = artifacts::is_textual(&mime_type).then(|| head(&data)).flatten();
        let (call_id, owner) = (self.call_id, self.who.owner());
        let new = New { call_id, owner, mime_type, name, data };
        match artifacts::keep(self.app, new).await {
            Ok(artifact) => Ok(Content::Kept(Kept { artifact, head })),
            Err(error) => {
                tracing::error!(%error, call = %call_id, "a result could not be kept");
                let message = format!(
                    "the result has a part of {length} bytes, more than an answer of {ANSWER_MAX} \
                     holds, and it could not be kept ({error}): return less, or try again"
                );
                Err(Failure { kind: FailureKind::ResultTooLarge, message, detail: None })
            }
        }
    }
}

/// The beginning of what is UTF-8.
fn head(data: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(data).ok()?;
    let (head, _) = text.split_at(text.floor_char_boundary(HEAD_BYTES));
    Some(head.to_owned())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn kept(name: Option<&str>, head: Option<&str>) -> Kept {
        let artifact = Artifact {
            id: Uuid::from_u128(7),
            call_id: Uuid::nil(),
            owner: "local".to_owned(),
            mime_type: "text/csv".to_owned(),
            name: name.map(str::to_owned),
            is_text: head.is_some(),
            bytes: 3_000_000,
            created_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH,
        };
        Kept { artifact, head: head.map(str::to_owned) }
    }

    #[test]
    fn the_advice_names_size_address_and_where_to_read_on() {
        let id = Uuid::from_u128(7);
        let text = kept(Some("a.csv"), Some("a,b\n")).advice();
        let uri = format!("mcpbox://artifacts/{id}?offset=4&length=65536 ");
        for part in ["`a.csv`", "3000000 bytes", "the first 4 stand above", &uri, "1970-01-01"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let data = kept(None, None).advice();
        assert!(data.contains(&format!("mcpbox://artifacts/{id} (")), "{data}");
        assert!(!data.contains("above"), "{data}");
    }

    #[test]
    fn what_stands_for_a_kept_result_names_its_artifacts() {
        let content = [Content::Text("x".to_owned()), Content::Kept(kept(None, None))];
        let text = named(&content);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["artifacts"][0]["bytes"], 3_000_000);
    }

    #[test]
    fn a_head_ends_between_characters() {
        let text = "€".repeat(HEAD_BYTES);
        assert_eq!(head(text.as_bytes()).map(|head| head.len()), Some(HEAD_BYTES / 3 * 3));
        assert_eq!(head(b"short").as_deref(), Some("short"));
        assert_eq!(head(&[0xFF]), None);
    }
}
