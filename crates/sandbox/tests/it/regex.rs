//! The module `regex`: the package of that name, as compiled for the sandbox.

use std::sync::Arc;

use sandbox::{FailureKind, Limits, NoHost, Run};

use crate::{assert_works, main_of, run, sandbox, tool};

/// Expressions over `regex`, and what they are.
const CASES: &[(&str, &str)] = &[
    // Characters of every size, in texts that CPython stores in each of its ways, and bytes.
    ("regex.findall(r'\\w+', 'ab cd')", "['ab', 'cd']"),
    ("regex.findall(r'\\w+', 'naïve é')", "['naïve', 'é']"),
    ("regex.findall(r'\\w+', 'κόσμε мир')", "['κόσμε', 'мир']"),
    ("regex.findall(r'.', '😀a𝒳')", "['😀', 'a', '𝒳']"),
    ("regex.sub('é', '😀', 'é-é')", "'😀-😀'"),
    ("regex.findall(rb'\\w+', b'ab \\xe9')", "[b'ab']"),
    ("regex.findall(rb'a.', bytearray(b'ab ac'))", "[b'ab', b'ac']"),
    ("regex.search('b+', type('S', (str,), {})('abbc')).span()", "(1, 3)"),
    // Properties, scripts, POSIX classes.
    ("regex.findall(r'\\p{Lu}', 'aBcÄ')", "['B', 'Ä']"),
    ("regex.findall(r'\\P{L}', 'a1b')", "['1']"),
    ("regex.findall(r'\\p{^L}', 'a1b')", "['1']"),
    ("regex.findall(r'\\p{Greek}+', 'abc αβγ')", "['αβγ']"),
    ("regex.findall(r'\\p{Script=Cyrillic}+', 'abc где')", "['где']"),
    ("regex.findall(r'\\p{IsHan}', '漢a字')", "['漢', '字']"),
    ("regex.findall(r'\\p{Emoji}', 'a😀')", "['😀']"),
    ("regex.findall(r'[[:alpha:]]+', 'ab1cd')", "['ab', 'cd']"),
    ("regex.findall(r'[[:^digit:]]+', 'ab12')", "['ab']"),
    ("regex.findall(r'[[:punct:]]', 'a,b.')", "[',', '.']"),
    ("regex.findall(r'\\N{GREEK SMALL LETTER ALPHA}', 'aα')", "['α']"),
    // Sets of version 1.
    ("regex.findall(r'(?V1)[a-z--[aeiou]]', 'abcde')", "['b', 'c', 'd']"),
    ("regex.findall(r'(?V1)[\\w&&[^\\d_]]', 'a1_b')", "['a', 'b']"),
    ("regex.findall(r'(?V1)[a-c~~b-d]', 'abcd')", "['a', 'd']"),
    ("regex.findall(r'(?V1)[ab||cd]', 'abxd')", "['a', 'b', 'd']"),
    // Graphemes, lines, positions.
    ("regex.findall(r'\\X', 'e\\u0301a')", "['e\\u0301', 'a']"),
    ("len(regex.findall(r'\\X', '👨‍👩‍👧'))", "1"),
    ("regex.split(r'\\R', 'a\\r\\nb\\nc\\x85d')", "['a', 'b', 'c', 'd']"),
    ("regex.findall(r'\\G\\d', '12a3')", "['1', '2']"),
    ("regex.sub(r'ab\\Kcd', 'X', 'abcd')", "'abX'"),
    ("regex.findall(r'\\b\\w', 'ab cd', flags=regex.WORD)", "['a', 'c']"),
    ("regex.findall(r'\\m\\w+\\M', 'ab cd')", "['ab', 'cd']"),
    // Groups: repeated captures, duplicate names, branch reset, recursion, conditions.
    ("regex.match(r'(?:(\\w)\\s?)+', 'a b c').captures(1)", "['a', 'b', 'c']"),
    ("regex.match(r'(?P<x>\\w)(?P<x>\\w)', 'ab').capturesdict()", "{'x': ['a', 'b']}"),
    ("regex.match(r'(?|(a)|(b))c', 'bc').groups()", "('b',)"),
    ("regex.match(r'\\((?:[^()]|(?R))*\\)', '(a(b)c)d')[0]", "'(a(b)c)'"),
    ("regex.match(r'(?<p>a)(?&p)', 'aa')[0]", "'aa'"),
    ("regex.match(r'(?(DEFINE)(?P<d>\\d+))(?&d)-(?&d)', '12-34')[0]", "'12-34'"),
    ("regex.match(r'(a)?(?(1)b|c)', 'c')[0]", "'c'"),
    ("regex.match(r'(\\w)(\\w)', 'ab').expandf('{2}{1}')", "'ba'"),
    ("regex.subf(r'(\\w+) (\\w+)', '{0} {2} {1}', 'a b')", "'a b b a'"),
    ("regex.subfn(r'a', 'b', 'aa')", "('bb', 2)"),
    ("regex.match(r'(\\w)+', 'abc').spans(1)", "[(0, 1), (1, 2), (2, 3)]"),
    ("regex.match(r'(?P<n>a)', 'a').groupdict()", "{'n': 'a'}"),
    ("regex.match(r'(a)(b)', 'ab').allcaptures()", "(['ab'], ['a'], ['b'])"),
    // Looking around, atomic groups, possessive and lazy quantifiers.
    ("regex.findall(r'(?<=a|bcd+)x', 'ax bcddx cx')", "['x', 'x']"),
    ("regex.findall(r'(?<!a)x', 'ax bx')", "['x']"),
    ("regex.match(r'a++a', 'aaa')", "None"),
    ("regex.match(r'(?>a+)b', 'aab')[0]", "'aab'"),
    ("regex.findall(r'(?r)\\w', 'abc')", "['c', 'b', 'a']"),
    ("regex.findall(r'(?p)a|ab', 'ab')", "['ab']"),
    ("regex.match(r'a(*SKIP)(*FAIL)|b', 'b')[0]", "'b'"),
    ("regex.findall(r'\"[^\"]*\"(*SKIP)(*F)|,', '\",\",')", "[',']"),
    // Overlapped, partial, fuzzy, named lists.
    ("regex.findall(r'\\w{2}', 'abcd', overlapped=True)", "['ab', 'bc', 'cd']"),
    ("[m[0] for m in regex.finditer(r'..', 'abc', overlapped=True)]", "['ab', 'bc']"),
    ("regex.fullmatch(r'\\d{4}', '12', partial=True).partial", "True"),
    ("regex.fullmatch(r'\\d{4}', 'x', partial=True)", "None"),
    ("regex.search(r'(?:colour){e<=1}', 'my color')[0]", "'color'"),
    ("regex.search(r'(?b)(?:colour){e<=1}', 'my color').fuzzy_counts", "(0, 0, 1)"),
    ("regex.search(r'(?e)(?:dog){e<=1}', 'cat and dag')[0]", "'dag'"),
    ("regex.findall(r'\\L<words>', 'one two', words=['two', 'one'])", "['one', 'two']"),
    // Flags by name and by letter.
    ("regex.findall(r'(?i:STRASSE)', 'straße', regex.F)", "['straße']"),
    ("regex.findall(r'a.b', 'a\\nb', regex.S)", "['a\\nb']"),
    ("regex.findall(r'^a', 'a\\na', regex.M)", "['a', 'a']"),
    ("regex.findall(r'a b', 'ab', regex.X)", "['ab']"),
    ("regex.findall(r'\\w', 'é', regex.ASCII)", "[]"),
    ("[hasattr(regex, f) for f in 'A B D E F I L M P R S U V0 V1 W X'.split()]", "[True] * 16"),
    (
        "[f.name for f in (regex.BESTMATCH, regex.ENHANCEMATCH, regex.FULLCASE, regex.POSIX)]",
        "['B', 'E', 'F', 'P']",
    ),
    // The rest of the names.
    ("regex.escape('a.b c')", "'a\\\\.b\\\\ c'"),
    ("regex.escape('a.b c-d', special_only=True, literal_spaces=True)", "'a\\\\.b c\\\\-d'"),
    ("list(regex.splititer(r',', 'a,b'))", "['a', 'b']"),
    ("regex.split(r'(?V1)(?=b)', 'abab')", "['a', 'ba', 'b']"),
    ("regex.subn('a', 'b', 'aaa', count=2)", "('bba', 2)"),
    ("regex.sub(r'(?P<n>\\d)', r'<\\g<n>>', 'a1')", "'a<1>'"),
    ("regex.sub(r'\\d', lambda m: str(int(m[0]) + 1), 'a1b2')", "'a2b3'"),
    ("regex.search('b', 'abab', pos=2).span()", "(3, 4)"),
    ("regex.search('b', 'aaab', endpos=3)", "None"),
    ("regex.compile('(?P<n>a)').groupindex", "{'n': 1}"),
    ("regex.compile('a', regex.I).pattern, regex.Regex('a').groups", "('a', 0)"),
    ("regex.search('a', 'a', concurrent=True)[0]", "'a'"),
    ("regex.search('a', 'a', timeout=5)[0]", "'a'"),
    ("regex.template('a').pattern", "'a'"),
    ("(regex.purge(), regex.cache_all(False), regex.cache_all(None))", "(None, None, False)"),
    (
        "type(regex.match('a', 'a')) is regex.Match, type(regex.compile('a')) is regex.Pattern",
        "(True, True)",
    ),
    ("regex.match('a', 'ab').detach_string() is None", "True"),
    ("__import__('copy').deepcopy(regex.compile('(a)')).pattern", "'(a)'"),
    ("repr(regex.match('a', 'a'))", "\"<regex.Match object; span=(0, 1), match='a'>\""),
    ("issubclass(regex.error, Exception)", "True"),
];

