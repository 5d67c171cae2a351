//! What an index says: wheels are weighed against each other, and answers that are none are refused.

use crate::planning::{name, version};
use packages::{IndexError, LARGEST_LISTING, Listing, Unusable};
use serde_json::{Value, json};

fn read(files: &Value) -> Listing {
    let listing = json!({"meta": {"api-version": "1.0"}, "name": "Pkg", "files": files});
    let base = "https://index.example/simple/pkg/".parse().unwrap();
    Listing::read(&name("pkg"), listing.to_string().as_bytes(), &base).unwrap()
}

fn file(file: &str) -> Value {
    json!({"filename": file, "url": format!("../../files/{file}"), "hashes": {"sha256": "A".repeat(64)}})
}

/// Which of these files would be used of release 1.0.
fn best(files: &[&str]) -> Result<String, Unusable> {
    let listing = read(&files.iter().map(|name| file(name)).collect());
    let found = listing.release(&version("1.0")).expect("the release is there");
    found.map(|candidate| candidate.wheel.clone())
}

#[test]
fn of_several_wheels_the_best_is_taken() {
    let pure = "pkg-1.0-py3-none-any.whl";
    let linux = "pkg-1.0-cp314-cp314-manylinux2014_x86_64.manylinux_2_17_x86_64.whl";
    let mac = "pkg-1.0-cp314-cp314-macosx_11_0_arm64.whl";
    let older = "pkg-1.0-cp311-cp311-win_amd64.whl";
    let ordered = [pure, linux, mac, older, "pkg-1.0.tar.gz"];
    for start in 0..4 {
        let mut files = ordered[start..].to_vec();
        assert_eq!(best(&files).unwrap(), ordered[start]);
        files.reverse();
        assert_eq!(best(&files).unwrap(), ordered[start]);
    }
    assert_eq!(
        best(&[pure, "pkg-1.0-2-py3-none-any.whl", "pkg-1.0-10-py3-none-any.whl"]).unwrap(),
        "pkg-1.0-10-py3-none-any.whl"
    );
    for usable in
        ["py2.py3-none-any", "py30-none-any", "py314-none-any", "cp314-none-any", "cp39-none-any"]
    {
        let name = format!("pkg-1.0-{usable}.whl");
        assert_eq!(best(&[&name, linux]).unwrap(), name);
    }
}

#[test]
fn without_a_wheel_the_reason_is_known() {
    assert_eq!(best(&["pkg-1.0.tar.gz"]), Err(Unusable::SourceOnly));
    assert_eq!(best(&["pkg-1.0.zip", "pkg-1.0-py2-none-any.whl"]), Err(Unusable::OtherPython));
    assert_eq!(best(&["pkg-1.0-cp27-cp27mu-manylinux1_x86_64.whl"]), Err(Unusable::OtherPython));
    assert_eq!(best(&["pkg-1.0-py315-none-any.whl"]), Err(Unusable::OtherPython));
    let listing = read(
        &json!([file("other-1.0-py3-none-any.whl"), file("pkg-1.0.exe"), file("x"), 5, {"url": 1}]),
    );
    assert_eq!(listing.releases().count(), 0);
}

#[test]
fn links_hashes_and_metadata_are_read() {
    let mut entry = file("pkg-1.0-py3-none-any.whl");
    entry["size"] = json!(7);
    entry["core-metadata"] = json!({"sha256": "b".repeat(64)});
    entry["data-dist-info-metadata"] = entry["core-metadata"].clone();
    entry["yanked"] = json!(true);
    let listing = read(&json!([entry]));
    let candidate = listing.release(&version("1")).unwrap().unwrap();
    assert_eq!(candidate.url, "https://index.example/files/pkg-1.0-py3-none-any.whl");
    assert_eq!(candidate.sha256, "a".repeat(64));
    assert_eq!(candidate.bytes, 7);
    let metadata = candidate.metadata.clone().unwrap();
    assert_eq!(metadata, (format!("{}.metadata", candidate.url), Some("b".repeat(64))));
    assert_eq!(candidate.yanked.as_deref(), Some(""));
    entry = file("pkg-1.0-py3-none-any.whl");
    entry["url"] = json!("file:///etc/passwd");
    assert_eq!(read(&json!([entry])).releases().count(), 0);
}

#[test]
fn what_is_no_listing_is_refused() {
    let base = "https://index.example/simple/pkg/".parse().unwrap();
    let read = |bytes: &[u8]| Listing::read(&name("pkg"), bytes, &base);
    let good = json!({"meta": {"api-version": "1.0"}, "name": "pkg", "files": []});
    assert!(read(good.to_string().as_bytes()).is_ok());
    assert!(matches!(read(b"<html>Sign in"), Err(IndexError::NoLinks(_))));
    for wrong in [&b""[..], b"[]", b"{}", b"\xff", "[".repeat(100_000).as_bytes()] {
        assert!(matches!(read(wrong), Err(IndexError::Json { .. })));
    }
    let mut other = good.clone();
    other["name"] = json!("other");
    assert!(matches!(read(other.to_string().as_bytes()), Err(IndexError::OtherName { .. })));
    other = good;
    other["meta"]["api-version"] = json!("2.0");
    assert!(matches!(read(other.to_string().as_bytes()), Err(IndexError::Version(_))));
    let large = vec![b' '; LARGEST_LISTING + 1];
    assert!(matches!(read(&large), Err(IndexError::TooLarge(_))));
}
