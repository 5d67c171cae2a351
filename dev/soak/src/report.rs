//! What came of a load, for people and for judgement.

use std::fmt;

use anyhow::{Result, bail};

use crate::memory::Memory;
use crate::stage::Stage;

/// The most that memory may have grown, in percent.
const GROWTH: i64 = 10;

/// What came of a load.
#[derive(Debug)]
pub struct Report {
    table: String,
    /// What went as it should, was interrupted by the kill, and was wrong.
    sums: (usize, u64, u64),
    mistakes: Vec<String>,
    /// Errors in the program's own log.
    complaints: Vec<String>,
    /// What was found again after the kill.
    found: String,
    start: Memory,
    end: Memory,
}

impl Report {
    pub(crate) fn of(stage: &Stage, start: Memory, end: Memory, found: String) -> Result<Self> {
        Ok(Self {
            table: stage.tally.table(),
            sums: stage.tally.sums(),
            mistakes: stage.tally.mistakes(),
            complaints: stage.complaints()?,
            found,
            start,
            end,
        })
    }

    /// Whether every answer was as it should be, and the program had nothing to complain of.
    ///
    /// # Errors
    /// With what was wrong.
    pub fn judge_answers(&self) -> Result<()> {
        let (right, _, wrong) = self.sums;
        if wrong > 0 || right == 0 || !self.complaints.is_empty() {
            let said = [&*self.mistakes, &*self.complaints].concat().join("\n");
            bail!(
                "{wrong} answers were wrong, {right} right; {} errors in the log\n{said}",
                self.complaints.len()
            );
        }
        Ok(())
    }

    /// Whether memory is back to where it began.
    ///
    /// # Errors
    /// With what has grown by too much.
    pub fn judge_memory(&self) -> Result<()> {
        let (server, workers) = self.end.growth_since(self.start);
        if server > GROWTH || workers > GROWTH {
            bail!(
                "memory grew by more than {GROWTH} %: the server's by {server} %, the workers' by {workers} %"
            );
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (right, interrupted, wrong) = self.sums;
        writeln!(formatter, "{}", self.table)?;
        writeln!(formatter, "{right} right, {interrupted} interrupted by the kill, {wrong} wrong")?;
        writeln!(formatter, "after the kill: {}", self.found)?;
        let (server, workers) = self.end.growth_since(self.start);
        write!(
            formatter,
            "memory when idle (KiB): server {} -> {} ({server:+} %), workers {} -> {} ({workers:+} %)",
            self.start.server, self.end.server, self.start.workers, self.end.workers
        )
    }
}
