//! What a tool may import, and what the person who grants and removes modules changes.

use std::sync::Arc;

use sandbox::{ModulePolicy, ModuleStanding, NoHost, Outcome, Run, Sandbox};

use crate::{assert_works, main_of, sandbox, tool};

const ALLOWED: &str = "__future__ abc array asyncio asyncio.queues base64 binascii bisect calendar \
    cmath codecs collections collections.abc colorsys configparser contextlib copy csv dataclasses \
    datetime decimal difflib email email.message email.mime.text enum fractions functools graphlib \
    gzip hashlib heapq hmac html html.entities html.parser httpx io ipaddress itertools json json.decoder \
    logging logging.handlers math numbers operator pprint queue random re regex secrets shlex \
    statistics string struct textwrap time tomllib traceback types typing unicodedata urllib \
    urllib.parse uuid warnings weakref xml xml.etree xml.etree.ElementTree zipfile zlib zoneinfo";

const NEVER: &str = "_pickle _socket builtins gc inspect marshal nt ntpath os os.path pathlib \
    pickle posix posixpath shutil socket subprocess sys";

const AFTER_APPROVAL: &str = "sched tempfile threading ctypes http http.client xml.dom \
    xml.etree.ElementInclude importlib importlib.util urllib.request locale _strptime ast code pdb";

/// Parts of modules, some of which lack what is below them.
const PARTS: &str = "compression.zlib compression.zstd concurrent.futures concurrent.interpreters \
    dbm.dumb dbm.gnu http.client multiprocessing.pool multiprocessing.heap xml.dom.minidom";

fn policy(removed: &[&str], granted: &[&str]) -> ModulePolicy {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    ModulePolicy::new(owned(removed), owned(granted)).expect("these are names of modules")
}

async fn run_with(sandbox: &Sandbox, modules: ModulePolicy, body: &str) -> Outcome {
    let run = Run { modules, ..tool(&main_of(body)) };
    sandbox.run(run, Arc::new(NoHost)).await
}

/// Runs statements, each with its own chance, and returns what they were refused with.
async fn refusals(sandbox: &Sandbox, modules: ModulePolicy, statements: &[String]) -> Vec<String> {
    let list = serde_json::json!(statements).to_string();
    let body = format!(
        "said = []\nfor statement in {list}:\n    try:\n        exec(statement)\n        said.append('')\n    except ImportError as error:\n        said.append(f'{{type(error).__name__}}: {{error}}')\nreturn said"
    );
    let result = run_with(sandbox, modules, &body).await.result.expect("the tool goes on");
    serde_json::from_str(&result).expect("a list of texts")
}

fn imports_of(names: &str) -> Vec<String> {
    names.split_whitespace().map(|name| format!("import {name}")).collect()
}

#[tokio::test]
async fn the_list_can_be_imported_with_what_is_in_it() {
    let sandbox = sandbox(1).await;
    let statements = imports_of(ALLOWED);
    let said = refusals(&sandbox, ModulePolicy::default(), &statements).await;
    for (statement, said) in statements.iter().zip(said) {
        assert_eq!(said, "", "{statement}");
    }
    let body = "
from xml.etree import ElementTree
from urllib import parse
from collections import abc
from email import message_from_string, policy
return 1";
    let outcome = run_with(&sandbox, ModulePolicy::default(), body).await;
    assert_eq!(outcome.result.expect("they can be imported"), "1");
}

#[tokio::test]
async fn some_modules_are_refused_whatever_is_granted_and_however_they_are_asked_for() {
    let sandbox = sandbox(1).await;
    let mut statements = imports_of(NEVER);
    statements.extend(
        [
            "from os import environ",
            "from sys import modules as m",
            "import json, os",
            "__import__('os')",
            "__import__('os.path', fromlist=['join'])",
            "eval(\"__import__('sys')\")",
            "exec('import socket', {})",
            "exec(compile('import pickle', 'x', 'exec'), {'__name__': 'json'})",
            "import importlib; importlib.import_module('os')",
            "import importlib; importlib.import_module('.path', 'os')",
            "import importlib; importlib.__import__('subprocess')",
            "import importlib, logging; importlib.reload(logging.os)",
            "import importlib.util; importlib.util.find_spec('shutil')",
            "import importlib.util as u, importlib.machinery as m; u.module_from_spec(m.ModuleSpec('os', None))",
            "import pkgutil; pkgutil.resolve_name('os:environ')",
            "import runpy; runpy.run_module('os')",
        ]
        .map(str::to_owned),
    );
    let granted = policy(&[], &["os", "sys", "socket", "importlib", "pkgutil", "runpy"]);
    let said = refusals(&sandbox, granted, &statements).await;
    for (statement, said) in statements.iter().zip(said) {
        assert!(said.contains("can never be imported by a tool"), "{statement}: {said}");
    }
    assert_works(&sandbox).await;
}

