//! What belongs to one instance: its limits, its output, its operations.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime::{ResourceLimiter, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::budget::Growth;
use super::guest::bindings::mcpbox::tool::host::{Completion, Host};
use super::meter::Meter;
use super::operations::Operations;
use super::output::Writer;
use crate::abilities::Abilities;
use crate::clock::Clock;
use crate::limits::Limits;
use crate::outcome::FailureKind;

/// Bytes that a guest may ask of the random source at once.
const RANDOM_MAX: u64 = 1 << 20;

/// Processor time after which a call may be the one that uses up the memory of all.
const HEAVY: Duration = Duration::from_millis(20);

/// Elements of all tables, above what the guest's libraries need.
const TABLE_MAX: usize = 20_000;

/// The data of a store.
pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    operations: Operations,
    /// What operations hold in the table, so that all handles are counted together.
    handles: HashMap<u32, Resource<Handle>>,
    growth: Growth,
    meter: Meter,
    memory_bytes: usize,
    cpu: Duration,
    clock: Clock,
    /// The limit that the guest ran into, when it did.
    pub(super) exceeded: Option<FailureKind>,
}

/// The place of an operation among the handles.
struct Handle;

/// What a store shares with the call that it is made for.
pub(super) struct Parts {
    pub(super) operations: Operations,
    pub(super) growth: Growth,
    pub(super) meter: Meter,
    pub(super) writer: Writer,
    pub(super) clock: Clock,
}

impl State {
    pub(super) fn new(limits: &Limits, parts: Parts) -> Self {
        let Parts { operations, growth, meter, writer, clock } = parts;
        let mut table = ResourceTable::new();
        table.set_max_capacity(Limits::HANDLES_MAX);
        // No folder, no variable, no argument, no socket; standard input is at its end.
        let wasi = WasiCtxBuilder::new()
            .stdout(writer.clone())
            .stderr(writer)
            .max_random_size(RANDOM_MAX)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        Self {
            wasi,
            table,
            operations,
            handles: HashMap::new(),
            growth,
            meter,
            memory_bytes: limits.memory_bytes,
            cpu: limits.cpu,
            clock,
            exceeded: None,
        }
    }

    /// Notes when nothing of the client is waited for any more.
    fn note_asks(&mut self) {
        if !self.operations.is_asking() {
            self.growth.end_asking();
        }
    }

    /// Gives the handle of an operation back.
    fn release(&mut self, operation: u32) -> wasmtime::Result<()> {
        if let Some(handle) = self.handles.remove(&operation) {
            self.table.delete(handle)?;
        }
        Ok(())
    }
}

impl State {
    /// Whether the guest holds a handle of any kind.
    pub(super) fn holds_resources(&self) -> bool {
        !self.table.is_empty()
    }
}

/// Called at every tick that finds the guest running.
pub(super) fn at_tick(mut context: StoreContextMut<'_, State>) -> UpdateDeadline {
    let state = context.data_mut();
    let exceeded = if state.meter.spent_until_now() >= state.cpu {
        FailureKind::Cpu
    } else if Instant::now() >= state.clock.deadline() {
        FailureKind::WallClock
    } else if state.meter.spent_until_now() >= HEAVY && state.growth.is_too_much() {
        // Writing to the snapshot makes memory its own that it is not charged for.
        FailureKind::Busy
    } else {
        // Others get their turn, and the runtime looks at the pipes, before this guest goes on.
        return UpdateDeadline::Yield(1);
    };
    state.exceeded = Some(exceeded);
    UpdateDeadline::Interrupt
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.memory_bytes {
            // The interpreter raises MemoryError.
            self.exceeded = Some(FailureKind::Memory);
            return Ok(false);
        }
        // What a memory begins with is the snapshot, for which the call is charged as such.
        let more = if current == 0 { 0 } else { desired.saturating_sub(current) };
        if !self.growth.charge(more) {
            // Through no fault of the tool, so that it is not to go on with less either.
            self.exceeded = Some(FailureKind::Busy);
            return Err(wasmtime::Error::msg("no memory is left beside the other calls"));
        }
        self.meter.note_memory(desired);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_MAX)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Host for State {
    async fn start(&mut self, operation: String, payload: Vec<u8>) -> wasmtime::Result<u32> {
        if operation == Abilities::ASK
            && let Err(refusal) = self.growth.begin_asking()
        {
            let refused = self.operations.refuse(refusal);
            return Ok(refused.inspect_err(|_flood| self.exceeded = Some(FailureKind::Handles))?);
        }
        let handle = self.table.push(Handle).ok();
        let begun = self.operations.start(operation, payload, handle.is_some()).await;
        let operation = begun.inspect_err(|_flood| self.exceeded = Some(FailureKind::Handles))?;
        self.handles.extend(handle.map(|handle| (operation, handle)));
        Ok(operation)
    }

    async fn tell(&mut self, operation: String, payload: String) -> wasmtime::Result<()> {
        let operation = self.start(operation, payload.into_bytes()).await?;
        self.cancel(operation).await
    }

    async fn cancel(&mut self, id: u32) -> wasmtime::Result<()> {
        self.operations.cancel(id).await;
        self.note_asks();
        self.release(id)
    }

    async fn wait(&mut self, timeout_ns: Option<u64>) -> wasmtime::Result<Vec<Completion>> {
        let ended = self.operations.wait(timeout_ns.map(Duration::from_nanos), &self.clock).await;
        self.note_asks();
        for completion in &ended {
            self.release(completion.id)?;
        }
        Ok(ended)
    }
}
