//! The sources of tools as those who listen know them: which there are, and how far each has come.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use app::sources::{self, State};
use app::{App, Result};
use uuid::Uuid;

/// The sources at one state of the database.
#[derive(Debug, Default)]
pub(crate) struct SourceStates {
    /// Where the counter of changes stood; below zero where nothing was read.
    pub(crate) counter: i64,
    /// Tells one list of them from others.
    pub(crate) print: u64,
    /// The newest version and the approved one, by the address.
    versions: HashMap<String, (i32, Option<Uuid>)>,
}

impl SourceStates {
    /// Those of no database.
    pub(crate) fn unread() -> Self {
        Self { counter: -1, ..Self::default() }
    }

    /// Reads them, which are at least as new as `counter`.
    pub(crate) async fn read(app: &App, counter: i64) -> Result<Self> {
        Ok(Self::of(counter, sources::states(app).await?))
    }

    fn of(counter: i64, states: Vec<State>) -> Self {
        let mut hasher = DefaultHasher::new();
        let mut versions = HashMap::with_capacity(states.len());
        for State { source, newest, live } in states {
            (&source.uri, &source.description).hash(&mut hasher);
            versions.insert(source.uri, (newest, live));
        }
        Self { counter, print: hasher.finish(), versions }
    }

    /// The addresses under which something else is read than before.
    pub(crate) fn updated_since(&self, before: &Self) -> Vec<String> {
        let mut updated = Vec::new();
        for (uri, (newest, live)) in &self.versions {
            let Some((old_newest, old_live)) = before.versions.get(uri) else { continue };
            if newest != old_newest {
                updated.push(uri.clone());
            }
            if live != old_live {
                updated.push(sources::live_address(uri));
            }
        }
        updated
    }
}

#[cfg(test)]
mod tests {
    use app::sources::Source;

    use super::*;

    fn states(of: &[(&str, &str, i32, Option<u128>)]) -> SourceStates {
        let state = |(name, description, newest, live): &(&str, &str, i32, Option<u128>)| State {
            source: Source {
                uri: sources::address("a", name),
                name: format!("a/{name}"),
                description: (*description).to_owned(),
            },
            newest: *newest,
            live: live.map(Uuid::from_u128),
        };
        SourceStates::of(0, of.iter().map(state).collect())
    }

    #[test]
    fn a_draft_and_an_approval_change_what_is_read_and_not_the_list() {
        let before = states(&[("x", "", 1, None), ("y", "", 3, Some(1))]);
        let after = states(&[("x", "", 2, None), ("y", "", 3, Some(2))]);
        assert_eq!(before.print, after.print);
        let mut updated = after.updated_since(&before);
        updated.sort();
        assert_eq!(
            updated,
            ["mcpbox://tools/a/x/source", "mcpbox://tools/a/y/source?version=live"]
        );
        assert!(before.updated_since(&before).is_empty());
    }

    #[test]
    fn a_tool_that_comes_goes_or_is_described_anew_changes_the_list_alone() {
        let before = states(&[("x", "", 1, None)]);
        for other in [
            states(&[]),
            states(&[("x", "", 1, None), ("y", "", 1, None)]),
            states(&[("x", "Words.", 1, None)]),
        ] {
            assert_ne!(before.print, other.print);
            assert!(other.updated_since(&before).is_empty());
        }
    }
}
