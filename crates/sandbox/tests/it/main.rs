//! The sandbox from outside: real workers, the real guest, tools that mean harm.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set up has failed"
)]

mod asking;
mod capabilities;
mod concurrency;
mod constancy;
mod content;
mod context;
mod contract;
mod errors;
mod examples;
mod handles;
mod host;
mod hostile;
mod httpx;
mod imports;
mod inspection;
mod isolation;
mod limits;
mod module;
mod packages;
mod purposes;
mod regex;
mod schemas;
mod secrets;
mod start;
mod types;
mod values;
#[cfg(target_os = "linux")]
mod walls;
mod workers;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sandbox::{
    Abilities, Bounds, Config, Limits, MemoryReset, ModulePolicy, NoHost, Outcome, Run, Sandbox,
    Secrets, WallsPolicy,
};
use uuid::Uuid;

/// The guest that the build has left, read once.
fn guest() -> &'static [u8] {
    static GUEST: OnceLock<Vec<u8>> = OnceLock::new();
    GUEST.get_or_init(|| {
        let folder = std::env::var_os("MCPBOX_GUEST_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guest"),
            PathBuf::from,
        );
        let path = folder.join("python.cwasm.zst");
        std::fs::read(&path).unwrap_or_else(|error| {
            panic!("no guest at {} ({error}): run `cargo xtask guest`", path.display())
        })
    })
}

/// A folder that all tests unpack into, so that only the first of them waits for it.
fn shared_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("artifacts")
}

fn config(workers: usize, artifact_dir: PathBuf) -> Config {
    let worker_command = vec![env!("CARGO_BIN_EXE_sandbox-worker").into()];
    Config {
        workers,
        artifact_dir,
        worker_command,
        guest: guest(),
        memory_reset: MemoryReset::Auto,
        walls: WallsPolicy::Preferred,
        calls_per_worker: None,
        bounds: Bounds::default(),
    }
}

async fn sandbox(workers: usize) -> Sandbox {
    Sandbox::start(config(workers, shared_folder())).await.expect("the sandbox starts")
}

/// Whose calls they are where that does not matter.
const GROUP: Uuid = Uuid::from_u128(1);

fn tool(source: &str) -> Run {
    Run {
        source: source.to_owned(),
        arguments: "{}".to_owned().into(),
        secrets: Secrets::default(),
        client: Abilities::default(),
        modules: ModulePolicy::default(),
        set: None,
        limits: Limits::default(),
        group: GROUP,
    }
}

async fn run(sandbox: &Sandbox, source: &str) -> Outcome {
    sandbox.run(tool(source), Arc::new(NoHost)).await
}

/// A tool whose `main` consists of these lines.
fn main_of(body: &str) -> String {
    let lines: Vec<String> = body.lines().map(|line| format!("    {line}\n")).collect();
    format!("async def main():\n{}", lines.concat())
}

/// What must be so after everything that any test does.
async fn assert_works(sandbox: &Sandbox) {
    let outcome = run(sandbox, &main_of("print('hello')\nreturn {'sum': 41 + 1}")).await;
    let result = outcome.result.expect("an ordinary tool works");
    let value: serde_json::Value = serde_json::from_str(&result).expect("the result is JSON");
    assert_eq!(value, serde_json::json!({ "sum": 42 }));
    assert_eq!(outcome.stdout, "hello\n");
    assert!(!outcome.stdout_truncated);
}

/// Asks until `condition` holds, for ten seconds at most.
async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not so within ten seconds: {what}");
}
