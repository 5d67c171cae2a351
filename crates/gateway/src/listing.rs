//! The lists: tools, prompts and templates in pages; and what to say of a name that is not among them.

use std::sync::Arc;

use app::identity::Caller;

use crate::catalog::Entry;
use crate::rpc::Error;
use crate::server::{Asker, Server};
use crate::{cursor, management, resources, result};

/// The most characters of a name that are looked at and repeated.
const SHOWN_MAX_CHARS: usize = 128;

/// How many are on a page.
pub(crate) const PAGE: usize = 500;

/// `tools/list`: the live tools and the management tools, by name.
///
/// # Errors
/// -32602 for a cursor that no page ended with, -32603 when the database fails.
pub(crate) async fn tools(
    server: &Server,
    asker: &Asker,
    cursor: Option<&str>,
) -> Result<String, Error> {
    let catalog = server.catalogs.get().await?;
    let scopes = asker.caller().scopes;
    let live = only_if(scopes.call, &catalog.tools);
    let own = only_if(scopes.author, management::listed());
    page(asker, ("tools/list", "tools"), live, own, cursor)
}

/// `prompts/list`.
///
/// # Errors
/// As [`tools`].
pub(crate) async fn prompts(
    server: &Server,
    asker: &Asker,
    cursor: Option<&str>,
) -> Result<String, Error> {
    let catalog = server.catalogs.get().await?;
    let live = only_if(asker.caller().scopes.call, &catalog.prompts);
    page(asker, ("prompts/list", "prompts"), live, &[], cursor)
}

/// `resources/templates/list`: those of live resources and those of what mcpbox keeps itself.
///
/// # Errors
/// As [`tools`].
pub(crate) async fn templates(
    server: &Server,
    asker: &Asker,
    cursor: Option<&str>,
) -> Result<String, Error> {
    let catalog = server.catalogs.get().await?;
    let scopes = asker.caller().scopes;
    let live = only_if(scopes.call, &catalog.templates);
    let own = resources::templates(scopes);
    page(asker, ("resources/templates/list", "resourceTemplates"), live, &own, cursor)
}

/// The entries, where the caller may know of them.
pub(crate) fn only_if(allowed: bool, entries: &[Arc<Entry>]) -> &[Arc<Entry>] {
    if allowed { entries } else { &[] }
}

/// The page that `cursor` leads to, or the first, of a list and the key that it stands under.
fn page(
    asker: &Asker,
    (list, key): (&str, &str),
    live: &[Arc<Entry>],
    own: &[Arc<Entry>],
    cursor: Option<&str>,
) -> Result<String, Error> {
    let Some((begin, next)) = cut(list, live, own, cursor) else {
        return Err(unknown_cursor());
    };
    let shown = merged(live, own).skip(begin).take(PAGE).map(|entry| entry.shown(asker.version));
    Ok(result::list(asker.version, key, &shown.collect::<Vec<_>>(), next.as_deref()))
}

/// The error for a cursor that no page ended with.
pub(crate) fn unknown_cursor() -> Error {
    Error::invalid_params("unknown cursor; list again without a cursor")
}

/// Where the page after `cursor` begins, and the cursor of the next one if there is one.
fn cut(
    list: &str,
    live: &[Arc<Entry>],
    own: &[Arc<Entry>],
    cursor: Option<&str>,
) -> Option<(usize, Option<String>)> {
    let begin = match cursor {
        None => 0,
        Some(cursor) => after(&cursor::decode(list, cursor)?, live, own),
    };
    let last = merged(live, own).skip(begin).take(PAGE).last();
    let more = begin + PAGE < live.len() + own.len();
    let next = last.filter(|_| more).map(|last| cursor::encode(list, &last.name));
    Some((begin, next))
}

/// Where the list goes on behind what has that name. Something live that ended a page may be gone by
/// now; its place in the order is not.
fn after(last: &str, live: &[Arc<Entry>], own: &[Arc<Entry>]) -> usize {
    [live, own].iter().map(|list| list.partition_point(|entry| *entry.name <= *last)).sum()
}

/// Both in one order. What mcpbox has of its own begins with what nothing else may begin with, and so
/// stands together.
fn merged<'a>(
    live: &'a [Arc<Entry>],
    own: &'a [Arc<Entry>],
) -> impl Iterator<Item = &'a Arc<Entry>> {
    let before = own
        .first()
        .map_or(live.len(), |first| live.partition_point(|entry| entry.name < first.name));
    let (before, behind) = live.split_at(before);
    before.iter().chain(own).chain(behind)
}

