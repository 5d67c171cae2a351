//! What a source declares to use: read from what is written, and never from what is executed.

use std::path::Path;

use sandbox::{Declared, Inspection, ModulePolicy, Sandbox, with_header};

use crate::{GROUP, main_of, sandbox};

async fn inspect(sandbox: &Sandbox, source: &str) -> Inspection {
    sandbox
        .inspect(source, &ModulePolicy::default(), None, GROUP)
        .await
        .expect("it can be inspected")
}

async fn declared(sandbox: &Sandbox, source: &str) -> Declared {
    let found = inspect(sandbox, source).await;
    assert!(found.valid, "{source}: {found:?}");
    found.capabilities
}

/// A tool whose `main` consists of these expressions.
fn of(expressions: &[&str]) -> String {
    format!("async def main(x):\n    {}\n", expressions.join("\n    "))
}

fn has_note(found: &Inspection, place: &str, text: &str) -> bool {
    found.notes.iter().any(|note| note.starts_with(place) && note.contains(text))
}

#[tokio::test]
async fn modules_are_those_that_not_every_tool_may_import() {
    let sandbox = sandbox(1).await;
    let source = "
from __future__ import annotations
import json, collections.abc, httpx, os, sched, numpy.linalg as la
from xml import dom, etree
from urllib import parse, request
from http import client
from . import nothing
async def main():
    import sched, concurrent.futures
    __import__('wave')
    import importlib
    importlib.import_module('tarfile')
    importlib.import_module('.path', 'os')
    __import__('no name')
    __import__(f'a{1}')
class Inner:
    if False:
        from shelve import Shelf
";
    let found = inspect(&sandbox, source).await;
    assert_eq!(
        found.capabilities.modules,
        [
            "concurrent.futures",
            "http",
            "importlib",
            "numpy.linalg",
            "sched",
            "shelve",
            "tarfile",
            "urllib.request",
            "wave",
            "xml.dom",
        ]
    );
    assert!(has_note(&found, "line 3: ", "'os' can never"), "{:?}", found.notes);
    assert!(has_note(&found, "line 15: ", "# mcpbox: modules=NAME"), "{:?}", found.notes);
    assert_eq!(declared(&sandbox, &main_of("import json\nreturn 1")).await, Declared::default());
}

#[tokio::test]
async fn what_is_declared_does_not_depend_on_what_is_granted() {
    let sandbox = sandbox(1).await;
    let source = "from http import client\nimport csv, sched\nasync def main(): ...\n";
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let policy = ModulePolicy::new(names(&["csv"]), names(&["sched", "http.client"]));
    let policy = policy.expect("these are names").with_undeclared(names(&["http"]));
    let policy = policy.expect("these are names");
    let found = sandbox.inspect(source, &policy, None, GROUP).await.expect("an inspection");
    assert_eq!(found.capabilities, declared(&sandbox, source).await);
    assert_eq!(found.capabilities.modules, ["http", "sched"]);
}

