//! `--config`: the file by which the operator decides about external sources, read at the start and at SIGHUP.

mod entry;
mod file;
mod variables;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use app::external_sources::registration::{self, Applied, Registration, understand};
use app::{App, Error};
use clap::Args;
use tokio_util::task::AbortOnDropHandle;

use self::entry::{Lines, Reader};
use self::file::File;

/// The largest file that is read, in bytes.
const BYTES_MAX: u64 = 1 << 20;

/// What decides about external sources from outside.
#[derive(Debug, Args)]
pub(crate) struct Configured {
    /// A file (YAML) with the external servers that are registered at the start, under `external_servers`;
    /// docs/external-servers.example.yaml shows all of it. It is read again at SIGHUP. Give the same file to
    /// every process of an installation.
    #[arg(long, global = true, env = "MCPBOX_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Configured {
    /// Reads the file, if there is to be one.
    pub(crate) fn read(&self) -> anyhow::Result<Option<Configuration>> {
        self.config.as_deref().map(Configuration::read).transpose()
    }
}

/// What a file says.
pub(crate) struct Configuration {
    path: PathBuf,
    entries: Vec<Entry>,
}

struct Entry {
    /// Where it stands.
    line: u64,
    lines: Lines,
    registration: Registration,
}

impl Configuration {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = read_text(path)?;
        let entries = entries(&path.display().to_string(), &text, |name| std::env::var(name).ok())?;
        Ok(Self { path: path.to_owned(), entries })
    }

    /// Makes the sources what the file says, all of it or, where an entry is wrong, nothing.
    pub(crate) async fn apply(&self, app: &App) -> anyhow::Result<()> {
        for entry in &self.entries {
            registration::check_entry(app, &entry.registration)
                .map_err(|error| self.wrong(entry, &error))?;
        }
        let mut count = 0;
        for entry in &self.entries {
            let applied = registration::apply(app, &entry.registration).await;
            let applied = applied.map_err(|error| self.wrong(entry, &error))?;
            count += usize::from(applied != Applied::Unchanged);
            for warning in entry.registration.warnings() {
                tracing::warn!("{}:{}: {warning}", self.path.display(), entry.line);
            }
        }
        let entries: Vec<_> = self.entries.iter().map(|entry| &entry.registration).collect();
        let removed = registration::remove_others(app, &entries).await?;
        let (file, entries) = (self.path.display(), self.entries.len());
        tracing::info!(%file, entries, changed = count, removed = removed.len(), "external servers are as the file says");
        Ok(())
    }

    fn wrong(&self, entry: &Entry, error: &Error) -> anyhow::Error {
        anyhow!("{}:{}: {error}", self.path.display(), line_of(&entry.lines, entry.line, error))
    }

    /// Reads the file anew at each SIGHUP; one that is wrong changes nothing.
    #[cfg(unix)]
    pub(crate) fn keep(self, app: &App) -> anyhow::Result<Option<AbortOnDropHandle<()>>> {
        let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
        let app = app.clone();
        Ok(Some(AbortOnDropHandle::new(tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                let applied = match Self::read(&self.path) {
                    Ok(read) => read.apply(&app).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = applied {
                    tracing::error!("{error:#}; the external servers stay as they were");
                }
            }
        }))))
    }

    /// Without such a signal the file is read at the start alone.
    #[cfg(not(unix))]
    pub(crate) fn keep(self, _: &App) -> anyhow::Result<Option<AbortOnDropHandle<()>>> {
        Ok(None)
    }
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    let cannot = || format!("the file {} (--config) cannot be read", path.display());
    let length = std::fs::metadata(path).with_context(cannot)?.len();
    if length > BYTES_MAX {
        bail!("{} has {length} bytes; at most {BYTES_MAX} are read", path.display());
    }
    std::fs::read_to_string(path).with_context(cannot)
}

/// Where the field stands that an error is about.
fn line_of(lines: &Lines, entry: u64, error: &Error) -> u64 {
    match error {
        Error::Invalid { field, .. } => lines.get(field).copied().unwrap_or(entry),
        _ => entry,
    }
}

