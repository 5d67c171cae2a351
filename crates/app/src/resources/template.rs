//! URIs of resources, and templates of them: RFC 6570 of level 1, where `{name}` stands for one value.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest URI or template of a resource.
const LENGTH_MAX: usize = 1_000;

/// The longest name of a variable.
const NAME_MAX: usize = 64;

/// What an expanded value never holds, also as lenient clients expand it, and what thus ends one.
const ENDS: &str = ":/?#[]@$&+,;={}";

/// What stands in URIs as it is: RFC 3986, sections 2.2 and 2.3.
const PLAIN: &str = "-._~:/?#[]@!$&'()*+,;=";

/// All but the unreserved characters are encoded in values.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URI, or a template of URIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

impl Template {
    /// Reads a URI or a template.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > LENGTH_MAX {
            return Err(format!("it has {} bytes; 1 to {LENGTH_MAX} are allowed", text.len()));
        }
        let template = Self { parts: parts(text)? };
        template.check_scheme()?;
        template.check_separated()?;
        let example = template.expand(|_| Some("x".to_owned())).unwrap_or_default();
        match url::Url::parse(&example) {
            Ok(_) => Ok(template),
            Err(error) => Err(format!("it is no URI: {error}")),
        }
    }

    /// The names of what stands for values, in order.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The same for all templates that match the same URIs, whatever their variables are called.
    pub(crate) fn shape(&self) -> String {
        let mut shape = String::new();
        for part in &self.parts {
            shape.push_str(match part {
                Part::Literal(text) => text,
                Part::Variable(_) => "{}",
            });
        }
        shape
    }

    /// How many characters are not left to values: of two templates that match, the one that says more
    /// is meant.
    pub(crate) fn literal_len(&self) -> usize {
        let lengths = self.parts.iter().map(|part| match part {
            Part::Literal(text) => text.len(),
            Part::Variable(_) => 0,
        });
        lengths.sum()
    }

    /// The values of the variables in a URI; nothing where it is none of this template.
    pub(crate) fn matches(&self, uri: &str) -> Option<Vec<(String, String)>> {
        let mut rest = uri;
        let mut values = Vec::new();
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Literal(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Variable(name) => {
                    let (run, _) = rest.split_at(rest.find(ends_value).unwrap_or(rest.len()));
                    let value = match parts.peek() {
                        // What of the literal could be the end of a value is not.
                        Some(Part::Literal(next)) => run.strip_suffix(beginning(next))?,
                        _ => run,
                    };
                    if value.is_empty() {
                        return None;
                    }
                    let decoded = percent_decode_str(value).decode_utf8().ok()?;
                    values.push((name.clone(), decoded.into_owned()));
                    rest = rest.get(value.len()..)?;
                }
            }
        }
        rest.is_empty().then_some(values)
    }

    /// The URI with these values; nothing where one is lacking or empty.
    pub(crate) fn expand(&self, value_of: impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut uri = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => uri.push_str(text),
                Part::Variable(name) => {
                    let value = value_of(name).filter(|value| !value.is_empty())?;
                    write!(uri, "{}", utf8_percent_encode(&value, ENCODED)).ok()?;
                }
            }
        }
        Some(uri)
    }

    fn check_scheme(&self) -> Result<(), String> {
        let begin = match self.parts.first() {
            Some(Part::Literal(text)) => text.as_str(),
            _ => "",
        };
        let Some((scheme, rest)) = begin.split_once(':') else {
            return Err("it begins with no scheme, such as `notes:` in `notes://today`".to_owned());
        };
        let mut letters = scheme.chars();
        let fits = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        if !letters.next().is_some_and(|first| first.is_ascii_alphabetic()) || !letters.all(fits) {
            return Err(format!("`{scheme}` is no scheme: letters, digits, `+`, `-` and `.`"));
        }
        if scheme.eq_ignore_ascii_case("mcpbox") {
            return Err("the scheme `mcpbox` is that of mcpbox's own resources".to_owned());
        }
        if rest.is_empty() && self.parts.len() == 1 {
            return Err("nothing follows its scheme".to_owned());
        }
        Ok(())
    }

    /// Whether it can be told where each value ends.
    fn check_separated(&self) -> Result<(), String> {
        let mut seen: Vec<&str> = Vec::new();
        let mut separated = true;
        for part in &self.parts {
            match part {
                Part::Literal(text) => separated = separated || text.contains(ends_value),
                Part::Variable(name) if seen.contains(&name.as_str()) => {
                    return Err(format!("`{{{name}}}` stands in it twice"));
                }
                Part::Variable(name) => {
                    if !separated {
                        return Err(format!(
                            "nothing tells where the value before `{{{name}}}` ends: put a `/` or another of {ENDS:.13} between them"
                        ));
                    }
                    separated = false;
                    seen.push(name);
                }
            }
        }
        Ok(())
    }
}

fn ends_value(c: char) -> bool {
    ENDS.contains(c) || c.is_control()
}

/// What of a literal could stand in a value as well.
fn beginning(literal: &str) -> &str {
    literal.split(ends_value).next().unwrap_or_default()
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (literal, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
        if !literal.is_empty() {
            check_literal(literal)?;
            parts.push(Part::Literal(literal.to_owned()));
        }
        let Some(inside) = after.strip_prefix('{') else { break };
        let Some((name, behind)) = inside.split_once('}') else {
            return Err("a `{` is not closed".to_owned());
        };
        check_variable(name)?;
        parts.push(Part::Variable(name.to_owned()));
        rest = behind;
    }
    Ok(parts)
}

