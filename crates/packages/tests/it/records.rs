//! RECORD: every file is in it, and is what it says.

use crate::planning::locked;
use package_index::archive::{self, Entry};
use packages::{RecordError, Wheel, WheelError};

/// A wheel of which `change` may change the lines of RECORD.
fn read(change: impl Fn(&mut Vec<String>)) -> Result<Wheel, WheelError> {
    let wheel = package_index::Wheel::new("pkg", "1.0").file("pkg_data/a,b.txt", b"x");
    let mut entries = wheel.entries();
    let record = entries.pop().unwrap();
    let text = archive::content_of(&wheel.bytes(), "/RECORD");
    let mut lines: Vec<String> =
        String::from_utf8(text).unwrap().lines().map(str::to_owned).collect();
    for line in &mut lines {
        *line = line.replace("pkg_data/a,b.txt,", "\"pkg_data/a,b.txt\",");
    }
    change(&mut lines);
    let name = String::from_utf8(record.name).unwrap();
    entries.push(Entry::stored(&name, (lines.join("\r\n") + "\r\n").as_bytes()));
    let bytes = archive::write(&entries);
    Wheel::read(&bytes, &locked(&wheel.file_name(), &bytes))
}

fn refused(change: impl Fn(&mut Vec<String>)) -> RecordError {
    match read(change) {
        Err(WheelError::Record(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_that_fits_is_accepted() {
    let wheel = read(|_| ()).unwrap();
    assert_eq!(wheel.modules, ["pkg"]);
    let padded = read(|lines| lines[0] = lines[0].replace(",1", "=,1"));
    assert!(padded.is_ok(), "{padded:?}");
    let without_size = read(|lines| {
        let (rest, _) = lines[0].rsplit_once(',').unwrap();
        lines[0] = format!("{rest},");
    });
    assert!(without_size.is_ok(), "{without_size:?}");
}

#[test]
fn a_record_that_does_not_fit_is_refused() {
    let module = || "pkg.py".to_owned();
    assert_eq!(refused(|lines| drop(lines.remove(0))), RecordError::NotListed(module()));
    assert_eq!(refused(|lines| lines.push(lines[0].clone())), RecordError::Twice(module()));
    assert_eq!(
        refused(|lines| lines.push("ghost.py,sha256=,0".to_owned())),
        RecordError::Absent("ghost.py".to_owned())
    );
    assert_eq!(refused(|lines| lines[0] = "pkg.py,,".to_owned()), RecordError::NoHash(module()));
    assert_eq!(
        refused(|lines| lines[0] = "pkg.py,md5=abc,3".to_owned()),
        RecordError::NoHash(module())
    );
    assert_eq!(refused(|lines| lines[0].push('1')), RecordError::Differs(module()));
    let other = |lines: &mut Vec<String>| {
        let hash = lines[1].split("sha256=").nth(1).unwrap().split(',').next().unwrap().to_owned();
        lines[0] = format!("pkg.py,sha256={hash},");
    };
    assert_eq!(refused(other), RecordError::Differs(module()));
    for line in ["pkg.py", "a,b", "\"pkg.py", "\"a\"b,c,d", "a,b,c,d"] {
        assert_eq!(refused(|lines| lines[0] = line.to_owned()), RecordError::Unreadable, "{line}");
    }
}
