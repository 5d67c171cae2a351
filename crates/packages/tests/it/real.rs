//! Real wheels: chosen from an index that serves them, read, and found whole.

use crate::planning::{name, plan, shown};
use package_index::{Index, wheels};
use packages::{Wheel, WheelError};

#[test]
fn real_packages_are_chosen_with_what_they_require() {
    let index = Index::with_wheels();
    let lock = plan(
        &index,
        &["jinja2==3.1.6", "beautifulsoup4==4.15.0", "python-dateutil==4.0.0", "pyyaml==6.0.3"],
    )
    .unwrap();
    let expected = [
        "beautifulsoup4==4.15.0",
        "jinja2==3.1.6",
        "markupsafe==3.0.4",
        "python-dateutil==4.0.0",
        "pyyaml==6.0.3",
        "soupsieve==4.1.2",
        "typing-extensions==4.16.0",
    ];
    assert_eq!(shown(&lock), expected);
    assert_eq!(lock.get(&name("jinja2")).unwrap().requires, [name("markupsafe")]);
    assert_eq!(lock.get(&name("python-dateutil")).unwrap().provided, [name("tzdata")]);
    let compiled = lock.packages.iter().filter(|locked| locked.without_compiled);
    assert_eq!(
        compiled.map(|locked| locked.name.to_string()).collect::<Vec<_>>(),
        ["markupsafe", "pyyaml"]
    );
}

#[test]
fn real_wheels_are_read_whole() {
    let index = Index::with_wheels();
    let files = wheels();
    for (root, modules, compiled) in [
        ("beautifulsoup4==4.15.0", vec!["bs4"], 0),
        ("humanize==4.17.0", vec!["humanize"], 0),
        ("jinja2==3.1.6", vec!["jinja2"], 0),
        ("markupsafe==3.0.4", vec!["markupsafe"], 1),
        ("networkx==3.7", vec!["networkx"], 0),
        ("python-dateutil==4.0.0", vec!["dateutil"], 0),
        ("pyyaml==6.0.3", vec!["_yaml", "yaml"], 1),
    ] {
        let lock = plan(&index, &[root]).unwrap();
        let locked = lock.get(&name(root.split('=').next().unwrap())).unwrap();
        let wheel = Wheel::read(&files[&locked.wheel], locked).unwrap();
        assert_eq!(wheel.modules, modules, "{root}");
        assert_eq!(wheel.left_out.len(), compiled, "{root}: {:?}", wheel.left_out);
        assert_eq!(
            (&wheel.metadata.name, &wheel.metadata.version),
            (&locked.name, &locked.version)
        );
        assert!(wheel.metadata.summary.is_some() && wheel.metadata.license.is_some(), "{root}");
        assert!(wheel.files.is_sorted_by_key(|(path, _)| path.clone()));
        assert!(
            !wheel
                .files
                .iter()
                .any(|(path, _)| path.contains(".cpython-") || path.ends_with("/RECORD"))
        );
        let mut other = locked.clone();
        other.sha256 = "0".repeat(64);
        let refused = Wheel::read(&files[&locked.wheel], &other);
        assert!(matches!(refused, Err(WheelError::Hash { .. })), "{refused:?}");
    }
}

#[test]
fn a_wheel_may_not_require_more_than_the_index_said() {
    let index = Index::with_wheels();
    let lock = plan(&index, &["jinja2==3.1.6"]).unwrap();
    let mut locked = lock.get(&name("jinja2")).unwrap().clone();
    let bytes = &wheels()[&locked.wheel];
    assert!(Wheel::read(bytes, &locked).is_ok());
    locked.requires.clear();
    assert_eq!(Wheel::read(bytes, &locked), Err(WheelError::Requires(name("markupsafe"))));
}
