//! What was answered, and is therefore there after the program was killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, ensure};
use http::Method;
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::visitor::Visitor;

/// Ended sessions that are looked for.
const SESSIONS: usize = 50;

/// Rows of the log in one answer.
const PAGE: usize = 100;

/// How far a tool was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Made,
    Approved,
    /// Its deletion was asked for and not answered.
    Leaving,
    Deleted,
}

/// Everything that was answered.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Answered>);

#[derive(Debug, Default, Clone)]
struct Answered {
    /// Calls by the number that each was given.
    calls: BTreeSet<u64>,
    tools: BTreeMap<String, State>,
    /// Ids of the tools that stay, by name.
    named: BTreeMap<&'static str, String>,
    ended_sessions: Vec<String>,
}

impl Kept {
    /// A call of that number was answered.
    pub(crate) fn call(&self, number: u64) {
        self.open().calls.insert(number);
    }

    /// A tool was brought so far.
    pub(crate) fn tool(&self, id: &str, state: State) {
        self.open().tools.insert(id.to_owned(), state);
    }

    /// A tool of that name was made that stays.
    pub(crate) fn name(&self, name: &'static str, id: &str) {
        self.open().named.insert(name, id.to_owned());
    }

    /// The id of a tool that stays.
    pub(crate) fn named(&self, name: &str) -> Result<String> {
        self.open().named.get(name).cloned().with_context(|| format!("a tool named {name}"))
    }

    /// The end of a session was answered.
    pub(crate) fn session_ended(&self, id: String) {
        self.open().ended_sessions.push(id);
    }

    fn open(&self) -> MutexGuard<'_, Answered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for all of it; what was found, in words. Nobody may be visiting meanwhile.
pub(crate) async fn check(stage: &Stage, visitor: &mut Visitor) -> Result<String> {
    let Answered { calls, tools, ended_sessions, .. } = stage.kept.open().clone();
    for (id, state) in &tools {
        let found = visitor.try_manage("mcpbox_get_tool", &json!({"tool_id": id})).await?;
        let found = found.ok().filter(|found| !found.is_null());
        let is_there = match state {
            State::Leaving => true,
            State::Deleted => found.is_none(),
            State::Made => found.is_some(),
            State::Approved => found
                .as_ref()
                .is_some_and(|tool| tool.get("live_version").is_some_and(Value::is_number)),
        };
        ensure!(is_there, "tool {id}, answered as {state:?}, is {found:?}");
    }
    for session in ended_sessions.iter().rev().take(SESSIONS) {
        visitor.finds_no_session(session).await?;
    }
    let logged = logged(visitor).await?;
    let lost: Vec<_> = calls.difference(&logged).take(10).collect();
    ensure!(lost.is_empty(), "calls were answered that the log does not have: {lost:?}");
    Ok(format!(
        "{} answered calls in the log, {} tools as they were answered, {} sessions stay ended",
        calls.len(),
        tools.len(),
        ended_sessions.len().min(SESSIONS)
    ))
}

/// The numbers of the calls in the log. None ran twice.
async fn logged(visitor: &mut Visitor) -> Result<BTreeSet<u64>> {
    let mut rows = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for page in 1.. {
        let path = format!("/api/execution-logs?page={page}&page_size={PAGE}");
        let listed = visitor.api(Method::GET, &path, &Value::Null).await?;
        let items = listed.get("items").and_then(Value::as_array).context("a list of calls")?;
        for row in items {
            let is_new = rows.insert(row.get("id").map(Value::to_string));
            if let Some(number) = row.get("input_args").and_then(number_in).filter(|_| is_new) {
                ensure!(numbers.insert(number), "the call of number {number} ran twice");
            }
        }
        if items.len() < PAGE {
            break;
        }
    }
    Ok(numbers)
}

/// The number among the arguments of a call; of long ones the log has the beginning, where it stands.
fn number_in(arguments: &Value) -> Option<u64> {
    let Some(preview) = arguments.get("_preview").and_then(Value::as_str) else {
        return arguments.get("number")?.as_u64();
    };
    let rest = preview.strip_prefix("{\"number\":")?;
    rest.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_call_is_found_in_what_the_log_keeps() {
        assert_eq!(number_in(&json!({"left": 1, "number": 7})), Some(7));
        assert_eq!(number_in(&json!({"_preview": "{\"number\":7,\"text\":\"xx"})), Some(7));
        assert_eq!(number_in(&json!({"seconds": 1})), None);
    }
}