#[tokio::test]
async fn other_modules_are_refused_with_the_tool_that_asks_for_them() {
    let sandbox = sandbox(1).await;
    for (names, text) in
        [(AFTER_APPROVAL, "from the start"), ("requests numpy bs4.element", "PyPI")]
    {
        let statements = imports_of(names);
        let said = refusals(&sandbox, ModulePolicy::default(), &statements).await;
        for (name, said) in names.split_whitespace().zip(said) {
            assert!(said.contains(&format!("module '{name}'")), "{said}");
            assert!(said.contains("mcpbox_request_module"), "{said}");
            assert!(said.contains("a person") && said.contains(text), "{said}");
        }
    }
}

#[tokio::test]
async fn the_server_knows_how_every_module_of_the_library_stands() {
    let sandbox = sandbox(1).await;
    let body = "import logging\nreturn sorted(logging.sys.stdlib_module_names)";
    let names = run_with(&sandbox, ModulePolicy::default(), body).await.result.expect("a list");
    let mut names: Vec<String> = serde_json::from_str(&names).expect("a list of names");
    let all = ModulePolicy::new(Vec::new(), names.clone()).expect("they are names of modules");
    names.extend(PARTS.split_whitespace().map(str::to_owned));
    let mut differing = Vec::new();
    for name in names {
        let outcome = run_with(&sandbox, all.clone(), &format!("import {name}\nreturn 1")).await;
        let standing = ModulePolicy::default().standing(&name).expect("it is a name of a module");
        let same = match &outcome.result {
            Err(failure) if failure.message.contains("can never be imported") => {
                standing == ModuleStanding::Never
            }
            Err(_) => standing == ModuleStanding::Absent,
            Ok(_) => matches!(standing, ModuleStanding::Allowed | ModuleStanding::Grantable),
        };
        if !same {
            differing.push((name, standing, outcome.result));
        }
    }
    assert!(differing.is_empty(), "{differing:#?}");
    assert_eq!(ModulePolicy::default().standing("numpy"), Some(ModuleStanding::Unknown));
}

