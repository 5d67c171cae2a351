//! What a revision declares to use, what of it is granted, and what it changes, as HTML.

use app::capabilities::{Capabilities, Difference, Standing};
use askama::Template;

/// The declaration of a revision, for the person who decides.
#[derive(Debug, Clone, Template)]
#[template(path = "components/capabilities.html")]
pub(crate) struct Declared {
    risk: String,
    rows: Vec<Row>,
    /// Whether the rows tell what is different from an approved revision.
    is_change: bool,
}

impl askama::filters::HtmlSafe for Declared {}

/// One thing that is declared, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    /// `Host`, `Secret` and so on.
    kind: &'static str,
    name: String,
    /// `new`, `gone` or nothing, against the approved revision.
    change: &'static str,
    /// Whether the server has it.
    held: bool,
}

impl Declared {
    /// How a declaration stands, against that of the approved revision where there is another one.
    pub(crate) fn new(standing: &Standing, live: Option<&Capabilities>) -> Self {
        let differences = live.map(|live| standing.declared.differences(live)).unwrap_or_default();
        let lacks: Vec<String> =
            standing.lacking.needs().into_iter().map(|need| need.name).collect();
        let mut rows = Vec::new();
        for (list, names) in standing.declared.lists() {
            let difference = differences.iter().find(|one| one.list == list);
            let is_new = |name: &String| difference.is_some_and(|one| one.added.contains(name));
            rows.extend(names.iter().map(|name| Row {
                kind: kind(list),
                name: name.clone(),
                change: if is_new(name) { "new" } else { "" },
                held: !lacks.contains(name),
            }));
            rows.extend(difference.into_iter().flat_map(gone));
        }
        // What is new is what a person has to look at.
        rows.sort_by_key(|row| row.change.is_empty());
        Self { risk: standing.risk.clone(), rows, is_change: live.is_some() }
    }

    fn is_unchanged(&self) -> bool {
        self.is_change && self.rows.iter().all(|row| row.change.is_empty())
    }
}

fn gone(difference: &Difference) -> impl Iterator<Item = Row> {
    let kind = kind(difference.list);
    let names = difference.removed.iter();
    names.map(move |name| Row { kind, name: name.clone(), change: "gone", held: true })
}

fn kind(list: &str) -> &'static str {
    match list {
        "modules" => "Module",
        "packages" => "Package",
        "hosts" => "Host",
        "secrets" => "Secret",
        _ => "Tool",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use app::capabilities::Lacking;

    use super::*;

    /// A tool that reads a secret and sends to two hosts, one of them not allowed yet.
    pub(crate) fn standing() -> Standing {
        let declared = Capabilities {
            hosts: vec!["api.example.com".to_owned(), "new.example.com".to_owned()],
            secrets: vec!["API_KEY".to_owned()],
            ..Capabilities::default()
        };
        let lacking = Lacking { hosts: vec!["new.example.com".to_owned()], ..Lacking::default() };
        let risk = app::capabilities::risk(&declared, &[], &lacking);
        Standing { declared, lacking, risk }
    }

    #[test]
    fn what_is_new_and_what_is_gone_stand_before_what_stays() {
        let live = Capabilities {
            hosts: vec!["api.example.com".to_owned(), "old.example.com".to_owned()],
            secrets: vec!["API_KEY".to_owned()],
            ..Capabilities::default()
        };
        let shown = Declared::new(&standing(), Some(&live));
        let changes: Vec<_> =
            shown.rows.iter().map(|row| (row.change, row.name.as_str(), row.held)).collect();
        assert_eq!(
            changes,
            [
                ("new", "new.example.com", false),
                ("gone", "old.example.com", true),
                ("", "api.example.com", true),
                ("", "API_KEY", true),
            ]
        );
        let html = shown.render().unwrap();
        assert!(
            html.contains("Reads secret API_KEY") && html.contains("not allowed yet"),
            "{html}"
        );
        let same = Declared::new(&standing(), Some(&standing().declared));
        assert!(same.is_unchanged() && !Declared::new(&standing(), None).is_unchanged());
    }
}
