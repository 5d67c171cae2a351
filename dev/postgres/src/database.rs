//! A database of its own for a test.

use std::{
    env,
    path::Path,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};

use crate::{
    Cluster,
    programs::{Programs, run},
};

/// The environment variable with the URL of the server that a test run shares: a database on it
/// that exists, for a user who may make others.
pub const URL_VARIABLE: &str = "MCPBOX_TEST_POSTGRES_URL";

/// An empty database; dropping it removes it.
#[derive(Debug)]
pub struct Database {
    url: String,
    name: String,
    server_url: String,
    /// Where the run shares no server, one of its own.
    _cluster: Option<Cluster>,
}

impl Database {
    /// Makes a database on the server that [`URL_VARIABLE`] names; without it, starts a server.
    pub fn create() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (server_url, cluster) = if let Ok(url) = env::var(URL_VARIABLE) {
            (url, None)
        } else {
            let cluster = Cluster::start(&env::temp_dir())?;
            (cluster.url().to_owned(), Some(cluster))
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", process::id());
        execute(&server_url, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        execute(&server_url, &format!("CREATE DATABASE {name}"))?;
        let url = with_database(&server_url, &name).context("the URL names no database")?;
        Ok(Self { url, name, server_url, _cluster: cluster })
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs a statement in it, as somebody else would.
    pub fn execute(&self, statement: &str) -> Result<()> {
        execute(&self.url, statement)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // What is left goes with the server.
        drop(execute(&self.server_url, &format!("DROP DATABASE {} WITH (FORCE)", self.name)));
    }
}

fn execute(url: &str, statement: &str) -> Result<()> {
    let programs = Programs::find()?;
    let mut psql = programs.command(programs.path("psql"), Path::new("/"));
    run(psql.args(["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--command", statement, url]))
}

/// The URL with another database in its path; what follows a `?` stays.
fn with_database(url: &str, name: &str) -> Option<String> {
    let (address, options) = match url.split_once('?') {
        Some((address, options)) => (address, format!("?{options}")),
        None => (url, String::new()),
    };
    let (server, _) = address.rsplit_once('/')?;
    Some(format!("{server}/{name}{options}"))
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn only_the_database_of_a_url_changes() {
        assert_eq!(
            with_database("postgres://u:p@host:5432/postgres?sslmode=disable", "test").as_deref(),
            Some("postgres://u:p@host:5432/test?sslmode=disable")
        );
        assert_eq!(
            with_database("postgres://u@host/postgres", "test").as_deref(),
            Some("postgres://u@host/test")
        );
    }
}
