//! Tells the program where the guest lies that it embeds, or gives it an empty one.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;

const GUEST: &str = "python.cwasm.zst";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=MCPBOX_GUEST_DIR");
    let built = env::var_os("MCPBOX_GUEST_DIR").map(|folder| PathBuf::from(folder).join(GUEST));
    if let Some(path) = &built {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let guest = match built {
        Some(path) if path.is_file() => path,
        _ => nothing()?,
    };
    println!("cargo::rustc-env=MCPBOX_GUEST_FILE={}", guest.display());
    Ok(())
}

/// An empty guest, so that lints and documentation do not wait for a real one.
fn nothing() -> io::Result<PathBuf> {
    println!(
        "cargo::warning=this mcpbox cannot run tools, as no guest is built; run `cargo xtask build`"
    );
    let folder = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    let path = PathBuf::from(folder).join(GUEST);
    fs::write(&path, [])?;
    Ok(path)
}
