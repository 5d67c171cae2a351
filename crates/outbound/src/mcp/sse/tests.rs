//! Events come out as they went in, whatever parts the stream came in.

use super::{Event, Reader, TooLarge};
use bytes::Bytes;
use proptest::prelude::*;
use std::time::Duration;

const MOST: usize = 1000;

/// All events of a stream that comes in `parts`.
fn events(parts: &[&[u8]]) -> Result<(Vec<Event>, Reader), TooLarge> {
    let (mut reader, mut found) = (Reader::new(MOST), Vec::new());
    for part in parts {
        let mut chunk = Bytes::copy_from_slice(part);
        while let Some(event) = reader.next(&mut chunk)? {
            found.push(event);
        }
        assert!(chunk.is_empty());
        assert!(reader.held() <= 3 * MOST);
    }
    Ok((found, reader))
}

fn event(name: &str, data: &str) -> Event {
    Event { name: name.to_owned(), data: data.as_bytes().to_vec() }
}

#[test]
fn fields_lines_and_comments_are_read_as_the_standard_says() {
    for (stream, expected) in [
        ("data: a\n\n", vec![event("", "a")]),
        ("data:a\r\ndata: b\r\n\r\n", vec![event("", "a\nb")]),
        ("data:  a\r\r", vec![event("", " a")]),
        ("\u{feff}data: a\n\n", vec![event("", "a")]),
        (": hello\n\ndata: a\n\n:\n\n", vec![event("", "a")]),
        ("event: endpoint\ndata: /x\n\n", vec![event("endpoint", "/x")]),
        ("event: lost\n\ndata: a\n\n", vec![event("", "a")]),
        ("data\n\n", vec![event("", "")]),
        ("data\ndata\n\n", vec![event("", "\n")]),
        ("other: x\ndata: a\n\n", vec![event("", "a")]),
        ("data: not whole\n", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(events(&[stream.as_bytes()]).unwrap().0, expected, "{stream:?}");
    }
}

#[test]
fn an_identifier_and_the_time_to_wait_stay() {
    let (found, reader) =
        events(&[b"id: 1\nretry: 50\n\nid: 2\ndata:\n\nid: a\0b\nretry: -1\n\n"]).unwrap();
    assert_eq!(found, [event("", "")]);
    assert_eq!(reader.last_id(), Some("2"));
    assert_eq!(reader.retry(), Some(Duration::from_millis(50)));
}

#[test]
fn a_line_and_an_event_have_an_end() {
    let line = vec![b'a'; MOST + 1];
    assert!(events(&[&line]).is_err());
    assert!(events(&[&line[1..], b"\n"]).is_ok());
    let many = b"data: 0123456789\n".repeat(MOST);
    assert!(events(&[&many]).is_err());
}

/// The end of a line, in each of the three ways.
fn ends() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("\n"), Just("\r\n"), Just("\r")]
}

proptest! {
    #[test]
    fn parts_make_no_difference(
        stream in prop::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..300,
        ),
        cuts in prop::collection::vec(0..300_usize, 0..8),
    ) {
        let stream = [b"data: ".as_slice(), &stream].concat();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let parts: Vec<_> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let whole = events(&[&stream]).map(|(found, reader)| (found, reader.last_id().map(str::to_owned)));
        let parted = events(&parts).map(|(found, reader)| (found, reader.last_id().map(str::to_owned)));
        prop_assert_eq!(whole, parted);
    }

    #[test]
    fn what_is_written_is_read(
        written in prop::collection::vec(("[a-z]{0,5}", "[^\r\n\0]{0,40}", ends()), 0..10),
    ) {
        let stream: String = written
            .iter()
            .flat_map(|(name, data, end)| ["event: ", name, end, "data: ", data, end, end])
            .collect();
        let expected: Vec<_> = written.iter().map(|(name, data, _)| event(name, data)).collect();
        prop_assert_eq!(events(&[stream.as_bytes()]).unwrap().0, expected);
    }
}
