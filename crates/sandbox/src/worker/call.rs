//! One call in the worker: a fresh instance, its limits, and the words for how it ended.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::ResourceTableError;
use wasmtime::{Store, Trap};

use super::ahead::{self, Compiled, Order};
use super::budget::{Admitted, Budget};
use super::guest::Guest;
use super::guest::bindings::{self, Tool};
use super::meter::Meter;
use super::operations::Operations;
use super::outbox::Outbox;
use super::output::{Output, Writer};
use super::sets::Set;
use super::state::{Parts, State};
use crate::answer;
use crate::clock::Clock;
use crate::limits::Limits;
use crate::memory::delta::{self, Delta};
use crate::outcome::FailureKind;
use crate::protocol::{FromWorker, Program, Reply, Task};
use crate::text;

/// What an answer may hold beside the result: names, an error's message, a traceback.
const ANSWER_OVERHEAD: usize = 256 << 10;

/// Addresses from here on are those below 0, taken modulo 2³², for frames of 16 MB at most.
const BELOW_MEMORY: u64 = (1 << 32) - (16 << 20);

/// What one call is given.
pub(super) struct Context {
    pub(super) call: u64,
    pub(super) limits: Limits,
    pub(super) guest: Arc<Guest>,
    pub(super) outbox: Outbox,
    pub(super) operations: Operations,
    pub(super) meter: Meter,
    pub(super) clock: Clock,
    pub(super) budget: Budget,
    pub(super) memory: Admitted,
}

/// Carries out `task` and sends the end of the call.
pub(super) async fn answer(context: Context, task: Task) {
    let Context { call, limits, .. } = context;
    let outbox = context.outbox.clone();
    let output = Output::new(call, limits.stdout_bytes);
    let meter = context.meter.clone();
    let clock = context.clock.clone();
    let (guest, budget) = (Arc::clone(&context.guest), context.budget.clone());
    let mut attempt = Attempt { context, output: Arc::clone(&output), set: None };
    let (reply, order) = match clock.in_time(attempt.perform(task)).await {
        Some(performed) => performed,
        None => (exceeded(FailureKind::WallClock, &limits), None),
    };
    let stdout_truncated = output.truncated();
    outbox.send(FromWorker::Done { call, reply, used: meter.used(), stdout_truncated });
    // Nobody waits for this any more; without room for it, a later call will say so again.
    if let Some(order) = order
        && let Some(memory) = budget.admit()
    {
        let _ticking = guest.ticker.guard();
        order.carry_out(&guest, memory.growth()).await;
    }
}

pub(super) struct Attempt {
    context: Context,
    output: Arc<Output>,
    /// The packages that its instances have.
    set: Option<Set>,
}

impl Attempt {
    async fn perform(&mut self, task: Task) -> (Reply, Option<Order>) {
        let guest = Arc::clone(&self.context.guest);
        let set = match &task {
            Task::Inspect { set, .. } | Task::Run(Program { set, .. }) => *set,
            Task::Prepare { .. } => None,
        };
        if let Some(number) = set {
            self.set = guest.sets.get(number);
            if self.set.is_none() {
                let message = "this worker does not have the packages of the server: call again";
                let kind = FailureKind::Busy;
                return (Reply::Ended { kind, message: message.to_owned() }, None);
            }
        }
        // Never closed; held until all stores of this call are dropped.
        let _slot = guest.slots.acquire().await;
        let _ticking = guest.ticker.guard();
        match task {
            Task::Inspect { source, execute, modules, set: _ } => {
                (self.inspect(&source, execute, &modules).await, None)
            }
            // Rare, and so large that all other calls would carry its room with them.
            Task::Prepare { modules } => (Box::pin(self.prepare(&modules)).await, None),
            Task::Run(program) => match self.compiled(&program.source, &program.modules).await {
                Ok(compiled) => self.run(&compiled, &program).await,
                Err(reply) => (reply, None),
            },
        }
    }

    pub(super) fn guest(&self) -> &Guest {
        &self.context.guest
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.context.outbox
    }

    pub(super) fn call_number(&self) -> u64 {
        self.context.call
    }

    pub(super) fn store(&self) -> Store<State> {
        self.store_within(&self.context.limits)
    }

