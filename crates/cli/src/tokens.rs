//! `mcpbox tokens`: the bearer tokens of MCP callers.

use anyhow::{Context as _, bail};
use app::App;
use app::tokens::{self, New, Token};

use crate::arguments::{Common, TokenAction, Tokens};
use crate::{logging, serve};

/// Who the logs name for what is done on the command line.
const BY: &str = "command line";

/// Runs the command on the database of the settings; a running server sees the change at once.
pub(crate) async fn run(settings: Tokens) -> anyhow::Result<()> {
    let Tokens { common, action } = settings;
    // The token goes to standard output; whatever is logged at `info` would only be in the way.
    logging::start(if common.log == "info" { "warn" } else { &common.log })?;
    let app = open(&common).await?;
    let done = act(&app, action).await;
    app.close().await;
    done
}

/// Opens the state for a command that runs no tool.
pub(crate) async fn open(common: &Common) -> anyhow::Result<App> {
    serve::make_data_dir(&common.data_dir)?;
    App::open_without_sandbox(&app::settings::location(
        &common.data_dir,
        common.database_url.as_deref(),
    )?)
    .await
    .context("the database cannot be opened")
}

async fn act(app: &App, action: TokenAction) -> anyhow::Result<()> {
    match action {
        TokenAction::Create { name, scopes, expires_in_days } => {
            let has = |scope: &str| scopes.iter().any(|given| given == scope);
            let new = New { name, call: has("call"), author: has("author"), expires_in_days };
            let (token, value) = tokens::create_by(app, BY, new).await?;
            eprintln!("Token for `{}`; it is shown this once:", token.name);
            println!("{value}");
        }
        TokenAction::List => {
            let listed = tokens::list(app).await?;
            if listed.is_empty() {
                eprintln!("No tokens. Make one with `mcpbox tokens create NAME`.");
            }
            for token in listed {
                println!("{}", line(&token));
            }
        }
        TokenAction::Revoke { name } => {
            let listed = tokens::list(app).await?;
            let Some(token) = listed.into_iter().find(|token| token.name == name) else {
                bail!("there is no token named `{name}`; see `mcpbox tokens list`");
            };
            tokens::revoke_by(app, BY, token.id).await?;
            eprintln!("Token `{name}` is revoked.");
        }
    }
    Ok(())
}

fn line(token: &Token) -> String {
    let mut scopes = Vec::new();
    if token.can_call {
        scopes.push("call");
    }
    if token.can_author {
        scopes.push("author");
    }
    let state = match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {}", at.format("%F")),
        (None, Some(at)) => format!("until {}", at.format("%F")),
        (None, None) => "no end".to_owned(),
    };
    format!("{}\t{}\t{state}", token.name, scopes.join(","))
}
