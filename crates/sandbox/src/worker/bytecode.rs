//! Compiled sources, kept so that a tool is compiled once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

/// The most sources and the most bytes of bytecode that are kept.
const ENTRIES_MAX: usize = 512;
const BYTES_MAX: usize = 32 << 20;

/// The SHA-256 of a source.
pub(super) type Key = [u8; 32];

pub(super) fn key(source: &str) -> Key {
    Sha256::digest(source.as_bytes()).into()
}

/// The least recently used entry makes room for a new one.
#[derive(Default)]
pub(super) struct Cache {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    /// Counts uses, to order entries by.
    clock: u64,
}

struct Entry {
    bytecode: Arc<[u8]>,
    used: u64,
}

impl Cache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<[u8]>> {
        let mut state = self.state();
        state.clock += 1;
        let now = state.clock;
        let entry = state.entries.get_mut(key)?;
        entry.used = now;
        Some(Arc::clone(&entry.bytecode))
    }

    pub(super) fn insert(&self, key: Key, bytecode: Vec<u8>) -> Arc<[u8]> {
        let bytecode = Arc::<[u8]>::from(bytecode);
        let mut state = self.state();
        state.clock += 1;
        let entry = Entry { bytecode: Arc::clone(&bytecode), used: state.clock };
        state.bytes += bytecode.len();
        if let Some(replaced) = state.entries.insert(key, entry) {
            state.bytes -= replaced.bytecode.len();
        }
        while state.entries.len() > ENTRIES_MAX || state.bytes > BYTES_MAX {
            let oldest = state.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else { break };
            if let Some(dropped) = state.entries.remove(&oldest) {
                state.bytes -= dropped.bytecode.len();
            }
        }
        bytecode
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, Cache, ENTRIES_MAX, key};

    #[test]
    fn the_least_recently_used_goes_first() {
        let cache = Cache::default();
        for number in 0..ENTRIES_MAX {
            cache.insert(key(&number.to_string()), vec![0]);
        }
        assert!(cache.get(&key("0")).is_some());
        cache.insert(key("new"), vec![0]);
        assert!(cache.get(&key("0")).is_some());
        assert!(cache.get(&key("new")).is_some());
        assert!(cache.get(&key("1")).is_none());
    }

    #[test]
    fn large_entries_do_not_pile_up() {
        let cache = Cache::default();
        cache.insert(key("a"), vec![0; BYTES_MAX / 2]);
        cache.insert(key("b"), vec![0; BYTES_MAX / 2 + 1]);
        assert!(cache.get(&key("a")).is_none());
        assert!(cache.get(&key("b")).is_some());
    }
}