#[tokio::test]
async fn hosts_are_those_of_urls_that_are_written_out() {
    let sandbox = sandbox(1).await;
    for (written, host) in [
        ("'https://api.example.com'", Some("api.example.com")),
        ("'HTTP://API.Example.COM.:8080/x'", Some("api.example.com:8080")),
        ("'https://user:p@ss@a.example/x'", Some("a.example")),
        ("'https://a.example:443?q'", Some("a.example:443")),
        ("'https://a.example:#f'", Some("a.example")),
        ("'https://[2001:DB8:0::1]:99/'", Some("[2001:db8::1]:99")),
        ("'http://[::ffff:10.0.0.2]'", Some("10.0.0.2")),
        ("'http://10.0.0.2:80'", Some("10.0.0.2:80")),
        ("'http://nas/'", Some("nas")),
        ("'https://bücher.example/'", Some("xn--bcher-kva.example")),
        ("'https://a' 'b.example/x'", Some("ab.example")),
        ("f'https://a.example/{x}'", Some("a.example")),
        ("f'https://a.example:8080/{x}'", Some("a.example:8080")),
        ("f'https://a.example'", Some("a.example")),
        ("t'https://a.example?{x}'", Some("a.example")),
        ("'https://a.example/' + x", Some("a.example")),
        ("'https://a.example' + x", Some("a.example")),
        ("'https://a.example/%s' % x", Some("a.example")),
        ("'https://a.example/{}'.format(x)", Some("a.example")),
        ("f'{[\"https://a.example\"]}'", Some("a.example")),
        ("dict(base='https://a.example')", Some("a.example")),
        ("lambda url='https://a.example': url", Some("a.example")),
        ("'see https://a.example'", None),
        ("f'{x}https://a.example/'", None),
        ("b'https://a.example'", None),
        ("'https://'", None),
        ("'https:///x'", None),
        ("'https://a b/'", None),
        ("'https://a.example:99999/'", None),
        ("'https://a..example/'", None),
        ("'https://127.1/'", None),
        ("'https://[::1/'", None),
        ("'ftp://a.example'", None),
        ("'https://xn--\u{7f}/'", None),
    ] {
        let found = inspect(&sandbox, &of(&[written])).await;
        // What stands alone as the first statement is the docstring, and is no use of anything.
        let found = if written.starts_with('\'') && written.ends_with('\'') {
            assert_eq!(found.capabilities.hosts, [""; 0], "{written}");
            inspect(&sandbox, &of(&["y = \\", written])).await
        } else {
            found
        };
        assert_eq!(found.capabilities.hosts, Vec::from_iter(host), "{written}");
        assert!(found.notes.is_empty(), "{written}: {:?}", found.notes);
    }
}

#[tokio::test]
async fn a_host_that_is_computed_is_noted_with_the_line_to_add() {
    let sandbox = sandbox(1).await;
    for written in [
        "f'https://{x}/'",
        "f'https://{x}.example.com/'",
        "f'https://a.example{x}'",
        "f'https://a.example:{x}/'",
        "f'https://a.example:80{x}/'",
        "f'https://a:{x}@a.example/'",
        "'https://' + x",
        "'https://api.' + x",
        "'https://a-' + x + '.example'",
        "'https://a.example:' + x",
        "'https://%s/' % x",
        "'https://{}/'.format(x)",
        "'https://{host}.example'.format(host=x)",
    ] {
        let found = inspect(&sandbox, &of(&["1", written])).await;
        assert_eq!(found.capabilities, Declared::default(), "{written}");
        assert!(has_note(&found, "line 3: ", "`# mcpbox: hosts="), "{written}: {found:?}");
    }
}

#[tokio::test]
async fn secrets_are_those_that_are_read_by_a_name() {
    let sandbox = sandbox(1).await;
    let source = of(&[
        "secrets['A'], secrets.get('B'), secrets.get('C', x), 'D' in secrets, 'E' not in secrets",
        "other['F'], secrets.pop('G'), secrets['lower'], self.secrets['H']",
        "def inner(secrets):",
        "    return secrets['I']",
        "[secrets['J'] for name in x]",
    ]);
    let found = inspect(&sandbox, &source).await;
    assert_eq!(found.capabilities.secrets, ["A", "B", "C", "D", "E", "J", "lower"]);
    assert!(has_note(&found, "line 3: ", "without the name"), "{:?}", found.notes);
    for (expression, text) in [
        ("secrets[x]", "# mcpbox: secrets=NAME"),
        ("secrets.get(x)", "# mcpbox: secrets=NAME"),
        ("x in secrets", "# mcpbox: secrets=NAME"),
        ("dict(secrets)", "# mcpbox: secrets=NAME"),
        ("secrets['no name']", "no secret can have"),
    ] {
        let found = inspect(&sandbox, &of(&["1", expression])).await;
        assert_eq!(found.capabilities, Declared::default(), "{expression}");
        assert!(has_note(&found, "line 3: ", text), "{expression}: {:?}", found.notes);
    }
    for imported in ["import secrets", "from x import y as secrets", "if 1:\n    import secrets"] {
        let source = format!("{imported}\n{}", of(&["secrets['A'], secrets[x]"]));
        let found = inspect(&sandbox, &source).await;
        assert_eq!(found.capabilities.secrets, [""; 0], "{imported}");
        assert!(!found.notes.iter().any(|note| note.contains("# mcpbox: secrets")), "{found:?}");
    }
    let source = format!("import secrets as drawn\n{}", of(&["secrets['A']"]));
    assert_eq!(declared(&sandbox, &source).await.secrets, ["A"]);
}

