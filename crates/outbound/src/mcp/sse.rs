//! Reads server-sent events out of bytes as they come, within bounds.

use bytes::{Buf as _, Bytes};
use std::time::Duration;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    /// Of what kind it is; empty where it does not say.
    pub(crate) name: String,
    /// What it carries.
    pub(crate) data: Vec<u8>,
}

/// An event, or a line, is larger than is taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// The state between two parts of a stream.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The most bytes of a line, and of the data of an event.
    most: usize,
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed after it ends no line.
    after_return: bool,
    first_line: bool,
    event: Event,
    has_data: bool,
    last_id: Option<String>,
    retry: Option<Duration>,
}

impl Reader {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            line: Vec::new(),
            after_return: false,
            first_line: true,
            event: Event::default(),
            has_data: false,
            last_id: None,
            retry: None,
        }
    }

    /// The identifier of the last event that had one: what a stream is taken up again with.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// How long to wait before that, where the peer said so.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// How many bytes are held of an event that is not whole.
    pub(crate) fn held(&self) -> usize {
        self.line.len() + self.event.data.len() + self.event.name.len()
    }

    /// The next event; it takes from `chunk` what that needs, and all of it where there is none.
    pub(crate) fn next(&mut self, chunk: &mut Bytes) -> Result<Option<Event>, TooLarge> {
        while !chunk.is_empty() {
            if std::mem::take(&mut self.after_return) && chunk.first() == Some(&b'\n') {
                chunk.advance(1);
                continue;
            }
            let end = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = chunk.split_to(end.unwrap_or(chunk.len()));
            if self.line.len() + part.len() > self.most {
                return Err(TooLarge);
            }
            self.line.extend_from_slice(&part);
            if end.is_none() {
                return Ok(None);
            }
            self.after_return = chunk.first() == Some(&b'\r');
            chunk.advance(1);
            if let Some(event) = self.end_of_line()? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn end_of_line(&mut self) -> Result<Option<Event>, TooLarge> {
        let line = std::mem::take(&mut self.line);
        let mut text = line.as_slice();
        if std::mem::take(&mut self.first_line) {
            text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        }
        if text.is_empty() {
            let event = std::mem::take(&mut self.event);
            return Ok(std::mem::take(&mut self.has_data).then_some(event));
        }
        let colon = text.iter().position(|byte| *byte == b':');
        let (field, value) = text.split_at(colon.unwrap_or(text.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        self.field(field, value.strip_prefix(b" ").unwrap_or(value))?;
        Ok(None)
    }

    fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), TooLarge> {
        let text = || String::from_utf8_lossy(value).into_owned();
        match name {
            b"data" => {
                if self.event.data.len() + value.len() >= self.most {
                    return Err(TooLarge);
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push(b'\n');
                }
                self.event.data.extend_from_slice(value);
            }
            b"event" => self.event.name = text(),
            b"id" if value.len() <= super::limits::IDENTIFIER && !value.contains(&0) => {
                self.last_id = Some(text());
            }
            b"retry" if value.iter().all(u8::is_ascii_digit) => {
                self.retry = text().parse().ok().map(Duration::from_millis);
            }
            // A comment, or a field of the future.
            _ => (),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
