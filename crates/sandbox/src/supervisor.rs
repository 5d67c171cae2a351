//! Keeps the workers alive: starts them, notices their loss, replaces them.

mod attendant;

use std::io;
use std::process::id as own_process;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::pool::Pool;
use crate::process::{Launcher, ProcessError};
use crate::protocol::{self, FromWorker, Readiness, ToWorker, VERSION};
use crate::walls::WallsPolicy;
use attendant::Attendant;

/// Far more than mapping the guest takes, even on a machine with other things to do.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A worker that lived this long did not fail for what it was started with.
const STEADY_AFTER: Duration = Duration::from_secs(10);

/// Starts of a sandbox's first workers that may fail for want of memory or processes.
const FIRST_TRIES: u32 = 3;

/// Early losses in a row after which the next worker is started at once all the same.
const EARLY_FREE: u32 = 2;

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MOST: Duration = Duration::from_secs(10);

/// Workers that end their last calls while another one has already taken their place.
const LEAVING_MAX: usize = 2;

/// What every worker is held to.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// What is done about walls that are missing.
    pub(crate) walls: WallsPolicy,
    /// Calls after which a worker is replaced.
    pub(crate) calls_most: u64,
}

/// The tasks that keep one worker each.
pub(crate) struct Supervisor {
    stopping: watch::Sender<bool>,
    keepers: Mutex<JoinSet<()>>,
}

type FirstReady = oneshot::Sender<Result<(), ProcessError>>;

impl Supervisor {
    /// Starts the pool's workers and waits until all take calls.
    pub(crate) async fn start(
        pool: Arc<Pool>,
        launcher: Launcher,
        terms: Terms,
    ) -> Result<Self, ProcessError> {
        let (stopping, stop) = watch::channel(false);
        let launcher = Arc::new(launcher);
        let mut keepers = JoinSet::new();
        let mut ready = Vec::new();
        for _ in 0..pool.workers() {
            let (first, started) = oneshot::channel();
            let keeper = Keeper {
                pool: Arc::clone(&pool),
                launcher: Arc::clone(&launcher),
                terms,
                stop: stop.clone(),
                attendants: JoinSet::new(),
            };
            keepers.spawn(keeper.keep(first));
            ready.push(started);
        }
        for started in ready {
            started.await.map_err(|_gone| ProcessError::Stopped)??;
        }
        if let Some(missing) = pool.walls().and_then(|walls| walls.missing()) {
            tracing::warn!(missing, "sandbox workers run without some of their walls");
        }
        Ok(Self { stopping, keepers: Mutex::new(keepers) })
    }

    /// Has all workers ended, and none replaced.
    pub(crate) fn begin_to_stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Ends all workers and waits for that.
    pub(crate) async fn stop(&self) {
        self.begin_to_stop();
        let mut keepers = {
            let mut kept = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *kept)
        };
        while let Some(ended) = keepers.join_next().await {
            if let Err(error) = ended {
                tracing::warn!(%error, "the keeper of a sandbox worker failed");
            }
        }
    }
}

/// Why a worker takes no more calls.
enum End {
    /// It has taken as many as it was to take.
    UsedUp,
    /// Any other reason, its own doubts included.
    Lost,
}

struct Keeper {
    pool: Arc<Pool>,
    launcher: Arc<Launcher>,
    terms: Terms,
    stop: watch::Receiver<bool>,
    /// Of the worker that takes calls, and of former ones that end theirs.
    attendants: JoinSet<()>,
}

impl Keeper {
    async fn keep(mut self, first: FirstReady) {
        let mut first = Some(first);
        let mut early = 0;
        while !*self.stop.borrow() {
            let began = Instant::now();
            match self.one_life(&mut first).await {
                Ok(_) if *self.stop.borrow() => break,
                Ok(End::UsedUp) => {
                    tracing::debug!("a sandbox worker has taken its calls and is being replaced");
                    self.pool.note_renewed();
                    early = 0;
                    continue;
                }
                Ok(End::Lost) => {
                    tracing::warn!("a sandbox worker is being replaced");
                    self.pool.note_lost();
                }
                Err(error) => {
                    tracing::error!(error = ?error, "a sandbox worker did not start");
                    let for_good = !error.may_pass() || early + 1 >= FIRST_TRIES;
                    if let Some(first) = first.take_if(|_| for_good) {
                        // Nobody listening means that the start was given up for another worker's sake.
                        let _given_up = first.send(Err(error));
                        break;
                    }
                }
            }
            early = if began.elapsed() < STEADY_AFTER { early + 1 } else { 0 };
            let mut stop = self.stop.clone();
            tokio::select! {
                () = sleep(pause(early)) => {}
                _stopping = stop.wait_for(|stopping| *stopping) => {}
            }
        }
        while self.attendants.join_next().await.is_some() {}
    }

