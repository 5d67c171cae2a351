//! The rules for the names of servers and tools.

use crate::{Error, Result};

/// What stands between the server's and the tool's name in the name that clients see.
const SEPARATOR: &str = "__";

/// The longest public name that the model interfaces in use accept.
const PUBLIC_NAME_MAX: usize = 64;

/// Texts that people read: at most so many characters.
const TEXT_MAX: usize = 2000;

/// The name under which clients see a tool.
pub(crate) fn public(server: &str, tool: &str) -> String {
    format!("{server}{SEPARATOR}{tool}")
}

/// The server's and the tool's name in a public name.
pub(crate) fn split(public: &str) -> Option<(&str, &str)> {
    public.split_once(SEPARATOR)
}

/// A server's name: lower-case letters, digits and single underscores.
pub(crate) fn check_server(name: &str) -> Result<()> {
    check_shape(name)?;
    if name.contains(SEPARATOR) || name.ends_with('_') {
        return Err(Error::invalid(
            "name",
            "a server's name must not contain `__` or end with `_`: `__` separates it from the tool's name",
        ));
    }
    if name == "mcpbox" || name.starts_with("mcpbox_") {
        return Err(Error::invalid("name", "names that begin with `mcpbox` are reserved"));
    }
    Ok(())
}

/// A tool's name, and the public name it makes with its server's.
pub(crate) fn check_tool(server: &str, name: &str) -> Result<()> {
    check_shape(name)?;
    let length = public(server, name).len();
    if length > PUBLIC_NAME_MAX {
        return Err(Error::invalid(
            "name",
            format!(
                "clients see `{server}{SEPARATOR}{name}`, which has {length} characters; at most {PUBLIC_NAME_MAX} work everywhere: choose a shorter name"
            ),
        ));
    }
    Ok(())
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
        }
    }

    #[test]
    fn names_that_break_the_public_name_are_refused() {
        for name in ["", "A", "1a", "a-b", "a b", "ä", "a__b", "a_", "mcpbox", "mcpbox_x"] {
            assert!(check_server(name).is_err(), "{name}");
        }
        assert!(check_tool("weather", &"x".repeat(60)).is_err());
        assert!(check_tool("weather", "x_").is_ok());
    }

    #[test]
    fn a_public_name_is_split_where_it_was_joined() {
        for (server, tool) in [("a", "b"), ("a_b", "c__d"), ("x", "y_")] {
            assert_eq!(split(&public(server, tool)), Some((server, tool)));
        }
    }
}
