//! Sets of packages on their way to being ready: each is made once, however many calls wait for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::{Error, Result};

/// After so long, what failed is tried again by the next call that needs it; longer after each failure.
const RETRY_AFTER: Duration = Duration::from_secs(30);
const RETRY_AT_LAST: Duration = Duration::from_hours(1);

/// The same after a failure of which the packages are not the cause, such as a worker that was lost.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// How many sets are held ready; the others are read from disk again when a call needs them.
const READY_MAX: usize = 24;

/// How far a set is in this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Preparation {
    /// Nobody has needed it yet.
    NotBegun,
    /// Its wheels are fetched.
    Fetching {
        /// So many are here.
        done: usize,
        /// Of so many.
        all: usize,
    },
    /// The sandbox imports its modules.
    Preparing {
        /// What it does now.
        text: String,
    },
    /// Calls run with it.
    Ready {
        /// Modules of it that cannot be imported, and why. Many are meant for other systems.
        failed: BTreeMap<String, String>,
        /// Why calls that use it begin more slowly than they could.
        fallen_back: Option<String>,
    },
    /// It cannot be made ready.
    Failed {
        /// Why, and what to do.
        reason: String,
    },
}

impl Preparation {
    /// Whether it goes on without anybody doing anything.
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Fetching { .. } | Self::Preparing { .. })
    }

    /// The state as a sentence for people and models.
    pub fn text(&self) -> String {
        match self {
            Self::NotBegun => "not prepared yet; the first call begins it".to_owned(),
            Self::Fetching { done, all } => format!("fetching wheels, {done} of {all} are here"),
            Self::Preparing { text } => format!("preparing: {text}"),
            Self::Ready { .. } => "ready".to_owned(),
            Self::Failed { reason } => format!("cannot be prepared: {reason}"),
        }
    }
}

/// The sets of this process, by digest.
pub(crate) struct Preparations<T> {
    /// What a set that is ready tells about itself.
    told: fn(&T) -> Preparation,
    slots: Mutex<HashMap<String, Slot<T>>>,
}

/// Where the work tells how far it is.
pub(crate) type Progress = watch::Sender<Preparation>;

/// Why there is no set.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) reason: String,
    /// Whether the next attempt may do better without anybody doing anything.
    pub(crate) passing: bool,
}

struct Slot<T> {
    /// When it was asked for last.
    used: Instant,
    /// How often making it has failed before.
    failures: u32,
    progress: watch::Receiver<Preparation>,
    outcome: watch::Receiver<Option<Outcome<T>>>,
    /// Ends the work when nobody needs the set any more.
    _work: AbortOnDropHandle<()>,
}

#[derive(Clone)]
enum Outcome<T> {
    Ready(T),
    Failed { failed: Failed, at: Instant },
}