    /// From the start of a worker process until it takes no more calls.
    async fn one_life(&mut self, first: &mut Option<FirstReady>) -> Result<End, ProcessError> {
        while self.attendants.try_join_next().is_some() {}
        while self.attendants.len() > LEAVING_MAX {
            let _ended = self.attendants.join_next().await;
        }
        let mut worker = self.launcher.launch().await?;
        let taken = (worker.to.take(), worker.from.take(), worker.socket.take());
        let (Some(mut to), Some(mut from), Some(socket)) = taken else {
            return Err(ProcessError::Stopped);
        };
        let greeted = timeout(READY_WITHIN, self.greet(&mut to, &mut from)).await;
        let greeted = greeted.unwrap_or(Err(ProcessError::Silent(READY_WITHIN.as_secs())));
        let readiness = match greeted {
            Ok(readiness) => readiness,
            Err(error) => {
                worker.end().await;
                return Err(error);
            }
        };
        let (link, letters) =
            self.pool.add(worker.id(), readiness, self.terms.calls_most, Some(socket));
        let (pool, stop) = (Arc::clone(&self.pool), self.stop.clone());
        let attendant =
            Attendant { pool, link: Arc::clone(&link), worker, to, from, letters, stop };
        self.attendants.spawn(attendant.attend());
        if let Some(first) = first.take() {
            let _given_up = first.send(Ok(()));
        }
        link.replaceable().await;
        Ok(if link.is_used_up() { End::UsedUp } else { End::Lost })
    }

    async fn greet(
        &self,
        to: &mut ChildStdin,
        from: &mut ChildStdout,
    ) -> Result<Readiness, ProcessError> {
        let provision = self.launcher.provision();
        let hello = ToWorker::Hello {
            version: VERSION,
            server: own_process(),
            code: provision.code(),
            memory: provision.recipes(),
            share: self.pool.share(),
        };
        protocol::write(to, &hello).await.map_err(ProcessError::Pipe)?;
        let readiness = match protocol::read(from).await.map_err(ProcessError::Pipe)? {
            Some(FromWorker::Ready { version: VERSION, outcome }) => {
                outcome.map_err(ProcessError::Refused)?
            }
            Some(FromWorker::Ready { version, .. }) => {
                return Err(ProcessError::Version { ours: VERSION, theirs: version });
            }
            Some(_) => return Err(ProcessError::Pipe(io::ErrorKind::InvalidData.into())),
            None => return Err(ProcessError::Pipe(io::ErrorKind::UnexpectedEof.into())),
        };
        match (self.terms.walls, readiness.walls.missing()) {
            (WallsPolicy::Required, Some(missing)) => Err(ProcessError::Walls(missing)),
            _ => Ok(readiness),
        }
    }
}

/// How long to wait before the next worker, after `early` ones in a row that ended soon.
fn pause(early: u32) -> Duration {
    match early.checked_sub(EARLY_FREE + 1) {
        None => Duration::ZERO,
        Some(doublings) => {
            BACKOFF_FIRST.saturating_mul(2_u32.saturating_pow(doublings)).min(BACKOFF_MOST)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BACKOFF_FIRST, BACKOFF_MOST, Duration, pause};

    #[test]
    fn a_loss_costs_no_pause_until_losses_follow_one_another() {
        assert_eq!([pause(0), pause(1), pause(2)], [Duration::ZERO; 3]);
        assert_eq!([pause(3), pause(4)], [BACKOFF_FIRST, BACKOFF_FIRST * 2]);
        assert_eq!([pause(20), pause(u32::MAX)], [BACKOFF_MOST; 2]);
    }
}
