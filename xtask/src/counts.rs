//! Reads from a test runner's output how many tests passed, failed and were skipped.

use std::fmt;
use std::ops::AddAssign;

/// How the closing line of nextest begins.
const OPENING: &str = "Summary [";

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// The numbers of the runner's closing line; nothing when `line` is another one.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let line = plain(line);
        let line = line.trim();
        if !line.starts_with(OPENING) {
            return None;
        }
        let mut counts = Self::default();
        let mut number = 0;
        for word in line.split(|character: char| !character.is_ascii_alphanumeric()) {
            match word {
                "passed" => counts.passed += number,
                "failed" | "timed" => counts.failed += number,
                "skipped" | "ignored" => counts.skipped += number,
                _ => number = word.parse().unwrap_or(number),
            }
        }
        Some(counts)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(formatter, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// The line without the escape sequences that colour it.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn the_summary_of_nextest_is_read() {
        let counts = Counts { passed: 118, failed: 2, skipped: 3 };
        let line =
            "     Summary [  12.345s] 120 tests run: 118 passed (2 slow), 2 failed, 3 skipped";
        assert_eq!(Counts::read(line), Some(counts));
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.006s] \u{1b}[1m119\u{1b}[0m/121 tests run: \
                    \u{1b}[1m118\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 1 failed, 1 timed out, 3 skipped";
        assert_eq!(Counts::read(line), Some(counts));
    }

    #[test]
    fn other_lines_hold_no_numbers() {
        assert_eq!(Counts::read("        PASS [   0.010s] store 3 passed"), None);
        let of_a_failed_test = "    test result: FAILED. 0 passed; 1 failed; 0 ignored";
        assert_eq!(Counts::read(of_a_failed_test), None);
        assert_eq!(Counts::read(""), None);
    }
}
