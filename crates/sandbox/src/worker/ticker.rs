//! The clock that interrupts guests: advances the engine's epoch while a call is under way.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::Engine;

/// The longest that a guest runs before the worker looks at its limits and at the other calls.
const TICK: Duration = Duration::from_millis(5);

/// Ticks while there are guards. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    running: Mutex<usize>,
    begun: Condvar,
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticker {
    /// Starts the thread; it ends with the process.
    pub(super) fn start(&self, engine: Engine) {
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            loop {
                let idle = shared.begun.wait_while(shared.running(), |running| *running == 0);
                drop(idle);
                thread::sleep(TICK);
                engine.increment_epoch();
            }
        });
    }

    /// Keeps the clock going until the guard is dropped.
    pub(super) fn guard(&self) -> Guard {
        let mut running = self.shared.running();
        *running += 1;
        if *running == 1 {
            self.shared.begun.notify_one();
        }
        drop(running);
        Guard { shared: Arc::clone(&self.shared) }
    }
}

/// One call for whose sake the clock ticks.
pub(super) struct Guard {
    shared: Arc<Shared>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        *self.shared.running() -= 1;
    }
}
