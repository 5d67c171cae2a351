//! Variables of the environment in the values of a file: `${NAME}` and `${NAME:-what else}`.

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the variable {0} is not set, or empty; set it, or write ${{{0}:-what else}}")]
    Unset(String),
    #[error(
        "`${{` begins a variable that does not end; write ${{NAME}}, or $${{ for the characters themselves"
    )]
    Open,
    #[error("`${{{0}}}` names no variable: expected letters, digits and `_`, as in ${{NAME}}")]
    Name(String),
}

/// The value with what variables hold in their places. What a variable holds is taken as it is.
pub(super) fn expand(
    text: &str,
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<String, Fault> {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        if let Some(literal) = before.strip_suffix('$') {
            made.push_str(literal);
            made.push_str("${");
            rest = after.get(2..).unwrap_or_default();
            continue;
        }
        made.push_str(before);
        let (inside, end) =
            after.get(2..).and_then(|inside| inside.split_once('}')).ok_or(Fault::Open)?;
        made.push_str(&value(inside, lookup)?);
        rest = end;
    }
    made.push_str(rest);
    Ok(made)
}

fn value(inside: &str, lookup: &impl Fn(&str) -> Option<String>) -> Result<String, Fault> {
    let (name, otherwise) = match inside.split_once(":-") {
        Some((name, otherwise)) => (name, Some(otherwise)),
        None => (inside, None),
    };
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(Fault::Name(inside.to_owned()));
    }
    let found = lookup(name).filter(|value| !value.is_empty());
    found.or_else(|| otherwise.map(str::to_owned)).ok_or_else(|| Fault::Unset(name.to_owned()))
}

/// The name of the only thing in a value, a variable.
pub(super) fn only_variable(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}').filter(|name| !name.contains(['$', '{', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<String, Fault> {
        expand(text, &|name| match name {
            "HOST" => Some("box.example".to_owned()),
            "ODD" => Some("${HOST}: \"'".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn variables_give_their_values_and_nothing_else() {
        for (text, expected) in [
            ("plain $5", "plain $5"),
            ("https://${HOST}/mcp", "https://box.example/mcp"),
            ("${HOST}${HOST}", "box.examplebox.example"),
            ("${MISSING:-else}", "else"),
            ("${EMPTY:-else}", "else"),
            ("${MISSING:-}", ""),
            ("${HOST:-else}", "box.example"),
            // What a variable holds is not read again.
            ("${ODD}", "${HOST}: \"'"),
            ("$${HOST}", "${HOST}"),
        ] {
            assert_eq!(with(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_set_or_no_variable_is_refused_by_name() {
        for name in ["MISSING", "EMPTY"] {
            assert_eq!(with(&format!("a ${{{name}}} b")), Err(Fault::Unset(name.to_owned())));
        }
        assert_eq!(with("${HOST"), Err(Fault::Open));
        for text in ["${}", "${1A}", "${A B}", "${A-b}"] {
            assert!(matches!(with(text), Err(Fault::Name(_))), "{text}");
        }
    }

    #[test]
    fn a_variable_alone_is_known_as_one() {
        assert_eq!(only_variable("${BOX_CLIENT_ID}"), Some("BOX_CLIENT_ID"));
        for text in ["x${A}", "${A}${B}", "${A:-b}", "A"] {
            assert_eq!(only_variable(text), None, "{text}");
        }
    }
}
