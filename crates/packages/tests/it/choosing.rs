//! The choice of versions, with an index that holds what the test made.

use crate::planning::{name, plan, plan_preferring, shown, version};
use package_index::{File, Index, Wheel};
use packages::{ResolveError, Unusable};
use serde_json::json;

/// An index with these releases: a name, a version, what it requires.
fn index(releases: &[(&str, &str, &[&str])]) -> Index {
    let index = Index::start();
    for (name, version, requirements) in releases {
        let wheel = Wheel::new(name, version);
        let wheel = requirements.iter().fold(wheel, |wheel, line| wheel.requires(line));
        index.add(&wheel);
    }
    index
}

#[test]
fn the_newest_that_fits_is_chosen() {
    let index = index(&[
        ("a", "1.0", &["b>=1,<3", "c"]),
        ("b", "1.0", &[]),
        ("b", "2.0", &["c<2"]),
        ("b", "3.0", &[]),
        ("c", "1.0", &[]),
        ("c", "1.10", &[]),
        ("c", "1.9", &[]),
        ("c", "2.0", &[]),
    ]);
    assert_eq!(shown(&plan(&index, &["a==1.0"]).unwrap()), ["a==1.0", "b==2.0", "c==1.10"]);
    // Another root may ask for something else than the newest.
    let both = plan(&index, &["a==1.0", "c==2.0"]).unwrap();
    assert_eq!(shown(&both), ["a==1.0", "b==1.0", "c==2.0"]);
}

#[test]
fn what_is_there_already_stays() {
    let index = index(&[("a", "1.0", &["b"]), ("b", "1.0", &[])]);
    let before = plan(&index, &["a==1.0"]).unwrap();
    index.add(&Wheel::new("b", "2.0"));
    assert_eq!(shown(&plan(&index, &["a==1.0"]).unwrap()), ["a==1.0", "b==2.0"]);
    let kept = plan_preferring(&index, &["a==1.0"], &before).unwrap();
    assert_eq!(kept, before);
    index.add(&Wheel::new("d", "1.0").requires("b>1"));
    let changed = plan_preferring(&index, &["a==1.0", "d==1.0"], &before).unwrap();
    assert_eq!(shown(&changed), ["a==1.0", "b==2.0", "d==1.0"]);
}

#[test]
fn previews_and_withdrawn_releases_are_only_taken_when_pinned() {
    let index = index(&[
        ("a", "1.0", &["b"]),
        ("pin", "1.0", &["b==2.0b1"]),
        ("b", "1.0", &[]),
        ("b", "1.5", &[]),
        ("b", "2.0b1", &[]),
    ]);
    index.change("b-1.5", |file| file.fields = json!({"yanked": "it loses data"}));
    assert_eq!(shown(&plan(&index, &["a==1.0"]).unwrap()), ["a==1.0", "b==1.0"]);
    assert_eq!(shown(&plan(&index, &["pin==1.0"]).unwrap()), ["b==2.0b1", "pin==1.0"]);
    let root = plan(&index, &["b==1.5"]).unwrap();
    assert_eq!(root.packages[0].yanked.as_deref(), Some("it loses data"));
    index.remove("b-1.0");
    let refused = plan(&index, &["a==1.0"]).unwrap_err().to_string();
    assert!(refused.contains("b 2.0b1 is a preview"), "{refused}");
}

#[test]
fn extras_and_markers_of_requirements_are_honoured() {
    let index = index(&[
        (
            "a",
            "1.0",
            &["b[fast]>=1", "windows; sys_platform == 'win32'", "old; python_version < '3.8'"],
        ),
        ("b", "1.0", &["c; extra == 'fast'", "e; extra == 'slow'", "f; sys_platform == 'wasi'"]),
        ("c", "1.0", &["b"]),
        ("f", "1.0", &["httpx>=99", "a"]),
    ]);
    let lock = plan(&index, &["a==1.0"]).unwrap();
    assert_eq!(shown(&lock), ["a==1.0", "b==1.0", "c==1.0", "f==1.0"]);
    assert_eq!(lock.get(&name("b")).unwrap().requires, [name("c"), name("f")]);
    assert_eq!(lock.get(&name("f")).unwrap().provided, [name("httpx")]);
    assert_eq!(lock.reachable_from(&[name("a")]), lock);
    assert_eq!(
        shown(&plan(&index, &["c==1.0"]).unwrap()),
        ["a==1.0", "b==1.0", "c==1.0", "f==1.0"]
    );
}

