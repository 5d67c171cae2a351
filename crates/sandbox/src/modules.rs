//! What a tool may import beside, or less than, what every tool may.

mod standard;

use serde::Serialize;
use standard::{ABSENT, ALLOWED, NEVER, STANDARD};

/// The longest name of a module, in bytes.
const NAME_MAX: usize = 200;

/// The most names in one policy.
const NAMES_MAX: usize = 1_000;

/// How the list of modules that tools may import (`guest/python/imports.py`) is changed for one call.
///
/// A name stands for the module and all that is in it. Modules that can never be imported stay so,
/// whatever is granted; what is both removed and granted is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ModulePolicy {
    removed: Vec<String>,
    granted: Vec<String>,
    undeclared: Vec<String>,
}

/// A policy names something that cannot be a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidModuleName {
    /// It is not made of identifiers with dots between them, or too long.
    #[error("{0:?} is no name of a module: write it as in `import`, such as xml.dom")]
    Name(String),
    /// There are too many names.
    #[error("a policy of modules can name {NAMES_MAX} modules at most")]
    TooMany,
}

/// What a policy says about a module, and what granting it would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleStanding {
    /// Tools may import it, and all that is in it.
    Allowed,
    /// Tools may import it once it is granted.
    Grantable,
    /// Tools can never import it, whatever is granted.
    Never,
    /// It is a part of Python's standard library that the guest does not have.
    Absent,
    /// It is not in Python's standard library.
    Unknown,
}

/// The modules that every tool may import from the start, with all that is in them; by name.
pub fn allowed_modules() -> impl Iterator<Item = &'static str> {
    ALLOWED.split_whitespace()
}

impl ModulePolicy {
    /// Takes `removed` from the list, and adds `granted` to it.
    pub fn new(removed: Vec<String>, granted: Vec<String>) -> Result<Self, InvalidModuleName> {
        Self { removed, granted, undeclared: Vec::new() }.checked()
    }

    /// Names what is granted as well, but not declared by the revision that runs, so that an import of
    /// it is refused and the error says how to declare it. What [`Self::granted`] covers, or every
    /// tool may import, is allowed nevertheless.
    pub fn with_undeclared(mut self, undeclared: Vec<String>) -> Result<Self, InvalidModuleName> {
        self.undeclared = undeclared;
        self.checked()
    }

    fn checked(self) -> Result<Self, InvalidModuleName> {
        let lists = [&self.removed, &self.granted, &self.undeclared];
        if lists.iter().map(|list| list.len()).sum::<usize>() > NAMES_MAX {
            return Err(InvalidModuleName::TooMany);
        }
        if let Some(name) = lists.into_iter().flatten().find(|name| !is_module_name(name)) {
            return Err(InvalidModuleName::Name(name.chars().take(NAME_MAX).collect()));
        }
        Ok(self)
    }

    /// The modules that are taken from the list.
    pub fn removed(&self) -> &[String] {
        &self.removed
    }

    /// The modules that are allowed beside the list.
    pub fn granted(&self) -> &[String] {
        &self.granted
    }

    /// The modules that are granted, but not declared by the revision that runs.
    pub fn undeclared(&self) -> &[String] {
        &self.undeclared
    }

    /// How a module stands under this policy; none for what is no name of a module.
    pub fn standing(&self, name: &str) -> Option<ModuleStanding> {
        if !is_module_name(name) {
            return None;
        }
        let within = |above: &str| is_within(name, above);
        Some(if NEVER.split_whitespace().any(within) {
            ModuleStanding::Never
        } else if covers(&self.granted, name) {
            ModuleStanding::Allowed
        } else if covers(&self.removed, name) {
            ModuleStanding::Grantable
        } else if allowed_modules().any(within) {
            ModuleStanding::Allowed
        } else if ABSENT.split_whitespace().any(within) {
            ModuleStanding::Absent
        } else if STANDARD.split_whitespace().any(within) {
            ModuleStanding::Grantable
        } else {
            ModuleStanding::Unknown
        })
    }

