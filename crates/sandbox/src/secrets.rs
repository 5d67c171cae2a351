//! What a tool reads as `secrets`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The secrets of one call. The guest is given nothing else: what is in none of the maps does not
/// exist for it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// The values by name.
    pub values: BTreeMap<String, String>,
    /// Why `secrets["NAME"]` has no value, by name. For all others it says that the revision does
    /// not declare it.
    pub refusals: BTreeMap<String, String>,
    /// Whether `secrets["NAME"]` without a value goes on with the text `mcpbox-placeholder-for-NAME`
    /// and tells the host the name, by the operation [`Secrets::MISSED`].
    pub learning: bool,
}

impl Secrets {
    /// The operation that tells the host the name of a secret, its payload, that a learning call
    /// read and was not given.
    ///
    /// A host notes it at once in [`Host::start`](crate::Host::start): the guest does not wait for an
    /// answer. It comes once for each name, of at most 255 characters, and 100 times in one call;
    /// but a tool can also begin it by itself, in any call and with anything.
    pub const MISSED: &str = "secrets.missed";

    /// What a learning call reads in the place of a value that it is not given.
    pub fn placeholder(name: &str) -> String {
        format!("mcpbox-placeholder-for-{name}")
    }

    /// The form in which the guest takes them.
    pub(crate) fn to_json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

impl fmt::Debug for Secrets {
    /// Shows the names of values, and never the values.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.values.keys().collect();
        formatter
            .debug_struct("Secrets")
            .field("values", &names)
            .field("refusals", &self.refusals)
            .field("learning", &self.learning)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Secrets;

    fn secrets() -> Secrets {
        let values = [("KEY".to_owned(), "hunter2".to_owned())].into();
        let refusals = [("OTHER".to_owned(), "a person has to set it".to_owned())].into();
        Secrets { values, refusals, learning: true }
    }

    #[test]
    fn names_are_shown_and_values_never() {
        let shown = format!("{:?}", secrets());
        assert!(shown.contains("KEY") && shown.contains("a person has to set it"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn the_guest_is_given_all_of_it() {
        let given: serde_json::Value = serde_json::from_str(&secrets().to_json()).unwrap();
        assert_eq!(
            given,
            serde_json::json!({
                "values": { "KEY": "hunter2" },
                "refusals": { "OTHER": "a person has to set it" },
                "learning": true,
            })
        );
        let nothing = Secrets::default().to_json();
        assert_eq!(nothing, r#"{"values":{},"refusals":{},"learning":false}"#);
    }
}
