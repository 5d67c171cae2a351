//! The rules for the names of servers and tools, and for the prefixes of what clients see.

use store::tools::SEPARATOR;
pub(crate) use store::tools::public_name as public;

use crate::{Error, Result};

/// The longest public name that the model interfaces in use accept.
const PUBLIC_NAME_MAX: usize = 64;

/// The longest prefix, which leaves room for a tool's name.
const PREFIX_MAX: usize = 59;

/// Texts that people read: at most so many characters.
const TEXT_MAX: usize = 2000;

/// A server's name: lower-case letters, digits and single underscores. It is the prefix of the
/// server's tools unless another one is set.
pub(crate) fn check_server(name: &str) -> Result<()> {
    check_shape(name)?;
    check_separable("name", name)?;
    if name.len() > PREFIX_MAX {
        return Err(Error::invalid(
            "name",
            format!(
                "a server's name has at most {PREFIX_MAX} characters, so that there is room for the names of its tools"
            ),
        ));
    }
    Ok(())
}

/// What the names of a server's tools begin with: letters, digits, `-` and single underscores, or
/// nothing.
pub(crate) fn check_prefix(prefix: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if prefix.len() > PREFIX_MAX || !prefix.chars().all(fits) {
        return Err(Error::invalid(
            "tool_prefix",
            format!(
                "expected at most {PREFIX_MAX} letters, digits, `_` and `-`; empty for no prefix, null for the server's name"
            ),
        ));
    }
    check_separable("tool_prefix", prefix)
}

/// Whether a prefix can be told from the tool's name behind it, and from mcpbox's own tools.
fn check_separable(field: &'static str, prefix: &str) -> Result<()> {
    if prefix.contains(SEPARATOR) || prefix.ends_with('_') {
        return Err(Error::invalid(
            field,
            "must not contain `__` or end with `_`: `__` separates it from the tool's name",
        ));
    }
    let own = prefix.to_ascii_lowercase();
    if own == "mcpbox" || own.starts_with("mcpbox_") {
        return Err(Error::invalid(field, "names that begin with `mcpbox` are reserved"));
    }
    Ok(())
}

/// A tool's name, and the public name it makes with its server's prefix.
pub(crate) fn check_tool(prefix: &str, name: &str) -> Result<()> {
    check_shape(name)?;
    match fault_of_public(prefix, name) {
        Some(fault) => Err(Error::invalid("name", format!("{fault}: choose another name"))),
        None => Ok(()),
    }
}

/// Why clients could not use a tool under this prefix.
fn fault_of_public(prefix: &str, name: &str) -> Option<String> {
    let public = public(prefix, name);
    let length = public.len();
    if length > PUBLIC_NAME_MAX {
        return Some(format!(
            "clients see `{public}`, which has {length} characters; at most {PUBLIC_NAME_MAX} work everywhere"
        ));
    }
    public.starts_with("mcpbox_").then(|| {
        format!(
            "clients see `{public}`, and names that begin with `mcpbox_` are those of mcpbox's own tools"
        )
    })
}

/// Whether all of a server's tools can be used under another prefix; those that cannot are named.
pub(crate) fn check_tools(field: &'static str, prefix: &str, names: &[String]) -> Result<()> {
    let faults = names.iter().filter_map(|name| fault_of_public(prefix, name));
    named(field, faults.collect())
}

/// Refuses for these faults, of which the first are told.
pub(crate) fn named(field: &'static str, faults: Vec<String>) -> Result<()> {
    const SHOWN: usize = 10;
    if faults.is_empty() {
        return Ok(());
    }
    let more = faults.len().saturating_sub(SHOWN);
    let mut text = faults.into_iter().take(SHOWN).collect::<Vec<_>>().join("; ");
    if more > 0 {
        text = format!("{text}; and {more} more");
    }
    Err(Error::invalid(field, format!("{text}: choose another one, or rename these tools first")))
}

/// A description of a server or a tool.
pub(crate) fn check_description(text: &str) -> Result<()> {
    check_text("description", text)
}

/// A text that a person reads: a description, a note, a reason.
pub(crate) fn check_text(field: &'static str, text: &str) -> Result<()> {
    let length = text.chars().count();
    if length > TEXT_MAX {
        return Err(Error::invalid(
            field,
            format!("{length} characters; at most {TEXT_MAX} are allowed"),
        ));
    }
    // PostgreSQL cannot keep it.
    if text.contains('\0') {
        return Err(Error::invalid(field, "the character NUL (U+0000) is not allowed"));
    }
    Ok(())
}

fn check_shape(name: &str) -> Result<()> {
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|first| first.is_ascii_lowercase());
    let goes_on = letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if begins && goes_on && name.len() < PUBLIC_NAME_MAX {
        return Ok(());
    }
    Err(Error::invalid(
        "name",
        "expected a lower-case letter followed by lower-case letters, digits or underscores, at most 63 in all",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_taken() {
        for name in ["a", "weather", "box_2", "a_b_c"] {
            assert!(check_server(name).is_ok(), "{name}");
            assert!(check_tool("weather", name).is_ok(), "{name}");
            assert!(check_tool("", name).is_ok(), "{name}");
        }
        assert!(check_server(&"x".repeat(59)).is_ok());
    }

    #[test]
    fn names_that_break_the_public_name_are_refused() {
        for name in ["", "A", "1a", "a-b", "a b", "ä", "a__b", "a_", "mcpbox", "mcpbox_x"] {
            assert!(check_server(name).is_err(), "{name}");
        }
        assert!(check_server(&"x".repeat(60)).is_err());
        assert!(check_tool("weather", &"x".repeat(60)).is_err());
        assert!(check_tool("", &"x".repeat(60)).is_ok());
        assert!(check_tool("weather", "x_").is_ok());
        assert!(check_tool("weather", "mcpbox_x").is_ok());
        assert!(check_tool("", "mcpbox_x").is_err(), "it would be one of mcpbox's own");
    }

    #[test]
    fn a_prefix_is_what_clients_take_and_can_be_split_off() {
        for prefix in ["", "Weather-2", "w", "_w", "a_b", "mcpbox-tools", &"x".repeat(59)] {
            assert!(check_prefix(prefix).is_ok(), "{prefix}");
        }
        for prefix in
            ["a__b", "a_", "_", "mcpbox", "MCPbox_x", "a b", "ä", "a.b", "a\0", &"x".repeat(60)]
        {
            let refused = check_prefix(prefix).unwrap_err();
            assert!(matches!(refused, Error::Invalid { field: "tool_prefix", .. }), "{prefix}");
        }
    }

    #[test]
    fn the_tools_that_another_prefix_makes_too_long_are_named() {
        let names = ["now".to_owned(), "x".repeat(40), "mcpbox_y".to_owned()];
        assert!(check_tools("tool_prefix", "short", &names).is_ok());
        let long = check_tools("tool_prefix", &"p".repeat(30), &names).unwrap_err().to_string();
        assert!(long.contains(&"x".repeat(40)) && !long.contains("now"), "{long}");
        let none = check_tools("tool_prefix", "", &names).unwrap_err().to_string();
        assert!(none.contains("mcpbox_y") && !none.contains("xxx"), "{none}");
        let many: Vec<String> =
            (0..25).map(|number| format!("{}{number}", "x".repeat(60))).collect();
        let many = check_tools("name", "p", &many).unwrap_err().to_string();
        assert!(many.contains("and 5 more"), "{many}");
    }
}