#[tokio::test]
async fn a_header_adds_to_what_is_found() {
    let sandbox = sandbox(1).await;
    let source = "#!/usr/bin/env python3
'''A tool.

# mcpbox: hosts=docstring.example
'''
# mcpbox: modules=sched,json,xml.dom packages=Foo.Bar==1.0,baz hosts=*,API.Example.com:443,[::1]
#mcpbox:  secrets=B,A\ttools=box__search-2
   # mcpbox: modules=sched hosts=a.example
@staticmethod
async def main():
    # mcpbox: hosts=late.example
    return 'https://b.example', secrets['C']  # mcpbox: hosts=behind.example
";
    let found = inspect(&sandbox, source).await;
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let expected = Declared {
        modules: owned(&["sched", "xml.dom"]),
        packages: owned(&["baz", "foo-bar==1.0"]),
        hosts: owned(&["*", "[::1]", "a.example", "api.example.com:443", "b.example"]),
        secrets: owned(&["A", "B", "C"]),
        tools: owned(&["box__search-2"]),
    };
    assert_eq!(found.capabilities, expected);
    for line in [11, 12] {
        assert!(has_note(&found, &format!("line {line}: "), "no effect here"), "{found:?}");
    }
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
    let with_carriage_returns = source.replace('\n', "\r\n");
    assert_eq!(declared(&sandbox, &with_carriage_returns).await, expected);
    let added = with_header(source, "hosts", &["c.example".to_owned()]);
    assert!(declared(&sandbox, &added).await.hosts.contains(&"c.example".to_owned()));
    let never = inspect(&sandbox, &format!("# mcpbox: modules=os\n{}", main_of("pass"))).await;
    assert_eq!(never.capabilities, Declared::default());
    assert!(has_note(&never, "line 1: ", "can never be imported"), "{never:?}");
}

#[tokio::test]
async fn a_header_that_is_malformed_is_an_error_with_its_place() {
    let sandbox = sandbox(1).await;
    let long = format!("# mcpbox: tools={}", "a".repeat(65));
    for (header, column) in [
        ("# mcpbox:", 1),
        ("#  mcpbox: this is about hosts", 12),
        ("# mcpbox: module=sched", 11),
        ("# mcpbox: modules=sched hosts=", 25),
        ("# mcpbox: modules=a, b", 11),
        ("# mcpbox: modules=a-b", 11),
        ("# mcpbox: hosts=https://a.example", 11),
        ("# mcpbox: hosts=*.a.example", 11),
        ("# mcpbox: hosts=a.example:0", 11),
        ("# mcpbox: packages=a>=1", 11),
        ("# mcpbox: secrets=a-b", 11),
        ("# mcpbox: hosts=a.example\u{a0}secrets=A", 11),
        (&long, 11),
    ] {
        let found = inspect(&sandbox, &format!("'''Doc.'''\n{header}\n{}", main_of("pass"))).await;
        assert!(!found.valid, "{header}: {found:?}");
        assert_eq!(found.capabilities, Declared::default());
        let error = found.error.expect(header);
        assert_eq!((error.line, error.column), (Some(2), Some(column)), "{header}: {error:?}");
        assert!(error.message.contains("`# mcpbox: modules="), "{error:?}");
    }
    let other = "# mcpbox is about hosts=\n# See mcpbox: hosts\n# MCPbox: a tool\n";
    let found = declared(&sandbox, &format!("{other}{}", main_of("pass"))).await;
    assert_eq!(found, Declared::default());
}