    /// A store whose guest may use `cpu` beyond what the call has used.
    pub(super) fn store_for(&self, cpu: Duration) -> Store<State> {
        let cpu = self.context.meter.spent_until_now().saturating_add(cpu);
        self.store_within(&Limits { cpu, ..self.context.limits })
    }

    fn store_within(&self, limits: &Limits) -> Store<State> {
        let Context { guest, outbox, operations, meter, memory, .. } = &self.context;
        let parts = Parts {
            operations: operations.clone(),
            growth: memory.growth(),
            meter: meter.clone(),
            writer: Writer { output: Arc::clone(&self.output), outbox: outbox.clone() },
            clock: self.context.clock.clone(),
        };
        guest.store(State::new(limits, parts))
    }

    async fn inspect(&self, source: &str, execute: bool, modules: &str) -> Reply {
        let mut store = self.store();
        // A package could have anything said of a source that is only read.
        let set = self.set.as_ref().filter(|_| execute);
        let answered = match self.context.guest.instance(&mut store, set).await {
            Ok(tool) => tool.call_inspect(&mut store, source, execute, modules).await,
            Err(error) => Err(error),
        };
        match answered {
            Ok(json) => self.bounded(json),
            Err(error) => self.ended(&error, &store),
        }
    }

    /// The bytecode of `source`, made in an instance of its own that never runs it.
    async fn compiled(&self, source: &str, modules: &str) -> Result<Compiled, Reply> {
        let guest = &self.context.guest;
        let key = ahead::key(source, modules, self.set.as_ref());
        if let Some(compiled) = guest.ahead.compiled(&key) {
            return Ok(compiled);
        }
        // Not with the packages, which could have other code made of it than what was approved.
        let (answered, store) = self.compile(None, source, modules).await;
        match answered {
            Ok(Ok(compiled)) => {
                let constant = guest.loads_ahead()
                    && (compiled.constant || self.is_constant(source, modules).await);
                let compiled = Compiled { bytecode: compiled.bytecode.into(), constant };
                guest.ahead.keep(key, &compiled);
                Ok(compiled)
            }
            Ok(Err(json)) if json.len() <= ANSWER_OVERHEAD => Err(Reply::NotCompiled(json)),
            Ok(Err(_)) => Err(Reply::Ended {
                kind: FailureKind::Syntax,
                message: "the source does not compile, and saying why takes too long".to_owned(),
            }),
            Err(error) => Err(self.ended(&error, &store)),
        }
    }

    /// Whether the source is constant where its packages are loaded. What they say wrongly concerns nobody
    /// but the tools that have them.
    async fn is_constant(&self, source: &str, modules: &str) -> bool {
        let Some(set) = &self.set else { return false };
        let (answered, _store) = self.compile(Some(set), source, modules).await;
        matches!(answered, Ok(Ok(compiled)) if compiled.constant)
    }

    async fn compile(
        &self,
        set: Option<&Set>,
        source: &str,
        modules: &str,
    ) -> (wasmtime::Result<Result<bindings::Compiled, String>>, Store<State>) {
        let mut store = self.store();
        let answered = match self.context.guest.instance(&mut store, set).await {
            Ok(tool) => tool.call_compile(&mut store, source, modules).await,
            Err(error) => Err(error),
        };
        (answered, store)
    }

    /// Runs `main`, and says what to do so that the tool is loaded ahead the next time.
    async fn run(&self, compiled: &Compiled, program: &Program) -> (Reply, Option<Order>) {
        let Context { guest, limits, .. } = &self.context;
        let (loaded, order) = guest.ahead.loaded(compiled, program, self.set.as_ref(), limits);
        let mut store = self.store();
        let answered = match loaded {
            Some(delta) => self.call(delta, program, &mut store).await,
            None => self.load_and_call(&compiled.bytecode, program, &mut store).await,
        };
        match answered {
            Ok(json) => (self.bounded(json), order),
            Err(error) => (self.ended(&error, &store), order),
        }
    }

    async fn call(
        &self,
        loaded: Arc<Delta>,
        program: &Program,
        store: &mut Store<State>,
    ) -> wasmtime::Result<String> {
        let tool = delta::prepared(loaded, self.instance(store)).await?;
        let limit = self.result_limit();
        let Program { arguments, secrets, client, .. } = program;
        tool.call_call(store, arguments, secrets, client, limit).await
    }

