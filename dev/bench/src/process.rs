//! What the running program takes of the machine.

use std::fs;
use std::time::Duration;

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

/// Private memory of a process, in KiB.
pub(crate) fn private_kib(id: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let private = text.lines().filter(|line| line.starts_with("Private_"));
    private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

/// Page faults of this process so far that needed no disk.
pub(crate) fn page_faults() -> u64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    fields.split_whitespace().nth(7).and_then(|field| field.parse().ok()).unwrap_or_default()
}

/// The time that the server, and all its workers, have had a processor so far.
pub(crate) fn processor_time(program: &Program) -> (Duration, Duration) {
    let workers = children(program.id()).into_iter().map(of_process).sum();
    (of_process(program.id()), workers)
}

/// As the kernel counts it, in hundredths of a second; threads that have ended are in it.
fn of_process(id: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let fields = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let own_and_system = fields.split_whitespace().skip(11).take(2);
    let hundredths: u64 = own_and_system.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * hundredths)
}
