//! What is kept of sources between calls, so that a tool is compiled once and loaded once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The least recently used entry makes room for a new one.
pub(super) struct Cache<K, V> {
    entries_max: usize,
    bytes_max: usize,
    state: Mutex<State<K, V>>,
}

struct State<K, V> {
    entries: HashMap<K, Entry<V>>,
    bytes: usize,
    /// Counts uses, to order entries by.
    clock: u64,
}

struct Entry<V> {
    value: V,
    bytes: usize,
    used: u64,
}

impl<K: Copy + Eq + Hash, V: Clone> Cache<K, V> {
    /// A cache of at most so many entries, and bytes in all of them together.
    pub(super) fn new(entries_max: usize, bytes_max: usize) -> Self {
        let state = State { entries: HashMap::new(), bytes: 0, clock: 0 };
        Self { entries_max, bytes_max, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of all entries.
    pub(super) fn bytes(&self) -> usize {
        self.state().bytes
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let mut state = self.state();
        state.clock += 1;
        let now = state.clock;
        let entry = state.entries.get_mut(key)?;
        entry.used = now;
        Some(entry.value.clone())
    }

    /// Keeps `value`, which takes `bytes`.
    pub(super) fn insert(&self, key: K, value: V, bytes: usize) {
        let mut state = self.state();
        state.clock += 1;
        let entry = Entry { value, bytes, used: state.clock };
        state.bytes += bytes;
        if let Some(replaced) = state.entries.insert(key, entry) {
            state.bytes -= replaced.bytes;
        }
        while state.entries.len() > self.entries_max || state.bytes > self.bytes_max {
            let oldest = state.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else { break };
            if let Some(dropped) = state.entries.remove(&oldest) {
                state.bytes -= dropped.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn the_least_recently_used_goes_first() {
        let cache = Cache::new(3, 100);
        for number in 0..3 {
            cache.insert(number, "value", 1);
        }
        assert!(cache.get(&0).is_some());
        cache.insert(3, "value", 1);
        assert!(cache.get(&0).is_some());
        assert!(cache.get(&3).is_some());
        assert!(cache.get(&1).is_none());
    }

    #[test]
    fn large_entries_do_not_pile_up_and_replaced_ones_do_not_count() {
        let cache = Cache::new(10, 100);
        cache.insert("a", (), 50);
        cache.insert("b", (), 51);
        assert!(cache.get(&"a").is_none());
        assert!(cache.get(&"b").is_some());
        cache.insert("b", (), 40);
        cache.insert("c", (), 60);
        assert!(cache.get(&"b").is_some() && cache.get(&"c").is_some());
    }
}
