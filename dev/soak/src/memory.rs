//! What memory a process holds that no file gives it.

use std::fs;

/// Anonymous memory of the server, and of all its workers together, in KiB: each page by how many processes share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Of the process with the doors.
    pub server: u64,
    /// Of its workers.
    pub workers: u64,
}

impl Memory {
    /// As it is now; 0 where the system does not tell.
    pub(crate) fn of(server: u32, workers: &[u32]) -> Self {
        Self {
            server: anonymous_kib(server),
            workers: workers.iter().copied().map(anonymous_kib).sum(),
        }
    }

    /// The smaller one of each.
    pub(crate) fn least(self, other: Self) -> Self {
        Self { server: self.server.min(other.server), workers: self.workers.min(other.workers) }
    }

    /// By how many percent each has grown since, rounded up.
    pub fn growth_since(self, start: Self) -> (i64, i64) {
        (percent(start.server, self.server), percent(start.workers, self.workers))
    }
}

fn anonymous_kib(id: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn percent(from: u64, to: u64) -> i64 {
    let [from, to] = [from, to].map(|kib| i64::try_from(kib).unwrap_or(i64::MAX));
    let scaled = (to - from).saturating_mul(100);
    if from == 0 { 0 } else { scaled.div_euclid(from) + i64::from(scaled.rem_euclid(from) != 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_in_percent_and_rounded_up() {
        let start = Memory { server: 200, workers: 1000 };
        let end = Memory { server: 221, workers: 900 };
        assert_eq!(end.growth_since(start), (11, -10));
        assert_eq!(start.growth_since(start), (0, 0));
    }
}
