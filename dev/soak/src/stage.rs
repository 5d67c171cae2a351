//! The running program and whoever visits it: its lives, whether the doors are open, and what was made in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::program::{Program, Start};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep};

use crate::Plan;
use crate::kept::Kept;
use crate::memory::Memory;
use crate::tally::Tally;

/// How long visitors may take to notice that the program was killed, and the program to become idle.
const PATIENCE: Duration = Duration::from_mins(1);

/// What all visitors share.
pub(crate) struct Stage {
    pub(crate) plan: Plan,
    /// Addresses of the doors, `HOST:PORT`; they stay the same.
    pub(crate) mcp: String,
    pub(crate) admin: String,
    pub(crate) tally: Tally,
    pub(crate) kept: Kept,
    directory: PathBuf,
    program: Mutex<Option<Program>>,
    /// How often the program was killed.
    kills: AtomicU64,
    is_open: watch::Sender<bool>,
    visits: AtomicUsize,
    numbers: AtomicU64,
    /// For each call that may wait for an answer of its client.
    questions: Semaphore,
}

/// Something that a visitor does; while there is one, nothing is looked at that must stand still.
pub(crate) struct Visit<'a> {
    stage: &'a Stage,
    kills: u64,
}

impl Visit<'_> {
    /// Whether the program was killed since it began.
    pub(crate) fn was_killed(&self) -> bool {
        self.stage.kills.load(Ordering::SeqCst) != self.kills
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.stage.visits.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Stage {
    /// Starts the program on an empty data directory within `directory`.
    pub(crate) fn begin(plan: Plan, directory: &Path) -> Self {
        let program = start(&plan, directory, &[]);
        let host = |address: &str| {
            let rest = address.trim_start_matches("http://");
            rest.split('/').next().unwrap_or_default().to_owned()
        };
        Self {
            mcp: host(&program.mcp),
            admin: host(&program.admin),
            questions: Semaphore::new(questions(plan.places)),
            plan,
            tally: Tally::default(),
            kept: Kept::default(),
            directory: directory.to_owned(),
            program: Mutex::new(Some(program)),
            kills: AtomicU64::new(0),
            is_open: watch::Sender::new(true),
            visits: AtomicUsize::new(0),
            numbers: AtomicU64::new(1),
        }
    }

    /// A number that nobody had before.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// An id for a request: texts and integers by turns.
    pub(crate) fn id(&self) -> Value {
        let number = self.number();
        if number.is_multiple_of(2) { json!(number) } else { json!(format!("request-{number}")) }
    }

    /// Waits until one more call may ask its client: all visitors call tools of one server, and on a slow machine more
    /// of them would be asked at once than the program lets be.
    pub(crate) async fn question(&self) -> Result<SemaphorePermit<'_>> {
        Ok(self.questions.acquire().await?)
    }

    /// Waits until the program takes visitors, and begins a visit.
    pub(crate) async fn visit(&self) -> Visit<'_> {
        let mut is_open = self.is_open.subscribe();
        loop {
            let _known = is_open.wait_for(|is_open| *is_open).await.is_ok();
            self.visits.fetch_add(1, Ordering::SeqCst);
            // The order matters: who sees open doors here is waited for before they are looked behind.
            let visit = Visit { stage: self, kills: self.kills.load(Ordering::SeqCst) };
            if *self.is_open.borrow() {
                return visit;
            }
        }
    }

    /// Kills the program in the middle of everything and waits until all visitors have noticed.
    pub(crate) async fn kill(&self) -> Result<()> {
        let program = self.program().take().context("there is a program to kill")?;
        self.is_open.send_replace(false);
        self.kills.fetch_add(1, Ordering::SeqCst);
        tokio::task::block_in_place(|| program.kill());
        let began = Instant::now();
        while self.visits.load(Ordering::SeqCst) > 0 {
            ensure!(began.elapsed() < PATIENCE, "some visitors wait for a program that is no more");
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Starts the program again, at the same addresses and on the same data directory.
    pub(crate) fn restart(&self) {
        let doors = ["--mcp-listen", &self.mcp, "--admin-listen", &self.admin];
        let program = tokio::task::block_in_place(|| start(&self.plan, &self.directory, &doors));
        *self.program() = Some(program);
    }

    /// Lets visitors in again.
    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Memory as it is now.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let program = self.program();
        let program = program.as_ref().context("there is a program to look at")?;
        Ok(Memory::of(program.id(), &program.workers()))
    }

    /// What the program wrote into its log that it should not have to.
    pub(crate) fn complaints(&self) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(log(&self.directory)).context("the program's log")?;
        Ok(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
    }

    fn program(&self) -> MutexGuard<'_, Option<Program>> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many calls of one server may wait for answers where so many may run: an eighth.
fn questions(places: usize) -> usize {
    (places / 8).max(1)
}

fn log(directory: &Path) -> PathBuf {
    directory.join("log.txt")
}

/// Starts the program; what it writes to standard error is added to a file.
fn start(plan: &Plan, directory: &Path, doors: &[&str]) -> Program {
    let data_dir = directory.join("data");
    let calls = plan.places.to_string();
    let mut arguments = vec!["--log", "error", "--max-calls", &calls];
    arguments.extend(doors);
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let bare = start.command();
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec "$@" 2>>"$LOG""#, "sh"]).arg(bare.get_program());
    command.args(bare.get_args()).env("LOG", log(directory)).current_dir(directory);
    for (name, value) in bare.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    start.run_as(command)
}
