//! What the targets of `fuzz/` call: the readers of all that workers and guests write, with what must hold.
//!
//! Each function returns how much of its input was understood, so that a corpus which has fallen
//! behind the protocol is noticed.

mod conversations;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::AsyncReadExt;

use crate::block::Block;
use crate::inspection::Inspection;
use crate::limits::Limits;
use crate::outcome::{Failure, FailureKind};
use crate::protocol::{self, FromWorker, Reply, ToWorker};
use crate::{answer, bundle, text};
pub use conversations::conversations;

/// The longest input that is read as far as each of its bytes.
const BREAKS_MAX: usize = 64;

/// A limit that short inputs reach.
const RESULT_BYTES: usize = 64;

/// What a failure's message may hold beside the cut text: an ellipsis, and the place in the source.
const MESSAGE_EXTRA: usize = 60;

/// Reads messages as the server does, and judges each reply; returns how many messages there were.
///
/// JSON in replies is left to [`answers`] and [`written_answers`], which get further into it.
pub fn server_reads(bytes: &[u8]) -> usize {
    let messages = messages::<FromWorker>(bytes);
    for message in &messages {
        match message {
            FromWorker::Done { reply: reply @ Reply::Ended { .. }, .. } => {
                judge(reply);
            }
            FromWorker::Output { bytes, .. } => {
                texts(bytes);
            }
            _ => {}
        }
    }
    messages.len()
}

/// Reads messages as a worker does; returns how many there were.
pub fn worker_reads(bytes: &[u8]) -> usize {
    let messages = messages::<ToWorker>(bytes);
    for message in &messages {
        if let ToWorker::Start { limits, .. } = message {
            let bounded = limits.bounded();
            assert!(bounded.memory_bytes <= Limits::MEMORY_MAX && bounded.wall <= Limits::WALL_MAX);
            assert!(bounded.result_bytes.max(bounded.stdout_bytes) <= Limits::TEXT_MAX);
        }
    }
    messages.len()
}

/// Reads `bytes` as the JSON that a guest answers with; returns how many readers took it.
pub fn answers(bytes: &[u8]) -> usize {
    let json = String::from_utf8_lossy(bytes).into_owned();
    judge(&Reply::Answered(json.clone())) + judge(&Reply::NotCompiled(json))
}

/// What a guest's answer is made of, so that inputs get past the JSON parser.
#[derive(Deserialize)]
struct Written {
    ok: bool,
    /// JSON text, or anything else.
    result: Option<String>,
    kind: Kind,
    message: String,
    /// How often message and detail are repeated, as limits are longer than inputs.
    times: u16,
    detail: Option<String>,
    place: (Option<u32>, Option<i64>),
    blocks: Vec<WrittenBlock>,
}

#[derive(Deserialize)]
struct WrittenBlock {
    kind: u8,
    /// Its text; its data as base64 or, where that is not `sound`, as it is.
    content: String,
    sound: bool,
    mime_type: String,
    name: Option<String>,
}

impl WrittenBlock {
    fn json(&self) -> serde_json::Value {
        let kinds = ["text", "image", "audio", "file", "other"];
        let kind = kinds.get(usize::from(self.kind)).unwrap_or(&"file");
        let data = if self.sound { STANDARD.encode(&self.content) } else { self.content.clone() };
        serde_json::json!({
            "type": kind, "text": self.content, "data": data,
            "mime_type": self.mime_type, "name": self.name,
        })
    }
}

#[derive(Deserialize)]
enum Kind {
    Known(FailureKind),
    Other(String),
}