#[tokio::test]
async fn it_is_the_package_with_all_that_it_can() {
    let sandbox = sandbox(1).await;
    let checks: Vec<String> = CASES
        .iter()
        .map(|(expression, expected)| {
            let label = serde_json::json!(expression);
            format!("check({label}, lambda: ({expression}), {expected})\n")
        })
        .collect();
    let source = format!(
        "import regex\nwrong = []\ndef check(text, found, wanted):\n    try:\n        value = found()\n    except Exception as error:\n        value = error\n    if value != wanted:\n        wrong.append(f'{{text}}: {{value!r}}')\n{}\nasync def main():\n    return wrong\n",
        checks.concat()
    );
    let result = run(&sandbox, &source).await.result.expect("the tool runs");
    assert_eq!(result, "[]");
}

#[tokio::test]
async fn what_is_no_pattern_raises_its_error() {
    let sandbox = sandbox(1).await;
    for (pattern, text) in [
        ("(", "missing )"),
        ("a**", "multiple repeat"),
        ("[[:nonsense:]]\\\\p{Nonsense}", "unknown property"),
        ("(?P<1>a)", "bad character in group name"),
        ("\\\\g<none>", "unknown group"),
    ] {
        let body = format!(
            "import regex\ntry:\n    regex.compile('{pattern}')\nexcept regex.error as error:\n    return [str(error), error.pattern]"
        );
        let result = run(&sandbox, &main_of(&body)).await.result.expect("the tool runs");
        assert!(result.contains(text), "{pattern}: {result}");
    }
}

