//! Reads from what a virtual machine prints how its tests ended.

use std::fmt;

use anyhow::{Result, bail, ensure};

use crate::counts::Counts;

/// How the line begins with which the machine's first program starts.
const STARTED: &str = "mcpbox machine started: ";

/// How the line begins with which it ends.
const ENDED: &str = "mcpbox machine ended: ";

/// What is known of a machine from its output so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Whether the kernel came as far as the first program.
    pub(super) started: bool,
    counts: Counts,
    end: Option<End>,
}

#[derive(Debug, PartialEq, Eq)]
struct End {
    /// What the tests exited with.
    status: u64,
    /// Pages written to swap since the machine was started.
    swapped: u64,
}

impl Outcome {
    /// Takes in one line of the machine's output.
    pub(super) fn read(&mut self, line: &str) {
        let line = line.trim();
        if line.starts_with(STARTED) {
            self.started = true;
        } else if let Some(end) = line.strip_prefix(ENDED) {
            self.end = match numbers(end).as_slice() {
                &[status, swapped] => Some(End { status, swapped }),
                _ => None,
            };
        } else if let Some(counts) = line.strip_prefix("test result: ")
            && let &[passed, failed, skipped, ..] = numbers(counts).as_slice()
        {
            self.counts = Counts { passed, failed, skipped };
        }
    }

    /// An error unless tests ran, all passed, and pages were in swap meanwhile.
    pub(super) fn verdict(&self) -> Result<()> {
        let Some(End { status, swapped }) = self.end else {
            bail!("the virtual machine stopped before its tests had ended");
        };
        ensure!(self.counts.failed == 0, "not every test passed");
        ensure!(status == 0, "the tests ended with status {status}");
        ensure!(self.counts.passed > 0, "no test ran");
        ensure!(swapped > 0, "nothing was ever moved to swap");
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let swapped = self.end.as_ref().map_or(0, |end| end.swapped);
        write!(formatter, "{}; {swapped} pages were moved to swap", self.counts)
    }
}

/// The whole numbers among the words of a line.
fn numbers(line: &str) -> Vec<u64> {
    let words = line.split([' ', ',', ';', '.']);
    words.filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    const RESULT: &str = "test result: ok. 37 passed; 0 failed; 0 ignored; 0 measured; \
                          101 filtered out; finished in 25.05s\r\n";
    const END: &str = "mcpbox machine ended: status 0, 12189 pages swapped out\r\n";

    fn read(lines: &[&str]) -> Outcome {
        let mut outcome = Outcome::default();
        for line in lines {
            outcome.read(line);
        }
        outcome
    }

    #[test]
    fn tests_that_pass_with_swap_in_use_are_a_success() {
        let outcome =
            read(&["mcpbox machine started: Linux 6.12\r\n", "userfaultfd:\r\n", RESULT, END]);
        assert!(outcome.started);
        outcome.verdict().unwrap();
        let shown = "37 passed, 0 failed, 0 skipped; 12189 pages were moved to swap";
        assert_eq!(outcome.to_string(), shown);
    }

    #[test]
    fn everything_else_is_a_failure() {
        let failed = "test result: FAILED. 36 passed; 1 failed; 0 ignored; 0 measured";
        let none = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured";
        let killed = "mcpbox machine ended: status 143, 7 pages swapped out";
        let unused = "mcpbox machine ended: status 0, 0 pages swapped out";
        let cases: [(&[&str], &str); 7] = [
            (&[], "stopped before"),
            (&[RESULT], "stopped before"),
            (&[RESULT, "mcpbox machine ended: status 0,  pages swapped out"], "stopped before"),
            (&[failed, END], "not every test"),
            (&[killed], "status 143"),
            (&[none, END], "no test ran"),
            (&[RESULT, unused], "moved to swap"),
        ];
        for (lines, expected) in cases {
            let error = read(lines).verdict().unwrap_err().to_string();
            assert!(error.contains(expected), "{lines:?}: {error}");
        }
    }
}
