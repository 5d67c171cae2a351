//! What the program is started with.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use outbound::{Proxy, Settings as Outbound};
pub use sandbox::MemoryReset;
use sandbox::{Bounds, WallsPolicy};
use store::Location;
use store::key::KeySource;
use url::Url;

use crate::artifacts::Keeping;
use crate::policy::Fixed;
use crate::trace;

/// Where the state lives and how the sandbox is run.
pub struct Settings {
    pub(crate) database: Location,
    /// Where the master key comes from.
    pub(crate) key: KeySource,
    pub(crate) sandbox: sandbox::Config,
    pub(crate) asking: Asking,
    pub(crate) keeping: Keeping,
    pub(crate) fixed: Fixed,
    pub(crate) outbound: outbound::Settings,
    pub(crate) sources: Sources,
    pub(crate) external: External,
    pub(crate) traces: trace::Settings,
    /// Where wheels and what is made of them are kept.
    pub(crate) packages: PathBuf,
}

/// The embedded guest and the command that starts a worker.
#[derive(Debug)]
pub struct Runtime {
    /// The compiled and compressed guest.
    pub guest: &'static [u8],
    /// Program and arguments that run [`crate::worker::main`].
    pub worker_command: Vec<OsString>,
    /// How many worker processes to keep; one per processor when absent.
    pub workers: Option<usize>,
    /// How the memory of one call is made new for the next.
    pub memory_reset: MemoryReset,
    /// Whether to start only where the kernel offers every wall round the workers.
    pub require_walls: bool,
    /// Calls after which a worker process is replaced; never when absent.
    pub calls_per_worker: Option<NonZeroU64>,
    /// How long results that no answer could hold are kept, and how many.
    pub keeping: Keeping,
    /// What nobody can set while the program runs.
    pub fixed: Fixed,
    /// How many calls there may be at once.
    pub calls: Calls,
    /// Name servers and authorities for requests to other machines.
    pub outbound: outbound::Settings,
    /// Where packages come from.
    pub sources: Sources,
    /// How far external sources may be.
    pub external: External,
    /// Where traces of calls go.
    pub traces: trace::Settings,
}

/// Where packages come from, and what is known against them.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The address of an index that speaks the Simple API.
    pub package_index: String,
    /// Hosts that its files lie on, used as given.
    pub package_hosts: Vec<String>,
    /// The address of a feed that speaks OSV's API; nothing is asked where there is none.
    pub vulnerability_feed: Option<String>,
}

/// How far external sources may be, and how their authorization servers and this program know each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct External {
    /// Whether a person may allow one on this machine.
    pub allow_loopback: bool,
    /// Where logins come back to, such as `https://mcpbox.example.com/oauth/callback`; nothing where only whoever
    /// begins a login knows.
    pub callback: Option<String>,
    /// Where the internet can read who this program is, such as
    /// `https://mcp.example.com/oauth/client-metadata.json`. Without a callback it is not used.
    pub client_document: Option<Url>,
}

/// How many calls there may be at once, and what they may hold together.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    /// Calls that run at once.
    pub all: usize,
    /// Calls of one server that run at once.
    pub per_server: usize,
    /// Calls that wait for a place.
    pub waiting: usize,
    /// Bytes of memory that all calls may hold together; half of the machine's when absent.
    pub memory_bytes: Option<usize>,
    /// What one call may ask of its client.
    pub asking: Asking,
}

/// What one call may ask of its client. It keeps its place meanwhile, but its time stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// How long one answer may take.
    pub each: Duration,
    /// How long the call may wait for its client in all.
    pub all: Duration,
    /// How many questions it may put.
    pub questions: usize,
}

impl Default for Asking {
    fn default() -> Self {
        let (each, all) = (Duration::from_mins(10), Duration::from_mins(30));
        Self { each, all, questions: 50 }
    }
}

/// The least that all calls may hold together where the machine decides, in bytes.
const CALL_MEMORY_MIN: usize = 512 << 20;

