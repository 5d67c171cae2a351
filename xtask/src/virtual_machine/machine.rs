//! Starts a virtual machine, passes on what it prints, and ends it.

use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::accelerator::Accelerator;
use super::kernel::Kernel;
use super::outcome::Outcome;
use crate::steps;
use crate::workspace::Workspace;

/// The program of the machine.
pub(super) const EMULATOR: &str = "qemu-system-x86_64";

/// The machine's memory: little enough for pages to go to swap by themselves, now and then.
const MEMORY: &str = "256M";

/// How long a machine whose instructions the processor carries out may take to start.
const START: Duration = Duration::from_mins(1);

/// How long the tests may run. Emulated, on a busy computer, they take minutes.
const TESTS: Duration = Duration::from_mins(45);

/// How long the machine may be there altogether.
const WHOLE: Duration = Duration::from_mins(55);

/// A virtual machine that was not started yet.
pub(super) struct Machine {
    pub(super) kernel: Kernel,
    /// The kernel's file.
    pub(super) image: PathBuf,
    /// The archive of its first files.
    pub(super) initial: PathBuf,
    /// The disk for swap.
    pub(super) swap: PathBuf,
}

impl Machine {
    /// Runs the machine to its end. With KVM that is of no use here, it is emulated instead: says
    /// what was used in the end.
    pub(super) fn run(
        &self,
        workspace: &Workspace,
        accelerator: Accelerator,
    ) -> Result<(Outcome, Accelerator)> {
        let title = format!("tests under Linux {} with {accelerator}", self.kernel.release);
        let outcome = steps::timed(&title, || {
            let start = if accelerator == Accelerator::Kvm { START } else { WHOLE };
            observe(self.command(workspace, accelerator), start)
        })?;
        if !outcome.started && accelerator == Accelerator::Kvm {
            steps::say("==> the machine did not start with KVM, emulating instead");
            return self.run(workspace, Accelerator::Emulation);
        }
        Ok((outcome, accelerator))
    }

    /// No network, no screen; the machine's output is the emulator's.
    fn command(&self, workspace: &Workspace, accelerator: Accelerator) -> Command {
        let mut parameters =
            format!("console=ttyS0 quiet panic=-1 TEST_SECONDS={}", TESTS.as_secs());
        parameters.push_str(" MCPBOX_REQUIRE_SWAP=1");
        if self.kernel.is_complete() {
            parameters.push_str(" MCPBOX_REQUIRE_RECIPES=1");
        }
        let disk = self.swap.to_string_lossy().replace(',', ",,");
        let mut command = workspace.command(EMULATOR);
        command.args(["-nodefaults", "-no-reboot", "-display", "none", "-monitor", "none"]);
        command.args(["-serial", "stdio", "-smp", "2", "-m", MEMORY, "-cpu", "max"]);
        command.args(["-accel", accelerator.option()]);
        command.arg("-kernel").arg(&self.image).arg("-initrd").arg(&self.initial);
        command.arg("-append").arg(parameters);
        // Written to a copy that vanishes with the emulator.
        command.arg("-drive").arg(format!("file={disk},format=raw,if=none,id=swap,snapshot=on"));
        command.args(["-device", "nvme,serial=swap,drive=swap"]);
        command
    }
}

/// The emulator's process, ended in any case.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.kill().and_then(|()| self.0.wait()).is_err() {
            steps::say(&format!("==> cannot end the emulator, process {}", self.0.id()));
        }
    }
}

/// Passes on the output until it ends, the machine does not start in time, or takes too long.
fn observe(mut command: Command, start: Duration) -> Result<Outcome> {
    let began = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let shown = steps::shown(&command);
    let mut running = Running(command.spawn().with_context(|| format!("cannot start `{shown}`"))?);
    let lines = lines(running.0.stdout.take().context("the emulator has no output")?);
    let mut outcome = Outcome::default();
    loop {
        let limit = if outcome.started { WHOLE } else { start };
        // An error means that the output has ended, or that time is up.
        let Ok(line) = lines.recv_timeout(limit.saturating_sub(began.elapsed())) else { break };
        io::stderr().write_all(&line).context("cannot pass on the machine's output")?;
        outcome.read(&String::from_utf8_lossy(&line));
    }
    Ok(outcome)
}

/// The lines of the output as they come, with their ends.
fn lines(output: ChildStdout) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            // An error is the end of the output as well.
            let read = output.read_until(b'\n', &mut line).unwrap_or(0);
            if read == 0 || sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