#[test]
fn what_cannot_be_had_is_said() {
    let index = index(&[
        ("a", "1.0", &["b<2"]),
        ("d", "1.0", &["b>=2"]),
        ("b", "1.0", &[]),
        ("b", "2.0", &[]),
        ("lost", "1.0", &["nowhere"]),
        ("far", "1.0", &["b @ https://files.example/b-1.0-py3-none-any.whl"]),
    ]);
    index.add(File::new("sources-1.0.tar.gz", b"x"));
    index.add(File::new("old-1.0-cp27-none-any.whl", b"x"));
    let newer = File::from(&Wheel::new("newer", "1.0")).with("requires-python", json!(">=3.15"));
    index.add(newer);
    let mut unhashed = File::from(&Wheel::new("unhashed", "1.0"));
    unhashed.sha256 = None;
    index.add(unhashed);
    let refused = |wanted: &[&str]| plan(&index, wanted).unwrap_err();
    let unusable = |text: &str, reason| {
        let (name, version) = (name(text), version("1.0"));
        ResolveError::Unusable { name, version, reason }
    };
    assert_eq!(refused(&["sources==1.0"]), unusable("sources", Unusable::SourceOnly));
    assert_eq!(refused(&["old==1.0"]), unusable("old", Unusable::OtherPython));
    assert_eq!(refused(&["newer==1.0"]), unusable("newer", Unusable::RequiresPython));
    assert_eq!(refused(&["unhashed==1.0"]), unusable("unhashed", Unusable::NoHash));
    assert_eq!(refused(&["nowhere==1.0"]), ResolveError::Unknown(name("nowhere")));
    assert_eq!(refused(&["tzdata==2026.1"]), ResolveError::Provided(name("tzdata")));
    assert!(matches!(refused(&["b==1.0", "b==2.0"]), ResolveError::Twice { .. }));
    let text = refused(&["b==9.9"]).to_string();
    assert_eq!(text, "`b` has no release 9.9; the newest are 2.0, 1.0");
    let text = refused(&["a==1.0", "d==1.0"]).to_string();
    for part in ["a 1.0 requires b <2", "d 1.0 requires b >=2"] {
        assert!(text.contains(part), "{text}");
    }
    let text = refused(&["lost==1.0"]).to_string();
    assert!(text.contains("requires nowhere"), "{text}");
    assert!(text.contains("the package index has no package nowhere"), "{text}");
    let text = refused(&["far==1.0"]).to_string();
    assert!(text.contains("far 1.0 requires `b` from an address of its own"), "{text}");
    assert_eq!(shown(&plan(&index, &["a==1.0", "b==1.0"]).unwrap()), ["a==1.0", "b==1.0"]);
}

#[test]
fn a_release_with_broken_metadata_gives_way_to_another() {
    let index = index(&[("a", "1.0", &["b"]), ("b", "1.0", &[]), ("b", "2.0", &[])]);
    assert_eq!(shown(&plan(&index, &["a==1.0"]).unwrap()), ["a==1.0", "b==2.0"]);
    index.change("b-2.0", |file| {
        file.metadata = Some(b"Name: b\nVersion: 2.0\nRequires-Dist: ???\n".to_vec());
    });
    assert_eq!(shown(&plan(&index, &["a==1.0"]).unwrap()), ["a==1.0", "b==1.0"]);
    let refused = plan(&index, &["b==2.0"]).unwrap_err().to_string();
    assert!(refused.contains("its metadata says `???`"), "{refused}");
}
