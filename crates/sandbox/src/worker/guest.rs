//! The loaded guest: from the compiled file to a fresh instance.

use std::path::Path;

use tokio::sync::Semaphore;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};

use super::bytecode::Cache;
use super::state::{State, at_tick};
use super::ticker::Ticker;
use crate::engine;
use crate::protocol::{CALLS_PER_WORKER, PAYLOAD_MAX};

#[expect(clippy::too_many_arguments, reason = "generated from guest/wit, which documents them")]
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../guest/wit",
        world: "tool",
        imports: { default: async },
        exports: { default: async },
    });
}

use bindings::{Tool, ToolPre};

/// What a guest may hand over in one call of the host. More than the largest operation, so that one
/// that is too large is refused with a sentence and only one that is far too large is a trap.
const HOSTCALL_FUEL: usize = 4 * PAYLOAD_MAX;

/// Everything that calls share.
pub(super) struct Guest {
    engine: Engine,
    instances: ToolPre<State>,
    pub(super) ticker: Ticker,
    pub(super) bytecode: Cache,
    /// One permit per slot of the engine's pool.
    pub(super) slots: Semaphore,
}

impl Guest {
    /// Maps the compiled guest. The server has checked the file's hash before it named it.
    ///
    /// Opens everything that calls will need and starts no thread: the worker is walled in next.
    pub(super) fn load(artifact: &Path) -> wasmtime::Result<Self> {
        let engine = engine::for_running()?;
        let component = map(&engine, artifact)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        bindings::mcpbox::tool::host::add_to_linker::<State, HasSelf<State>>(
            &mut linker,
            |state| state,
        )?;
        let instances = ToolPre::new(linker.instantiate_pre(&component)?)?;
        let slots = Semaphore::new(CALLS_PER_WORKER);
        let (ticker, bytecode) = (Ticker::default(), Cache::default());
        Ok(Self { engine, instances, ticker, bytecode, slots })
    }

    /// Starts the clock that interrupts guests; none may run before.
    pub(super) fn start_clock(&self) {
        self.ticker.start(self.engine.clone());
    }

    /// A store that interrupts its guest at every tick.
    pub(super) fn store(&self, state: State) -> Store<State> {
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(HOSTCALL_FUEL);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| Ok(at_tick(context)));
        store
    }

    pub(super) async fn instance(&self, store: &mut Store<State>) -> wasmtime::Result<Tool> {
        self.instances.instantiate_async(store).await
    }
}

#[expect(unsafe_code, reason = "compiled code is trusted for its origin; see the argument within")]
fn map(engine: &Engine, artifact: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file must be what `Engine::precompile_component` wrote and must not change while
    // it is mapped. The server wrote it from the bundle that is part of its own program, or found it
    // with the SHA-256 that the bundle records, in a folder that its owner alone can write to; it is
    // replaced by renaming only, never written in place. The engine itself refuses another version's.
    unsafe { Component::deserialize_file(engine, artifact) }
}
