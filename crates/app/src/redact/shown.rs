//! Values that were shown to somebody outside, kept to be found in what comes back: new ones come while answers are under way.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};

use super::Searched;

/// How many values are searched for; the oldest make room. A token that was replaced so often is long over.
const VALUES_MAX: usize = 32;

/// What was shown to somebody.
#[derive(Default)]
pub(crate) struct Shown(Mutex<State>);

#[derive(Default)]
struct State {
    /// By their names, the newest last.
    values: VecDeque<(String, SecretString)>,
    searched: Option<Arc<Searched>>,
    /// Whether there are other values than those that are searched for.
    is_stale: bool,
}

impl Shown {
    /// Notes a value before it is shown.
    pub(crate) fn add(&self, name: &str, value: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.values.iter().any(|(own, known)| own == name && known.expose_secret() == value) {
            return;
        }
        if state.values.len() == VALUES_MAX {
            state.values.pop_front();
        }
        state.values.push_back((name.to_owned(), value.into()));
        state.is_stale = true;
    }

    pub(super) fn searched(&self) -> Option<Arc<Searched>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_stale {
            let values = state.values.iter();
            let values = values.map(|(name, value)| (name.as_str(), value.expose_secret()));
            state.searched = Searched::of(values).map(Arc::new);
            state.is_stale = false;
        }
        state.searched.clone()
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shown").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    #[test]
    fn what_is_shown_later_is_found_and_what_was_shown_before_still_is() {
        let shown = Arc::new(Shown::default());
        let redactor = Redactor::of_shown(Arc::clone(&shown));
        assert!(redactor.is_idle());
        shown.add("KEY", "the-first-value");
        let told = |text: &str| redactor.text(text.to_owned());
        assert_eq!(told("a the-first-value b"), "a [secret KEY] b");
        assert_eq!(told("a the-second-value b"), "a the-second-value b");
        shown.add("KEY", "the-second-value");
        assert_eq!(told("the-second-value, the-first-value"), "[secret KEY], [secret KEY]");
        for number in 0..VALUES_MAX {
            shown.add("KEY", &format!("value-number-{number}"));
        }
        assert_eq!(told("the-first-value"), "the-first-value", "it made room");
        assert_eq!(told("value-number-0"), "[secret KEY]");
    }
}
