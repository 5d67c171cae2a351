//! Tells the server how this worker stands, where that matters to which worker gets the next call.

use std::time::Duration;

use super::budget::Budget;
use super::outbox::Outbox;
use super::runner::Standing;
use crate::protocol::{FromWorker, Load};

/// A slice of at least this length is that of a call that computes, and not of one that soon waits.
const LONG: Duration = Duration::from_millis(2);

/// So much growth is worth a message.
const STEP: usize = 1 << 20;

/// What the server was told last.
pub(super) struct Reporter {
    budget: Budget,
    outbox: Outbox,
    told: Load,
}

impl Reporter {
    pub(super) fn new(budget: Budget, outbox: Outbox) -> Self {
        Self { budget, outbox, told: Load::default() }
    }

    /// Looks at how things stand after a slice, and tells what is news.
    pub(super) fn after_slice(&mut self, standing: Standing) {
        let Standing { last, runnable, .. } = standing;
        let load = Load { seen: last, runnable, grown: self.budget.grown() };
        if is_news(self.told, load, standing) {
            self.told = load;
            self.outbox.send(FromWorker::Load(load));
        }
    }
}

/// Calls that neither compute for long nor grow, nor wait, cause no message.
fn is_news(told: Load, load: Load, standing: Standing) -> bool {
    let grown = load.grown.abs_diff(told.grown) >= STEP;
    let same_calls = (load.seen, load.runnable) == (told.seen, told.runnable);
    let busy = standing.slice >= LONG && !same_calls;
    let others_wait = standing.calls > 0 && load.seen != told.seen;
    let idle = standing.runnable == 0 && (told.runnable > 0 || others_wait);
    grown || busy || idle
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONG, STEP, is_news};
    use crate::protocol::Load;
    use crate::worker::runner::Standing;

    fn load(seen: u64, runnable: usize, grown: usize) -> Load {
        Load { seen, runnable, grown }
    }

    #[test]
    fn only_what_matters_to_the_next_call_is_told() {
        let told = load(7, 0, 0);
        let standing = |calls, runnable, slice| Standing { last: 8, calls, runnable, slice };
        let short = Duration::from_micros(100);
        assert!(!is_news(told, load(8, 0, 0), standing(0, 0, short)), "a short call has ended");
        assert!(!is_news(told, load(8, 3, 0), standing(4, 3, short)), "short calls take turns");
        assert!(is_news(told, load(8, 3, 0), standing(4, 3, LONG)), "calls compute");
        assert!(!is_news(load(8, 3, 0), load(8, 3, 0), standing(4, 3, LONG)), "as before");
        assert!(is_news(told, load(8, 0, 0), standing(1, 0, short)), "a new call waits");
        assert!(!is_news(load(8, 0, 0), load(8, 0, 0), standing(1, 0, short)), "it still waits");
        assert!(is_news(load(8, 1, 0), load(8, 0, 0), standing(0, 0, short)), "none computes now");
        assert!(is_news(told, load(8, 0, STEP), standing(0, 0, short)), "memory is used");
        assert!(is_news(load(8, 0, STEP), load(8, 0, 0), standing(0, 0, short)), "and given back");
        assert!(!is_news(told, load(8, 0, STEP - 1), standing(0, 0, short)), "a little");
    }
}
