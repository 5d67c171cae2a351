//! What a virtual machine finds when it starts: the files in its memory, and a disk for swap.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::packages;
use super::program::Program;
use crate::workspace::Workspace;

/// The first program of the machine, for the shell of busybox.
const INIT: &str = include_str!("init.sh");

/// Length of the disk for swap, in bytes.
const SWAP: u64 = 1 << 30;

/// Folders that the first program mounts something on.
const MOUNTED: [&str; 5] = ["dev", "etc", "proc", "sys", "tmp"];

/// Packs the files into an archive that a kernel unpacks into its memory.
pub(super) fn pack(workspace: &Workspace, busybox: &Path, program: &Program) -> Result<PathBuf> {
    let root = packages::folder(workspace, "root")?;
    packages::clear(&root)?;
    let mut names = MOUNTED.map(str::to_owned).to_vec();
    for folder in &names {
        fs::create_dir(root.join(folder)).with_context(|| format!("cannot make {folder}"))?;
    }
    copy(busybox, &root, "bin/busybox", &mut names)?;
    copy(&program.path, &root, "tests", &mut names)?;
    for library in &program.libraries {
        let name = library.to_string_lossy();
        copy(library, &root, name.trim_start_matches('/'), &mut names)?;
    }
    let init = root.join("init");
    fs::write(&init, INIT).context("cannot write the machine's first program")?;
    fs::set_permissions(&init, Permissions::from_mode(0o755))
        .context("cannot make the machine's first program executable")?;
    names.push("init".to_owned());
    archive(workspace, busybox, &root, &names)
}

/// Copies a file, and adds its name and those of the folders around it to `names`.
fn copy(from: &Path, root: &Path, name: &str, names: &mut Vec<String>) -> Result<()> {
    let ends = name.match_indices('/').map(|(end, _)| end).chain([name.len()]);
    for part in ends.filter_map(|end| name.get(..end)) {
        if !names.iter().any(|known| known == part) {
            names.push(part.to_owned());
        }
    }
    let to = root.join(name);
    let folder = to.parent().context("the file has a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(from, &to))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// An archive in which everything belongs to root. A machine that still runs keeps the one before.
fn archive(
    workspace: &Workspace,
    busybox: &Path,
    root: &Path,
    names: &[String],
) -> Result<PathBuf> {
    let finished = workspace.target("virtual-machine/initial.cpio");
    let partial = workspace.target("virtual-machine/initial.cpio.part");
    let output = File::create(&partial).context("cannot make the archive of the machine")?;
    let mut pack = workspace.command(busybox);
    pack.args(["cpio", "-o", "-H", "newc", "-R", "0:0"]).current_dir(root);
    pack.stdin(Stdio::piped()).stdout(output);
    let mut child = pack.spawn().context("cannot start busybox")?;
    let mut input = child.stdin.take().context("busybox has no input")?;
    input.write_all(names.join("\n").as_bytes()).context("cannot name files to busybox")?;
    drop(input);
    let status = child.wait().context("cannot wait for busybox")?;
    ensure!(status.success(), "packing the files of the machine ended with {status}");
    fs::rename(&partial, &finished).context("cannot keep the archive of the machine")?;
    Ok(finished)
}

/// An empty disk. Machines write to copies of their own, so that it stays empty.
pub(super) fn swap(workspace: &Workspace) -> Result<PathBuf> {
    let path = workspace.target("virtual-machine/swap.img");
    if fs::metadata(&path).is_ok_and(|found| found.len() == SWAP) {
        return Ok(path);
    }
    File::create(&path)
        .and_then(|file| file.set_len(SWAP))
        .with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}
