//! Sets of packages: made once by a worker, kept on disk, handed to every worker that has a call for them.

mod file;

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::call::{Ending, Order};
use crate::host::{Host, Operation};
use crate::limits::Limits;
use crate::memory::{Image, MemoryError};
use crate::outcome::{Failure, FailureKind};
use crate::protocol::{Form, Reply, Task};
use crate::sandbox::Sandbox;
use crate::{answer, text};
pub(crate) use file::Folder;
use file::Prepared;

/// The operation by which a guest gets the files; see `guest/wit/tool.wit`.
const NEXT: &str = "packages.next";

/// What making a set may take.
const LIMITS: Limits = Limits {
    memory_bytes: Limits::MEMORY_MAX,
    cpu: Duration::from_mins(7),
    wall: Duration::from_mins(20),
    stdout_bytes: 0,
    result_bytes: Limits::TEXT_MAX,
};

/// Who shares processor time with the making of sets: nobody else.
const GROUP: Uuid = Uuid::max();

/// The most modules that could not be loaded ahead, and are told.
const FAILED_MAX: usize = 200;

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Packages for [`crate::Run::set`]. Clones share it; workers forget it some time after the last one
/// is dropped.
#[derive(Clone)]
pub struct Set {
    inner: Arc<Inner>,
}

/// What a link holds of a set, so that it can tell when nobody needs it any more.
pub(crate) struct WeakSet(Weak<Inner>);

struct Inner {
    number: u64,
    form: Form,
    image: Image,
    report: SetReport,
}

/// What packages are made into a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetSource {
    /// Paths below the folder that modules are found in, with slashes, and the content of each file.
    pub files: Vec<(String, Vec<u8>)>,
    /// The modules at the top, which tools import.
    pub modules: Vec<String>,
}

/// How the making of a set went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetReport {
    /// How many modules need not be loaded by the calls that use them.
    pub loaded: usize,
    /// Modules that could not be loaded ahead, and why; a tool that imports one is told the same.
    pub failed: BTreeMap<String, String>,
    /// Why not everything was loaded ahead, where that was tried and given up: calls load what is
    /// missing themselves, which takes them longer.
    #[serde(default)]
    pub fallen_back: Option<String>,
    /// What the set takes in memory, once for all workers.
    #[serde(default)]
    pub bytes: u64,
}

impl Set {
    pub(crate) fn number(&self) -> u64 {
        self.inner.number
    }

    pub(crate) fn form(&self) -> Form {
        self.inner.form
    }

    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.inner.image.as_fd()
    }

    pub(crate) fn downgrade(&self) -> WeakSet {
        WeakSet(Arc::downgrade(&self.inner))
    }

    /// How the making of it went.
    pub fn report(&self) -> &SetReport {
        &self.inner.report
    }

    fn new(prepared: Prepared) -> Result<Self, MemoryError> {
        let Prepared { form, report, content } = prepared;
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let image = Image::new(&content)?;
        Ok(Self { inner: Arc::new(Inner { number, form, image, report }) })
    }
}