#[tokio::test]
async fn lists_are_bounded() {
    let sandbox = sandbox(1).await;
    let names = |count: usize| (0..count).map(|n| format!("secrets['N{n}']")).collect::<Vec<_>>();
    let written = |count: usize| main_of(&format!("return [{}]", names(count).join(", ")));
    assert_eq!(declared(&sandbox, &written(200)).await.secrets.len(), 200);
    let found = inspect(&sandbox, &written(201)).await;
    let error = found.error.expect("one too many");
    assert!(error.message.contains("201 secrets") && error.line == Some(1), "{error:?}");
    let long =
        main_of(&format!("import {}\nreturn secrets['{}']", "m".repeat(201), "S".repeat(256)));
    assert_eq!(declared(&sandbox, &long).await, Declared::default());
}

#[tokio::test]
async fn ways_round_what_is_written_are_noted() {
    let sandbox = sandbox(1).await;
    for (expression, text) in [
        ("eval(x)", "`eval` can run code"),
        ("list(map(exec, x))", "`exec` can run code"),
        ("compile(x, x, x)", "`compile` can run code"),
        ("x.__class__", "`__class__` leads"),
        ("x.__subclasses__()", "`__subclasses__` leads"),
        ("getattr(x, '__globals__')", "`__globals__` leads"),
        ("__builtins__", "`__builtins__` leads"),
        ("__import__(x)", "imported module is computed"),
        ("x.import_module(x)", "imported module is computed"),
    ] {
        let found = inspect(&sandbox, &of(&["1", expression])).await;
        assert!(found.valid && has_note(&found, "line 3: ", text), "{expression}: {found:?}");
    }
    let found =
        inspect(&sandbox, &of(&["re.compile(x), model.eval(), x.__name__, x.__len__()"])).await;
    assert!(found.notes.is_empty(), "{:?}", found.notes);
    let many = vec!["eval(x)"; 12];
    let found = inspect(&sandbox, &of(&many)).await;
    assert!(
        has_note(&found, "lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more: ", "eval"),
        "{found:?}"
    );
}

#[tokio::test]
async fn the_tool_cannot_say_anything_else_when_it_is_executed() {
    let sandbox = sandbox(1).await;
    let honest =
        "import sched\nasync def main(a: int):\n    return secrets['A'], 'https://a.example'\n";
    let forgery = "
import logging
declared = logging.sys.modules['mcpbox_guest.declared']
nothing = {'modules': [], 'packages': [], 'hosts': [], 'secrets': [], 'tools': []}
declared.read = lambda *given: (nothing, [])
declared.nothing = lambda: nothing
inspection = logging.sys.modules['mcpbox_guest.inspection']
inspection.declared = declared
inspection._answer = lambda **given: {'valid': True, 'notes': [], 'capabilities': nothing}
";
    let found = inspect(&sandbox, honest).await;
    assert_eq!(found.capabilities.hosts, ["a.example"]);
    let forged = inspect(&sandbox, &format!("{forgery}{honest}")).await;
    assert_eq!(forged.capabilities, found.capabilities);
}

/// The examples that make requests, and the hosts that each has to declare.
const EXAMPLES: [(&str, &[&str]); 5] = [
    ("convert_at_daily_rate", &["api.frankfurter.dev"]),
    ("latest_news", &["*"]),
    ("repository_issues", &["api.github.com"]),
    ("switch_lights", &["*", "homeassistant.local:8123"]),
    ("weather_forecast", &["api.open-meteo.com", "geocoding-api.open-meteo.com"]),
];

#[tokio::test]
async fn the_examples_declare_what_they_need() {
    let sandbox = sandbox(1).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/network");
    for (name, hosts) in EXAMPLES {
        let source = std::fs::read_to_string(folder.join(name).with_extension("py"));
        let found = inspect(&sandbox, &source.expect("the example is readable")).await;
        assert_eq!(found.capabilities.hosts, hosts, "{name}");
        assert_eq!(found.capabilities.modules, [""; 0], "{name}");
        assert!(found.notes.is_empty(), "{name}: {:?}", found.notes);
    }
}
