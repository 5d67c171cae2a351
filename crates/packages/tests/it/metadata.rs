//! Metadata of a release, and where its requirements hold.

use crate::planning::{name, plan, shown, version};
use package_index::{Index, Wheel};
use packages::{Metadata, MetadataError};

fn with(line: &str) -> Result<Metadata, MetadataError> {
    Metadata::read(
        format!("Name: a\nVersion: 1.0\n{line}\n\nRequires-Dist: of-the-description\n").as_bytes(),
    )
}

#[test]
fn fields_are_read_to_the_description() {
    let text = "Metadata-Version: 2.4\nName: My.Package\nVersion: 1.0.post1\nSummary: Does\n  things\n\
        License-Expression: MIT\nLicense: old text\nRequires-Python: >=3.9,\nRequires-Dist: B>=1\n\
        Requires-Dist: c (<2) ; extra == 'x'\nProject-URL: Docs, https://docs.example/\n\
        Project-URL: Homepage, https://home.example/\n\nRequires-Dist: no\n";
    let metadata = Metadata::read(text.as_bytes()).unwrap();
    assert_eq!((metadata.name, metadata.version), (name("my-package"), version("1.0.post1")));
    assert_eq!(metadata.summary.as_deref(), Some("Does"));
    assert_eq!(metadata.license.as_deref(), Some("MIT"));
    assert_eq!(metadata.home_page.as_deref(), Some("https://home.example/"));
    let required: Vec<_> =
        metadata.requires.iter().map(|requirement| requirement.name.to_string()).collect();
    assert_eq!(required, ["b", "c"]);
    assert!(metadata.requires_python.unwrap().contains(&version("3.14")));
    let license = with("Classifier: License :: OSI Approved :: BSD License").unwrap().license;
    assert_eq!(license.as_deref(), Some("BSD License"));
    assert_eq!(with("Home-page: javascript:alert(1)").unwrap().home_page, None);
}

#[test]
fn what_cannot_be_read_is_refused() {
    assert_eq!(with("Requires-Dist: b").unwrap().requires.len(), 1);
    assert_eq!(Metadata::read(b"\xff"), Err(MetadataError::Unreadable));
    assert_eq!(Metadata::read(b"Version: 1\n"), Err(MetadataError::Field("Name")));
    assert_eq!(with("Version: 2"), Err(MetadataError::Field("Version")));
    let many = "Requires-Dist: b\n".repeat(2001);
    assert_eq!(with(many.trim_end()), Err(MetadataError::TooMany));
    for wrong in [
        "",
        "???",
        "b[",
        "b[x-]",
        "b >",
        "b >= 1 2",
        "b ==99999999999999999999",
        "b; python_version",
        "b; python_version < ",
        "b; unknown == '1'",
        "b; (python_version < '3'",
        "b; python_version << '3'",
        "b; os_name == 'x",
        &format!("b; {}os_name == 'x'{}", "(".repeat(17), ")".repeat(17)),
        &format!("b; os_name == '{}'", "x".repeat(4096)),
    ] {
        let refused = with(&format!("Requires-Dist: {wrong}"));
        assert!(matches!(refused, Err(MetadataError::Line { .. })), "{wrong}: {refused:?}");
    }
}

#[test]
fn markers_are_decided_for_the_sandbox() {
    for (marker, holds) in [
        ("python_version >= '3.9'", true),
        ("python_version < '3.9'", false),
        ("python_version == '3.14'", true),
        ("python_full_version < '3.14.0b1'", false),
        ("'3.10' <= python_version", true),
        ("python_version ~= '3.8'", true),
        ("python_version in '3.13 3.14'", true),
        ("python_version not in '2.7, 3.6'", true),
        ("sys_platform == 'wasi'", true),
        ("sys_platform != 'win32'", true),
        ("sys_platform == 'linux' or sys_platform == 'darwin'", false),
        ("os_name == 'nt'", false),
        ("platform_system == 'Windows'", false),
        ("platform_machine in 'x86_64 aarch64'", false),
        ("platform_python_implementation == 'CPython' and implementation_name == 'cpython'", true),
        ("os_name == 'nt' and (python_version > '3' or extra == 'x') or os_name == 'posix'", true),
        ("(os_name == 'nt' or os_name == 'posix') and extra == 'x'", false),
        ("extra == 'x'", false),
        ("'linux' in sys_platform", false),
    ] {
        let index = Index::start();
        index.add(&Wheel::new("a", "1.0").requires(&format!("b ; {marker}")));
        index.add(&Wheel::new("b", "1.0"));
        let lock = plan(&index, &["a==1.0"]).unwrap();
        let expected = if holds { vec!["a==1.0", "b==1.0"] } else { vec!["a==1.0"] };
        assert_eq!(shown(&lock), expected, "{marker}");
    }
}
