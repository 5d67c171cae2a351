//! Archives that contradict themselves, or that would fill memory: each beside the good one.

use crate::planning::locked;
use package_index::Wheel as Made;
use package_index::archive::{self, Entry, crc};
use packages::{ArchiveError, MOST_FILES, PathError, Wheel, WheelError};

fn made() -> Made {
    Made::new("pkg", "1.0")
}

fn read_bytes(bytes: &[u8]) -> Result<Wheel, ArchiveError> {
    match Wheel::read(bytes, &locked(&made().file_name(), bytes)) {
        Ok(wheel) => Ok(wheel),
        Err(WheelError::Archive(reason)) => Err(reason),
        Err(other) => panic!("{other}"),
    }
}

/// Reads a wheel of which `change` changed the entries; the first is `pkg.py`.
fn read(change: impl FnOnce(&mut Vec<Entry>)) -> Result<Wheel, ArchiveError> {
    let mut entries = made().entries();
    change(&mut entries);
    read_bytes(&archive::write(&entries))
}

#[test]
fn archives_in_order_are_accepted() {
    assert!(read(|_| ()).is_ok());
    let after = read(|entries| {
        let entry = &mut entries[0];
        entry.flags |= 1 << 3;
        let packed = u32::try_from(entry.packed.len()).unwrap();
        entry.trailer = [0x0807_4b50, entry.crc, packed, entry.size].map(u32::to_le_bytes).concat();
    });
    assert!(after.is_ok(), "{after:?}");
    let folder = read(|entries| {
        entries.push(Entry::folder("data/"));
    });
    assert!(folder.is_ok(), "{folder:?}");
    let timed = read(|entries| entries[0].extra = b"UT\x05\0\x01abcd".to_vec());
    assert!(timed.is_ok(), "{timed:?}");
}

#[test]
fn names_that_lead_out_are_refused_in_every_spelling() {
    use PathError::{Character, Long, Outside, Plain};
    for (name, expected) in [
        ("../evil.py", Outside),
        ("a/../../evil.py", Outside),
        ("a/..", Outside),
        ("/etc/evil.py", Outside),
        ("//host/evil.py", Outside),
        ("..\\evil.py", Character),
        ("a\\..\\..\\evil.py", Character),
        ("C:/evil.py", Character),
        ("c:evil.py", Character),
        ("evil.py:stream", Character),
        ("evil\0.py", Character),
        ("evil\n.py", Character),
        ("./evil.py", Plain),
        ("a/./evil.py", Plain),
        ("a//evil.py", Plain),
        ("", Plain),
    ] {
        let refused = read(|entries| entries.push(Entry::stored(name, b"x")));
        let found = match refused {
            Err(ArchiveError::Path { reason, .. }) => reason,
            other => panic!("{name:?}: {other:?}"),
        };
        assert_eq!(found, expected, "{name:?}");
    }
    for name in ["a/".repeat(50) + "b.py", "a".repeat(1001)] {
        let refused = read(|entries| entries.push(Entry::stored(&name, b"x")));
        assert!(matches!(refused, Err(ArchiveError::Path { reason: Long, .. })), "{refused:?}");
    }
    for raw in [&b"evil\xff.py"[..], "evil\u{e9}.py".as_bytes()] {
        let refused = read(|entries| entries.push(Entry::stored("x", b"").named(raw)));
        assert_eq!(refused, Err(ArchiveError::NotUtf8));
    }
}

#[test]
fn links_and_special_files_are_refused() {
    for mode in [0o120_777, 0o060_644, 0o020_644, 0o010_644, 0o140_644, 0o040_755] {
        let refused = read(|entries| entries[0].attributes = mode << 16);
        assert_eq!(refused, Err(ArchiveError::Special("pkg.py".to_owned())), "{mode:o}");
    }
    assert!(read(|entries| entries[0].attributes = 0o100_755 << 16).is_ok());
    assert!(read(|entries| entries[0].attributes = 0).is_ok());
}

#[test]
fn a_name_stands_for_one_file() {
    let twice = |name: &str| Err(ArchiveError::Twice(name.to_owned()));
    assert_eq!(read(|entries| entries.push(entries[0].clone())), twice("pkg.py"));
    assert_eq!(read(|entries| entries.push(Entry::stored("pkg.py/x.py", b""))), twice("pkg.py"));
    assert_eq!(read(|entries| entries.push(Entry::folder("pkg.py/"))), twice("pkg.py/"));
}

