//! Runs the tests of the guests' memories in virtual machines that have swap, under a new and an old kernel.

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::Workspace;
use crate::{steps, system};

mod accelerator;
mod files;
mod kernel;
mod machine;
mod outcome;
mod packages;
mod program;

use accelerator::Accelerator;
use kernel::Kernel;
use machine::Machine;

/// Fetches the emulator and the kernels, and runs the tests under each.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let machines = prepare(workspace)?;
    let mut accelerator = Accelerator::to_begin_with();
    let mut failed = Vec::new();
    for machine in &machines {
        let (outcome, used) = machine.run(workspace, accelerator)?;
        accelerator = used;
        steps::print(&format!("Linux {}: {outcome}", machine.kernel.release));
        if let Err(error) = outcome.verdict() {
            failed.push(format!("Linux {}: {error:#}", machine.kernel.release));
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("\n")) }
}

fn prepare(workspace: &Workspace) -> Result<Vec<Machine>> {
    let supported = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    ensure!(supported, "the virtual machines need Linux on a 64-bit PC");
    let program = program::build(workspace)?;
    let _lock = workspace.lock()?;
    if system::on_path(machine::EMULATOR).is_none() {
        system::install(workspace, "the emulator QEMU", &["qemu-system-x86"])?;
    }
    let (newest, old) = kernel::choose(workspace)?;
    let busybox = packages::file(
        workspace,
        "busybox-static",
        "busybox",
        &["bin/busybox", "usr/bin/busybox"],
    )?;
    let initial = files::pack(workspace, &busybox, &program)?;
    let swap = files::swap(workspace)?;
    [Some(newest), old]
        .into_iter()
        .flatten()
        .map(|kernel: Kernel| {
            let image = kernel.image(workspace).context("cannot fetch a kernel")?;
            let (initial, swap) = (initial.clone(), swap.clone());
            Ok(Machine { kernel, image, initial, swap })
        })
        .collect()
}
