//! What the running program takes of the machine.

use std::fs;

use testkit::program::{Program, children};

/// Proportional set size, in KiB, of the server and of all its workers.
pub(crate) fn memory_kib(program: &Program) -> (u64, u64) {
    let own = pss_kib(program.id());
    let workers = children(program.id()).into_iter().map(pss_kib).sum();
    (own, workers)
}

fn pss_kib(id: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("Pss:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
}