impl WeakSet {
    /// Whether a call may still come for it.
    pub(crate) fn is_held(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl Sandbox {
    /// The set that was made under `key` and is still in `folder`, if it suits this build.
    pub async fn kept_set(&self, key: &str, folder: &Path) -> Option<Set> {
        let kept = self.sets_in(folder).read(key).await?;
        let made = aside(move || Set::new(kept).map_err(failed)).await;
        made.inspect_err(|error| tracing::warn!(%error, "a set is made anew")).ok()
    }

    /// Makes a set of packages, and keeps it in `folder` under `key`, a file name that stands for
    /// exactly this source. `progress` is told, in words, how far it is.
    ///
    /// # Errors
    /// Why there is no set; [`FailureKind::Busy`] where there is no place for the work now.
    pub async fn prepare_set(
        &self,
        key: &str,
        source: SetSource,
        folder: &Path,
        progress: impl Fn(String) + Send + Sync + 'static,
    ) -> Result<Set, Failure> {
        let SetSource { files, modules } = source;
        let total = files.len();
        let left = Mutex::new(files.into_iter());
        let host = Arc::new(Files { left, total, progress: Box::new(progress) });
        let order = Order { task: Task::Prepare { modules }, limits: LIMITS, set: None };
        let ending = self.pool().call(GROUP, order, host).await;
        let base = self.image();
        let (folder, key) = (self.sets_in(folder), key.to_owned());
        aside(move || {
            let prepared = prepared(ending, base.as_ref().map_or(&[], |image| image.bytes()))?;
            if let Err(error) = folder.write(&key, &prepared) {
                // It is there all the same, and is made again after the next start.
                tracing::warn!(%error, "a set of packages cannot be kept on disk");
            }
            Set::new(prepared).map_err(failed)
        })
        .await
    }

    /// Whether a set for this build is in `folder` under `key`; it may turn out to be damaged.
    pub fn has_set(&self, key: &str, folder: &Path) -> bool {
        self.sets_in(folder).has(key)
    }

    /// Removes the sets in `folder` that are not among `keys`.
    pub async fn sweep_sets(&self, folder: &Path, keys: Vec<String>) {
        self.sets_in(folder).sweep(keys).await;
    }
}

/// Does what takes a while on a thread that nobody's calls wait for.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

fn failed(error: impl std::error::Error) -> Failure {
    Failure::new(FailureKind::Trap, format!("the set of packages cannot be used: {error}"))
}

/// Reads what a worker has made; nothing of it is taken for granted.
fn prepared(ending: Ending, base: &[u8]) -> Result<Prepared, Failure> {
    let (form, bytes, report, fallen_back) = match ending.reply? {
        Reply::Prepared { form, bytes, report, fallen_back } => (form, bytes, report, fallen_back),
        reply => {
            let failed = answer::result(Ok(reply), &LIMITS).err();
            return Err(failed.unwrap_or_else(|| incomplete("it answers something else")));
        }
    };
    let length = usize::try_from(bytes).ok().filter(|length| *length <= Limits::MEMORY_MAX);
    let length = length.ok_or_else(|| incomplete("it is too large"))?;
    let mut content = vec![0; length];
    if form == Form::Snapshot {
        let begin = content.get_mut(..base.len()).ok_or_else(|| incomplete("it is too small"))?;
        begin.copy_from_slice(base);
    }
    for (offset, part) in ending.content {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let place = content.get_mut(start..).and_then(|rest| rest.get_mut(..part.len()));
        place.ok_or_else(|| incomplete("a part is outside of it"))?.copy_from_slice(&part);
    }
    let report: SetReport = serde_json::from_str(&report).unwrap_or_default();
    // Modules at the top first: what is wrong with them concerns everybody who imports them.
    let (inner, tops): (Vec<_>, Vec<_>) =
        report.failed.into_iter().partition(|(module, _)| module.contains('.'));
    let failed = tops.into_iter().chain(inner).take(FAILED_MAX);
    let short = |why: String| text::one_line(&why, answer::MESSAGE_MAX);
    let report = SetReport {
        loaded: report.loaded,
        failed: failed.map(|(module, why)| (short(module), short(why))).collect(),
        fallen_back: fallen_back.map(short),
        bytes,
    };
    Ok(Prepared { form, report, content })
}

fn incomplete(why: &str) -> Failure {
    let message = format!("the packages were prepared, and what came of it cannot be used: {why}");
    Failure::new(FailureKind::Trap, message)
}

/// Gives a guest one file after the other.
struct Files {
    left: Mutex<std::vec::IntoIter<(String, Vec<u8>)>>,
    total: usize,
    progress: Box<dyn Fn(String) + Send + Sync>,
}

impl Files {
    fn next(&self) -> Vec<u8> {
        let (next, left) = {
            let mut files = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            (files.next(), files.len())
        };
        let Some((path, content)) = next else {
            (self.progress)("loading the modules".to_owned());
            return Vec::new();
        };
        (self.progress)(format!("compiling: file {} of {}", self.total - left, self.total));
        let length = u32::try_from(path.len()).unwrap_or(u32::MAX).to_be_bytes();
        [length.as_slice(), path.as_bytes(), &content].concat()
    }
}

impl Host for Files {
    fn start(&self, operation: &str, _payload: Vec<u8>) -> Operation {
        let answer = match operation {
            NEXT => Ok(self.next()),
            _ => Err(format!("'{operation}' is not available while packages are prepared")),
        };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests;
