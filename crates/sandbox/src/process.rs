//! Worker processes: started without environment, reached over two pipes, always reaped.

use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use command_fds::{CommandFdExt as _, FdMapping};
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::oneshot;

use crate::artifact::ArtifactError;
use crate::protocol::{IMAGE_DESCRIPTOR, SETS_DESCRIPTOR};
use crate::provision::Provision;
use crate::text;

/// Bytes of a worker's standard error that are logged in its whole life, and in one go.
const LOGGED_MAX: usize = 64 << 10;
const LOGGED_AT_ONCE: usize = 4 << 10;

/// Why a worker process is not there.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program could not be started.
    #[error("the worker program cannot be started")]
    Spawn(#[source] io::Error),
    /// The guest had to be unpacked again and could not be.
    #[error("the Python guest could not be unpacked again")]
    Artifact(#[from] ArtifactError),
    /// The pipe to the worker failed before it was ready.
    #[error("the worker ended before it was ready")]
    Pipe(#[source] io::Error),
    /// The worker did not answer in time.
    #[error("the worker was not ready within {0} seconds")]
    Silent(u64),
    /// The worker said why it cannot take calls.
    #[error("the worker cannot take calls: {0}")]
    Refused(String),
    /// The worker is not of this build.
    #[error("the worker speaks protocol {theirs}, the server {ours}: they are of different builds")]
    Version {
        /// The server's protocol.
        ours: u32,
        /// The worker's protocol.
        theirs: u32,
    },
    /// The kernel does not offer all walls, and they are required.
    #[error(
        "these walls of the sandbox are required and missing: {0}. Use a kernel, or a container \
         profile, that offers them, or start without --require-sandbox-walls \
         (MCPBOX_REQUIRE_SANDBOX_WALLS)"
    )]
    Walls(String),
    /// The thread that starts workers is gone.
    #[error("workers can no longer be started")]
    Stopped,
}

impl ProcessError {
    /// Whether the same worker may start a moment later: what was short may be there again.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Spawn(_) | Self::Pipe(_) | Self::Silent(_))
    }
}

/// Starts workers, all from one thread of its own.
///
/// Linux ends a worker when the *thread* that started it ends, so that must not be one of a
/// runtime's threads, which come and go.
pub(crate) struct Launcher {
    provision: Provision,
    orders: mpsc::Sender<Order>,
}

type Order = oneshot::Sender<io::Result<(Child, UnixStream)>>;

impl Launcher {
    pub(crate) fn new(command: Vec<OsString>, provision: Provision) -> Self {
        let (orders, queue) = mpsc::channel::<Order>();
        let provided = provision.clone();
        thread::spawn(move || {
            for order in queue {
                // Nobody waiting means that the sandbox was dropped meanwhile.
                if let Err(Ok((unwanted, _socket))) = order.send(spawn(&command, &provided)) {
                    end(unwanted);
                }
            }
        });
        Self { provision, orders }
    }

    /// Starts one worker, with its guest on disk.
    pub(crate) async fn launch(&self) -> Result<Worker, ProcessError> {
        self.provision.restore().await?;
        let (order, started) = oneshot::channel();
        self.orders.send(order).map_err(|_gone| ProcessError::Stopped)?;
        let started = started.await.map_err(|_gone| ProcessError::Stopped)?;
        let (child, socket) = started.map_err(ProcessError::Spawn)?;
        Worker::new(child, socket).map_err(ProcessError::Spawn)
    }

    /// What workers are provided with.
    pub(crate) fn provision(&self) -> &Provision {
        &self.provision
    }
}

fn spawn(command: &[OsString], provision: &Provision) -> io::Result<(Child, UnixStream)> {
    let mut words = command.iter();
    let mut worker = Command::new(words.next().map(OsString::as_os_str).unwrap_or_default());
    worker.args(words).env_clear().current_dir(provision.folder());
    worker.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let image =
        provision.image()?.map(|image| FdMapping { parent_fd: image, child_fd: IMAGE_DESCRIPTOR });
    let (socket, theirs) = UnixStream::pair()?;
    let sets = FdMapping { parent_fd: theirs.into(), child_fd: SETS_DESCRIPTOR };
    worker.fd_mappings(image.into_iter().chain([sets]).collect()).map_err(io::Error::other)?;
    // In a group of its own: an interrupt from the keyboard is for the server, which may let calls end.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut worker, 0);
    Ok((worker.spawn()?, socket))
}

/// A worker process; dropping it kills it.
pub(crate) struct Worker {
    child: Option<Child>,
    pub(crate) to: Option<ChildStdin>,
    pub(crate) from: Option<ChildStdout>,
    /// What sets of packages are handed over on.
    pub(crate) socket: Option<UnixStream>,
}

impl Worker {
    fn new(mut child: Child, socket: UnixStream) -> io::Result<Self> {
        let to = child.stdin.take().map(ChildStdin::from_std).transpose();
        let from = child.stdout.take().map(ChildStdout::from_std).transpose();
        let errors = child.stderr.take().map(ChildStderr::from_std).transpose();
        let process = child.id();
        let mut worker = Self { child: Some(child), to: None, from: None, socket: Some(socket) };
        worker.to = to?;
        worker.from = from?;
        if let Some(errors) = errors? {
            // Ends with the pipe, which ends with the process.
            tokio::spawn(log(errors, process));
        }
        Ok(worker)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Kills the process and waits until it is gone.
    pub(crate) async fn end(mut self) {
        if let Some(child) = self.child.take() {
            let ended = tokio::task::spawn_blocking(move || end(child)).await;
            if let Err(error) = ended {
                tracing::warn!(%error, "a sandbox worker may still be ending");
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            // Waiting for a process does not belong on a thread that runs others' futures.
            thread::spawn(move || end(child));
        }
    }
}

/// Passes on what a worker prints, which is what it says about its own failure.
///
/// Not the server's own standard error: what flows there has to be bounded and fit to be shown.
async fn log(mut errors: ChildStderr, worker: u32) {
    let mut room = LOGGED_MAX;
    let mut chunk = vec![0; LOGGED_AT_ONCE];
    while let Ok(length @ 1..) = errors.read(&mut chunk).await {
        // What is beyond the bound is read all the same, so that the worker does not wait.
        let kept = chunk.get(..length.min(room)).unwrap_or_default();
        room -= kept.len();
        for line in String::from_utf8_lossy(kept).lines() {
            let said = text::one_line(line, LOGGED_AT_ONCE);
            tracing::warn!(worker, said, "a sandbox worker reports");
        }
    }
}

fn end(mut child: Child) {
    let ended = child.kill().and_then(|()| child.wait());
    match ended {
        Ok(status) => tracing::debug!(%status, "a sandbox worker has ended"),
        Err(error) => tracing::warn!(%error, "a sandbox worker could not be ended"),
    }
}
