//! Wheels that are archives in order, and still not what they say or not what may be imported.

use crate::planning::{locked, name};
use package_index::Wheel as Made;
use packages::{MetadataError, Wheel, WheelError};

fn made() -> Made {
    Made::new("pkg", "1.0")
}

fn read(wheel: &Made) -> Result<Wheel, WheelError> {
    read_as(&made().file_name(), wheel)
}

fn read_as(file: &str, wheel: &Made) -> Result<Wheel, WheelError> {
    let bytes = wheel.bytes();
    Wheel::read(&bytes, &locked(file, &bytes))
}

#[test]
fn a_wheel_is_of_the_release_that_was_approved() {
    assert_eq!(read(&made()).unwrap().metadata.name, name("pkg"));
    let dist_info = || Err(WheelError::DistInfo(name("pkg")));
    assert_eq!(read(&Made::new("other", "1.0")), dist_info());
    assert_eq!(read(&Made::new("pkg", "1.1")), dist_info());
    assert_eq!(read(&made().file("other-1.0.dist-info/METADATA", b"x")), dist_info());
    assert_eq!(read(&made().file("pkg-1.0.DIST-INFO/METADATA", b"x")), dist_info());
    let other = Err(WheelError::Metadata(MetadataError::Field("Name")));
    assert_eq!(read(&made().says("Name: other")), other);
    let bytes = made().bytes();
    for file in ["pkg-1.0.zip", "other-1.0-py3-none-any.whl", "pkg-1.0-any.whl", "x"] {
        let mut expected = locked("pkg-1.0-py3-none-any.whl", &bytes);
        expected.wheel = file.to_owned();
        assert_eq!(Wheel::read(&bytes, &expected), Err(WheelError::Name), "{file}");
    }
}

#[test]
fn modules_of_python_and_of_the_sandbox_stay_what_they_are() {
    for module in [
        "json",
        "os",
        "sys",
        "asyncio",
        "builtins",
        "httpx",
        "regex",
        "mcpbox",
        "mcpbox_host",
        "tool",
        "wit_world",
        "componentize_py_types",
        "mcpbox_guest",
        "__main__",
    ] {
        for path in [
            format!("{module}.py"),
            format!("{module}/__init__.py"),
            format!("{module}/data.txt"),
            format!("pkg-1.0.data/purelib/{module}.py"),
        ] {
            let refused = read(&made().file(&path, b""));
            assert_eq!(refused, Err(WheelError::Shadows(module.to_owned())), "{path}");
        }
    }
    let inside = read(&made().file("inner/json.py", b"")).unwrap();
    assert_eq!(inside.modules, ["inner", "pkg"]);
    // What left Python may come from a package.
    assert_eq!(read(&made().file("cgi.py", b"")).unwrap().modules, ["cgi", "pkg"]);
}

#[test]
fn only_what_is_imported_is_kept() {
    let wheel = made()
        .file("pkg-1.0.data/purelib/more/__init__.py", b"1")
        .file("pkg-1.0.data/platlib/last.py", b"2")
        .file("pkg-1.0.data/scripts/run", b"#!python")
        .file("pkg-1.0.data/headers/a.h", b"")
        .file("pkg-1.0.data/data/etc/passwd", b"")
        .file("more/__pycache__/x.cpython-314.pyc", b"")
        .file("start.pth", b"import os")
        .file("pkg-stubs/__init__.pyi", b"");
    let wheel = read(&wheel).unwrap();
    assert_eq!(wheel.modules, ["last", "more", "pkg"]);
    let paths: Vec<&str> = wheel.files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "last.py",
            "more/__init__.py",
            "pkg-1.0.dist-info/METADATA",
            "pkg-stubs/__init__.pyi",
            "pkg.py"
        ]
    );
    let twice = read(&made().file("pkg-1.0.data/purelib/pkg.py", b""));
    assert_eq!(twice, Err(WheelError::Twice("pkg.py".to_owned())));
}

#[test]
fn compiled_parts_are_left_out_where_python_stands_for_them() {
    let module = "a/_fast.cpython-314-x86_64-linux-gnu.so";
    let good =
        made().file("a/__init__.py", b"").file(module, b"\x7fELF").file("pkg.libs/libx.so.1", b"");
    let wheel = read_as("pkg-1.0-cp314-cp314-manylinux2014_x86_64.whl", &good).unwrap();
    assert_eq!(wheel.left_out, [module, "pkg.libs/libx.so.1"]);
    assert_eq!(wheel.modules, ["a", "pkg"]);
    assert!(!wheel.files.iter().any(|(path, _)| path.contains(".so")));
    for path in ["_core.abi3.so", "_core.cp314-win_amd64.pyd", "core/_x.so"] {
        let refused = read(&made().file(path, b""));
        assert_eq!(refused, Err(WheelError::CompiledOnly(path.to_owned())));
    }
    assert!(read(&made().file("pkg.cpython-314-darwin.so", b"")).is_ok());
}

#[test]
fn newer_formats_are_refused() {
    for format in ["Wheel-Version: 1.0", "Wheel-Version: 1.9"] {
        assert!(read(&made().format(format)).is_ok(), "{format}");
    }
    let both = "Wheel-Version: 1.0\nWheel-Version: 2.0";
    for format in ["Wheel-Version: 2.0", "Wheel-Version: 10.0", "Generator: x", "\u{fffd}", both] {
        assert_eq!(read(&made().format(format)), Err(WheelError::Format), "{format}");
    }
}
