//! What a declaration means, in one plain line for a person and as hints for clients.

use sandbox::Asking;

use super::{Capabilities, EVERY_HOST, Lacking};

/// What clients are told of a tool beside its schema (MCP, `ToolAnnotations`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing outside of itself.
    pub read_only: bool,
    /// It may change or delete something.
    pub destructive: bool,
    /// It reaches what mcpbox knows nothing of.
    pub open_world: bool,
}

/// A tool that reaches nothing can change nothing; of one that does, nobody knows what it changes.
pub fn hints(declared: &Capabilities) -> Hints {
    let reaches = !declared.hosts.is_empty();
    let acts = reaches || !declared.tools.is_empty();
    Hints { read_only: !acts, destructive: acts, open_world: acts }
}

/// What the tool could do with what it declares and what it asks its caller, in plain words; what it
/// lacks, it cannot yet.
pub fn risk(declared: &Capabilities, asking: &[Asking], lacking: &Lacking) -> String {
    let mut parts = Vec::new();
    if !declared.secrets.is_empty() {
        let noun = if declared.secrets.len() == 1 { "secret" } else { "secrets" };
        parts.push(format!("reads {noun} {}", joined(&declared.secrets)));
    }
    if declared.hosts.iter().any(|host| host == EVERY_HOST) {
        parts.push("can send to every host that its server is allowed".to_owned());
    } else if !declared.hosts.is_empty() {
        parts.push(format!("can send to {}", joined(&declared.hosts)));
    }
    if !declared.tools.is_empty() {
        parts.push(format!("calls {}", joined(&declared.tools)));
    }
    parts.extend(asking.iter().map(|asked| asked.ability().to_owned()));
    let reaches_nothing = declared.hosts.is_empty() && declared.tools.is_empty();
    if reaches_nothing {
        let nothing = if asking.is_empty() { "nothing" } else { "nothing else" };
        parts.push(format!("reaches {nothing} outside the sandbox"));
    }
    if !declared.packages.is_empty() {
        parts.push(format!("runs code of {}", joined(&declared.packages)));
    }
    let mut text = joined(&parts);
    if !lacking.is_empty() {
        let lists = [&lacking.hosts, &lacking.modules, &lacking.packages, &lacking.secrets];
        let names: Vec<String> = lists.into_iter().flatten().cloned().collect();
        text = format!("{text}; not yet: {}", joined(&names));
    }
    capitalised(&text)
}

/// `a, b and c`.
fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::capabilities;
    use super::*;

    #[test]
    fn the_line_names_what_is_read_and_where_it_can_go() {
        let none = Lacking::default();
        for (declared, line) in [
            (vec![], "Reaches nothing outside the sandbox"),
            (vec!["secrets=KEY"], "Reads secret KEY and reaches nothing outside the sandbox"),
            (
                vec!["secrets=A,B", "hosts=a.example,b.example:81"],
                "Reads secrets A and B and can send to a.example and b.example:81",
            ),
            (vec!["hosts=*"], "Can send to every host that its server is allowed"),
            (
                vec!["tools=box__upload", "packages=six==1.17.0"],
                "Calls box__upload and runs code of six==1.17.0",
            ),
        ] {
            assert_eq!(risk(&capabilities(&declared), &[], &none), line);
        }
        assert_eq!(
            risk(&capabilities(&[]), &[Asking::Form, Asking::Model], &none),
            "Can question the caller's user, can use the caller's model and reaches nothing else outside the sandbox"
        );
        assert_eq!(
            risk(&capabilities(&["hosts=a.example"]), &[Asking::Roots], &none),
            "Can send to a.example and can see the caller's roots"
        );
        let lacking = Lacking { hosts: vec!["a.example".to_owned()], ..none };
        assert_eq!(
            risk(&capabilities(&["hosts=a.example"]), &[], &lacking),
            "Can send to a.example; not yet: a.example"
        );
    }

    #[test]
    fn only_what_reaches_nothing_is_told_to_change_nothing() {
        let pure = hints(&capabilities(&["secrets=KEY", "packages=six==1.17.0"]));
        assert_eq!(pure, Hints { read_only: true, destructive: false, open_world: false });
        for declared in [["hosts=a.example"], ["hosts=*"], ["tools=a__b"]] {
            let acts = hints(&capabilities(&declared));
            assert_eq!(acts, Hints { read_only: false, destructive: true, open_world: true });
        }
    }
}
