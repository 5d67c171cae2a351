//! Times of single calls and what is said about them.

use std::time::Duration;

/// A tool to call, with one call of it.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    source: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) result: &'static str,
}

impl Tool {
    /// The source; what is not to be loaded ahead gets a statement that only the call may execute.
    pub(crate) fn source(&self, ahead: bool) -> String {
        let statement = if ahead { "" } else { "\nfor _once in [0]:\n    pass\n" };
        format!("{}{statement}", self.source)
    }
}

/// Adds two numbers.
pub(crate) const ADD: Tool = Tool {
    name: "2 lines",
    source: "async def main(a: int, b: int) -> dict:\n    return {\"sum\": a + b}\n",
    arguments: r#"{"a": 1, "b": 2}"#,
    result: r#"{"sum": 3}"#,
};

/// Does what tools do: a data class, patterns, counting, dates, text for an address.
pub(crate) const FORTY_LINES: Tool = Tool {
    name: "40 lines",
    source: include_str!("forty_lines.py"),
    arguments: r#"{"text": "Ada Lovelace <ada@example.org> wrote 2026-01-02; bob@example.com on 2026-03-04."}"#,
    result: include_str!("forty_lines.json"),
};

/// Times of calls that were made one after the other or beside each other.
pub(crate) struct Sample {
    times: Vec<Duration>,
    elapsed: Duration,
}

impl Sample {
    /// Calls that took `times`, all of them within `elapsed`.
    pub(crate) fn new(mut times: Vec<Duration>, elapsed: Duration) -> Self {
        times.sort_unstable();
        Self { times, elapsed }
    }

    /// The time that `share` of the calls did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a rank within the sample"
        )]
        let rank = ((self.times.len() as f64 - 1.0) * share) as usize;
        self.times.get(rank).copied().unwrap_or_default()
    }

    /// Prints one line about the calls.
    pub(crate) fn print(&self, what: &str) {
        #[expect(clippy::cast_precision_loss, reason = "a number to read")]
        let rate = self.times.len() as f64 / self.elapsed.as_secs_f64();
        println!(
            "{what:<58} p50 {:>9} us   p99 {:>9} us   {rate:>8.0} calls/s",
            self.quantile(0.5).as_micros(),
            self.quantile(0.99).as_micros(),
        );
    }
}
