//! Keeps the workers alive: starts them, notices their loss, replaces them.

use std::io;
use std::process::id as own_process;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::link::Link;
use crate::pool::Pool;
use crate::process::{Launcher, ProcessError, Worker};
use crate::protocol::{self, FromWorker, Readiness, ToWorker, VERSION};

/// Far more than mapping the guest takes, even on a machine with other things to do.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A worker that lived this long is replaced at once.
const STEADY_AFTER: Duration = Duration::from_secs(10);

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MOST: Duration = Duration::from_secs(10);

/// The tasks that keep one worker each.
pub(crate) struct Supervisor {
    stopping: watch::Sender<bool>,
    keepers: Mutex<JoinSet<()>>,
}

type FirstReady = oneshot::Sender<Result<(), ProcessError>>;

impl Supervisor {
    /// Starts `count` workers and waits until all take calls.
    pub(crate) async fn start(
        pool: Arc<Pool>,
        launcher: Launcher,
        count: usize,
    ) -> Result<Self, ProcessError> {
        let (stopping, stop) = watch::channel(false);
        let launcher = Arc::new(launcher);
        let mut keepers = JoinSet::new();
        let mut ready = Vec::new();
        for _ in 0..count {
            let (first, started) = oneshot::channel();
            let keeper = Keeper {
                pool: Arc::clone(&pool),
                launcher: Arc::clone(&launcher),
                stop: stop.clone(),
            };
            keepers.spawn(keeper.keep(first));
            ready.push(started);
        }
        for started in ready {
            started.await.map_err(|_gone| ProcessError::Stopped)??;
        }
        Ok(Self { stopping, keepers: Mutex::new(keepers) })
    }

    /// Ends all workers and waits for that.
    pub(crate) async fn stop(&self) {
        self.stopping.send_replace(true);
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

struct Keeper {
    pool: Arc<Pool>,
    launcher: Arc<Launcher>,
    stop: watch::Receiver<bool>,
}

impl Keeper {
    async fn keep(mut self, first: FirstReady) {
        let mut first = Some(first);
        let mut backoff = BACKOFF_FIRST;
        while !*self.stop.borrow() {
            let began = Instant::now();
            match self.one_life(&mut first).await {
                Ok(()) if *self.stop.borrow() => return,
                Ok(()) => tracing::warn!("a sandbox worker was lost and is being replaced"),
                Err(error) => {
                    tracing::error!(error = ?error, "a sandbox worker did not start");
                    if let Some(first) = first.take() {
                        // Nobody listening means that the start was given up for another worker's sake.
                        let _given_up = first.send(Err(error));
                        return;
                    }
                }
            }
            backoff = match began.elapsed() {
                long if long >= STEADY_AFTER => BACKOFF_FIRST,
                _ => (backoff * 2).min(BACKOFF_MOST),
            };
            let mut stop = self.stop.clone();
            tokio::select! {
                () = sleep(backoff) => {}
                _stopping = stop.wait_for(|stopping| *stopping) => return,
            }
            self.stop = stop;
        }
    }

    /// From the start of a worker process until its end.
    async fn one_life(&mut self, first: &mut Option<FirstReady>) -> Result<(), ProcessError> {
        let mut worker = self.launcher.launch().await?;
        let (Some(mut to), Some(mut from)) = (worker.to.take(), worker.from.take()) else {
            return Err(ProcessError::Stopped);
        };
        let greeted = timeout(READY_WITHIN, self.greet(&mut to, &mut from)).await;
        let greeted = greeted.unwrap_or(Err(ProcessError::Silent(READY_WITHIN.as_secs())));
        match greeted {
            Ok(readiness) => self.pool.note(readiness),
            Err(error) => {
                worker.end().await;
                return Err(error);
            }
        }
        self.serve(worker, to, from, first).await;
        Ok(())
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
        };
        protocol::write(to, &hello).await.map_err(ProcessError::Pipe)?;
        match protocol::read(from).await.map_err(ProcessError::Pipe)? {
            Some(FromWorker::Ready { version: VERSION, outcome }) => {
                outcome.map_err(ProcessError::Refused)
            }
            Some(FromWorker::Ready { version, .. }) => {
                Err(ProcessError::Version { ours: VERSION, theirs: version })
            }
            Some(_) => Err(ProcessError::Pipe(io::ErrorKind::InvalidData.into())),
            None => Err(ProcessError::Pipe(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    async fn serve(
        &mut self,
        worker: Worker,
        to: ChildStdin,
        mut from: ChildStdout,
        first: &mut Option<FirstReady>,
    ) {
        let (outgoing, messages) = mpsc::unbounded_channel();
        let link = self.pool.add(worker.id(), outgoing);
        let mut writer = JoinSet::new();
        writer.spawn(forward(messages, to, Arc::clone(&link)));
        if let Some(first) = first.take() {
            let _given_up = first.send(Ok(()));
        }
        let reading = async {
            loop {
                match protocol::read(&mut from).await {
                    Ok(Some(message)) => link.deliver(message).await,
                    Ok(None) => return,
                    Err(error) => {
                        tracing::error!(%error, "a sandbox worker sent what cannot be read");
                        return;
                    }
                }
            }
        };
        tokio::select! {
            () = reading => {}
            () = link.condemned() => tracing::error!("a sandbox worker does not answer any more"),
            _stopping = self.stop.wait_for(|stopping| *stopping) => {}
        }
        self.pool.remove(&link);
        worker.end().await;
    }
}

async fn forward(
    mut messages: mpsc::UnboundedReceiver<ToWorker>,
    mut to: ChildStdin,
    link: Arc<Link>,
) {
    while let Some(message) = messages.recv().await {
        if let Err(error) = protocol::write(&mut to, &message).await {
            tracing::debug!(%error, "a sandbox worker can no longer be written to");
            link.condemn();
            return;
        }
    }
}
