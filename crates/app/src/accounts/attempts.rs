//! Slows down guessing: counts failed sign-ins per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// So many failures within [`WINDOW`] close an address out until the window ends.
const FAILURES: u32 = 10;

const WINDOW: Duration = Duration::from_mins(1);

/// More addresses than this are not remembered; the oldest windows are forgotten first.
const ADDRESSES: usize = 10_000;

/// Failed sign-ins of the last minute.
#[derive(Default)]
pub(crate) struct Attempts {
    failures: Mutex<HashMap<Option<IpAddr>, (u32, Instant)>>,
}

impl Attempts {
    /// Refuses an address that failed too often.
    pub(crate) fn check(&self, address: Option<IpAddr>) -> Result<()> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.get(&address) {
            Some((count, since)) if *count >= FAILURES && since.elapsed() < WINDOW => {
                let left = WINDOW.saturating_sub(since.elapsed()).as_secs() + 1;
                Err(Error::Busy {
                    reason: format!("too many failed sign-ins; try again in {left} seconds"),
                    retry_after_seconds: left,
                })
            }
            _ => Ok(()),
        }
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, address: Option<IpAddr>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES {
            failures.retain(|_, (_, since)| since.elapsed() < WINDOW);
        }
        let entry = failures.entry(address).or_insert((0, Instant::now()));
        if entry.1.elapsed() >= WINDOW {
            *entry = (0, Instant::now());
        }
        entry.0 += 1;
    }

    /// Forgets the failures of an address that signed in.
    pub(crate) fn forget(&self, address: Option<IpAddr>) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_close_an_address_out_and_no_other() {
        let attempts = Attempts::default();
        let guesser = Some(IpAddr::from([10, 0, 0, 1]));
        for _ in 0..FAILURES {
            assert!(attempts.check(guesser).is_ok());
            attempts.failed(guesser);
        }
        assert!(matches!(attempts.check(guesser), Err(Error::Busy { .. })));
        assert!(attempts.check(Some(IpAddr::from([10, 0, 0, 2]))).is_ok());
        attempts.forget(guesser);
        assert!(attempts.check(guesser).is_ok());
    }
}
