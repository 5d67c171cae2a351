//! The loaded guest: from the compiled file to a fresh instance.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};

use super::ahead::Ahead;
use super::archive;
use super::sets::{Kept, Set, Sets};
use super::state::{State, at_tick};
use super::ticker::Ticker;
use crate::engine;
use crate::limits::Bounds;
use crate::memory::{
    self, Doubt, Image, Kit, Memories, MemoryReport, MemoryStatistics, Probe, Recipe,
};
use crate::protocol::{Form, PAYLOAD_MAX};

#[expect(clippy::too_many_arguments, reason = "generated from guest/wit, which documents them")]
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../guest/wit",
        world: "tool",
        imports: { default: async | trappable },
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
    pub(super) memory: Memory,
    pub(super) ticker: Ticker,
    pub(super) ahead: Ahead,
    pub(super) sets: Sets,
    /// One permit per slot of the engine's pool.
    pub(super) slots: Semaphore,
}

impl Guest {
    /// Maps the compiled guest. The server has checked the file's hash before it named it.
    ///
    /// Opens everything that calls will need and starts no thread: the worker is walled in next.
    ///
    /// `image` is asked for unless the pool is used, which has its own. Sets of packages come through
    /// `socket`.
    pub(super) fn load(
        code: &Path,
        recipes: &[Recipe],
        image: impl FnOnce() -> io::Result<OwnedFd>,
        socket: OwnedFd,
    ) -> wasmtime::Result<Self> {
        let (engine, memory) = engine(recipes, image)?;
        let component = map(&engine, code)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        bindings::mcpbox::tool::host::add_to_linker::<State, HasSelf<State>>(
            &mut linker,
            |state| state,
        )?;
        let instances = ToolPre::new(linker.instantiate_pre(&component)?)?;
        let slots = Semaphore::new(Bounds::CALLS_PER_WORKER);
        let (ticker, ahead, sets) = (Ticker::default(), Ahead::new(), Sets::new(socket));
        Ok(Self { engine, instances, memory, ticker, ahead, sets, slots })
    }

    /// Starts the clock that interrupts guests; none may run before.
    pub(super) fn start_clock(&self) {
        self.ticker.start(self.engine.clone());
    }

    /// Why the memory of ended calls cannot be trusted any more, if it cannot.
    pub(super) fn doubt(&self) -> Option<String> {
        self.memory.own.as_ref().and_then(|own| own.doubt.reason())
    }

    /// Whether tools can be loaded ahead: wasmtime's pool knows no memories but its own.
    pub(super) fn loads_ahead(&self) -> bool {
        self.memory.own.is_some()
    }

    /// The bytes that are kept for later calls; nothing is known of the pool.
    pub(super) fn kept_bytes(&self) -> Option<usize> {
        let idle = self.statistics()?.idle_bytes.saturating_add(self.sets.idle_bytes());
        Some(usize::try_from(idle).unwrap_or(usize::MAX).saturating_add(self.ahead.bytes()))
    }

    /// What the memories of calls have cost so far; nothing of the pool.
    pub(super) fn statistics(&self) -> Option<MemoryStatistics> {
        self.memory.own.as_ref().map(|own| own.memories.statistics())
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

    /// Keeps a set of packages that the server hands over.
    pub(super) fn keep_set(&self, number: u64, form: Form) -> io::Result<()> {
        self.sets.keep(number, form, self.memory.own.as_ref().map(|own| &own.memories))
    }

    /// A fresh instance, with a set of packages where there is one.
    pub(super) async fn instance(
        &self,
        store: &mut Store<State>,
        set: Option<&Set>,
    ) -> wasmtime::Result<Tool> {
        match set {
            None => self.instances.instantiate_async(store).await,
            // Apart, so that the calls without packages do not carry its room with them.
            Some(set) => Box::pin(self.instance_of(store, set)).await,
        }
    }

    async fn instance_of(&self, store: &mut Store<State>, set: &Set) -> wasmtime::Result<Tool> {
        let instantiating = self.instances.instantiate_async(&mut *store);
        match &*set.kept {
            Kept::Snapshot(memories) => memories.instead(instantiating).await,
            Kept::Archive(archive) => {
                let tool = instantiating.await?;
                for part in archive::parts(archive.bytes()) {
                    tool.call_unpack(&mut *store, part).await?;
                }
                Ok(tool)
            }
        }
    }
}

/// How the memories of calls are come by.
pub(super) struct Memory {
    pub(super) report: MemoryReport,
    /// Nothing for the pool, which tells nothing.
    own: Option<Own>,
}

struct Own {
    memories: Memories,
    doubt: Doubt,
}

/// An engine with the first of the recipes that works.
fn engine(
    recipes: &[Recipe],
    image: impl FnOnce() -> io::Result<OwnedFd>,
) -> wasmtime::Result<(Engine, Memory)> {
    let probe = Probe::first_of(recipes);
    let report = MemoryReport { recipe: probe.recipe(), skipped: probe.skipped().to_vec() };
    if report.recipe == Recipe::Pool {
        if !recipes.contains(&Recipe::Pool) {
            let reasons: Vec<_> =
                report.skipped.iter().map(|(recipe, why)| format!("{recipe}: {why}")).collect();
            return Err(wasmtime::Error::msg(format!(
                "no allowed way to reset memory works ({})",
                reasons.join("; ")
            )));
        }
        return Ok((engine::with_pool()?, Memory { report, own: None }));
    }
    let image = Arc::new(Image::from_descriptor(image()?)?);
    let kit = Kit::new(image, &probe, memory::Settings::default())
        .ok_or_else(|| wasmtime::Error::msg("the probe has no recipe"))?;
    let own = Own { memories: kit.memories.clone(), doubt: kit.doubt };
    let engine = engine::with_own_memory(kit.memories, kit.stacks)?;
    Ok((engine, Memory { report, own: Some(own) }))
}

#[expect(unsafe_code, reason = "compiled code is trusted for its origin; see the argument within")]
fn map(engine: &Engine, code: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file must be what `Engine::precompile_component` wrote and must not change while
    // it is mapped. The server wrote it from the bundle that is part of its own program, or found it
    // with the SHA-256 that the bundle records, in a folder that its owner alone can write to; it is
    // replaced by renaming only, never written in place. The engine itself refuses another version's.
    unsafe { Component::deserialize_file(engine, code) }
}
