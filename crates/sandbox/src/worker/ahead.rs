//! Loading ahead: tools whose module level nobody can tell from one executed before are kept loaded.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use super::budget::Growth;
use super::cache::Cache;
use super::guest::Guest;
use super::meter::Meter;
use super::operations::Operations;
use super::outbox::Outbox;
use super::output::{Output, Writer};
use super::sets::Set;
use super::state::{Parts, State};
use crate::clock::Clock;
use crate::limits::Limits;
use crate::memory::delta::{self, Delta};
use crate::protocol::Program;

/// The most sources that are kept compiled, and their bytes of bytecode.
const COMPILED_MAX: usize = 512;
const COMPILED_BYTES_MAX: usize = 32 << 20;

/// The most tools that are kept loaded, and the bytes by which their memories differ from the image.
/// A small tool takes about a megabyte.
const LOADED_MAX: usize = 256;
const LOADED_BYTES_MAX: usize = 48 << 20;

/// Above this a tool is not kept loaded: copying it costs more than executing its module level.
const LOADED_EACH_MAX: usize = 8 << 20;

/// What executing a module level ahead may take, of definitions and constants only.
const LOAD_MAX: Duration = Duration::from_secs(2);

/// The SHA-256 of a source, what it may import, and the packages that it has.
pub(super) type Key = [u8; 32];

/// A source that was compiled.
#[derive(Clone)]
pub(super) struct Compiled {
    pub(super) bytecode: Arc<[u8]>,
    /// Whether it may be loaded ahead.
    pub(super) constant: bool,
}

#[derive(Clone)]
enum Loaded {
    /// It is being loaded, or cannot be.
    Not,
    Ready(Arc<Delta>),
}

/// What a worker keeps of the tools it has run.
pub(super) struct Ahead {
    compiled: Cache<Key, Compiled>,
    loaded: Cache<Key, Loaded>,
}

/// A tool that is worth loading ahead.
pub(super) struct Order {
    key: Key,
    compiled: Compiled,
    source: String,
    modules: String,
    set: Option<Set>,
}

impl Ahead {
    pub(super) fn new() -> Self {
        Self {
            compiled: Cache::new(COMPILED_MAX, COMPILED_BYTES_MAX),
            loaded: Cache::new(LOADED_MAX, LOADED_BYTES_MAX),
        }
    }

    /// The bytes of all that is kept.
    pub(super) fn bytes(&self) -> usize {
        self.compiled.bytes().saturating_add(self.loaded.bytes())
    }

    pub(super) fn compiled(&self, key: &Key) -> Option<Compiled> {
        self.compiled.get(key)
    }

    pub(super) fn keep(&self, key: Key, compiled: &Compiled) {
        self.compiled.insert(key, compiled.clone(), compiled.bytecode.len());
    }

    /// The memory of the loaded tool, or what to do so that there is one the next time.
    pub(super) fn loaded(
        &self,
        compiled: &Compiled,
        program: &Program,
        set: Option<&Set>,
        limits: &Limits,
    ) -> (Option<Arc<Delta>>, Option<Order>) {
        if !compiled.constant {
            return (None, None);
        }
        let Program { source, modules, .. } = program;
        let key = key(source, modules, set);
        match self.loaded.get(&key) {
            Some(Loaded::Ready(delta)) if delta.memory_bytes() <= limits.memory_bytes => {
                (Some(delta), None)
            }
            Some(Loaded::Ready(_) | Loaded::Not) => (None, None),
            None => {
                let (source, modules, set) = (source.clone(), modules.clone(), set.cloned());
                (None, Some(Order { key, compiled: compiled.clone(), source, modules, set }))
            }
        }
    }
}

impl Order {
    /// Executes the module level in an instance of its own and keeps the memory that it leaves.
    pub(super) async fn carry_out(self, guest: &Guest, growth: Growth) {
        let loaded = &guest.ahead.loaded;
        if loaded.get(&self.key).is_some() {
            return;
        }
        loaded.insert(self.key, Loaded::Not, 0);
        match timeout_at(Instant::now() + LOAD_MAX, self.load(guest, growth)).await {
            Ok(Ok(delta)) if delta.len() <= LOADED_EACH_MAX => {
                let bytes = delta.len();
                loaded.insert(self.key, Loaded::Ready(Arc::new(delta)), bytes);
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a tool is not loaded ahead"),
            Err(_elapsed) => tracing::debug!("a tool is not loaded ahead: it took too long"),
        }
    }

    async fn load(&self, guest: &Guest, growth: Growth) -> wasmtime::Result<Delta> {
        let limits = Limits { cpu: LOAD_MAX, wall: LOAD_MAX, stdout_bytes: 0, ..Limits::default() };
        // Nothing that it says or asks for reaches anybody: a constant module does neither.
        let (outbox, _unread) = Outbox::new();
        let writer = Writer { output: Output::new(0, 0), outbox: outbox.clone() };
        let operations = Operations::new(0, outbox);
        let meter = Meter::default();
        let clock = Clock::new(LOAD_MAX);
        let parts = Parts { operations, growth, meter: meter.clone(), writer, clock };
        let mut store = guest.store(State::new(&limits, parts));
        let loading = async {
            let instance = guest.instance(&mut store, self.set.as_ref());
            let (tool, recording) = delta::recorded(instance).await;
            let loaded = tool?
                .call_load(&mut store, &self.compiled.bytecode, &self.source, &self.modules)
                .await?;
            loaded.map_err(wasmtime::Error::msg)?;
            if store.data().holds_resources() {
                return Err(wasmtime::Error::msg("a resource is still open"));
            }
            wasmtime::Result::Ok(recording)
        };
        let recording = meter.metered(loading).await?;
        Ok(recording.finish(store)?)
    }
}

/// What stands for a tool that may import `modules` and has the packages of `set`.
pub(super) fn key(source: &str, modules: &str, set: Option<&Set>) -> Key {
    let mut hasher = Sha256::new();
    for text in [source, modules] {
        hasher.update(text.len().to_le_bytes());
        hasher.update(text.as_bytes());
    }
    // Numbers of sets begin with 1.
    hasher.update(set.map_or(0, |set| set.number).to_le_bytes());
    hasher.finalize().into()
}
