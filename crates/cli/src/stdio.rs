//! `mcpbox stdio`: for clients that only start programs, their pipes connected with an MCP door.

mod bridge;
mod door;
mod events;
mod headers;
mod lines;
mod message;
mod output;
mod reply;
mod session;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use app::remote::Remote;
use app::settings::Outbound;
use axum::http::HeaderValue;
use clap::Args;
use serde_json::Value;

use self::bridge::Bridge;
use self::door::Door;
use self::lines::{Line, Lines};
use self::message::PARSE_ERROR;
use self::output::Output;
use crate::logging;

/// How long requests under way may go on once the client has closed its pipe.
const REST: Duration = Duration::from_mins(5);

/// How long the last lines may take to be read.
const LAST_LINES: Duration = Duration::from_secs(5);

/// Settings of `mcpbox stdio`.
#[derive(Debug, Args)]
pub(crate) struct Stdio {
    /// The address of /mcp.
    #[arg(
        long,
        env = "MCPBOX_MCP_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8002/mcp"
    )]
    url: String,
    /// The token to call with, as `mcpbox tokens create` printed it. Better given by the environment
    /// or by a file than by the flag.
    #[arg(long, env = "MCPBOX_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file with the token.
    #[arg(long, env = "MCPBOX_TOKEN_FILE", value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// A file with certificates (PEM) of authorities to trust beside those of the system. May be
    /// given several times; in the environment, separated by commas.
    #[arg(long = "ca-file", env = "MCPBOX_CA_FILES", value_name = "FILE", value_delimiter = ',')]
    ca_files: Vec<PathBuf>,
    /// What to log on standard error: error, warn, info, debug, trace, or a filter.
    #[arg(long, env = "MCPBOX_LOG", value_name = "FILTER", default_value = "warn")]
    log: String,
}

/// Carries messages until the client closes its pipe and what it asked is answered.
pub(crate) async fn run(settings: Stdio) -> anyhow::Result<()> {
    logging::start(&settings.log)?;
    let outbound = Outbound { ca_files: settings.ca_files.clone(), ..Outbound::default() };
    let remote = Remote::new(&outbound, &settings.url)?;
    let door = Door::new(remote, settings.url.clone(), settings.authorization()?);
    let (output, writing) = Output::start(tokio::io::stdout());
    let bridge = Bridge::new(door, output.clone());
    let mut lines = Lines::new(tokio::io::stdin());
    loop {
        let line = tokio::select! {
            line = lines.next() => line.context("standard input cannot be read")?,
            () = output.closed() => bail!("standard output was closed"),
        };
        match line {
            Line::Whole(line) if line.trim().is_empty() => {}
            Line::Whole(line) => bridge.take(&line).await,
            Line::Unreadable(why) => {
                output.say(message::failure(&Value::Null, PARSE_ERROR, why)).await;
            }
            Line::End => break,
        }
    }
    bridge.finish(REST).await;
    drop((bridge, output));
    if tokio::time::timeout(LAST_LINES, writing).await.is_err() {
        tracing::debug!("the last lines were not read");
    }
    Ok(())
}

impl Stdio {
    /// What every request says of who calls.
    fn authorization(&self) -> anyhow::Result<Option<HeaderValue>> {
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => token.clone(),
            (None, Some(file)) => std::fs::read_to_string(file)
                .with_context(|| format!("the token file {} cannot be read", file.display()))?,
            (None, None) => return Ok(None),
        };
        let token = token.trim();
        if token.is_empty() {
            bail!("the token is empty; `mcpbox tokens create NAME` makes one");
        }
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .context("the token has characters that no token has")?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}
