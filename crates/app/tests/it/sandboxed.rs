//! An app with a sandbox, for what only shows when tools are saved and run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use app::settings::{Asking, Calls, External, MemoryReset, Outbound, Runtime, Sources};
use app::{App, Location, Settings};

/// The guest that the build has left, read once.
fn guest() -> &'static [u8] {
    static GUEST: OnceLock<Vec<u8>> = OnceLock::new();
    GUEST.get_or_init(|| {
        let folder = std::env::var_os("MCPBOX_GUEST_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guest"),
            PathBuf::from,
        );
        std::fs::read(folder.join("python.cwasm.zst")).expect("a guest: run `cargo xtask guest`")
    })
}

/// The worker's program, which is built beside the tests.
fn worker() -> OsString {
    let test = std::env::current_exe().expect("this program has a path");
    let built = test.parent().and_then(Path::parent).expect("it lies in a folder of the target");
    built.join("sandbox-worker").into_os_string()
}

/// An app on this database, with its other state in `folder`.
pub(crate) async fn open(folder: &Path, location: &Location) -> App {
    open_asking(folder, location, Asking::default()).await
}

/// The same where calls may ask their clients so much.
pub(crate) async fn open_asking(folder: &Path, location: &Location, asking: Asking) -> App {
    let external = External { allow_loopback: true, ..External::default() };
    open_with(folder, location, (asking, external)).await
}

/// The same where external sources may be this far.
pub(crate) async fn open_with(
    folder: &Path,
    location: &Location,
    (asking, external): (Asking, External),
) -> App {
    let url = match location {
        Location::Sqlite(_) => None,
        Location::Postgres(url) => Some(url.as_str()),
    };
    let runtime = Runtime {
        guest: guest(),
        worker_command: vec![worker()],
        workers: Some(1),
        memory_reset: MemoryReset::Auto,
        require_walls: false,
        calls_per_worker: None,
        keeping: app::artifacts::Keeping::default(),
        fixed: app::policy::Fixed::default(),
        calls: Calls { all: 16, per_server: 16, waiting: 64, memory_bytes: None, asking },
        outbound: Outbound::default(),
        sources: Sources {
            package_index: "http://127.0.0.1:9/simple/".to_owned(),
            package_hosts: Vec::new(),
            vulnerability_feed: None,
        },
        external,
        traces: app::trace::Settings::default(),
    };
    let settings = Settings::new(folder, url, None, runtime).expect("the settings are right");
    Box::pin(App::open(settings)).await.expect("the app opens")
}