/// Reads an answer that is JSON wherever its parts are; returns how many readers took it.
pub fn written_answers(bytes: &[u8]) -> usize {
    let Ok(written) = postcard::from_bytes::<Written>(bytes) else { return 0 };
    let Written { ok, result, kind, message, times, detail, place, blocks } = written;
    let content: serde_json::Value = blocks.iter().map(WrittenBlock::json).collect();
    let kind = match kind {
        Kind::Known(kind) => kind.as_str().to_owned(),
        Kind::Other(name) => name,
    };
    let message = message.repeat(usize::from(times) / message.len().max(1));
    let detail = detail.map_or_else(|| "null".to_owned(), |text| format!("[{text}]"));
    let failed = serde_json::json!({ "message": message, "line": place.0, "column": place.1 });
    let (kind, message) = (serde_json::json!(kind), serde_json::json!(message));
    let result = result.map_or_else(String::new, |result| format!(r#","result":{result}"#));
    let run = format!(
        r#"{{"ok":{ok},"kind":{kind},"message":{message},"detail":{detail},"content":{content}{result}}}"#
    );
    let inspected =
        format!(r#"{{"valid":{ok},"error":{failed},"notes":[{message}],"input_schema":{detail}}}"#);
    judge(&Reply::Answered(run)) + judge(&Reply::NotCompiled(inspected))
}

/// Decodes what a guest printed and makes lines of it; returns how many characters there were.
pub fn texts(bytes: &[u8]) -> usize {
    let decoded = text::decode_prefix(bytes.to_vec());
    if let Ok(whole) = std::str::from_utf8(bytes) {
        assert_eq!(decoded, whole, "sound text stays as it is");
    }
    for most in [0, 1, 7, bytes.len()] {
        let line = text::one_line(&decoded, most);
        assert!(line.len() <= most + '…'.len_utf8(), "cut at {most}: {line:?}");
        check_line(&line);
    }
    decoded.chars().count()
}

/// Reads bundles: whole, damaged, and with any content behind a sound header; returns how many parts are whole.
pub fn bundles(bytes: &[u8]) -> usize {
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    let parts = [head, tail, bytes];
    let header = bundle::header(&parts);
    // A lower level than that of real bundles, whose window alone would cost more than all else here.
    let Ok(compressed) = zstd::bulk::compress(&parts.concat(), 1) else { return 0 };
    let mut packed = [header.as_slice(), &compressed].concat();
    for (part, content) in bundle::PARTS.into_iter().zip(parts) {
        assert!(bundle::unpack(&packed, part).is_ok_and(|unpacked| unpacked == content));
    }
    let place = bytes.iter().fold(0, |sum: usize, byte| sum * 31 % 65_521 + usize::from(*byte));
    let length = packed.len();
    if let Some(byte) = packed.get_mut(place % length) {
        *byte ^= 1 << (place % 8);
    }
    let forged = [header.as_slice(), bytes].concat();
    let bundles = [packed.as_slice(), forged.as_slice(), bytes];
    parts.len() + bundles.into_iter().map(whole_parts).sum::<usize>()
}

fn whole_parts(packed: &[u8]) -> usize {
    let unpacked = bundle::PARTS.map(|part| (part, bundle::unpack(packed, part)));
    let whole = unpacked.into_iter().filter_map(|(part, content)| Some((part, content.ok()?)));
    let promised = |part| bundle::promise(packed, part).ok();
    whole
        .map(|(part, content)| {
            assert_eq!(promised(part), Some(bundle::Promise::of(&content)), "{part:?}");
        })
        .count()
}

/// All messages of a stream up to the first that is wrong, and the stream as one message too.
fn messages<M: Serialize + DeserializeOwned>(stream: &[u8]) -> Vec<M> {
    check_breaks::<M>(stream);
    let mut found = stream_of::<M>(stream);
    let length = u32::try_from(stream.len()).unwrap_or(u32::MAX);
    found.extend(stream_of::<M>(&[&length.to_le_bytes(), stream].concat()));
    found
}

/// A message that breaks off is no other message, wherever that is.
fn check_breaks<M: Serialize + DeserializeOwned>(message: &[u8]) {
    if message.len() > BREAKS_MAX {
        return;
    }
    let whole = postcard::from_bytes::<M>(message).ok().map(|whole| encoded(&whole));
    for end in 0..message.len() {
        let begun = message.get(..end).unwrap_or_default();
        if let Ok(begun) = postcard::from_bytes::<M>(begun) {
            assert_eq!(Some(encoded(&begun)), whole, "the first {end} bytes");
        }
    }
}

fn stream_of<M: Serialize + DeserializeOwned>(stream: &[u8]) -> Vec<M> {
    let mut found = Vec::new();
    let mut whole = stream;
    // Reading from bytes never waits.
    while let Some(Ok(Some(message))) = protocol::read::<_, M>(&mut whole).now_or_never() {
        found.push(message);
    }
    let (head, tail) = stream.split_at(stream.len() / 2);
    let mut halves = head.chain(tail);
    for message in &found {
        let again = protocol::read::<_, M>(&mut halves).now_or_never();
        let Some(Ok(Some(again))) = again else { unreadable("what came in two parts") };
        assert_eq!(encoded(&again), encoded(message));
        assert_eq!(encoded(&sent_on(message)), encoded(message));
    }
    found
}

fn encoded<M: Serialize>(message: &M) -> Vec<u8> {
    postcard::to_stdvec(message).unwrap_or_default()
}

/// The message after a second way through a pipe.
fn sent_on<M: Serialize + DeserializeOwned>(message: &M) -> M {
    let mut pipe = Vec::new();
    let written = protocol::write(&mut pipe, message).now_or_never();
    assert!(matches!(written, Some(Ok(()))), "what was read can be written");
    match protocol::read::<_, M>(&mut pipe.as_slice()).now_or_never() {
        Some(Ok(Some(message))) => message,
        _ => unreadable("what was written"),
    }
}

#[expect(clippy::panic, reason = "a finding of the fuzzer")]
fn unreadable(what: &str) -> ! {
    panic!("{what} cannot be read");
}

/// Reads a reply as the answer to a run and to an inspection; returns how often that is one.
fn judge(reply: &Reply) -> usize {
    let limits = Limits { result_bytes: RESULT_BYTES, ..Limits::default() };
    let result = answer::result(Ok(sent_on(reply)), &limits);
    let inspection = answer::inspection(Ok(sent_on(reply)));
    let understood = [result.is_ok(), inspection.is_ok()];
    match result {
        Ok(answer::Returned { result: json, blocks, is_error: _ }) => {
            let length = json.len() + blocks.iter().map(Block::encoded_len).sum::<usize>();
            assert!(length <= RESULT_BYTES, "{length} bytes");
            assert!(serde_json::from_str::<&RawValue>(&json).is_ok());
            blocks.iter().for_each(check_block);
        }
        Err(failure) => check_failure(&failure, reply),
    }
    match inspection {
        Ok(inspection) => check_inspection(&inspection),
        Err(failure) => check_failure(&failure, reply),
    }
    understood.into_iter().filter(|understood| *understood).count()
}

/// A name is no path, and both texts can stand in a header.
fn check_block(block: &Block) {
    let Block::Media(media) = block else { return };
    assert!(media.mime_type.is_ascii() && media.mime_type.contains('/'), "{}", media.mime_type);
    check_line(&media.mime_type);
    if let Some(name) = &media.name {
        assert!(!name.is_empty() && !name.contains(['/', '\\']), "{name:?}");
        assert!(!name.contains(char::is_control), "{name:?}");
    }
}

fn check_failure(failure: &Failure, reply: &Reply) {
    let Failure { kind, message, detail } = failure;
    let workers = matches!(reply, Reply::Ended { kind: FailureKind::Busy, .. });
    assert!(workers || !kind.is_the_servers(), "{kind} is the server's");
    assert!(message.len() <= answer::MESSAGE_MAX + MESSAGE_EXTRA, "{} bytes", message.len());
    check_line(message);
    let length = detail.as_ref().map_or(0, |detail| detail.to_string().len());
    assert!(length <= answer::DETAIL_MAX, "a detail of {length} bytes");
}

fn check_line(line: &str) {
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(!line.contains(['\u{2028}', '\u{2029}']), "{line:?}");
}

/// What ran the tool is believed about schemas, and changes nothing else.
fn check_inspection(forged: &Inspection) {
    let schema = forged.input_schema.clone();
    let honest = Inspection { valid: true, input_schema: schema, ..Inspection::default() };
    let merged = honest.clone().with_schemas_of(Ok(forged.clone()));
    assert_eq!(merged.parameters, honest.parameters);
    assert_eq!((merged.doc, merged.error), (honest.doc, honest.error));
    assert!(merged.valid && merged.notes.len() <= 1);
    merged.notes.iter().for_each(|note| check_line(note));
}

#[cfg(test)]
mod tests;
