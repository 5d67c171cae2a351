//! A request that runs on a task of its own, and what ends it early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::exchange::Frame;
use crate::rpc::Error;
use crate::session::Listed;
use crate::talk::{Talk, Way};

/// How many messages wait for a client that does not read; more of them it misses.
const FRAMES_MAX: usize = 256;

/// Where a session's client may come back to: going away is no cancellation there, but whoever stays
/// away gets no answer any more.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A run, held by whoever waits for it.
pub(crate) struct Running {
    pub(crate) frames: mpsc::Receiver<Frame>,
    pub(crate) talk: Arc<Talk>,
    /// How many times it was laid aside.
    pub(crate) round: u32,
    held: Held,
}

/// Ends a run when nobody waits for it any more.
struct Held {
    stop: CancellationToken,
    patience: Duration,
    has_ended: Arc<AtomicBool>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.has_ended.load(Ordering::Acquire) {
            return;
        }
        let stop = self.stop.clone();
        if self.patience.is_zero() {
            stop.cancel();
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let patience = self.patience;
            drop(runtime.spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(patience) => stop.cancel(),
                    () = stop.cancelled() => {}
                }
            }));
        } else {
            stop.cancel();
        }
    }
}

/// Starts what `run` makes of the talk with the client. `stop` ends it where it stands.
pub(crate) fn start<Run>(
    stop: CancellationToken,
    listed: Option<Listed>,
    talk: impl FnOnce(mpsc::WeakSender<Frame>) -> Talk,
    run: impl FnOnce(Arc<Talk>) -> Run,
) -> Running
where
    Run: Future<Output = Result<String, Error>> + Send + 'static,
{
    let (line, frames) = mpsc::channel(FRAMES_MAX);
    let talk = Arc::new(talk(line.downgrade()));
    let running = run(Arc::clone(&talk));
    let has_ended = Arc::new(AtomicBool::new(false));
    let patience = if listed.is_some() { PATIENCE } else { Duration::ZERO };
    let held = Held { stop: stop.clone(), patience, has_ended: Arc::clone(&has_ended) };
    drop(tokio::spawn(async move {
        let answer = stop.run_until_cancelled(running).await;
        drop(listed);
        if let Some(answer) = answer {
            has_ended.store(true, Ordering::Release);
            let _nobody_waits = line.send(Frame::Answer(answer)).await.is_err();
        }
    }));
    Running { frames, talk, round: 0, held }
}

impl Running {
    /// Goes on with another request of the client and what it answers.
    pub(crate) fn go_on(&self, meta: Option<&Value>, answers: Map<String, Value>) {
        self.talk.go_on(meta);
        if let Way::Alone { questions, .. } = &self.talk.way
            && questions.answer(answers)
            && let Some(line) = self.talk.line.upgrade()
        {
            // What it left out it is asked again. A full line holds this frame already.
            let _is_full = line.try_send(Frame::Asked).is_err();
        }
    }

    /// Ends it at once.
    pub(crate) fn stop(&self) {
        self.held.stop.cancel();
    }

    /// Whether it was ended early.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.held.stop.is_cancelled()
    }
}