fn entries(
    file: &str,
    text: &str,
    lookup: impl Fn(&str) -> Option<String> + Copy,
) -> anyhow::Result<Vec<Entry>> {
    let options = serde_saphyr::options! { with_snippet: false };
    let read: Option<File> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let line = error.location().map_or(1, |location| location.line());
            anyhow!("{file}:{line}: {}", error.without_snippet())
        })?;
    // A file that somebody is just writing must not take all sources away.
    let servers = read.and_then(|read| read.external_servers).ok_or_else(|| {
        anyhow!("{file}: there is nothing under `external_servers`; write `external_servers: {{}}` for none")
    })?;
    let mut entries: Vec<Entry> = Vec::new();
    for (key, server) in servers {
        let line = server.referenced.line();
        let mut reader = Reader { file, lookup, lines: Lines::new() };
        let written = reader.written(&key, &server.value)?;
        let registration = understand(&written, None)
            .map_err(|error| anyhow!("{file}:{}: {error}", line_of(&reader.lines, line, &error)))?;
        if let Some(same) =
            entries.iter().find(|it| it.registration.server() == registration.server())
        {
            bail!(
                "{file}:{line}: `{key}` makes the server `{}`, as the entry of line {} does; name one of them otherwise",
                registration.server(),
                same.line
            );
        }
        entries.push(Entry { line, lines: reader.lines, registration });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Vec<Entry>> {
        entries("servers.yaml", text, |name| match name {
            "BOX_CLIENT_ID" => Some("id-1".to_owned()),
            "BOX_CLIENT_SECRET" => Some("secret-1".to_owned()),
            "BOX_REDIRECT_URI" => Some("http://localhost:4444/callback".to_owned()),
            _ => None,
        })
    }

    fn refused(text: &str) -> String {
        match read(text) {
            Ok(_) => panic!("{text} is taken"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn the_example_is_read_with_its_variables() {
        let entries = read(include_str!("../../../docs/external-servers.example.yaml")).unwrap();
        let shown = format!("{:?}", entries[0].registration);
        for part in ["id-1", "http://localhost:4444/callback", "https://mcp.box.com"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("secret-1"), "{shown}");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named_with_its_line() {
        let text = "# servers\nexternal_servers:\n  a:\n    url: \"https://a.example\"\n    description: ${NOT_SET}\n";
        let error = refused(text);
        assert!(error.starts_with("servers.yaml:5:") && error.contains("NOT_SET"), "{error}");
        assert!(read(&text.replace("NOT_SET", "NOT_SET:-x")).is_ok());
    }

    #[test]
    fn a_key_that_is_not_known_is_named_with_its_line() {
        let text = "external_servers:\n  a:\n    url: https://a.example\n    uri: x\n";
        let error = refused(text);
        assert!(error.starts_with("servers.yaml:4:") && error.contains("uri"), "{error}");
        let error = refused("servers: {}\n");
        assert!(error.starts_with("servers.yaml:1:") && error.contains("servers"), "{error}");
        assert!(read("external_servers: {}\n").unwrap().is_empty());
        for nothing in ["", "# nothing yet\n", "external_servers:\n"] {
            assert!(refused(nothing).contains("external_servers: {}"), "{nothing:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_named_with_the_line_of_its_field() {
        let text = "external_servers:\n  a:\n    url: https://a.example\n    auth:\n      type: oauth2.1\n      pkce_required: plain\n";
        let error = refused(text);
        assert!(error.starts_with("servers.yaml:6:") && error.contains("S256"), "{error}");
        for pkce in ["true", "S256"] {
            assert!(read(&text.replace("plain", pkce)).is_ok(), "{pkce}");
        }
    }

    #[test]
    fn two_entries_for_one_server_are_refused() {
        let error = refused(
            "external_servers:\n  a b:\n    url: https://a.example\n  a_b:\n    url: https://b.example\n",
        );
        assert!(error.contains("a_b"), "{error}");
    }
}