impl<T: Clone + Send + Sync + 'static> Preparations<T> {
    pub(crate) fn new(told: fn(&T) -> Preparation) -> Self {
        Self { told, slots: Mutex::default() }
    }

    /// How far the set is.
    pub(crate) fn state(&self, digest: &str) -> Preparation {
        let slots = self.slots();
        let Some(slot) = slots.get(digest) else { return Preparation::NotBegun };
        match &*slot.outcome.borrow() {
            Some(Outcome::Ready(set)) => (self.told)(set),
            Some(Outcome::Failed { failed, .. }) => {
                Preparation::Failed { reason: failed.reason.clone() }
            }
            None => slot.progress.borrow().clone(),
        }
    }

    /// The set, if it is ready.
    pub(crate) fn ready(&self, digest: &str) -> Option<T> {
        let mut slots = self.slots();
        let slot = slots.get_mut(digest)?;
        slot.used = Instant::now();
        match &*slot.outcome.borrow() {
            Some(Outcome::Ready(set)) => Some(set.clone()),
            _ => None,
        }
    }

    /// Begins the work of making a set ready, unless that was done, is done, or has just failed.
    pub(crate) fn begin<W>(&self, digest: &str, work: impl FnOnce(Progress) -> W)
    where
        W: Future<Output = std::result::Result<T, Failed>> + Send + 'static,
    {
        let mut slots = self.slots();
        let former = slots.get(digest);
        if former.is_some_and(|slot| !slot.is_worth_another_try()) {
            return;
        }
        let failures = former.map_or(0, |slot| slot.failures.saturating_add(1));
        make_room(&mut slots);
        let (progress, told) = watch::channel(Preparation::Fetching { done: 0, all: 0 });
        let (sender, outcome) = watch::channel(None);
        let work = work(progress);
        let task = tokio::spawn(async move {
            let done = match work.await {
                Ok(set) => Outcome::Ready(set),
                Err(failed) => Outcome::Failed { failed, at: Instant::now() },
            };
            sender.send_replace(Some(done));
        });
        let (used, work) = (Instant::now(), AbortOnDropHandle::new(task));
        let slot = Slot { used, failures, progress: told, outcome, _work: work };
        slots.insert(digest.to_owned(), slot);
    }

    /// Waits for a set that was begun.
    ///
    /// # Errors
    /// [`Error::Busy`] with how far it is when it takes longer than `limit`; [`Error::Unavailable`]
    /// when it cannot be made ready.
    pub(crate) async fn wait(&self, digest: &str, limit: Duration) -> Result<T> {
        let waited = self.slots().get(digest).map(|slot| slot.outcome.clone());
        let Some(mut outcome) = waited else { return Err(failed("nobody has begun it")) };
        let ended = tokio::time::timeout(limit, outcome.wait_for(Option::is_some)).await;
        match ended {
            Ok(Ok(outcome)) => match &*outcome {
                Some(Outcome::Ready(set)) => Ok(set.clone()),
                Some(Outcome::Failed { failed: why, .. }) => Err(failed(&why.reason)),
                None => Err(failed("it ended without a word")),
            },
            Ok(Err(_ended)) => Err(failed("the work was given up; call again")),
            Err(_too_long) => Err(Error::Busy {
                reason: format!(
                    "the packages of this server are not ready yet ({}); call again in a moment",
                    self.state(digest).text()
                ),
                retry_after_seconds: 5,
            }),
        }
    }

    /// Lets go of the sets that nobody needs any more.
    pub(crate) fn retain(&self, needed: impl Fn(&str) -> bool) {
        self.slots().retain(|digest, _| needed(digest));
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot<T>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Slot<T> {
    fn is_worth_another_try(&self) -> bool {
        match &*self.outcome.borrow() {
            Some(Outcome::Failed { failed, at }) => {
                at.elapsed() >= pause(self.failures, failed.passing)
            }
            Some(Outcome::Ready(_)) => false,
            // Work that crashed says nothing any more.
            None => self.outcome.has_changed().is_err(),
        }
    }
}

/// Lets go of the set that was not used for longest where there are as many as may be.
fn make_room<T>(slots: &mut HashMap<String, Slot<T>>) {
    let is_ready = |slot: &Slot<T>| matches!(&*slot.outcome.borrow(), Some(Outcome::Ready(_)));
    let ready = slots.iter().filter(|(_, slot)| is_ready(slot));
    if ready.clone().count() < READY_MAX {
        return;
    }
    let oldest = ready.min_by_key(|(_, slot)| slot.used).map(|(digest, _)| digest.clone());
    if let Some(digest) = oldest {
        slots.remove(&digest);
    }
}

/// How long after a failure the next attempt may come.
fn pause(failures: u32, passing: bool) -> Duration {
    if passing {
        return RETRY_SOON;
    }
    RETRY_AFTER.saturating_mul(4_u32.saturating_pow(failures)).min(RETRY_AT_LAST)
}

fn failed(reason: &str) -> Error {
    let text = format!("{reason}. A person can look at the packages on the page of the server");
    Error::unavailable("the set of packages of this server", std::io::Error::other(text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);
    const READY: Preparation = Preparation::Ready { failed: BTreeMap::new(), fallen_back: None };

    fn sets() -> Preparations<u8> {
        Preparations::new(|_| READY)
    }

    #[tokio::test]
    async fn a_set_is_made_once_and_everybody_who_waits_gets_it() {
        let sets = sets();
        let (made, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        assert_eq!(sets.state("a"), Preparation::NotBegun);
        for _ in 0..3 {
            let (made, go) = (Arc::clone(&made), Arc::clone(&go));
            sets.begin("a", |progress| async move {
                made.fetch_add(1, Ordering::SeqCst);
                progress.send_replace(Preparation::Fetching { done: 1, all: 2 });
                go.notified().await;
                Ok(7)
            });
        }
        let early = sets.wait("a", Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(early, Error::Busy { .. }), "{early}");
        assert!(early.to_string().contains("1 of 2"), "{early}");
        assert!(sets.state("a").is_under_way() && sets.ready("a").is_none());
        go.notify_one();
        let (one, other) = tokio::join!(sets.wait("a", LONG), sets.wait("a", LONG));
        assert_eq!((one.unwrap(), other.unwrap()), (7, 7));
        assert_eq!((sets.ready("a"), sets.state("a")), (Some(7), READY));
        assert_eq!(made.load(Ordering::SeqCst), 1);
        sets.retain(|digest| digest != "a");
        assert_eq!(sets.state("a"), Preparation::NotBegun, "nobody needs it any more");
    }

    #[tokio::test]
    async fn what_failed_says_why_and_is_not_tried_again_at_once() {
        let sets = sets();
        let why = Failed { reason: "no module named yaml".to_owned(), passing: false };
        sets.begin("a", |_| async { Err(why) });
        let failed = sets.wait("a", LONG).await.unwrap_err();
        assert!(failed.to_string().contains("no module named yaml"), "{failed}");
        sets.begin("a", |_| async { Ok(1) });
        assert!(matches!(sets.state("a"), Preparation::Failed { .. }));
        sets.begin("b", |_| async { Ok(1) });
        assert_eq!(sets.wait("b", LONG).await.unwrap(), 1, "another set does not mind");
    }

    #[test]
    fn failures_are_tried_again_later_and_later_and_what_passes_soon() {
        assert_eq!([pause(0, false), pause(1, false)], [RETRY_AFTER, RETRY_AFTER * 4]);
        assert_eq!([pause(9, false), pause(u32::MAX, false)], [RETRY_AT_LAST; 2]);
        assert_eq!([pause(0, true), pause(9, true)], [RETRY_SOON; 2]);
    }

    #[tokio::test]
    async fn only_so_many_are_held_and_the_least_used_goes_first() {
        let sets = sets();
        for number in 0..=READY_MAX {
            let name = number.to_string();
            sets.begin(&name, |_| async { Ok(1) });
            sets.wait(&name, LONG).await.unwrap();
            assert!(sets.ready("0").is_some());
        }
        assert!(sets.ready("1").is_none() && sets.ready("2").is_some());
        assert!(sets.ready(&READY_MAX.to_string()).is_some());
    }

    #[tokio::test]
    async fn work_that_crashed_is_begun_again() {
        let sets = sets();
        sets.begin("a", |_| async { panic!("it crashed") });
        let lost = sets.wait("a", LONG).await.unwrap_err();
        assert!(lost.to_string().contains("call again"), "{lost}");
        sets.begin("a", |_| async { Ok(1) });
        assert_eq!(sets.wait("a", LONG).await.unwrap(), 1);
    }
}