impl Settings {
    /// State in `data_dir`, or in the database that `database_url` names. The master key is
    /// `encryption_key`, 64 hexadecimal digits, or else in a file of `data_dir`.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when the address does not begin with `postgres://`,
    /// `postgresql://` or `sqlite://`.
    pub fn new(
        data_dir: &Path,
        database_url: Option<&str>,
        encryption_key: Option<&str>,
        runtime: Runtime,
    ) -> crate::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = runtime.workers.unwrap_or(processors).max(1);
        let calls = runtime.calls;
        Ok(Self {
            database: location(data_dir, database_url)?,
            key: key_source(data_dir, encryption_key),
            sandbox: sandbox::Config {
                workers,
                artifact_dir: data_dir.join("artifacts"),
                worker_command: runtime.worker_command,
                guest: runtime.guest,
                memory_reset: runtime.memory_reset,
                walls: if runtime.require_walls {
                    WallsPolicy::Required
                } else {
                    WallsPolicy::Preferred
                },
                calls_per_worker: runtime.calls_per_worker,
                bounds: Bounds {
                    calls: calls.all,
                    calls_per_group: calls.per_server,
                    asking: Bounds::asking_of(calls.all),
                    // Half of those of all: one server's tools leave room for another's.
                    asking_per_group: Bounds::asking_of(calls.per_server.min(calls.all) / 2),
                    waiting: calls.waiting,
                    memory_bytes: calls.memory_bytes.unwrap_or_else(|| call_memory(workers)),
                },
            },
            asking: calls.asking,
            keeping: runtime.keeping,
            fixed: runtime.fixed,
            outbound: runtime.outbound,
            sources: runtime.sources,
            external: runtime.external,
            traces: runtime.traces,
            packages: data_dir.join("packages"),
        })
    }
}

/// Where the master key comes from: the environment, or else a file of the data directory.
pub fn key_source(data_dir: &Path, encryption_key: Option<&str>) -> KeySource {
    KeySource::new(encryption_key, &data_dir.join("key"))
}

/// Half of the memory that this program may use; the least where the system does not tell.
fn call_memory(workers: usize) -> usize {
    let half = machine_memory().map_or(0, |bytes| usize::try_from(bytes / 2).unwrap_or(usize::MAX));
    half.max(CALL_MEMORY_MIN).max(workers.saturating_mul(Bounds::WORKER_BYTES_MIN))
}

/// The machine's memory in bytes, or the container's where that is less.
fn machine_memory() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    let machine = system.total_memory();
    let container = system.cgroup_limits().map_or(machine, |limits| limits.total_memory);
    Some(machine.min(container))
}

/// The database that a `--database-url` names.
pub fn location(data_dir: &Path, database_url: Option<&str>) -> crate::Result<Location> {
    match database_url {
        None | Some("") => Ok(Location::Sqlite(data_dir.join("mcpbox.db"))),
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(Location::Postgres(url.to_owned()))
        }
        Some(url) => match url.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => Ok(Location::Sqlite(PathBuf::from(path))),
            _ => Err(crate::Error::invalid(
                "database_url",
                "--database-url (MCPBOX_DATABASE_URL) takes postgres://user@host/database; leave it out for SQLite in the data directory",
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_means_sqlite_in_the_data_directory() {
        let found = location(Path::new("data"), None).unwrap();
        assert!(matches!(found, Location::Sqlite(path) if path == Path::new("data/mcpbox.db")));
    }

    #[test]
    fn half_of_the_memory_is_for_calls_and_no_worker_goes_without() {
        let memory = call_memory(1);
        assert!((CALL_MEMORY_MIN..1 << 44).contains(&memory), "{memory}");
        assert!(call_memory(1 << 20) >= 1 << 40);
    }

    #[test]
    fn both_spellings_of_postgresql_are_taken_and_others_refused() {
        for url in ["postgres://a/b", "postgresql://a/b"] {
            assert!(matches!(location(Path::new("d"), Some(url)), Ok(Location::Postgres(_))));
        }
        assert!(location(Path::new("d"), Some("mysql://a/b")).is_err());
    }
}
