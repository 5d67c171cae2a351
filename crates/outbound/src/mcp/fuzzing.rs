//! The reader of what sources send, with what must hold, for the target of `fuzz/`.

use super::message;
use super::sse::{Event, Reader, TooLarge};
use bytes::Bytes;
use std::slice::Chunks;

/// The most bytes of an event here: little, so that short inputs reach it.
const EVENT: usize = 500;

/// Reads a stream that comes in parts as long as its first byte says; returns how many messages came of it.
pub(crate) fn read_stream(bytes: &[u8]) -> usize {
    let Some((first, stream)) = bytes.split_first() else { return 0 };
    let whole = events(stream.chunks(stream.len().max(1)));
    let parted = events(stream.chunks(usize::from(*first).max(1)));
    assert_eq!(whole, parted, "parts of {first} bytes");
    let events = whole.unwrap_or_default();
    assert!(events.iter().all(|event| event.data.len() <= EVENT));
    let read = events.iter().filter_map(|event| message::read(&event.data).ok());
    read.map(|messages| messages.len()).sum()
}

fn events(parts: Chunks<'_, u8>) -> Result<Vec<Event>, TooLarge> {
    let (mut reader, mut found) = (Reader::new(EVENT), Vec::new());
    for part in parts {
        let mut chunk = Bytes::copy_from_slice(part);
        while let Some(event) = reader.next(&mut chunk)? {
            found.push(event);
        }
        assert!(reader.held() <= 3 * EVENT, "{} bytes are held", reader.held());
    }
    Ok(found)
}
