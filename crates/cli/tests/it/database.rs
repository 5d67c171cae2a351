//! The databases that the tests run on.

use tempfile::TempDir;

use testkit::program::Program;

/// An empty data directory and the address of an empty database.
pub(crate) struct Database {
    dir: TempDir,
    postgres: Option<throwaway_postgres::Database>,
}

impl Database {
    /// SQLite in the data directory.
    pub(crate) fn sqlite() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory"), postgres: None }
    }

    /// A new database of the throwaway PostgreSQL.
    pub(crate) fn postgres() -> Self {
        let postgres = throwaway_postgres::Database::create().expect("a PostgreSQL database");
        Self { dir: tempfile::tempdir().expect("a directory"), postgres: Some(postgres) }
    }

    /// The data directory; it does not exist before the first start.
    pub(crate) fn data_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    /// The address of the database, if it is not SQLite.
    pub(crate) fn url(&self) -> Option<&str> {
        self.postgres.as_ref().map(throwaway_postgres::Database::url)
    }

    /// Runs a statement in PostgreSQL, as somebody else would.
    pub(crate) fn execute(&self, statement: &str) {
        let postgres = self.postgres.as_ref().expect("a PostgreSQL database");
        postgres.execute(statement).expect("the statement runs");
    }

    /// `mcpbox serve` on it.
    pub(crate) fn serve(&self) -> Program {
        Program::serve(&self.data_dir(), self.url())
    }
}
