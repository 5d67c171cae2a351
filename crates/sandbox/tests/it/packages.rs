//! Sets of packages: made once, the same for every call, each set by itself.

mod made;
mod published;
mod trouble;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sandbox::{
    Config, Failure, MemoryReset, ModulePolicy, NoHost, Outcome, Recipe, Run, Sandbox, Set,
    SetSource,
};

use crate::{config, main_of, shared_folder, tool};

/// Both ways to have packages: in the snapshot, and unpacked by each call.
async fn sandboxes() -> Vec<Sandbox> {
    let mut sandboxes = Vec::new();
    for memory_reset in [MemoryReset::Auto, MemoryReset::Only(Recipe::Pool)] {
        let config = Config { memory_reset, ..config(2, shared_folder()) };
        sandboxes.push(Sandbox::start(config).await.expect("the sandbox starts"));
    }
    sandboxes
}

fn source(modules: &[&str], files: &[(&str, &str)]) -> SetSource {
    SetSource {
        modules: modules.iter().map(|&module| module.to_owned()).collect(),
        files: files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect(),
    }
}

async fn prepared(sandbox: &Sandbox, source: SetSource) -> Result<Set, Failure> {
    let folder = tempfile::tempdir().expect("a folder");
    sandbox.prepare_set("key", source, folder.path(), |_| {}).await
}

fn with(set: &Set, modules: &[&str], body: &str) -> Run {
    let granted = modules.iter().map(|&module| module.to_owned()).collect();
    let modules = ModulePolicy::new(Vec::new(), granted).expect("they are names");
    Run { modules, set: Some(set.clone()), ..tool(&main_of(body)) }
}

async fn called(sandbox: &Sandbox, set: &Set, modules: &[&str], body: &str) -> Outcome {
    sandbox.run(with(set, modules, body), Arc::new(NoHost)).await
}

async fn result(sandbox: &Sandbox, set: &Set, modules: &[&str], body: &str) -> String {
    let outcome = called(sandbox, set, modules, body).await;
    outcome.result.unwrap_or_else(|failure| panic!("{body}: {failure} {:?}", failure.detail))
}
