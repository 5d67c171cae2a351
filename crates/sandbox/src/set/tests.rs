//! What is made of a worker's word about a set.

use super::{Ending, Form, Limits, Reply, Set, SetReport, prepared};
use crate::outcome::Used;

const UNIT: usize = 64 << 10;

fn ending(form: Form, bytes: usize, content: Vec<(u64, Vec<u8>)>) -> Ending {
    let report = r#"{"loaded": 2, "failed": {"a": "no\nway"}}"#.to_owned();
    let reply = Reply::Prepared { form, bytes: bytes as u64, report, fallen_back: None };
    let (stdout, used) = (String::new(), Used::default());
    Ending { reply: Ok(reply), stdout, stdout_truncated: false, used, content }
}

#[test]
fn a_snapshot_is_the_image_with_what_differs_and_an_archive_what_was_sent() {
    let base = vec![1; UNIT];
    let parts = || vec![(0, vec![7; 2]), (UNIT as u64 + 1, vec![9; 3])];
    let snapshot = prepared(ending(Form::Snapshot, 2 * UNIT, parts()), &base).expect("it is good");
    let mut expected = base.clone();
    expected.resize(2 * UNIT, 0);
    expected[..2].fill(7);
    expected[UNIT + 1..UNIT + 4].fill(9);
    assert!(snapshot.content == expected);
    assert_eq!((snapshot.report.loaded, snapshot.report.bytes), (2, 2 * UNIT as u64));
    assert_eq!(snapshot.report.failed["a"], "no way");
    let archive = prepared(ending(Form::Archive, 2 * UNIT, parts()), &base).expect("it is good");
    assert_eq!(archive.content[..3], [7, 7, 0]);
    assert!(Set::new(archive).is_ok());
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let base = vec![1; UNIT];
    for (form, bytes, part) in [
        (Form::Snapshot, 0, None),
        (Form::Snapshot, Limits::MEMORY_MAX + 1, None),
        (Form::Archive, UNIT, Some((UNIT as u64, vec![1]))),
        (Form::Archive, UNIT, Some((u64::MAX, vec![1]))),
    ] {
        let refused = prepared(ending(form, bytes, part.into_iter().collect()), &base);
        assert!(refused.is_err_and(|failure| failure.message.contains("cannot be used")));
    }
    let other =
        Ending { reply: Ok(Reply::Answered("{}".to_owned())), ..ending(Form::Archive, 0, vec![]) };
    assert!(prepared(other, &base).is_err());
    assert_eq!(SetReport::default().loaded, 0);
}
