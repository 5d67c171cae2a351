//! The one engine configuration: a guest compiled under another one is refused when it is loaded.

use std::sync::Arc;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::{Bounds, Limits};
use crate::memory::{Memories, Stacks};

/// Deep enough for CPython to raise `RecursionError` itself in most cases.
const STACK_BYTES: usize = 8 << 20;

/// What host functions may use of the stack beyond the guest.
const STACK_FOR_HOST: usize = 256 << 10;

/// Above the size of the snapshot, so that it is always mapped copy-on-write.
const IMAGE_MAX: u64 = 64 << 20;

/// The function table of CPython and its libraries has about 6,000 entries.
const TABLE_ELEMENTS: usize = 20_000;

/// What stays in memory of every slot that has ever been used, so that the next call there faults less.
const MEMORY_KEPT: usize = 512 << 10;

/// Free slots of other modules that are left alone before one of them is taken for the guest. Slots
/// that the guest has used are taken first in any case, and their memory is never given back.
const WARM_SLOTS: u32 = 32;

fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // The guest's interface is synchronous; the host suspends it. No code for more than that is reachable.
        .concurrency_support(false)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .memory_guaranteed_dense_image_size(IMAGE_MAX)
        .async_stack_size(STACK_BYTES)
        .max_wasm_stack(STACK_BYTES - STACK_FOR_HOST)
        .async_stack_zeroing(true)
        // The guest's own traceback is what a model needs; the one of its interpreter is not.
        .wasm_backtrace_max_frames(None);
    config
}

fn pool() -> PoolingAllocationConfig {
    let calls = u32::try_from(Bounds::CALLS_PER_WORKER).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(32))
        .total_memories(calls)
        .total_tables(calls.saturating_mul(2))
        .total_stacks(calls)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .max_core_instances_per_component(40)
        .max_memories_per_component(2)
        .max_tables_per_component(4)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(Limits::MEMORY_MAX)
        .max_unused_warm_slots(WARM_SLOTS)
        .linear_memory_keep_resident(MEMORY_KEPT)
        .table_keep_resident(1 << 20)
        .async_stack_keep_resident(128 << 10)
        // In this version a page that was swapped out is not reset, and the next call would read it.
        .pagemap_scan(Enabled::No);
    pool
}

/// The engine that runs guests in memory of our own.
pub(crate) fn with_own_memory(memories: Memories, stacks: Stacks) -> wasmtime::Result<Engine> {
    let mut config = config();
    config
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .with_host_memory(Arc::new(memories))
        .with_host_stack(Arc::new(stacks));
    Engine::new(&config)
}

/// The engine that runs guests in wasmtime's pool, where memory of our own cannot be had.
pub(crate) fn with_pool() -> wasmtime::Result<Engine> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    Engine::new(&config)
}

/// The engine that compiles the guest for every machine of this architecture, not only for this one.
pub(crate) fn for_compilation() -> wasmtime::Result<Engine> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    if cfg!(target_os = "linux") {
        config.target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH))?;
    }
    Engine::new(&config)
}
