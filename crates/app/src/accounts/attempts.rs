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
    /// Counts an attempt as failed until [`Self::forget`] says otherwise; refuses an address that
    /// failed too often.
    pub(crate) fn begin(&self, address: Option<IpAddr>) -> Result<()> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES {
            failures.retain(|_, (_, since)| since.elapsed() < WINDOW);
        }
        let (count, since) = failures.entry(address).or_insert((0, Instant::now()));
        if since.elapsed() >= WINDOW {
            (*count, *since) = (0, Instant::now());
        }
        if *count >= FAILURES {
            let left = WINDOW.saturating_sub(since.elapsed()).as_secs() + 1;
            return Err(Error::Busy {
                reason: format!("too many failed sign-ins; try again in {left} seconds"),
                retry_after_seconds: left,
            });
        }
        *count += 1;
        Ok(())
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
            assert!(attempts.begin(guesser).is_ok());
        }
        assert!(matches!(attempts.begin(guesser), Err(Error::Busy { .. })));
        assert!(attempts.begin(Some(IpAddr::from([10, 0, 0, 2]))).is_ok());
        attempts.forget(guesser);
        assert!(attempts.begin(guesser).is_ok());
    }
}
