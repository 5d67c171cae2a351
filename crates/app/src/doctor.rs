//! What `mcpbox doctor` finds out: whether database, key and sandbox can do their work.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use sandbox::{Limits, MemoryReport, ModulePolicy, NoHost, Run, Sandbox, Status, Walls};
use store::Location;
use store::examination::{self, Examination};
use store::installation::Binding;
use store::key::{Found, KeyError, KeySource, MasterKey};
use uuid::Uuid;

use crate::settings::Settings;
use crate::{Error, packages};

/// How a part is; the text says what was found, and what to do where it is not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does its work.
    Well(String),
    /// It does its work, or will, with less than there could be.
    Weaker(String),
    /// It does not do its work.
    Broken(String),
}

/// Tries each part in turn, without changing anything that is kept.
pub async fn examine(settings: &Settings) -> Vec<(&'static str, Verdict)> {
    let (database, binding) = database(settings).await;
    let key = key_verdict(&settings.key, binding.as_ref());
    let mut found = vec![("database", database), ("key", key)];
    found.extend(sandbox(settings).await);
    found.push(("package index", index(settings).await));
    found
}

/// Whether packages could be fetched; tools that need none run without.
async fn index(settings: &Settings) -> Verdict {
    let client = match outbound::Client::new(&settings.outbound) {
        Ok(client) => client,
        Err(error) => return Verdict::Broken(chain(&error)),
    };
    match packages::check_index(&settings.sources, &client).await {
        Ok(url) => Verdict::Well(format!("{url} answers")),
        Err(error @ Error::Invalid { .. }) => Verdict::Broken(error.to_string()),
        Err(error) => Verdict::Weaker(format!(
            "{error}; no package can be approved until it answers (--package-index)"
        )),
    }
}

/// What the database says, and with which master keys it is used.
async fn database(settings: &Settings) -> (Verdict, Option<Binding>) {
    if let Location::Sqlite(path) = &settings.database
        && !path.exists()
    {
        let text = format!("{} is not there yet; the first start makes it", path.display());
        return (Verdict::Weaker(text), None);
    }
    match examination::examine(&settings.database).await {
        Ok(Examination { version, pending: 0, binding }) => (Verdict::Well(version), binding),
        Ok(Examination { version, pending, binding }) => {
            let text =
                format!("{version}; the next start brings {pending} change(s) to its tables");
            (Verdict::Weaker(text), binding)
        }
        Err(error) => (Verdict::Broken(chain(&error)), None),
    }
}

pub(crate) fn key_verdict(source: &KeySource, binding: Option<&Binding>) -> Verdict {
    let Found { key, next } = match source.read() {
        Ok(found) => found,
        Err(error) => return Verdict::Broken(chain(&error)),
    };
    let role = |key: Option<&MasterKey>| key.zip(binding).and_then(|(key, bound)| bound.role(key));
    match (role(key.as_ref()), binding) {
        (Some(_), Some(bound)) if bound.is_rotating() => Verdict::Weaker(format!(
            "{source} fits, and is being replaced: `mcpbox keys status` tells how far that is"
        )),
        (Some(_), _) => Verdict::Well(source.to_string()),
        (None, Some(_)) if role(next.as_ref()).is_some() => Verdict::Weaker(format!(
            "the new key beside {source} fits; the next start puts it in the place of the old one"
        )),
        (None, Some(_)) if key.is_some() => Verdict::Broken(KeyError::Mismatch.to_string()),
        (None, Some(_)) => Verdict::Broken(format!(
            "the database was used with a key, and {source} is missing; put it back from a backup, \
             or set MCPBOX_ENCRYPTION_KEY"
        )),
        (None, None) if key.is_some() => Verdict::Well(source.to_string()),
        (None, None) => {
            Verdict::Weaker(format!("{source} is not there yet; the first start makes it"))
        }
    }
}

/// Starts one worker and makes one call.
async fn sandbox(settings: &Settings) -> Vec<(&'static str, Verdict)> {
    let mut config = settings.sandbox.clone();
    config.workers = 1;
    let temporary = (!config.artifact_dir.is_dir()).then(tempfile::tempdir);
    match &temporary {
        Some(Ok(folder)) => folder.path().clone_into(&mut config.artifact_dir),
        Some(Err(error)) => {
            let text = format!("no folder can be made to unpack Python in: {error}");
            return vec![("sandbox", Verdict::Broken(text))];
        }
        None => {}
    }
    let sandbox = match Sandbox::start(config).await {
        Ok(sandbox) => sandbox,
        Err(error) => return vec![("sandbox", Verdict::Broken(chain(&error)))],
    };
    let call = Run {
        source: "async def main():\n    return 6 * 7\n".to_owned(),
        arguments: "{}".to_owned().into(),
        secrets: sandbox::Secrets::default(),
        client: sandbox::Abilities::default(),
        modules: ModulePolicy::default(),
        set: None,
        limits: Limits { wall: Duration::from_secs(10), ..Limits::default() },
        group: Uuid::nil(),
    };
    let outcome = sandbox.run(call, Arc::new(NoHost)).await;
    let verdict = match outcome.result.as_deref() {
        Ok("42") => {
            Verdict::Well(format!("a call was answered after {} ms", outcome.wall.as_millis()))
        }
        Ok(other) => Verdict::Broken(format!("a call was answered with {other} instead of 42")),
        Err(failure) => Verdict::Broken(failure.message.clone()),
    };
    let Status { memory, walls, .. } = sandbox.status();
    sandbox.stop().await;
    vec![
        ("sandbox", verdict),
        ("memory reset", memory_verdict(memory)),
        ("walls", walls_verdict(walls)),
    ]
}

/// A recipe that is slower than the fastest there is, is worth a word.
fn memory_verdict(memory: Option<MemoryReport>) -> Verdict {
    let Some(MemoryReport { recipe, skipped }) = memory else {
        return Verdict::Broken("no worker is ready".to_owned());
    };
    if skipped.is_empty() {
        return Verdict::Well(recipe.to_string());
    }
    let skipped: Vec<_> =
        skipped.iter().map(|(faster, why)| format!("{faster} is not: {why}")).collect();
    Verdict::Weaker(format!("{recipe} is used; {}", skipped.join("; ")))
}

fn walls_verdict(walls: Option<Walls>) -> Verdict {
    let Some(walls) = walls else {
        return Verdict::Broken("no worker is ready".to_owned());
    };
    match walls.missing() {
        None => {
            let names = walls.standing().collect::<Vec<_>>().join(", ");
            Verdict::Well(format!("all stand round the workers: {names}"))
        }
        Some(missing) => Verdict::Weaker(format!(
            "missing: {missing}; start with --require-sandbox-walls to refuse to run without"
        )),
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        let more = found.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = found.source();
    }
    text
}