#[tokio::test]
async fn a_timeout_ends_a_match_that_would_not_end_and_the_tool_goes_on() {
    let sandbox = sandbox(1).await;
    let body = "
import regex
found = []
for call in (
    lambda: regex.fullmatch(r'(?:a|a)*b|(?:a|aa)+$', 'a' * 40 + 'c', timeout=0.05),
    lambda: regex.fullmatch(r'(x+x+)+(x+x+)+y\\1', 'x' * 100, timeout=0.05),
    lambda: regex.sub(r'(?:lorem ipsum dolor){e<=9}', '', 'qwertz uiop ' * 9000, timeout=0.05),
    lambda: regex.sub(r'o+', '0', 'foo', timeout=60),
):
    try:
        found.append(call())
    except TimeoutError as error:
        found.append(str(error))
return found";
    let result = run(&sandbox, &main_of(body)).await.result.expect("the tool goes on");
    let timed_out = r#""regex timed out""#;
    assert_eq!(result, format!(r#"[{timed_out}, {timed_out}, {timed_out}, "f0"]"#));
}

#[tokio::test]
async fn a_match_that_does_not_end_is_stopped_by_the_limits() {
    let sandbox = sandbox(1).await;
    let body = "import regex\nreturn regex.fullmatch(r'(x+x+)+(x+x+)+y\\1', 'x' * 100)";
    let limits = Limits { cpu: std::time::Duration::from_millis(500), ..Limits::default() };
    let outcome = sandbox.run(Run { limits, ..tool(&main_of(body)) }, Arc::new(NoHost)).await;
    let failure = outcome.result.expect_err("it does not end");
    assert!(matches!(failure.kind, FailureKind::Cpu | FailureKind::Memory), "{failure:?}");
    assert_works(&sandbox).await;
}
