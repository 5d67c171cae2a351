//! Names, and what a lock says of itself.

use crate::planning::{locked, name, version};
use packages::{Lock, PackageName};

#[test]
fn one_package_has_one_name() {
    for spelling in ["Ruamel.YAML", "ruamel-yaml", "ruamel_yaml", "RUAMEL--_.yaml"] {
        assert_eq!(name(spelling).as_str(), "ruamel-yaml", "{spelling}");
    }
    assert_eq!(name("a").in_file_names(), "a");
    assert_eq!(name("ruamel.yaml").in_file_names(), "ruamel_yaml");
    for wrong in ["", "-a", "a-", "a b", "a/b", "../a", "ä", "a\n", "a==1", &"a".repeat(129)] {
        let refused = wrong.parse::<PackageName>().unwrap_err().to_string();
        assert!(refused.contains("is no name of a package"), "{refused}");
        let json = serde_json::to_string(wrong).unwrap();
        assert!(serde_json::from_str::<PackageName>(&json).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_digest_names_what_runs_and_nothing_else() {
    let first = locked("a-1.0-py3-none-any.whl", b"a");
    let second = locked("b-1.0-py3-none-any.whl", b"b");
    let lock = Lock { packages: vec![first.clone(), second.clone()] };
    let turned = Lock { packages: vec![second.clone(), first.clone()] };
    assert_eq!(lock.digest().len(), 64);
    assert_eq!(lock.digest(), turned.digest());
    let mut moved = lock.clone();
    moved.packages[0].url = "https://elsewhere.example/a".to_owned();
    assert_eq!(lock.digest(), moved.digest());
    let mut other_hash = lock.clone();
    other_hash.packages[0].sha256 = second.sha256;
    let mut other_version = lock.clone();
    other_version.packages[0].version = version("1.1");
    let digests =
        [lock.digest(), other_hash.digest(), other_version.digest(), Lock::default().digest()];
    let different: std::collections::BTreeSet<_> = digests.iter().collect();
    assert_eq!(different.len(), 4);
    let json = serde_json::to_string(&lock).unwrap();
    assert_eq!(serde_json::from_str::<Lock>(&json).unwrap(), lock);
}

#[test]
fn what_is_no_longer_needed_is_not_reached() {
    let mut packages = ["a", "b", "c", "d"]
        .map(|letter| locked(&format!("{letter}-1.0-py3-none-any.whl"), letter.as_bytes()));
    packages[0].requires = vec![name("b")];
    packages[1].requires = vec![name("a"), name("c")];
    let lock = Lock { packages: packages.to_vec() };
    let names = |lock: &Lock| {
        lock.packages.iter().map(|locked| locked.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&lock.reachable_from(&[name("a")])), ["a", "b", "c"]);
    assert_eq!(names(&lock.reachable_from(&[name("d"), name("x")])), ["d"]);
    assert!(lock.reachable_from(&[]).packages.is_empty());
    assert!(lock.get(&name("c")).is_some() && lock.get(&name("x")).is_none());
}
