//! What waits for its next use: last in, first out, under a cap on number and bytes.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Idle things, each with the bytes of memory that it holds.
pub(super) struct Idle<T> {
    entries: Mutex<Entries<T>>,
    count_max: usize,
    bytes_max: usize,
}

struct Entries<T> {
    items: Vec<(T, usize)>,
    bytes: usize,
}

impl<T> Idle<T> {
    pub(super) fn new(count_max: usize, bytes_max: usize) -> Self {
        let entries = Mutex::new(Entries { items: Vec::new(), bytes: 0 });
        Self { entries, count_max, bytes_max }
    }

    /// The one that was used last: most of it is still in the processor's caches.
    pub(super) fn take(&self) -> Option<T> {
        let mut entries = self.lock();
        let (item, bytes) = entries.items.pop()?;
        entries.bytes = entries.bytes.saturating_sub(bytes);
        Some(item)
    }

    /// Keeps `item`, or gives it back where that would be too much.
    pub(super) fn keep(&self, item: T, bytes: usize) -> Option<T> {
        let mut entries = self.lock();
        let sum = entries.bytes.saturating_add(bytes);
        if entries.items.len() >= self.count_max || sum > self.bytes_max {
            return Some(item);
        }
        entries.bytes = sum;
        entries.items.push((item, bytes));
        None
    }

    /// How many there are, and the bytes that they hold.
    pub(super) fn held(&self) -> (usize, usize) {
        let entries = self.lock();
        (entries.items.len(), entries.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Idle;

    #[test]
    fn the_last_one_kept_is_taken_first_and_too_many_are_given_back() {
        let idle = Idle::new(2, 100);
        assert_eq!(idle.keep("a", 10), None);
        assert_eq!(idle.keep("b", 91), Some("b"), "too many bytes");
        assert_eq!(idle.keep("c", 90), None);
        assert_eq!(idle.keep("d", 0), Some("d"), "too many");
        assert_eq!(idle.held(), (2, 100));
        assert_eq!(idle.take(), Some("c"));
        assert_eq!(idle.held(), (1, 10));
        assert_eq!(idle.keep("e", 90), None);
        assert_eq!((idle.take(), idle.take(), idle.take()), (Some("e"), Some("a"), None));
    }
}