fn check_literal(literal: &str) -> Result<(), String> {
    let wrong =
        literal.chars().find(|c| !c.is_ascii_alphanumeric() && !PLAIN.contains(*c) && *c != '%');
    if let Some(wrong) = wrong {
        return Err(format!("it holds {wrong:?}, which stands in no URI: write it as %XX"));
    }
    let is_encoded = |part: &str| {
        let mut digits = part.bytes().take(2);
        part.len() >= 2 && digits.all(|digit| digit.is_ascii_hexdigit())
    };
    if literal.split('%').skip(1).all(is_encoded) {
        return Ok(());
    }
    Err("a `%` in it is not followed by two hexadecimal digits".to_owned())
}

fn check_variable(name: &str) -> Result<(), String> {
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if begins && letters.all(|c| c.is_ascii_alphanumeric() || c == '_') && name.len() <= NAME_MAX {
        return Ok(());
    }
    Err(format!(
        "`{{{name}}}` is none of the variables that are possible: `{{name}}`, the name of a parameter of `main`, and no operators"
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(template: &str, uri: &str) -> Option<Vec<(String, String)>> {
        Template::parse(template).unwrap().matches(uri)
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_uri_matches_itself_and_nothing_else() {
        assert_eq!(values("test://static-text", "test://static-text"), Some(pairs(&[])));
        for other in ["test://static-text/", "test://static-tex", "TEST://static-text", ""] {
            assert_eq!(values("test://static-text", other), None, "{other}");
        }
    }

    #[test]
    fn a_template_finds_its_values() {
        let data = "test://template/{id}/data";
        assert_eq!(values(data, "test://template/7/data"), Some(pairs(&[("id", "7")])));
        assert_eq!(
            values(data, "test://template/a%2Fb%20%C3%A4/data"),
            Some(pairs(&[("id", "a/b ä")]))
        );
        for other in
            ["test://template//data", "test://template/a/b/data", "test://template/%FF/data"]
        {
            assert_eq!(values(data, other), None, "{other}");
        }
        let two = "x:{a}.json/{b_2}?k={c}";
        let found = Some(pairs(&[("a", "v.json"), ("b_2", "w-1"), ("c", "3")]));
        assert_eq!(values(two, "x:v.json.json/w-1?k=3"), found);
        assert_eq!(values("x:{a}.tar", "x:.tar"), None);
    }

    #[test]
    fn what_is_no_template_is_refused_with_the_reason() {
        for (wrong, part) in [
            ("", "1 to"),
            ("notes", "scheme"),
            ("{a}://x", "scheme"),
            ("1x://a", "scheme"),
            ("mcpbox://tools/a", "mcpbox"),
            ("MCPBox://tools/a", "mcpbox"),
            ("notes:", "follows"),
            ("x://a b", "' '"),
            ("x://ä", "'ä'"),
            ("x://a\0", "'\\0'"),
            ("x://a%2", "hexadecimal"),
            ("x://{+a}", "operators"),
            ("x://{a,b}", "operators"),
            ("x://{a*}", "operators"),
            ("x://{}", "operators"),
            ("x://{a", "closed"),
            ("x://a}", "'}'"),
            ("x://{a}{b}", "ends"),
            ("x://{a}-{b}", "ends"),
            ("x://{a}/{a}", "twice"),
            ("http://[x]/", "no URI"),
        ] {
            let fault = Template::parse(wrong).unwrap_err();
            assert!(fault.contains(part), "{wrong}: {fault}");
        }
        assert!(Template::parse(&format!("x://{}", "a".repeat(1_000))).is_err());
    }

    #[test]
    fn templates_that_match_the_same_have_one_shape() {
        let shape = |text: &str| Template::parse(text).unwrap().shape();
        assert_eq!(shape("x://a/{id}"), shape("x://a/{name}"));
        assert_ne!(shape("x://a/{id}"), shape("x://a/{id}/b"));
        assert_ne!(shape("x://a/b"), shape("x://a/{b}"));
    }

    proptest! {
        #[test]
        fn a_uri_made_from_a_template_has_the_same_values(
            values in proptest::collection::vec("\\PC{1,12}", 1..4),
            middle in "[a-z0-9.%~-]{0,6}",
            end in "[a-z0-9._-]{0,6}",
        ) {
            let literal = middle.replace('%', "%25");
            let mut text = format!("x://{literal}");
            for index in 0..values.len() {
                write!(text, "{{v{index}}}{literal}/{literal}").unwrap();
            }
            text.push_str(&end);
            let template = Template::parse(&text).unwrap();
            let named: Vec<(String, String)> = values
                .iter().enumerate().map(|(index, value)| (format!("v{index}"), value.clone())).collect();
            let of = |name: &str| {
                named.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            };
            let uri = template.expand(of).unwrap();
            prop_assert_eq!(template.matches(&uri), Some(named));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*|[{}/%:a\u{0}]*", uri in "\\PC*|(x:|[{}/%a\u{0}])*") {
            if let Ok(template) = Template::parse(&text) {
                let _found = template.matches(&uri);
                let _same = template.matches(&text);
            }
            let known = Template::parse("x:{a}%25/{b}.z").unwrap();
            let _found = known.matches(&uri);
        }
    }
}
