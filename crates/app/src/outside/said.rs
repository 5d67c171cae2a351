//! What a tool tells its client without asking: read, and held to a pace that clients can follow.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use super::asked::is_flat_enough;
use crate::conversation::{Level, LogEntry, Progress};

/// The most bytes of a message about progress, or of a logged entry; more is left out. Guests send the
/// beginning of what has more than 64 KB, and a name of its logger beside it.
const BYTES_MAX: usize = 80 << 10;

/// So many characters of the text of a progress are passed on, and of the name of a logger.
const TEXT_MAX: usize = 1_000;

/// So many entries of one call are passed on.
const ENTRIES_MAX: usize = 1_000;

/// So much progress is passed on as it comes; of what follows, as much as [`INTERVAL`] lets through.
const BURST: usize = 100;
const INTERVAL: Duration = Duration::from_millis(100);

/// How much of what a call says is passed on.
#[derive(Default)]
pub(super) struct Pace {
    progress: Option<f64>,
    told: usize,
    last: Option<Instant>,
    entries: usize,
}

impl Pace {
    /// Clients may take it that progress grows.
    pub(super) fn takes_progress(&mut self, progress: f64) -> bool {
        let grows = self.progress.is_none_or(|before| progress > before);
        let is_due = self.told < BURST || self.last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if !(grows && is_due) {
            return false;
        }
        (self.progress, self.last) = (Some(progress), Some(Instant::now()));
        self.told += 1;
        true
    }

    pub(super) fn takes_entry(&mut self) -> bool {
        self.entries += 1;
        self.entries <= ENTRIES_MAX
    }
}

#[derive(Deserialize)]
struct SentProgress {
    progress: serde_json::Number,
    total: Option<serde_json::Number>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct SentEntry {
    level: String,
    logger: Option<String>,
    data: Value,
}

/// How far a tool says that it is; nothing where that cannot be told to a client.
pub(super) fn progress(payload: &[u8]) -> Option<Progress> {
    let sent: SentProgress = read(payload)?;
    let total = match sent.total {
        Some(total) => Some(finite(&total)?),
        None => None,
    };
    Some(Progress { progress: finite(&sent.progress)?, total, message: sent.message.map(short) })
}

/// What a tool logs; nothing where that cannot be told to a client.
pub(super) fn entry(payload: &[u8]) -> Option<LogEntry> {
    let SentEntry { level, logger, data } = read(payload)?;
    let level = Level::ALL.into_iter().find(|known| known.as_str() == level)?;
    is_flat_enough(&data).then(|| LogEntry { level, logger: logger.map(short), data })
}

fn read<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Option<T> {
    if payload.len() > BYTES_MAX {
        return None;
    }
    serde_json::from_slice(payload).ok()
}

fn finite(number: &serde_json::Number) -> Option<f64> {
    number.as_f64().filter(|number| number.is_finite())
}

fn short(text: String) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn progress_is_passed_on_as_it_grows() {
        let mut pace = Pace::default();
        let taken = [0.0, 1.0, 1.0, 0.5, 2.0].map(|progress| pace.takes_progress(progress));
        assert_eq!(taken, [true, true, false, false, true]);
    }

    #[test]
    fn more_than_clients_can_follow_is_left_out() {
        let mut pace = Pace::default();
        let taken = (0..100_000).filter(|step| pace.takes_progress(f64::from(*step))).count();
        assert!((BURST..50_000).contains(&taken), "{taken}");
        let entries = (0..=ENTRIES_MAX).filter(|_| pace.takes_entry()).count();
        assert_eq!(entries, ENTRIES_MAX);
    }

    #[test]
    fn what_is_well_formed_is_read() {
        let sent = br#"{"progress": 1, "total": 2.5, "message": "half"}"#;
        let expected =
            Progress { progress: 1.0, total: Some(2.5), message: Some("half".to_owned()) };
        assert_eq!(progress(sent), Some(expected));
        let sent = br#"{"level": "notice", "logger": null, "data": {"a": [1]}}"#;
        let expected = LogEntry { level: Level::Notice, logger: None, data: json!({"a": [1]}) };
        assert_eq!(entry(sent), Some(expected));
    }

    #[test]
    fn what_is_not_is_left_out() {
        for sent in [
            &b"{"[..],
            b"[]",
            br#"{"progress": "1"}"#,
            br#"{"progress": 1e999}"#,
            br#"{"progress": 1, "total": 1e999}"#,
            br#"{"progress": 1, "message": 3}"#,
        ] {
            assert_eq!(progress(sent), None, "{}", String::from_utf8_lossy(sent));
        }
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let deep = format!(r#"{{"level": "info", "data": {deep}}}"#);
        let long = json!({"level": "info", "data": "a".repeat(BYTES_MAX)}).to_string();
        for sent in [r#"{"level": "loud", "data": 1}"#, r#"{"level": "info"}"#, &deep, &long] {
            assert_eq!(entry(sent.as_bytes()), None);
        }
        let long = json!({"progress": 1, "message": "ä".repeat(2 * TEXT_MAX)}).to_string();
        let told = progress(long.as_bytes()).and_then(|progress| progress.message);
        assert_eq!(told.map(|text| text.chars().count()), Some(TEXT_MAX + 1));
    }
}
