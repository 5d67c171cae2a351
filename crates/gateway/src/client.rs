//! What a client says of itself: its name, and what it can be asked.

use app::conversation::{Abilities, Level};
use serde_json::{Map, Value};

use crate::version::Version;

/// The most characters of a client's own name that are kept.
const NAME_MAX_CHARS: usize = 100;

/// What a client calls itself, short and on one line: it is shown in logs and pages.
pub(crate) fn name(info: &Value) -> Option<String> {
    let part = |key: &str| info.get(key).and_then(Value::as_str).unwrap_or_default();
    let whole = format!("{} {}", part("name"), part("version"));
    let printable = whole.trim().chars().filter(|character| !character.is_control());
    let name: String = printable.take(NAME_MAX_CHARS).collect();
    (!name.is_empty()).then_some(name)
}

/// What it can be asked, by the capabilities that it declares. An `elicitation` that names no mode
/// means forms.
pub(crate) fn abilities(capabilities: &Map<String, Value>) -> Abilities {
    let declared = |name: &str| capabilities.get(name).and_then(Value::as_object);
    let elicitation = declared("elicitation");
    let mode = |name: &str| elicitation.is_some_and(|modes| modes.contains_key(name));
    Abilities {
        elicit_form: elicitation.is_some() && (mode("form") || !mode("url")),
        elicit_url: mode("url"),
        sample: declared("sampling").is_some(),
        roots: declared("roots").is_some(),
    }
}

/// The same within a session: older revisions know less that can be asked.
pub(crate) fn abilities_in(version: Version, capabilities: &Map<String, Value>) -> Abilities {
    let declared = abilities(capabilities);
    Abilities {
        elicit_form: declared.elicit_form && version >= Version::June2025,
        elicit_url: declared.elicit_url && version >= Version::November2025,
        ..declared
    }
}

/// The names of all levels, as errors tell them.
pub(crate) const LEVELS: &str =
    "debug, info, notice, warning, error, critical, alert and emergency";

/// The level of that name.
pub(crate) fn level(name: &str) -> Option<Level> {
    Level::ALL.into_iter().find(|level| level.as_str() == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_clients_name_is_one_short_line() {
        assert_eq!(name(&json!({"name": "desk", "version": "1.2"})).as_deref(), Some("desk 1.2"));
        let long = json!({"name": "a\r\nb".to_owned() + &"x".repeat(500), "version": "1"});
        let name = name(&long).unwrap();
        assert!(name.starts_with("abx") && name.chars().count() == NAME_MAX_CHARS);
        assert_eq!(super::name(&json!({"name": 3})), None);
    }

    #[test]
    fn what_is_declared_can_be_asked() {
        let able = |capabilities: Value| abilities(capabilities.as_object().unwrap());
        assert_eq!(able(json!({})), Abilities::default());
        let forms = able(json!({"elicitation": {}, "roots": {"listChanged": true}}));
        assert!(forms.elicit_form && !forms.elicit_url && forms.roots && !forms.sample);
        let addresses = able(json!({"elicitation": {"url": {}}, "sampling": {}}));
        assert!(addresses.elicit_url && !addresses.elicit_form && addresses.sample);
        assert!(!able(json!({"sampling": true})).sample);
    }
}
