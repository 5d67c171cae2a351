//! What published packages do that a package seldom does: each test does as one of them.

use super::*;

async fn set_of(sandbox: &Sandbox, modules: &[&str], files: &[(&str, &str)]) -> Set {
    let set = prepared(sandbox, source(modules, files)).await.expect("it is prepared");
    assert_eq!(set.report().fallen_back, None);
    set
}

/// As python-dateutil does, which gives no error but no zone where it finds none.
#[tokio::test]
async fn packages_find_time_zones_as_the_files_of_tzdata() {
    let text = "import importlib.resources as r\nimport os.path\ndef load(key):\n    *above, name = key.split('/')\n    return r.files('.'.join(['tzdata.zoneinfo', *above])).joinpath(name)\nEARLY = load('Europe/Berlin').read_bytes()[:4]\n";
    for sandbox in sandboxes().await {
        let set = set_of(&sandbox, &["clock"], &[("clock.py", text)]).await;
        for (body, expected) in [
            ("return clock.EARLY.decode()", "\"TZif\""),
            (
                "import zoneinfo\nfrom datetime import datetime\nwith clock.load('America/Argentina/Salta').open('rb') as f:\n    zone = zoneinfo.ZoneInfo.from_file(f)\nreturn str(datetime(2026, 7, 1, tzinfo=zone).utcoffset())",
                "\"-1 day, 21:00:00\"",
            ),
            (
                "with clock.r.files('tzdata').joinpath('zones').open('r', encoding='utf-8') as f:\n    names = {line.strip() for line in f}\nimport zoneinfo\nreturn [len(names) > 300, names <= zoneinfo.available_timezones(), 'Europe/Berlin' in names]",
                "[true, true, true]",
            ),
            (
                "return [clock.load('Europe').is_dir(), clock.load('Europe/Berlin').is_dir(), clock.load('Europe/Berlin').is_file(), clock.load('Europe/Nowhere').is_file()]",
                "[true, false, true, false]",
            ),
            (
                "import importlib\ntzdata = importlib.import_module('tzdata')\npath = clock.os.path.join(clock.os.path.dirname(tzdata.__file__), 'zoneinfo', 'UTC')\nimport io\nwith io.open(path, 'rb') as f:\n    return f.read(4).decode()",
                "\"TZif\"",
            ),
        ] {
            let body = format!("import clock\n{body}");
            let modules = ["clock", "importlib", "tzdata"];
            assert_eq!(result(&sandbox, &set, &modules, &body).await, expected, "{body}");
        }
        for (name, error) in [
            ("clock.load('Europe/Nowhere').read_bytes()", "FileNotFoundError"),
            ("clock.load('Europe').read_bytes()", "IsADirectoryError"),
            ("clock.load('Nowhere/Berlin')", "ModuleNotFoundError"),
        ] {
            let body = format!("import clock\nreturn {name}");
            let failure = called(&sandbox, &set, &["clock"], &body).await.result;
            let failure = failure.expect_err("there is no such zone");
            assert!(failure.message.contains(error), "{failure}");
        }
    }
}

/// As Markdown does, which changes its copy of the module.
#[tokio::test]
async fn a_module_of_the_library_can_be_loaded_a_second_time() {
    let text = "import importlib.util as u\nimport sys\nspec = u.find_spec('html.parser')\ncopy = u.module_from_spec(spec)\nspec.loader.exec_module(copy)\nsys.modules['copied'] = copy\ncopy.piclose = None\nclass Tags(copy.HTMLParser):\n    seen = ()\n    def handle_decl(self, text):\n        self.seen += (text,)\n";
    let body = "import marks\nimport html.parser as own\nparser = marks.Tags()\nparser.feed('<!doctype x>')\nreturn [parser.seen, own is marks.copy, own.piclose is None, issubclass(marks.Tags, own.HTMLParser)]";
    for sandbox in sandboxes().await {
        let set = set_of(&sandbox, &["marks"], &[("marks.py", text)]).await;
        let expected = "[[\"doctype x\"], false, false, false]";
        assert_eq!(result(&sandbox, &set, &["marks"], body).await, expected);
    }
}

