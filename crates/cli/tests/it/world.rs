//! A program at work on SQLite, with the client of a model and a person who is signed in.

use testkit::http::Api;
use testkit::program::Program;

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;

/// What most tests begin with. It ends with it.
pub(crate) struct World {
    _database: Database,
    pub(crate) program: Program,
    pub(crate) model: Client,
    pub(crate) api: Api,
}

impl World {
    pub(crate) fn new() -> Self {
        let database = Database::sqlite();
        let program = database.serve();
        let model = Client::connect(&program.mcp, "auto");
        let api = Api::sign_in(&program.admin);
        Self { _database: database, program, model, api }
    }

    /// Makes an approved tool; its id.
    pub(crate) fn publish(&mut self, server: &str, tool: &str, code: &str) -> String {
        publish(&mut self.model, &self.api, server, tool, code)
    }
}
