//! Attends one worker from its readiness until its end: carries the messages and listens to its pulse.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::unix::pipe;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::link::{Letters, Link};
use crate::pool::Pool;
use crate::process::Worker;
use crate::protocol::{self, FromWorker, READ_AT_ONCE};

/// How often a worker is asked for a sign of life.
const BEAT: Duration = Duration::from_secs(1);

/// Silent beats after which a worker is given up that does nothing.
const PATIENCE: u32 = 5;

/// Silent beats after which a worker is given up that is at work, or waits for a processor: it looks
/// at its pipes every 5 ms, but calls that need very much memory can hold it up on a busy machine.
const PATIENCE_AT_WORK: u32 = 30;

/// What an attendant works with.
pub(super) struct Attendant {
    pub(super) pool: Arc<Pool>,
    pub(super) link: Arc<Link>,
    pub(super) worker: Worker,
    pub(super) to: ChildStdin,
    pub(super) from: ChildStdout,
    pub(super) letters: Letters,
    pub(super) stop: watch::Receiver<bool>,
}

impl Attendant {
    /// Returns once the worker is of no more use and its process is gone.
    pub(super) async fn attend(self) {
        let Self { pool, link, worker, to, from, letters, mut stop } = self;
        let mut beside = JoinSet::new();
        let writing = Arc::clone(&link);
        beside.spawn(async move {
            match to.into_owned_fd().and_then(pipe::Sender::from_owned_fd) {
                Ok(to) => letters.write_to(to).await,
                Err(error) => tracing::error!(%error, "a sandbox worker's pipe cannot be used"),
            }
            writing.condemn("ended");
        });
        let pulse = Arc::clone(&link);
        beside.spawn(async move { listen(&pulse, BEAT).await });
        tokio::select! {
            () = read(from, &pool, &link) => {}
            () = link.over() => {}
            _stopping = stop.wait_for(|stopping| *stopping) => {}
        }
        pool.remove(&link);
        worker.end().await;
    }
}

/// Reads until the worker ends or sends what is not a message.
async fn read(from: ChildStdout, pool: &Arc<Pool>, link: &Link) {
    let mut from = BufReader::with_capacity(READ_AT_ONCE, from);
    loop {
        match protocol::read(&mut from).await {
            Ok(Some(message)) => {
                if link.hear() {
                    pool.serve_waiting();
                }
                match message {
                    FromWorker::Load(load) => pool.loaded(link, load),
                    message => link.deliver(message).await,
                }
            }
            Ok(None) => return link.condemn("ended"),
            Err(error) => {
                tracing::error!(%error, worker = link.process, "a sandbox worker sent what cannot be read");
                return link.condemn("sent what cannot be read");
            }
        }
    }
}

/// Condemns the worker once it is silent for too long.
///
/// Beats are counted, not seconds: when this process itself was stopped for a while, one beat was missed.
async fn listen(link: &Link, beat: Duration) {
    let mut silent = 0;
    while silent < PATIENCE || (silent < PATIENCE_AT_WORK && is_at_work(link.process)) {
        let heard = link.ping();
        sleep(beat).await;
        silent = if link.is_silent_since(heard) { silent + 1 } else { 0 };
    }
    tracing::error!(worker = link.process, "a sandbox worker does not answer any more");
    link.condemn("stopped answering");
}

/// Whether the process runs, is about to, or waits for a disk: neither stopped, nor asleep, nor gone.
fn is_at_work(process: u32) -> bool {
    let Ok(line) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { return false };
    // The state follows the name, which stands in brackets and may hold any character.
    let state = line.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('R' | 'D'))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use uuid::Uuid;

    use super::{is_at_work, listen};
    use crate::limits::Bounds;
    use crate::link::Link;
    use crate::pool::Pool;
    use crate::protocol::tests::readiness;

    fn link() -> (Arc<Pool>, Arc<Link>) {
        let pool = Arc::new(Pool::new(1, Bounds::default()));
        let link = pool.add(1, readiness(), u64::MAX, None).0;
        (pool, link)
    }

    #[tokio::test]
    async fn a_silent_worker_gets_no_call_until_it_answers() {
        let (_pool, link) = link();
        let heard = link.ping();
        assert!(link.burden().is_some());
        assert!(link.is_silent_since(heard));
        assert!(link.burden().is_none());
        assert!(link.hear());
        assert!(link.burden().is_some());
        assert!(!link.is_silent_since(heard));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_runs_is_at_work_and_who_is_stopped_or_gone_is_not() {
        let start = |command: &str| {
            std::process::Command::new("sh").args(["-c", command]).spawn().expect("it starts")
        };
        for (command, at_work) in [("while :; do :; done", true), ("exec sleep 600", false)] {
            let mut child = start(command);
            // It may be somewhere else at first, and for a moment.
            while is_at_work(child.id()) != at_work {
                std::thread::yield_now();
            }
            child.kill().expect("it is there");
            child.wait().expect("it has ended");
            assert!(!is_at_work(child.id()));
        }
    }

    #[tokio::test]
    async fn a_worker_that_stays_silent_is_condemned() {
        let (pool, link) = link();
        let seat = link.seat(&pool, Uuid::nil());
        listen(&link, Duration::from_millis(1)).await;
        link.over().await;
        assert_eq!(seat.map(|seat| seat.how_lost()), Some("stopped answering"));
    }
}
