//! The program `mcpbox`: settings, wiring, and the commands that run it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its user")]

mod addresses;
mod arguments;
mod audit;
mod configuration;
mod doctor;
mod first_account;
mod keys;
mod limits;
mod listener;
mod lock;
mod logging;
mod memory;
mod metrics;
mod outside;
mod serve;
mod sources;
mod stdio;
mod telemetry;
mod tokens;

use std::process::ExitCode;

use anyhow::Context as _;
use arguments::{Arguments, Command};

/// The guest, compiled ahead of time and compressed; empty in a build without it.
static GUEST: &[u8] = include_bytes!(env!("MCPBOX_GUEST_FILE"));

/// The subcommand that a worker process is started with.
const WORKER: &str = "worker";

fn main() -> ExitCode {
    memory::set_up();
    // A worker reads no settings: it must know nothing that could be stolen from it.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER) {
        return app::worker::main();
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  cause: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    read_env_file()?;
    let Arguments { command } = Arguments::read();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime did not start")?;
    let outcome = runtime.block_on(async {
        match command {
            Command::Serve(settings) => Box::pin(serve::both(settings)).await,
            Command::Admin(settings) => Box::pin(serve::admin(settings)).await,
            Command::Gateway(settings) => Box::pin(serve::gateway(settings)).await,
            Command::Tokens(settings) => Box::pin(tokens::run(settings)).await,
            Command::Audit(settings) => Box::pin(audit::run(settings)).await,
            Command::Keys(settings) => Box::pin(keys::run(settings)).await,
            Command::Sources(settings) => Box::pin(sources::run(settings)).await,
            Command::Stdio(settings) => Box::pin(stdio::run(settings)).await,
            Command::Doctor(settings) => Box::pin(doctor::run(settings)).await,
        }
    });
    // Whoever still waits for a line of standard input waits in vain.
    runtime.shutdown_background();
    outcome
}

/// Reads `.env` in the working directory; variables that are set already win.
fn read_env_file() -> anyhow::Result<()> {
    match dotenvy::from_path(".env") {
        Ok(()) => Ok(()),
        Err(dotenvy::Error::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).context("the file .env cannot be read; mend or remove it"),
    }
}