#[tokio::test]
async fn a_granted_module_really_works() {
    let sandbox = sandbox(1).await;
    let granted = policy(&[], &["sched", "xml.dom", "http.cookies", "importlib", "locale"]);
    let body = "
import sched, time, importlib, importlib.util, locale
import xml.dom.minidom
from http import cookies
done = []
clock = sched.scheduler(time.monotonic, time.sleep)
clock.enter(0, 1, done.append, ('ran',))
clock.run()
document = xml.dom.minidom.parseString('<a><b>x</b></a>')
done.append(document.documentElement.firstChild.firstChild.data)
done.append(cookies.SimpleCookie('k=v')['k'].value)
done.append(importlib.import_module('json').dumps(1))
done.append(importlib.util.find_spec('csv') is not None)
done.append(importlib.util.find_spec('ctypes') is None)
return done";
    let outcome = run_with(&sandbox, granted, body).await;
    assert_eq!(outcome.result.expect("all of it works"), r#"["ran", "x", "v", "1", true, true]"#);
    let statements = imports_of("http.client xml.sax xml.etree.ElementTree http.cookies");
    let said = refusals(&sandbox, policy(&[], &["http.cookies"]), &statements).await;
    assert!(said[0].contains("mcpbox_request_module"), "{said:?}");
    assert!(said[1].contains("mcpbox_request_module"), "{said:?}");
    assert_eq!(&said[2..], ["", ""]);
}

#[tokio::test]
async fn what_is_granted_and_not_declared_is_refused_with_the_line_to_add() {
    let sandbox = sandbox(1).await;
    let undeclared = ["sched", "xml.dom", "yaml", "http", "csv"].map(str::to_owned).to_vec();
    let policy = policy(&["csv"], &["http.client", "shelve"]).with_undeclared(undeclared);
    let policy = policy.expect("these are names of modules");
    let statements = imports_of(
        "sched xml.dom.minidom csv http.cookies yaml.nodes http.client shelve json wave",
    );
    let said = refusals(&sandbox, policy.clone(), &statements).await;
    for (said, name) in said.iter().zip(["sched", "xml.dom.minidom", "csv", "http.cookies"]) {
        assert!(said.contains("this revision does not declare it"), "{said}");
        assert!(said.contains(&format!("`# mcpbox: modules={name}` at the top")), "{said}");
    }
    assert!(said[4].contains("`# mcpbox: modules=yaml.nodes`"), "{said:?}");
    assert!(said[4].contains("`# mcpbox: packages="), "{said:?}");
    assert_eq!(&said[5..8], ["", "", ""]);
    assert!(said[8].contains("mcpbox_request_module"), "{said:?}");
    let body = "from http import client\nreturn client.__name__";
    let outcome = run_with(&sandbox, policy, body).await;
    assert_eq!(outcome.result.as_deref(), Ok("\"http.client\""));
}

#[tokio::test]
async fn a_removed_module_is_refused_and_the_library_goes_on_using_it() {
    let sandbox = sandbox(1).await;
    let removed = policy(&["csv", "collections", "xml.etree", "re", "urllib.parse"], &["csv"]);
    let statements =
        imports_of("collections collections.abc xml.etree.ElementTree re urllib.parse csv json");
    let said = refusals(&sandbox, removed.clone(), &statements).await;
    for said in &said[..5] {
        assert!(said.contains("was taken from the modules"), "{said}");
        assert!(said.contains("mcpbox_request_module"), "{said}");
    }
    assert_eq!(&said[5..], ["", ""]);
    let body =
        "import textwrap, statistics\nreturn textwrap.dedent('  a') + str(statistics.mode([1]))";
    let outcome = run_with(&sandbox, removed, body).await;
    assert_eq!(outcome.result.expect("the library works"), "\"a1\"");
}

#[tokio::test]
async fn what_the_library_imports_late_for_a_tool_is_no_import_of_the_tool() {
    let sandbox = sandbox(1).await;
    let body = "
import datetime, time
day = datetime.datetime.strptime('2026-01-31', '%Y-%m-%d')
return [day.day, time.strptime('5', '%d').tm_mday]";
    let outcome = run_with(&sandbox, ModulePolicy::default(), body).await;
    assert_eq!(outcome.result.expect("parsing dates works"), "[31, 5]");
}

#[tokio::test]
async fn an_inspection_tells_which_imports_would_be_refused() {
    let sandbox = sandbox(1).await;
    let source = "import sched\nfrom urllib import parse, request\nasync def main():\n    import os\n    __import__('shelve')\n    import json\n";
    let noted = |notes: &[String], line: u32, module: &str| {
        let start = format!("line {line}: module '{module}'");
        notes.iter().any(|note| note.starts_with(&start))
    };
    let found = sandbox
        .inspect(source, &ModulePolicy::default(), None, crate::GROUP)
        .await
        .expect("an inspection");
    assert!(found.valid);
    for (line, module) in [(1, "sched"), (2, "urllib.request"), (4, "os"), (5, "shelve")] {
        assert!(noted(&found.notes, line, module), "{module}: {:?}", found.notes);
    }
    assert!(!found.notes.iter().any(|note| note.contains("json") || note.contains("parse'")));
    let granted = policy(&["json"], &["sched", "urllib.request"]);
    let found = sandbox.inspect(source, &granted, None, crate::GROUP).await.expect("an inspection");
    for (line, module) in [(4, "os"), (5, "shelve"), (6, "json")] {
        assert!(noted(&found.notes, line, module), "{module}: {:?}", found.notes);
    }
    assert!(!found.notes.iter().any(|note| note.contains("sched") || note.contains("request'")));
}
