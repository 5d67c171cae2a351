//! What came of all that was asked: counts by kind, times, and what was wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Mistakes that are kept word by word.
const SHOWN: usize = 20;

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    kinds: BTreeMap<&'static str, Kind>,
    mistakes: Vec<String>,
}

#[derive(Debug, Default)]
struct Kind {
    times: Vec<Duration>,
    interrupted: u64,
    wrong: u64,
}

impl Tally {
    /// Something was answered as it should be.
    pub(crate) fn right(&self, kind: &'static str, took: Duration) {
        self.open().kinds.entry(kind).or_default().times.push(took);
    }

    /// The program was killed meanwhile.
    pub(crate) fn interrupted(&self, kind: &'static str) {
        self.open().kinds.entry(kind).or_default().interrupted += 1;
    }

    /// Something was not as it should be.
    pub(crate) fn wrong(&self, kind: &'static str, what: &str) {
        let mut counts = self.open();
        counts.kinds.entry(kind).or_default().wrong += 1;
        if counts.mistakes.len() < SHOWN {
            let what: String = what.chars().take(600).collect();
            counts.mistakes.push(format!("{kind}: {what}"));
        }
    }

    /// How much went as it should, how much was interrupted, and how much was wrong.
    pub(crate) fn sums(&self) -> (usize, u64, u64) {
        let counts = self.open();
        let kinds = || counts.kinds.values();
        let right = kinds().map(|kind| kind.times.len()).sum();
        let interrupted = kinds().map(|kind| kind.interrupted).sum();
        (right, interrupted, kinds().map(|kind| kind.wrong).sum())
    }

    /// The first mistakes.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        self.open().mistakes.clone()
    }

    /// A table, a line for each kind.
    pub(crate) fn table(&self) -> String {
        let mut counts = self.open();
        let mut table = format!(
            "{:<28} {:>8} {:>8} {:>6} {:>10} {:>10}\n",
            "what", "right", "killed", "wrong", "p50 ms", "p99 ms"
        );
        for (name, kind) in &mut counts.kinds {
            kind.times.sort_unstable();
            let (right, Kind { interrupted, wrong, .. }) = (kind.times.len(), &kind);
            let [middle, last] = [50, 99].map(|percent| milliseconds(&kind.times, percent));
            let _written = writeln!(
                table,
                "{name:<28} {right:>8} {interrupted:>8} {wrong:>6} {middle:>10} {last:>10}"
            );
        }
        table
    }

    fn open(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time that so many percent of the sorted ones did not exceed, in milliseconds.
fn milliseconds(sorted: &[Duration], percent: usize) -> String {
    let rank = sorted.len().saturating_sub(1) * percent / 100;
    sorted
        .get(rank)
        .map_or_else(|| "-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_counted_by_itself() {
        let tally = Tally::default();
        for milliseconds in 1..=100 {
            tally.right("a", Duration::from_millis(milliseconds));
        }
        tally.interrupted("a");
        tally.wrong("b", "no answer");
        assert_eq!(tally.sums(), (100, 1, 1));
        assert_eq!(tally.mistakes(), ["b: no answer"]);
        let table = tally.table();
        assert!(table.contains("50.0") && table.contains("99.0"), "{table}");
    }
}