#[test]
fn headers_that_differ_are_refused() {
    let differ = Err(ArchiveError::Contradiction("pkg.py".to_owned()));
    assert_eq!(read(|entries| entries[0].local_name = b"big.py".to_vec()), differ);
    assert_eq!(read(|entries| entries[0].local_size += 1), differ);
    let lies_after = read(|entries| {
        let entry = &mut entries[0];
        entry.flags |= 1 << 3;
        entry.trailer = vec![0; 12];
    });
    assert_eq!(lies_after, differ);
    assert_eq!(read(|entries| entries[0].extra = b"up\x03\0abc".to_vec()), differ);
    assert_eq!(read(|entries| entries[0].extra = b"UT\xff\0a".to_vec()), differ);
    let content = Err(ArchiveError::Content("pkg.py".to_owned()));
    assert_eq!(read(|entries| entries[0].crc += 1), content);
    let too_small = read(|entries| {
        entries[0].size -= 1;
        entries[0].local_size -= 1;
    });
    assert_eq!(too_small, content);
    assert_eq!(read(|entries| entries[0].packed.push(0)), content);
}

#[test]
fn unknown_ways_of_packing_are_refused() {
    let method = || Err(ArchiveError::Method("pkg.py".to_owned()));
    let encrypted = || Err(ArchiveError::Encrypted("pkg.py".to_owned()));
    for number in [1, 9, 12, 14, 93, 99] {
        assert_eq!(read(|entries| entries[0].method = number), method(), "{number}");
    }
    assert_eq!(read(|entries| entries[0].flags |= 1 << 5), method());
    for bit in [0, 6, 13] {
        assert_eq!(read(|entries| entries[0].flags |= 1 << bit), encrypted(), "{bit}");
    }
}

#[test]
fn sizes_of_64_bits_are_refused() {
    let zip64 = Err(ArchiveError::Zip64);
    assert_eq!(read(|entries| entries[0].size = u32::MAX), zip64);
    assert_eq!(read(|entries| entries[0].offset = Some(u32::MAX)), zip64);
    let mut field = vec![1, 0, 16, 0];
    field.extend([1; 16]);
    assert_eq!(read(|entries| entries[0].extra = field), zip64);
    let mut bytes = made().bytes();
    let end = bytes.len() - 22;
    bytes[end + 8..end + 12].fill(0xff);
    assert_eq!(read_bytes(&bytes), zip64);
}

#[test]
fn entries_lie_one_after_another() {
    let good = archive::write(&made().entries());
    let overlapping = read(|entries| entries[1].offset = Some(0));
    assert!(matches!(overlapping, Err(ArchiveError::Layout(_))), "{overlapping:?}");
    let gap = read(|entries| entries[0].trailer = b"hidden".to_vec());
    assert!(matches!(gap, Err(ArchiveError::Layout(_))), "{gap:?}");
    let last = read(|entries| entries.last_mut().unwrap().trailer = b"hidden".to_vec());
    assert_eq!(last, Err(ArchiveError::End));
    assert!(read_bytes(&[b"#!/bin/sh\n", good.as_slice()].concat()).is_err());
    assert_eq!(read_bytes(&[good.as_slice(), b"x"].concat()), Err(ArchiveError::Truncated));
    let mut commented = good.clone();
    let length = commented.len();
    commented[length - 2] = 1;
    assert_eq!(read_bytes(&commented), Err(ArchiveError::End));
    let mut parts = good.clone();
    parts[length - 18] = 1;
    assert_eq!(read_bytes(&parts), Err(ArchiveError::Parts));
    for end in 0..good.len() {
        assert!(read_bytes(&good[..end]).is_err(), "cut after {end} bytes");
    }
    assert!(read_bytes(&good).is_ok());
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let large = vec![0; 60_000_000];
    let bomb = Entry::deflated("large.bin", &large);
    assert!(bomb.packed.len() < 100_000);
    let again =
        Entry { name: b"more.bin".to_vec(), local_name: b"more.bin".to_vec(), ..bomb.clone() };
    let refused = read(|entries| entries.extend([bomb.clone(), again]));
    assert_eq!(refused, Err(ArchiveError::TooLarge));
    // It says that it is small, and is not.
    let liar = Entry { size: 10, local_size: 10, crc: crc(&large[..10]), ..bomb };
    let refused = read(|entries| entries.push(liar));
    assert_eq!(refused, Err(ArchiveError::Content("large.bin".to_owned())));
    let files = |count: usize| (0..count).map(|number| Entry::folder(&format!("{number}/")));
    let refused = read(|entries| entries.extend(files(MOST_FILES)));
    assert_eq!(refused, Err(ArchiveError::TooManyFiles(MOST_FILES + 4)));
    assert!(read(|entries| entries.extend(files(MOST_FILES - 4))).is_ok());
}