    /// The form in which the guest takes it.
    pub(crate) fn to_json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

/// Whether one of `names` is the module `name` or what it is in, as `xml` covers `xml.dom`.
pub fn covers<T: AsRef<str>>(names: &[T], name: &str) -> bool {
    names.iter().any(|above| is_within(name, above.as_ref()))
}

/// Whether a module is the one above, or in it.
fn is_within(name: &str, above: &str) -> bool {
    name.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_module_name(name: &str) -> bool {
    let is_identifier = |part: &str| {
        part.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
            && part.chars().all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
    };
    name.len() <= NAME_MAX && name.split('.').all(is_identifier)
}

#[cfg(test)]
mod tests {
    use super::{
        ALLOWED, InvalidModuleName, ModulePolicy, ModuleStanding, NAMES_MAX, NEVER,
        allowed_modules, covers,
    };

    fn policy(removed: &[&str], granted: &[&str]) -> ModulePolicy {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        ModulePolicy::new(owned(removed), owned(granted)).unwrap()
    }

    /// The names of a set in the guest's source.
    fn of_guest(set: &str) -> Vec<&'static str> {
        let source = include_str!("../../../guest/python/imports.py");
        let start = source.split_once(&format!("{set} = frozenset(")).unwrap().1;
        let mut names: Vec<_> = start.split("\"\"\"").nth(1).unwrap().split_whitespace().collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_server_and_the_guest_have_the_same_lists() {
        assert_eq!(allowed_modules().collect::<Vec<_>>(), of_guest("ALLOWED"), "{ALLOWED}");
        assert_eq!(NEVER.split_whitespace().collect::<Vec<_>>(), of_guest("FORBIDDEN"));
    }

    #[test]
    fn a_module_stands_as_the_list_has_it_and_the_policy_changes_it() {
        use ModuleStanding::{Absent, Allowed, Grantable, Never, Unknown};
        let granted =
            policy(&["csv", "xml.etree", "os", "regex"], &["sched", "http", "csv", "sys"]);
        for (name, before, after) in [
            ("json.decoder", Allowed, Allowed),
            ("csv", Allowed, Allowed),
            ("xml.etree.ElementTree", Allowed, Grantable),
            ("regex", Allowed, Grantable),
            ("sched", Grantable, Allowed),
            ("http.client", Grantable, Allowed),
            ("xml", Grantable, Grantable),
            ("urllib", Grantable, Grantable),
            ("urllib.parse", Allowed, Allowed),
            ("jsonl", Unknown, Unknown),
            ("requests", Unknown, Unknown),
            ("ctypes.util", Absent, Absent),
            ("os.path", Never, Never),
            ("sys", Never, Never),
        ] {
            assert_eq!(ModulePolicy::default().standing(name), Some(before), "{name}");
            assert_eq!(granted.standing(name), Some(after), "{name}");
        }
        assert_eq!(granted.standing("no name"), None);
    }

    #[test]
    fn names_are_those_of_modules() {
        for name in ["sched", "xml.dom", "_thread", "a1.b_2"] {
            assert!(ModulePolicy::new(vec![name.to_owned()], vec![name.to_owned()]).is_ok());
        }
        for name in ["", ".", "xml.", ".dom", "a-b", "1a", "a b", "a\"", "naïve", &"a".repeat(201)]
        {
            let refused = ModulePolicy::new(Vec::new(), vec![name.to_owned()]);
            assert!(matches!(refused, Err(InvalidModuleName::Name(_))), "{name}");
            assert!(ModulePolicy::new(vec![name.to_owned()], Vec::new()).is_err(), "{name}");
        }
        let many = vec!["a".to_owned(); NAMES_MAX];
        assert!(ModulePolicy::new(many.clone(), Vec::new()).is_ok());
        assert_eq!(ModulePolicy::new(many, vec!["b".to_owned()]), Err(InvalidModuleName::TooMany));
    }

    #[test]
    fn the_guest_is_given_all_lists() {
        let given: serde_json::Value =
            serde_json::from_str(&ModulePolicy::default().to_json()).unwrap();
        let expected = serde_json::json!({ "granted": [], "removed": [], "undeclared": [] });
        assert_eq!(given, expected);
        let undeclared = policy(&["csv"], &["xml"]).with_undeclared(vec!["sched".to_owned()]);
        let given: serde_json::Value =
            serde_json::from_str(&undeclared.unwrap().to_json()).unwrap();
        let expected =
            serde_json::json!({ "granted": ["xml"], "removed": ["csv"], "undeclared": ["sched"] });
        assert_eq!(given, expected);
    }

    #[test]
    fn what_is_undeclared_can_be_granted_only_by_declaring_it() {
        let policy = policy(&[], &["http.client"]);
        let policy = policy.with_undeclared(vec!["http".to_owned(), "sched".to_owned()]).unwrap();
        assert_eq!(policy.undeclared(), ["http", "sched"]);
        assert_eq!(policy.standing("sched"), Some(ModuleStanding::Grantable));
        assert_eq!(policy.standing("http.client"), Some(ModuleStanding::Allowed));
        assert!(policy.clone().with_undeclared(vec!["a b".to_owned()]).is_err());
        let many = vec!["a".to_owned(); NAMES_MAX];
        assert_eq!(policy.with_undeclared(many), Err(InvalidModuleName::TooMany));
    }

    #[test]
    fn a_name_covers_itself_and_what_is_in_it() {
        for (names, name, covered) in [
            (&["xml"][..], "xml.dom", true),
            (&["json", "xml.dom"], "xml.dom", true),
            (&["xml.dom"], "xml.dom.minidom", true),
            (&["xml.dom"], "xml", false),
            (&["xml"], "xmlrpc", false),
            (&[], "xml", false),
        ] {
            assert_eq!(covers(names, name), covered, "{names:?} {name}");
        }
    }
}
