//! Runs the steps of a job one after the other and says which one runs and for how long.

use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How often a step that takes long shows that it is still at work.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Prints a line about the progress of the job.
#[expect(clippy::print_stderr, reason = "progress is what a person waits for")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

/// Prints a line that is the answer of the job.
#[expect(clippy::print_stdout, reason = "the answer of a command goes to its standard output")]
pub(crate) fn print(line: &str) {
    println!("{line}");
}

/// Runs `command` to its end as the step `title`; an error when it fails.
pub(crate) fn run(title: &str, command: &mut Command) -> Result<()> {
    let shown = shown(command);
    timed(title, || {
        let mut child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
        let status = wait(title, &mut child)?;
        ensure!(status.success(), "`{shown}` ended with {status}");
        Ok(())
    })
    .with_context(|| format!("{title} failed"))
}

/// Runs `work` as the step `title` and says how long it took.
pub(crate) fn timed<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(&format!("==> {title}"));
    let start = Instant::now();
    let value = work()?;
    say(&format!("==> {title}: done after {}", elapsed(start)));
    Ok(value)
}

/// Waits for `child` and meanwhile shows that the step `title` is still at work.
pub(crate) fn wait(title: &str, child: &mut Child) -> Result<ExitStatus> {
    let start = Instant::now();
    let (ended, watch) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while watch.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                say(&format!("==> {title}: at work for {}", elapsed(start)));
            }
        });
        let status = child.wait();
        drop(ended);
        status.with_context(|| format!("cannot wait for the step: {title}"))
    })
}

/// Runs a short `command` unseen and gives what it printed, or nothing when it failed.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The command as a person would type it, near enough to try it by hand.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn elapsed(start: Instant) -> String {
    let seconds = start.elapsed().as_secs();
    match seconds / 60 {
        0 => format!("{seconds} s"),
        minutes => format!("{minutes} min {} s", seconds % 60),
    }
}
