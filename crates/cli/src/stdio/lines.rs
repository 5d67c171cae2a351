//! Standard input, line by line, and none without measure.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// The longest line, in bytes: more than any door takes.
const LINE_MAX: usize = 64 << 20;

/// Reads lines.
pub(super) struct Lines<R> {
    from: BufReader<R>,
    most: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole(String),
    Unreadable(&'static str),
    End,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from: BufReader::with_capacity(64 << 10, from), most: LINE_MAX }
    }

    /// The next line. The one that was begun is lost where this is dropped, so drop all then.
    pub(super) async fn next(&mut self) -> io::Result<Line> {
        let (mut line, mut is_long) = (Vec::new(), false);
        loop {
            let part = self.from.fill_buf().await?;
            if part.is_empty() && line.is_empty() && !is_long {
                return Ok(Line::End);
            }
            let end = part.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(part.len());
            is_long = is_long || line.len() + taken > self.most;
            if !is_long {
                line.extend_from_slice(part.get(..taken).unwrap_or_default());
            }
            let is_last = end.is_some() || part.is_empty();
            self.from.consume(taken + usize::from(end.is_some()));
            if is_last {
                break;
            }
        }
        if is_long {
            return Ok(Line::Unreadable("this line is too long; send less at a time"));
        }
        Ok(match String::from_utf8(line) {
            Ok(line) => Line::Whole(line),
            Err(_not_text) => Line::Unreadable("this line is not UTF-8"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_what_is_none_does_not_end_the_reading() {
        let sent = "{}\r\n\nlonger than that\nend".as_bytes();
        let mut lines = Lines { from: BufReader::with_capacity(3, sent), most: 5 };
        let mut next = async || lines.next().await.expect("it is read");
        assert_eq!(next().await, Line::Whole("{}\r".to_owned()));
        assert_eq!(next().await, Line::Whole(String::new()));
        assert!(matches!(next().await, Line::Unreadable(_)));
        assert_eq!(next().await, Line::Whole("end".to_owned()));
        assert_eq!(next().await, Line::End);
        let mut lines = Lines::new(b"\xff\n".as_slice());
        assert!(matches!(lines.next().await, Ok(Line::Unreadable(_))));
    }
}
