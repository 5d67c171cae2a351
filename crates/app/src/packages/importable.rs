//! What is told of packages that are ready and yet cannot be imported.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Preparation, kept, preparation};
use crate::{App, Result};

impl Preparation {
    /// The modules that somebody would import by name and cannot, each with the reason: those at
    /// the top level that are not private. None are known before the set is ready.
    pub fn not_importable(&self) -> BTreeMap<String, String> {
        self.failed(is_public)
    }

    /// The other modules that failed: parts of packages that are meant for other systems, mostly.
    pub fn failed_inside(&self) -> BTreeMap<String, String> {
        self.failed(|module| !is_public(module))
    }

    fn failed(&self, which: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        let Self::Ready { failed, .. } = self else { return BTreeMap::new() };
        let chosen = failed.iter().filter(|(module, _)| which(module));
        chosen.map(|(module, why)| (module.clone(), why.clone())).collect()
    }

    /// As [`Self::text`], and "ready" only with what is not.
    pub fn whole_text(&self) -> String {
        let failed: Vec<String> = self.not_importable().into_keys().collect();
        if failed.is_empty() {
            return self.text();
        }
        format!("{}, but these modules cannot be imported: {}", self.text(), failed.join(", "))
    }
}

fn is_public(module: &str) -> bool {
    !module.contains('.') && !module.starts_with('_')
}

/// The modules of a server's packages that cannot be imported, and why; as far as this process
/// knows.
pub async fn not_importable(app: &App, server_id: Uuid) -> Result<BTreeMap<String, String>> {
    let kept = kept(app.store(), server_id).await?;
    Ok(kept.map(|kept| preparation(app, &kept.digest).not_importable()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(failed: &[&str]) -> Preparation {
        let failed = failed.iter().map(|&module| (module.to_owned(), format!("no {module}")));
        Preparation::Ready { failed: failed.collect(), fallen_back: None }
    }

    #[test]
    fn what_a_tool_would_import_is_told_apart_from_parts_of_it() {
        let state = ready(&["_private", "markdown.test_tools", "sympy"]);
        let told: Vec<_> = state.not_importable().into_iter().collect();
        assert_eq!(told, [("sympy".to_owned(), "no sympy".to_owned())]);
        let inside: Vec<_> = state.failed_inside().into_keys().collect();
        assert_eq!(inside, ["_private", "markdown.test_tools"]);
        assert!(state.whole_text().contains("cannot be imported: sympy"), "{}", state.whole_text());
    }

    #[test]
    fn ready_is_ready_where_only_parts_failed_and_nothing_is_known_before() {
        assert_eq!(ready(&[]).whole_text(), "ready");
        assert_eq!(ready(&["markdown.test_tools", "_private"]).whole_text(), "ready");
        let begun = Preparation::Fetching { done: 1, all: 2 };
        assert!(begun.not_importable().is_empty() && begun.failed_inside().is_empty());
        assert_eq!(begun.whole_text(), begun.text());
    }
}