/// The error for a tool that cannot be called, with the name that was probably meant.
pub(crate) async fn unknown(server: &Server, caller: &Caller, name: &str) -> Error {
    let catalog = match server.catalogs.get().await {
        Ok(catalog) => catalog,
        Err(error) => return error.into(),
    };
    let live = only_if(caller.scopes.call, &catalog.tools);
    let own = only_if(caller.scopes.author, management::listed());
    let is_management = name.starts_with(management::PREFIX);
    // No author's tool is proposed in the place of a management tool.
    let meant = if is_management {
        nearest(name, own.iter())
    } else {
        nearest(name, live.iter().chain(own))
    };
    let advice = match meant {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if is_management && !caller.scopes.author => {
            "this token has no `author` scope, so it has no management tools".to_owned()
        }
        None if !caller.scopes.call => {
            "this token has no `call` scope, so it can call no published tool".to_owned()
        }
        None => "tools/list names those that can be called; a tool is among them once a person has approved it and while its server runs".to_owned(),
    };
    Error::invalid_params(format!("Unknown tool: {}; {advice}", shown(name)))
}

/// The error for a prompt that there is not, in the same way.
pub(crate) async fn unknown_prompt(server: &Server, caller: &Caller, name: &str) -> Error {
    let catalog = match server.catalogs.get().await {
        Ok(catalog) => catalog,
        Err(error) => return error.into(),
    };
    let live = only_if(caller.scopes.call, &catalog.prompts);
    let advice = match nearest(name, live.iter()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if !caller.scopes.call => {
            "this token has no `call` scope, so it has no prompts".to_owned()
        }
        None => "prompts/list names those that there are".to_owned(),
    };
    Error::invalid_params(format!("Unknown prompt: {}; {advice}", shown(name)))
}

/// As much of a name as is repeated.
fn shown(name: &str) -> String {
    name.chars().take(SHOWN_MAX_CHARS).collect()
}

/// The name that differs least, if it differs little.
fn nearest<'a>(asked: &str, entries: impl Iterator<Item = &'a Arc<Entry>>) -> Option<&'a str> {
    let asked: Vec<char> = asked.chars().take(SHOWN_MAX_CHARS).collect();
    let near = entries.map(|entry| (distance(&asked, &entry.name), &entry.name));
    let (distance, name) = near.min_by_key(|(distance, _)| *distance)?;
    (distance * 3 <= asked.len()).then_some(name)
}

/// How many letters have to be put in, taken out or replaced to make the one from the other.
fn distance(from: &[char], to: &str) -> usize {
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (line, letter) in to.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, old) in row.iter().skip(1).zip(from) {
            let replaced = diagonal + usize::from(*old != letter);
            left = replaced.min(left + 1).min(*above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::catalog::List;

    fn entries<Name: AsRef<str>>(names: &[Name]) -> Vec<Arc<Entry>> {
        let entry =
            |name: &Name| Arc::new(Entry::new(List::Tools, name.as_ref().to_owned(), &Value::Null));
        names.iter().map(entry).collect()
    }

    #[test]
    fn a_cursor_goes_on_where_it_stopped_even_if_that_tool_is_gone() {
        let live = entries(&["a__a", "a__c", "lone"]);
        let own = entries(&["mcpbox_a", "mcpbox_x"]);
        assert_eq!(after("a__a", &live, &own), 1);
        assert_eq!(after("a__b", &live, &own), 1);
        assert_eq!(after("lone", &live, &own), 3);
        assert_eq!(after("mcpbox_a", &live, &own), 4);
        assert_eq!(after("mcpbox_gone", &live, &own), 4);
        for cursor in ["nonsense", "a__a", "", &cursor::encode("versions", "a__a")] {
            assert_eq!(cut("tools/list", &live, &own, Some(cursor)), None, "{cursor}");
        }
    }

    #[test]
    fn following_the_cursor_reaches_every_tool_once() {
        let name = |number| format!("{}__{number:04}", if number < 800 { 'a' } else { 'z' });
        let names: Vec<String> = (0..1250).map(name).collect();
        let (live, own) = (entries(&names), entries(&["mcpbox_a", "mcpbox_b"]));
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = cut("tools/list", &live, &own, cursor.as_deref());
            let (begin, next) = page.expect("a known cursor");
            let shown = merged(&live, &own).skip(begin).take(PAGE);
            seen.extend(shown.map(|entry| entry.name.as_str()));
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        let all = live.iter().chain(&own).map(|entry| entry.name.as_str());
        let mut all = all.collect::<Vec<_>>();
        all.sort_unstable();
        assert_eq!(seen, all);
        assert_eq!(cut("tools/list", &entries(&["a__b"]), &[], None), Some((0, None)));
    }

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = entries(&["weather__forecast", "mcpbox_list_tools"]);
        let nearest = |asked| nearest(asked, names.iter());
        assert_eq!(nearest("weather__forcast"), Some("weather__forecast"));
        assert_eq!(nearest("weather_forecast"), Some("weather__forecast"));
        assert_eq!(nearest("mcpbox_list_tool"), Some("mcpbox_list_tools"));
        assert_eq!(nearest("calculator"), None);
        assert_eq!(nearest(""), None);
    }

    #[test]
    fn distances_are_counted_in_letters() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        for (from, to, expected) in [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("", "ab", 2)]
        {
            assert_eq!(distance(&letters(from), to), expected, "{from} {to}");
        }
        assert_eq!(distance(&letters("kitten"), "sitting"), 3);
    }
}
