//! `mcpbox sources`: external sources from the command line; above all logging in where there is no browser.

mod callback;

use std::io::Write as _;

use anyhow::{Context as _, bail};
use app::App;
use app::external_sources::oauth::{self, Begin, Begun};
use app::external_sources::{self, AuthType, Detail, ExternalSource, TokenState, settings_of};
use app::identity::Actor;
use app::settings::External;
use clap::{Args, Subcommand};
use tokio::io::{AsyncBufReadExt as _, BufReader, Stdin, stdin};

use self::callback::Callback;
use crate::arguments::Common;
use crate::{logging, serve};

/// Who the records name for what is done on the command line.
const BY: &str = "command line";

/// Settings of `mcpbox sources`.
#[derive(Debug, Args)]
pub(crate) struct Sources {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What to do with sources.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List all sources: name, server, where it is, how it stands.
    List,
    /// Log in at a source with OAuth. Prints the address to open in a browser and waits for it to come
    /// back; where the browser is on another machine, the address that it ends at can be pasted.
    Connect {
        /// The source, or server/source.
        name: String,
        /// Agree to the hosts of the authorization server without being asked.
        #[arg(long)]
        yes: bool,
    },
    /// Give the tokens of a source back and forget them.
    Disconnect {
        /// The source, or server/source.
        name: String,
    },
}

/// Runs the command on the database of the settings; a running server sees the change at once.
pub(crate) async fn run(settings: Sources) -> anyhow::Result<()> {
    let Sources { common, action } = settings;
    logging::start(if common.log == "info" { "warn" } else { &common.log })?;
    let app = open(&common).await?;
    let done = act(&app, action).await;
    app.close().await;
    done
}

async fn open(common: &Common) -> anyhow::Result<App> {
    serve::make_data_dir(&common.data_dir)?;
    let database = app::settings::location(&common.data_dir, common.database_url.as_deref())?;
    let key = app::settings::key_source(&common.data_dir, common.encryption_key.as_deref());
    let (outbound, external) = (
        common.outside.settings(),
        External { allow_loopback: common.outside.allow_loopback_sources, ..External::default() },
    );
    Ok(App::open_connected(&database, &key, &outbound, external).await?)
}

async fn act(app: &App, action: Action) -> anyhow::Result<()> {
    match action {
        Action::List => list(app).await,
        Action::Connect { name, yes } => connect(app, &name, yes).await,
        Action::Disconnect { name } => {
            let Detail { source, .. } = external_sources::named(app, &name).await?;
            let given_back = oauth::disconnect(app, Actor::local(BY), source.id).await?;
            eprintln!("Source `{}` is disconnected.", source.name);
            if !given_back {
                eprintln!(
                    "Its authorization server did not take the tokens back: they may be good there until they end."
                );
            }
            Ok(())
        }
    }
}

async fn list(app: &App) -> anyhow::Result<()> {
    let mut page = app::Page { number: 1, size: 100 };
    loop {
        let listed = external_sources::list(app, None, page).await?;
        if listed.total == 0 {
            eprintln!("No external sources. A person adds them on the page of a server.");
        }
        for detail in &listed.items {
            let server = app::servers::get(app, detail.source.server_id).await?.server;
            println!("{}", line(detail, &server.name));
        }
        if page.number * page.size >= listed.total {
            return Ok(());
        }
        page.number += 1;
    }
}

fn line(Detail { source, tokens }: &Detail, server: &str) -> String {
    let detail = Detail { source: source.clone(), tokens: tokens.clone() };
    let place = source.url.as_deref().unwrap_or("a process");
    let token = match tokens {
        Some(tokens) if tokens.state == TokenState::Reconnect => "log in again".to_owned(),
        Some(tokens) => match tokens.expires_at {
            Some(at) => format!("token until {}", at.format("%F %R UTC")),
            None => "has a token".to_owned(),
        },
        None => source.auth_type.to_string(),
    };
    format!("{}\t{server}\t{place}\t{}\t{token}", source.name, detail.status().as_str())
}

async fn connect(app: &App, name: &str, yes: bool) -> anyhow::Result<()> {
    let Detail { source, .. } = external_sources::named(app, name).await?;
    if source.auth_type != AuthType::Oauth {
        bail!(
            "source `{}` does not use OAuth; its credential is a secret of its server",
            source.name
        );
    }
    let redirect = settings_of(&source).redirect_uri;
    let callback = Callback::listen(redirect.as_deref()).await;
    let mut lines = BufReader::new(stdin());
    let mut hosts = Vec::new();
    let url = loop {
        let begin = Begin { callback: callback.address().to_owned(), hosts: hosts.clone() };
        match oauth::begin(app, None, source.id, begin).await? {
            Begun::Connected => {
                eprintln!("Source `{}` is connected.", source.name);
                return Ok(());
            }
            Begun::Visit { url, .. } => break url,
            Begun::Grant { hosts: asked } => {
                agree(&source, &asked, yes, &mut lines).await?;
                hosts = asked;
            }
        }
    };
    println!("{url}");
    eprintln!("Open this address in a browser and log in there.");
    eprintln!(
        "Where the browser cannot come back here, paste the address that it ends at, and press Enter:"
    );
    let query = tokio::select! {
        query = callback.query() => query?,
        pasted = pasted(&mut lines) => pasted?,
    };
    let finished = oauth::finish(app, None, &query).await?;
    eprintln!("Source `{}` is connected.", finished.source.name);
    Ok(())
}

/// Asks whether the source may use these hosts as well.
async fn agree(
    source: &ExternalSource,
    hosts: &[String],
    yes: bool,
    lines: &mut BufReader<Stdin>,
) -> anyhow::Result<()> {
    eprintln!("Source `{}` names this authorization server: {}", source.name, hosts.join(", "));
    if yes {
        return Ok(());
    }
    eprint!("May mcpbox connect to it? [y/N] ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    lines.read_line(&mut line).await?;
    if !matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        bail!("nothing was connected to; say y, or give --yes");
    }
    Ok(())
}

/// The query of an address that somebody pastes.
async fn pasted(lines: &mut BufReader<Stdin>) -> anyhow::Result<String> {
    loop {
        let mut line = String::new();
        let read = lines.read_line(&mut line).await.context("standard input cannot be read")?;
        if read == 0 {
            // Nobody pastes anything; the browser may come yet.
            std::future::pending::<()>().await;
        }
        let line = line.trim();
        if let Some((_, query)) = line.split_once('?').filter(|(_, query)| query.contains("state="))
        {
            return Ok(query.split('#').next().unwrap_or_default().to_owned());
        }
        if !line.is_empty() {
            eprintln!("That is no address with `?code=…&state=…`; paste all of it:");
        }
    }
}
