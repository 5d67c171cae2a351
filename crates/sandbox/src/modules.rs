//! What a tool may import beside, or less than, what every tool may.

use serde::Serialize;

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

impl ModulePolicy {
    /// Takes `removed` from the list, and adds `granted` to it.
    pub fn new(removed: Vec<String>, granted: Vec<String>) -> Result<Self, InvalidModuleName> {
        if removed.len() + granted.len() > NAMES_MAX {
            return Err(InvalidModuleName::TooMany);
        }
        match removed.iter().chain(&granted).find(|name| !is_module_name(name)) {
            Some(name) => Err(InvalidModuleName::Name(name.chars().take(NAME_MAX).collect())),
            None => Ok(Self { removed, granted }),
        }
    }

    /// The modules that are taken from the list.
    pub fn removed(&self) -> &[String] {
        &self.removed
    }

    /// The modules that are allowed beside the list.
    pub fn granted(&self) -> &[String] {
        &self.granted
    }

    /// The form in which the guest takes it.
    pub(crate) fn to_json(&self) -> String {
        serde_json::json!(self).to_string()
    }
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
    use super::{InvalidModuleName, ModulePolicy, NAMES_MAX};

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
    fn the_guest_is_given_both_lists() {
        let given: serde_json::Value =
            serde_json::from_str(&ModulePolicy::default().to_json()).unwrap();
        assert_eq!(given, serde_json::json!({ "granted": [], "removed": [] }));
    }
}
