//! News of changes: what of the lists is different now, for each who listens.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::catalog::{Catalog, Catalogs, Prints};

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
            resources: is_other(|prints| prints.resources),
            updated: Vec::new(),
        }
    }

    /// Whether anything is.
    pub(crate) fn is_any(&self) -> bool {
        *self != Self::default()
    }
}

/// One who listens.
pub(crate) struct Listener {
    catalogs: Arc<Catalogs>,
    counter: watch::Receiver<i64>,
    known: Arc<Catalog>,
}

impl Listener {
    /// Hears of what changes from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn open(catalogs: &Arc<Catalogs>) -> app::Result<Self> {
        // Before the lists are read, so that a change in between is heard of.
        let counter = catalogs.changes();
        let known = catalogs.get().await?;
        Ok(Self { catalogs: Arc::clone(catalogs), counter, known })
    }

    /// What the lists are known by.
    pub(crate) fn prints(&self) -> Prints {
        self.known.prints
    }

    /// The next change; none when the program ends.
    pub(crate) async fn next(&mut self) -> Option<Change> {
        loop {
            // The future may be dropped at any await: only what stands behind them counts as heard.
            let counter = *self.counter.borrow_and_update();
            if counter <= self.known.prints.counter {
                self.counter.changed().await.ok()?;
                continue;
            }
            let now = match self.catalogs.since(counter).await {
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
                ..Change::since(Some(before.prints), self.known.prints)
            };
            if change.is_any() {
                return Some(change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_with_other_prints_changed() {
        let old = Prints { counter: 7, tools: 1, prompts: 2, resources: 3 };
        assert!(!Change::since(Some(old), Prints { counter: 8, ..old }).is_any());
        let change = Change::since(Some(old), Prints { counter: 8, prompts: 9, ..old });
        assert_eq!(change, Change { prompts: true, ..Change::default() });
        let between = Change::since(Some(old), Prints { counter: 9, ..old });
        assert!(between.tools, "a client may have read what stood between");
        let unknown = Change::since(None, old);
        assert!(unknown.tools && unknown.prompts && unknown.resources);
    }
}
