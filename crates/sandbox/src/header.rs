//! The line `# mcpbox: key=value` at the top of a source, as `guest/python/header.py` reads it.

/// Adds a line to the top of a source that declares `values` under `key`, such as a host under
/// `hosts`; what is declared already stays.
///
/// A byte order mark, a line `#!` and a line that names an encoding stay where they are. A value that
/// could not stand in such a line (with space, a comma, a control character, none of ASCII) is left
/// out; without any value the source stays as it is.
pub fn with_header(source: &str, key: &str, values: &[String]) -> String {
    let values: Vec<&str> =
        values.iter().map(String::as_str).filter(|value| is_word(value)).collect();
    if values.is_empty() || !is_word(key) {
        return source.to_owned();
    }
    let (above, below) = source.split_at(place(source));
    let newline = if source.split('\n').next().is_some_and(|line| line.ends_with('\r')) {
        "\r\n"
    } else {
        "\n"
    };
    // What is above may be all there is, and its line not ended.
    let ended = above.trim_start_matches('\u{feff}').is_empty() || above.ends_with(['\n', '\r']);
    let before = if ended { "" } else { newline };
    format!("{above}{before}# mcpbox: {key}={}{newline}{below}", values.join(","))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// Where the first line begins that can be another one.
fn place(source: &str) -> usize {
    let mark = source.strip_prefix('\u{feff}').map_or(0, |rest| source.len() - rest.len());
    let (_, rest) = source.split_at(mark);
    let mut kept = mark;
    let mut end = mark;
    for (number, line) in rest.split_inclusive('\n').take(2).enumerate() {
        end += line.len();
        if (number == 0 && line.starts_with("#!")) || names_encoding(line) {
            kept = end;
        } else if !is_comment_or_blank(line) {
            break;
        }
    }
    kept
}

/// Whether a line is what PEP 263 has Python read the encoding from.
fn names_encoding(line: &str) -> bool {
    let is_encoding = |rest: &str| {
        let name = rest.strip_prefix([':', '=']).map(|rest| rest.trim_start_matches([' ', '\t']));
        name.is_some_and(|name| {
            name.starts_with(|first: char| {
                first.is_ascii_alphanumeric() || matches!(first, '-' | '_' | '.')
            })
        })
    };
    let line = line.trim_start_matches([' ', '\t', '\u{c}']);
    line.starts_with('#') && line.split("coding").skip(1).any(is_encoding)
}

fn is_comment_or_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::with_header;

    fn with(source: &str, values: &[&str]) -> String {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        with_header(source, "hosts", &values)
    }

    #[test]
    fn a_header_is_the_first_line_that_can_be() {
        for (above, below) in [
            ("", "import json\n"),
            ("", "'''Doc.'''\n# -*- coding: utf-8 -*-\n"),
            ("", "# mcpbox: hosts=b.example\nimport json\n"),
            ("", "x = 1\n# coding: utf-8\n"),
            ("", "# encoding in general\n"),
            ("#!/usr/bin/env python3\n", "import json\n"),
            ("#!/usr/bin/env python3\n# vim: set fileencoding=utf-8 :\n", "import json\n"),
            ("# -*- coding: utf-8 -*-\n", "#!/usr/bin/env python3\n"),
            ("\n# coding=latin-1\n", "x"),
            ("\u{feff}", "import json"),
            ("\u{feff}# coding: utf-8\n", ""),
            ("", ""),
        ] {
            let written = with(&format!("{above}{below}"), &["a.example", "[::1]:80"]);
            assert_eq!(written, format!("{above}# mcpbox: hosts=a.example,[::1]:80\n{below}"));
        }
    }

    #[test]
    fn lines_end_as_those_of_the_source() {
        assert_eq!(with("#!x\r\ny\r\n", &["a"]), "#!x\r\n# mcpbox: hosts=a\r\ny\r\n");
        assert_eq!(with("#!x", &["a"]), "#!x\n# mcpbox: hosts=a\n");
    }

    #[test]
    fn nothing_but_a_comment_can_be_added() {
        let source = "import json\n";
        for values in [&[][..], &[""], &["a\nimport os"], &["a b", "a,b", "a\r", "ä"]] {
            assert_eq!(with(source, values), source, "{values:?}");
        }
        assert_eq!(with(source, &["a\nb", "c"]), "# mcpbox: hosts=c\nimport json\n");
        assert_eq!(with_header(source, "hosts\n", &["a".to_owned()]), source);
    }
}
