//! How the names that clients see are made of what is stored.

/// What stands between the prefix and the tool's name.
pub const SEPARATOR: &str = "__";

/// The name under which clients see a tool; the tool's own where the prefix is empty.
pub fn public_name(prefix: &str, tool: &str) -> String {
    if prefix.is_empty() { tool.to_owned() } else { format!("{prefix}{SEPARATOR}{tool}") }
}

/// Every prefix and tool that a public name can be made of: a prefix holds no separator, so there
/// is one beside the empty one at most.
pub(super) fn spellings(public: &str) -> impl Iterator<Item = (&str, &str)> {
    let split = public.split_once(SEPARATOR).filter(|(prefix, _)| !prefix.is_empty());
    split.into_iter().chain([("", public)])
}

#[cfg(test)]
mod tests {
    use super::{public_name, spellings};

    #[test]
    fn a_public_name_is_read_as_it_was_made() {
        for (prefix, tool) in [("a", "b"), ("a_b", "c__d"), ("x", "y_"), ("", "a__b"), ("", "b")] {
            let public = public_name(prefix, tool);
            let count = spellings(&public).filter(|found| *found == (prefix, tool)).count();
            assert_eq!(count, 1, "{public}");
        }
        assert_eq!(spellings("b").collect::<Vec<_>>(), [("", "b")]);
        assert_eq!(spellings("__b").collect::<Vec<_>>(), [("", "__b")]);
    }
}
