//! News of changes: what of the lists is different now, for each who listens.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::catalog::{Catalog, Catalogs, Prints};
use crate::source_states::SourceStates;

/// How long to wait after the database failed.
const RETRY: Duration = Duration::from_secs(1);

/// What is different now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) tools: bool,
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
    /// The URIs and templates of resources that are made in another way now.
    pub(crate) updated: Vec<String>,
}

impl Change {
    /// What is different for who last knew the lists by these prints; everything for who did not know
    /// them. Where several changes lie between, a client may have read a list after the first and the
    /// last may have put back what it was: then everything may be different, too.
    pub(crate) fn since(old: Option<Prints>, new: Prints) -> Self {
        let old = old.filter(|old| new.counter <= old.counter + 1);
        let is_other = |of: fn(Prints) -> u64| old.is_none_or(|old| of(old) != of(new));
        Self {
            tools: is_other(|prints| prints.tools),
            prompts: is_other(|prints| prints.prompts),
            resources: is_other(|prints| prints.resources)
                || old.is_some_and(|old| are_other_sources(old, new)),
            updated: Vec::new(),
        }
    }

    /// Whether anything is.
    pub(crate) fn is_any(&self) -> bool {
        *self != Self::default()
    }
}

/// Whether the sources of tools are others; where nobody looked before, they may be.
fn are_other_sources(old: Prints, new: Prints) -> bool {
    match (old.sources, new.sources) {
        (Some(old), Some(new)) => old != new,
        (None, Some(_)) => old.counter != new.counter,
        (_, None) => false,
    }
}

/// What who listens knows.
struct Known {
    lists: Arc<Catalog>,
    /// None for who may not read them.
    sources: Option<Arc<SourceStates>>,
}

impl Known {
    /// With sources that are as new as the lists.
    async fn of(catalogs: &Catalogs, lists: Arc<Catalog>, is_author: bool) -> app::Result<Self> {
        let sources =
            if is_author { Some(catalogs.sources(lists.prints.counter).await?) } else { None };
        Ok(Self { lists, sources })
    }

    fn prints(&self) -> Prints {
        let sources = self.sources.as_ref().map(|sources| sources.print);
        Prints { sources, ..self.lists.prints }
    }

    fn updated_since(&self, before: &Self) -> Vec<String> {
        let mut updated = self.lists.updated_since(&before.lists);
        if let (Some(now), Some(before)) = (&self.sources, &before.sources) {
            updated.extend(now.updated_since(before));
        }
        updated
    }
}

/// One who listens.
pub(crate) struct Listener {
    catalogs: Arc<Catalogs>,
    counter: watch::Receiver<i64>,
    known: Known,
    /// Whether it may read the sources of tools.
    is_author: bool,
}

impl Listener {
    /// Hears of what changes from now on; of the sources of tools as an author.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn open(catalogs: &Arc<Catalogs>, is_author: bool) -> app::Result<Self> {
        // Before the lists are read, so that a change in between is heard of.
        let counter = catalogs.changes();
        let known = Known::of(catalogs, catalogs.get().await?, is_author).await?;
        Ok(Self { catalogs: Arc::clone(catalogs), counter, known, is_author })
    }

    /// What the lists are known by.
    pub(crate) fn prints(&self) -> Prints {
        self.known.prints()
    }

    /// The next change; none when the program ends.
    pub(crate) async fn next(&mut self) -> Option<Change> {
        loop {
            // The future may be dropped at any await: only what stands behind them counts as heard.
            let counter = *self.counter.borrow_and_update();
            if counter <= self.known.lists.prints.counter {
                self.counter.changed().await.ok()?;
                continue;
            }
            let now = match self.look(counter).await {
                Ok(now) => now,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "changes could not be read and are looked for again"
                    );
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            };
            let before = std::mem::replace(&mut self.known, now);
            let change = Change {
                updated: self.known.updated_since(&before),
                ..Change::since(Some(before.prints()), self.known.prints())
            };
            if change.is_any() {
                return Some(change);
            }
        }
    }

    async fn look(&self, counter: i64) -> app::Result<Known> {
        let lists = self.catalogs.since(counter).await?;
        Known::of(&self.catalogs, lists, self.is_author).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_with_other_prints_changed() {
        let old = Prints { counter: 7, tools: 1, prompts: 2, resources: 3, sources: Some(4) };
        assert!(!Change::since(Some(old), Prints { counter: 8, ..old }).is_any());
        let change = Change::since(Some(old), Prints { counter: 8, prompts: 9, ..old });
        assert_eq!(change, Change { prompts: true, ..Change::default() });
        let between = Change::since(Some(old), Prints { counter: 9, ..old });
        assert!(between.tools, "a client may have read what stood between");
        let sources = |sources, counter| Prints { counter, sources, ..old };
        assert!(Change::since(Some(old), sources(Some(5), 8)).resources);
        assert!(!Change::since(Some(old), sources(None, 8)).resources, "nobody's who may not read");
        let unread = sources(None, 7);
        assert!(!Change::since(Some(unread), old).is_any(), "nothing lies between");
        assert!(Change::since(Some(unread), sources(Some(4), 8)).resources, "they may be others");
        let unknown = Change::since(None, old);
        assert!(unknown.tools && unknown.prompts && unknown.resources);
    }
}