/// As sympy does, which asks for the size of a type, and others that describe libraries.
#[tokio::test]
async fn ctypes_has_types_and_sizes_but_no_libraries() {
    let text = "import ctypes\nimport ctypes.util\nfrom ctypes import c_long, sizeof\nLARGEST = (1 << (8 * sizeof(c_long) - 1)) - 1\nclass Point(ctypes.Structure):\n    _fields_ = [('x', ctypes.c_int), ('next', ctypes.POINTER(ctypes.c_int))]\n@ctypes.CFUNCTYPE(None, ctypes.POINTER(Point))\ndef callback(point):\n    pass\n";
    for sandbox in sandboxes().await {
        let set = set_of(&sandbox, &["sizes"], &[("sizes.py", text)]).await;
        for (body, expected) in [
            ("return sizes.LARGEST", "2147483647"),
            (
                "return [c.sizeof(t) for t in (c.c_char, c.c_short, c.c_longlong, c.c_double, c.c_longdouble, c.c_void_p, c.c_size_t, c.c_char_p, c.c_int * 3, c.POINTER(c.c_int))]",
                "[1, 2, 8, 8, 16, 4, 4, 4, 12, 4]",
            ),
            (
                "return [c.c_int32(2**31 + 5).value, c.c_uint8(-1).value, c.c_float(0.1).value, repr(c.c_int64(-7)), c.c_bool(3).value]",
                "[-2147483643, 255, 0.10000000149011612, \"c_longlong(-7)\", true]",
            ),
            ("return c.POINTER(c.c_int) is c.POINTER(c.c_int)", "true"),
            ("return c.util.find_library('c')", "null"),
        ] {
            let body = format!("import sizes\nc = sizes.ctypes\n{body}");
            assert_eq!(result(&sandbox, &set, &["sizes"], &body).await, expected, "{body}");
        }
        for (body, error) in [
            ("c.CDLL('libc.so.6')", "OSError: libc.so.6"),
            ("c.CDLL(None).malloc", "AttributeError: malloc"),
            ("c.pythonapi.Py_IncRef", "AttributeError: Py_IncRef"),
            ("c.create_string_buffer(4)", "NotImplementedError"),
            ("c.c_char_p(b'text')", "NotImplementedError"),
            ("c.memmove(1, 2, 3)", "NotImplementedError"),
            ("c.string_at(0)", "NotImplementedError"),
            ("c.byref(c.c_int())", "NotImplementedError"),
            ("sizes.Point()", "NotImplementedError"),
            ("sizes.callback(None)", "NotImplementedError"),
        ] {
            let body = format!("import sizes\nc = sizes.ctypes\nreturn str({body})");
            let failure = called(&sandbox, &set, &["sizes"], &body).await.result.expect_err(&body);
            assert!(failure.message.contains(error), "{body}: {failure}");
        }
    }
}

#[tokio::test]
async fn tracebacks_name_the_modules_of_packages() {
    let files = [
        ("broken/__init__.py", "from .inner import name\n"),
        ("broken/inner.py", "raise RuntimeError('nothing works')\n"),
        ("whole/__init__.py", "from .inner import fail\ndef start():\n    fail()\n"),
        ("whole/inner.py", "def fail():\n    raise ValueError('on purpose')\n"),
    ];
    for sandbox in sandboxes().await {
        let set = set_of(&sandbox, &["broken", "whole"], &files).await;
        for (body, named) in [
            (
                "import whole\nwhole.start()",
                ["File \"whole\", line 3", "File \"whole.inner\", line 2"],
            ),
            ("import broken", ["File \"broken\", line 1", "File \"broken.inner\", line 1"]),
        ] {
            let failure = called(&sandbox, &set, &["broken", "whole"], body).await.result;
            let detail = failure.expect_err("it fails").detail.expect("details");
            let told = serde_json::to_string(&detail).expect("it has a form");
            for name in named {
                let name = name.replace('"', "\\\"");
                assert!(told.contains(&name), "{name} in {told}");
            }
            assert!(!told.contains("/packages"), "{told}");
        }
    }
}
