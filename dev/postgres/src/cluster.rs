//! A server that ends with the process that started it, however that ends.

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{DirBuilderExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Stdio, id},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::programs::{Programs, run};

/// Runs the server until its own input ends, which is when we stop it or are no more; then removes
/// the folder. `ended` is there once the server has ended by itself.
const KEEPER: &str = r#"
    ("$1" -D data -p "$2" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c fsync=off -c full_page_writes=off -c max_connections=200 >log 2>&1; : >ended) &
    read -r _
    [ -e ended ] || kill -INT "$(head -n 1 data/postmaster.pid)"
    wait
    cd / && rm -rf "$3"
"#;
const START_TIMEOUT: Duration = Duration::from_mins(1);
const ATTEMPTS: u32 = 5;
/// What the server's log says when the port is not free.
const PORT_TAKEN: &str = "Address already in use";

/// A running server; dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Cluster {
    url: String,
    folder: PathBuf,
    keeper: Child,
}

impl Cluster {
    /// Starts a server on a free port of 127.0.0.1 that keeps everything in a new folder in
    /// `parent`. Started by root it runs as `postgres` or `nobody`, who must be able to enter
    /// `parent`. It lets everyone on this machine in.
    pub fn start(parent: &Path) -> Result<Self> {
        let programs = Programs::find()?;
        let mut attempt = 1;
        loop {
            match start_once(parent, &programs) {
                // Another program can take the free port before the server does.
                Err(error) if attempt < ATTEMPTS && error.to_string().contains(PORT_TAKEN) => {
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// The URL of its database `postgres`, for a user who may make others.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
        // The keeper has emptied it, but may not be allowed to remove it from `parent`.
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn start_once(parent: &Path, programs: &Programs) -> Result<Cluster> {
    let folder = make_folder(parent, programs)?;
    if let Err(error) = make_tables(programs, &folder) {
        drop(fs::remove_dir_all(&folder));
        return Err(error);
    }
    let port = free_port()?;
    let keeper = programs
        .command("sh", &folder)
        .args(["-c", KEEPER, "keeper"])
        .arg(programs.path("postgres"))
        .arg(port.to_string())
        .arg(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // An interrupt in the terminal is for us; the keeper sees us end.
        .process_group(0)
        .spawn()
        .context("cannot run sh")?;
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let cluster = Cluster { url, folder, keeper };
    wait_until_ready(programs, &cluster.folder, port)?;
    Ok(cluster)
}

fn make_folder(parent: &Path, programs: &Programs) -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = parent.join(format!("throwaway-postgres-{}-{count}", id()));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    if let Some(user) = programs.user() {
        chown(&folder, Some(user.id), Some(user.group))
            .with_context(|| format!("cannot give away {}", folder.display()))?;
    }
    Ok(folder)
}

fn make_tables(programs: &Programs, folder: &Path) -> Result<()> {
    run(programs.command(programs.path("initdb"), folder).args([
        "--pgdata=data",
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
    ]))
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    Ok(listener.local_addr()?.port())
}

fn wait_until_ready(programs: &Programs, folder: &Path, port: u16) -> Result<()> {
    let deadline = Instant::now() + START_TIMEOUT;
    let mut question = programs.command(programs.path("pg_isready"), folder);
    question.args(["--quiet", "--host=127.0.0.1"]).arg(format!("--port={port}"));
    loop {
        let ended = folder.join("ended").exists();
        if !ended && question.status().context("cannot run pg_isready")?.success() {
            return Ok(());
        }
        if ended || Instant::now() > deadline {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            bail!("PostgreSQL did not start:\n{log}");
        }
        sleep(Duration::from_millis(20));
    }
}
