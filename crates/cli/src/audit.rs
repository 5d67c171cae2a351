//! `mcpbox audit`: whether the audit log is whole, and the log as JSON lines.

use std::io::{self, Write as _};

use anyhow::{Context as _, bail};
use app::App;
use app::audit::{self, Report};
use clap::{Args, Subcommand};

use crate::arguments::Common;
use crate::{logging, tokens};

/// Settings of `mcpbox audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Walk the whole chain and print the number of rows and the last hash. Keep that hash elsewhere:
    /// rows cut off from the end are only missed by somebody who knows it.
    Verify {
        /// A hash that was printed before: it has to be in the chain still.
        #[arg(long, value_name = "HASH", value_parser = hash)]
        expect: Option<String>,
    },
    /// Write the whole log to standard output, oldest first, a JSON object on each line.
    Export,
}

/// Runs the command on the database of the settings; servers may go on writing.
pub(crate) async fn run(settings: Audit) -> anyhow::Result<()> {
    let Audit { common, action } = settings;
    // What is found goes to standard output; whatever is logged at `info` would only be in the way.
    logging::start(if common.log == "info" { "warn" } else { &common.log })?;
    let app = tokens::open(&common).await?;
    let done = match action {
        Action::Verify { expect } => verify(&app, expect.as_deref()).await,
        Action::Export => export(&app).await,
    };
    app.close().await;
    done
}

async fn verify(app: &App, expect: Option<&str>) -> anyhow::Result<()> {
    let Report { rows, last_hash, broken, expected_found } = audit::verify(app, expect).await?;
    if let Some(broken) = broken {
        bail!(
            "the audit log is not as it was written: row {} {}; {rows} rows before it are good",
            broken.number,
            broken.reason
        );
    }
    println!("{rows} rows, each as it was written");
    if let Some(hash) = last_hash {
        println!("last hash {hash}");
    }
    match (expect, expected_found) {
        (Some(hash), false) => bail!(
            "no row has the hash {hash}: rows were removed from the end, or the whole log was written anew"
        ),
        _ => Ok(()),
    }
}

async fn export(app: &App) -> anyhow::Result<()> {
    let mut output = io::BufWriter::new(io::stdout().lock());
    let mut last = i64::MIN;
    loop {
        let rows = audit::after(app, last).await?;
        let Some(end) = rows.last() else { break };
        last = end.number;
        for row in &rows {
            let line = serde_json::to_string(row).context("a row cannot be written as JSON")?;
            writeln!(output, "{line}").context("standard output cannot be written to")?;
        }
    }
    output.flush().context("standard output cannot be written to")
}

fn hash(text: &str) -> Result<String, String> {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        return Ok(text.to_ascii_lowercase());
    }
    Err("expected 64 hexadecimal digits, as `mcpbox audit verify` prints them".to_owned())
}
