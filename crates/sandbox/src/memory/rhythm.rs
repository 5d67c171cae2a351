//! When to forget which pages of a slot were written.
//!
//! A page that one call wrote is copied back after every later call in its slot, whether that writes it or
//! not, until it is forgotten; forgetting makes the next call's first writes cost a fault each. How often
//! it pays depends on how much the calls differ, which shows in what they leave to copy.

/// Resets between two times of forgetting: at least, and at most where the calls are alike.
const SHORTEST: u32 = 8;
const LONGEST: u32 = 512;

/// Decides after each reset of one slot.
#[derive(Debug, Clone)]
pub(super) struct Rhythm {
    /// Resets since the last time.
    resets: u32,
    interval: u32,
    /// Bytes that the first reset after the last time had to copy: what one call needs.
    alone: usize,
}

impl Rhythm {
    pub(super) fn new() -> Self {
        Self { resets: 0, interval: SHORTEST, alone: 0 }
    }

    /// Whether to forget after a reset that had to copy `copied` bytes.
    pub(super) fn is_due(&mut self, copied: usize) -> bool {
        self.resets += 1;
        if self.resets == 1 {
            self.alone = copied;
            return false;
        }
        if self.resets < self.interval {
            return false;
        }
        let alike = copied <= self.alone + self.alone / 4;
        self.interval = if alike {
            (self.interval * 2).min(LONGEST)
        } else {
            (self.interval / 2).max(SHORTEST)
        };
        self.resets = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Rhythm, SHORTEST};

    fn times(rhythm: &mut Rhythm, mut copied: impl FnMut(u32) -> usize, resets: u32) -> u32 {
        (0..resets).map(|number| u32::from(rhythm.is_due(copied(number)))).sum()
    }

    #[test]
    fn calls_that_are_alike_are_left_alone_more_and_more() {
        let mut rhythm = Rhythm::new();
        assert_eq!(times(&mut rhythm, |_| 100, SHORTEST), 1);
        times(&mut rhythm, |_| 100, 4 * LONGEST);
        assert_eq!(rhythm.interval, LONGEST);
    }

    #[test]
    fn after_one_heavy_call_what_it_wrote_is_forgotten() {
        let mut rhythm = Rhythm::new();
        // Heavy at first: all later resets copy its pages, until they are forgotten.
        let mut forgotten = false;
        for _ in 0..SHORTEST {
            forgotten |= rhythm.is_due(1000);
        }
        assert!(forgotten);
    }

    #[test]
    fn calls_that_differ_are_forgotten_often() {
        let mut rhythm = Rhythm::new();
        let mut since = 0;
        let mut due = 0;
        for _ in 0..1000 {
            since += 1;
            if rhythm.is_due(100 * since) {
                due += 1;
                since = 0;
            }
        }
        assert_eq!(rhythm.interval, SHORTEST);
        assert!(due >= 1000 / SHORTEST as usize - 1);
    }
}
