//! When the process of a source is started again: one that ends soon is left alone for longer and longer.

use super::error::Error;
use std::time::Duration;
use tokio::time::Instant;

/// A process that ends within this time, without having answered, ended soon.
const SOON: Duration = Duration::from_secs(10);

/// The first and the longest pause after that; each is twice the one before.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// The starts of one program.
#[derive(Debug, Default)]
pub(crate) struct Restart {
    began: Option<Instant>,
    /// How often in a row it ended soon.
    ends: u32,
    pause: Option<Pause>,
}

#[derive(Debug)]
struct Pause {
    until: Instant,
    why: String,
}

impl Restart {
    /// Begins a start.
    ///
    /// # Errors
    /// [`Error::Resting`] while it has to wait.
    pub(crate) fn begin(&mut self, now: Instant) -> Result<(), Error> {
        if let Some(Pause { until, why }) = &self.pause
            && now < *until
        {
            return Err(Error::Resting { left: *until - now, why: why.clone() });
        }
        self.began = Some(now);
        Ok(())
    }

    /// The process has ended, or was ended because it did not begin as a source does. `served` says that it
    /// answered something since.
    pub(crate) fn ended(&mut self, served: bool, why: &Error, now: Instant) {
        let lived = self.began.map_or(SOON, |began| now.saturating_duration_since(began));
        if served || lived >= SOON {
            (self.ends, self.pause) = (0, None);
            return;
        }
        let pause = PAUSE.0 * (1 << self.ends.min(16));
        self.ends += 1;
        let until = now + pause.min(PAUSE.1);
        self.pause = Some(Pause { until, why: why.to_string() });
    }
}

#[cfg(test)]
mod tests {
    use super::{PAUSE, Restart, SOON};
    use crate::mcp::Error;
    use std::time::Duration;
    use tokio::time::Instant;

    fn ended() -> Error {
        Error::Ended { words: "no key".to_owned(), sent: true }
    }

    /// How long it has to wait.
    fn left(restart: &mut Restart, now: Instant) -> Option<Duration> {
        match restart.begin(now) {
            Ok(()) => None,
            Err(Error::Resting { left, why }) => {
                assert!(why.contains("no key"), "{why}");
                Some(left)
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_process_that_ends_soon_rests_for_twice_as_long_each_time() {
        let (mut restart, mut now) = (Restart::default(), Instant::now());
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(left(&mut restart, now), None);
            restart.ended(false, &ended(), now);
            let pause = Duration::from_secs(seconds);
            assert_eq!(left(&mut restart, now), Some(pause));
            assert_eq!(left(&mut restart, now + pause / 2), Some(pause / 2));
            now += pause;
        }
    }

    #[test]
    fn one_that_answered_or_ran_for_long_is_started_at_once() {
        for (served, lived) in [(true, Duration::ZERO), (false, SOON)] {
            let (mut restart, now) = (Restart::default(), Instant::now());
            for _ in 0..3 {
                assert_eq!(left(&mut restart, now + PAUSE.1), None);
                restart.ended(false, &ended(), now + PAUSE.1);
                assert_eq!(left(&mut restart, now + PAUSE.1 * 2), None);
                restart.ended(served, &ended(), now + PAUSE.1 * 2 + lived);
                assert_eq!(left(&mut restart, now + PAUSE.1 * 2 + lived), None);
                restart.ended(false, &ended(), now + PAUSE.1 * 2 + lived);
                let again = left(&mut restart, now + PAUSE.1 * 2 + lived);
                assert_eq!(again, Some(PAUSE.0), "it is counted anew");
                restart = Restart::default();
            }
        }
    }
}