    async fn load_and_call(
        &self,
        bytecode: &[u8],
        program: &Program,
        store: &mut Store<State>,
    ) -> wasmtime::Result<String> {
        let Program { source, arguments, secrets, client, modules, set: _ } = program;
        let limit = self.result_limit();
        let tool = self.instance(store).await?;
        tool.call_run(store, bytecode, source, arguments, secrets, client, modules, limit).await
    }

    async fn instance(&self, store: &mut Store<State>) -> wasmtime::Result<Tool> {
        self.context.guest.instance(store, self.set.as_ref()).await
    }

    fn result_limit(&self) -> u32 {
        u32::try_from(self.context.limits.result_bytes).unwrap_or(u32::MAX)
    }

    fn bounded(&self, json: String) -> Reply {
        let limit = self.context.limits.result_bytes;
        if json.len() <= limit.saturating_add(ANSWER_OVERHEAD) {
            return Reply::Answered(json);
        }
        let failure = answer::too_large(json.len(), limit);
        Reply::Ended { kind: failure.kind, message: failure.message }
    }

    /// Why the guest gave no answer.
    pub(super) fn ended(&self, error: &wasmtime::Error, store: &Store<State>) -> Reply {
        let limits = &self.context.limits;
        if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
            let message = format!(
                "the tool ended the interpreter with status {}: return from main instead",
                exit.0
            );
            return Reply::Ended { kind: FailureKind::Exit, message };
        }
        if matches!(error.downcast_ref::<Trap>(), Some(Trap::StackOverflow)) || below_memory(error)
        {
            let message =
                "the tool ran out of stack: recurse less deeply, or use a loop".to_owned();
            return Reply::Ended { kind: FailureKind::Recursion, message };
        }
        if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
            return exceeded(FailureKind::Handles, limits);
        }
        match store.data().exceeded {
            Some(FailureKind::Busy) => {
                let message = self.context.budget.used_up();
                return Reply::Ended { kind: FailureKind::Busy, message };
            }
            Some(kind) => return exceeded(kind, limits),
            None => {}
        }
        let message = format!(
            "the interpreter failed ({}): the tool has probably damaged it",
            text::one_line(&error.root_cause().to_string(), 200)
        );
        Reply::Ended { kind: FailureKind::Trap, message }
    }
}

/// Whether the guest reached below its memory. The stack of its C code lies at the foot of that and
/// grows downwards, so that it ends there when it overflows.
fn below_memory(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| is_below_memory(&cause.to_string()))
}

/// Reads the engine's text, as the type that it comes from is not public.
fn is_below_memory(text: &str) -> bool {
    let address = text.strip_prefix("memory fault at wasm address 0x");
    let address = address.and_then(|rest| rest.split_once(' '));
    let address = address.and_then(|(digits, _)| u64::from_str_radix(digits, 16).ok());
    address.is_some_and(|address| address >= BELOW_MEMORY)
}

fn exceeded(kind: FailureKind, limits: &Limits) -> Reply {
    let message = match kind {
        FailureKind::Cpu => format!(
            "stopped after {} of processor time, the limit of one call: do less work in one call",
            text::duration(limits.cpu)
        ),
        FailureKind::WallClock => format!(
            "stopped after {}, the time limit of this call: do less or wait less in one call, or \
             give the tool a longer `timeout_ms` (1,000 to 300,000) with mcpbox_update_tool",
            text::duration(limits.wall)
        ),
        FailureKind::Handles => answer::handles(),
        _ => answer::memory(limits.memory_bytes),
    };
    Reply::Ended { kind, message }
}

#[cfg(test)]
mod tests {
    use super::is_below_memory;

    #[test]
    fn a_fault_below_memory_is_told_from_others() {
        let fault = |address| {
            format!("memory fault at wasm address {address} in linear memory of size 0x2000000")
        };
        assert!(is_below_memory(&fault("0xffffffe0")));
        assert!(!is_below_memory(&fault("0x2000010")));
        assert!(!is_below_memory(&fault("0x7fffffff")));
        assert!(!is_below_memory("wasm trap: out of bounds memory access"));
    }
}
