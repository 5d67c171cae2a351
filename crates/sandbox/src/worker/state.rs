//! What belongs to one instance: its limits, its output, its operations.

use std::time::Duration;

use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::guest::bindings::mcpbox::tool::host::{Completion, Host};
use super::meter::Meter;
use super::operations::Operations;
use super::output::Writer;
use crate::limits::Limits;
use crate::outcome::FailureKind;

/// Handles of all kinds that a guest may hold.
const HANDLES_MAX: usize = 256;

/// Bytes that a guest may ask of the random source at once.
const RANDOM_MAX: u64 = 1 << 20;

/// Elements of all tables, above what the guest's libraries need.
const TABLE_MAX: usize = 20_000;

/// The data of a store.
pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    operations: Operations,
    meter: Meter,
    memory_bytes: usize,
    cpu: Duration,
    wall_deadline: Instant,
    /// The limit that the guest ran into, when it did.
    pub(super) exceeded: Option<FailureKind>,
}

impl State {
    pub(super) fn new(
        limits: &Limits,
        wall_deadline: Instant,
        meter: Meter,
        operations: Operations,
        writer: Writer,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
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
            meter,
            memory_bytes: limits.memory_bytes,
            cpu: limits.cpu,
            wall_deadline,
            exceeded: None,
        }
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
    } else if Instant::now() >= state.wall_deadline {
        FailureKind::WallClock
    } else {
        // Lets the runtime look at the pipes before this guest goes on.
        return UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()));
    };
    state.exceeded = Some(exceeded);
    UpdateDeadline::Interrupt
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = desired <= self.memory_bytes;
        if !allowed {
            self.exceeded = Some(FailureKind::Memory);
        }
        Ok(allowed)
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
    async fn start(&mut self, operation: String, payload: Vec<u8>) -> u32 {
        self.operations.start(operation, payload).await
    }

    async fn cancel(&mut self, id: u32) {
        self.operations.cancel(id).await;
    }

    async fn wait(&mut self, timeout_ns: Option<u64>) -> Vec<Completion> {
        self.operations.wait(timeout_ns.map(Duration::from_nanos)).await
    }
}
