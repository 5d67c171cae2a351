//! Zip archives byte by byte, so that a test can make any of them wrong.

use std::io::{Read, Write};

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// An entry as its headers describe it; each field may lie.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name in the directory.
    pub name: Vec<u8>,
    /// The name in the entry's own header.
    pub local_name: Vec<u8>,
    /// The general purpose flags, in both headers.
    pub flags: u16,
    /// The method, in both headers: 0 stored, 8 deflated.
    pub method: u16,
    /// The checksum, in both headers.
    pub crc: u32,
    /// The size that is announced in the directory.
    pub size: u32,
    /// The size that is announced in the entry's own header.
    pub local_size: u32,
    /// The attributes, of which Unix archivers use the upper half for the mode.
    pub attributes: u32,
    /// Extra fields, in both headers.
    pub extra: Vec<u8>,
    /// The packed content.
    pub packed: Vec<u8>,
    /// What follows the content, such as sizes that the header left out.
    pub trailer: Vec<u8>,
    /// Where the directory says that it is, if not where it is.
    pub offset: Option<u32>,
}

impl Entry {
    /// A file that is not compressed, and true.
    pub fn stored(name: &str, content: &[u8]) -> Self {
        let size = u32::try_from(content.len()).expect("a small file");
        Self {
            name: name.into(),
            local_name: name.into(),
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            method: 0,
            crc: crc(content),
            size,
            local_size: size,
            attributes: 0o100_644 << 16,
            extra: Vec::new(),
            packed: content.to_vec(),
            trailer: Vec::new(),
            offset: None,
        }
    }

    /// A folder, whose name ends with `/`.
    pub fn folder(name: &str) -> Self {
        Self { attributes: 0o040_755 << 16, ..Self::stored(name, b"") }
    }

    /// A file that is compressed, and true.
    pub fn deflated(name: &str, content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).expect("memory takes it");
        let packed = encoder.finish().expect("memory takes it");
        Self { method: 8, packed, ..Self::stored(name, content) }
    }

    /// The same file, called otherwise in both headers.
    pub fn named(mut self, name: &[u8]) -> Self {
        self.name = name.to_vec();
        self.local_name = name.to_vec();
        self
    }
}

/// The checksum of zip archives.
pub fn crc(content: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(content);
    crc.sum()
}

/// Writes entries, the directory and the end.
pub fn write(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = number(archive.len());
        let packed = number(entry.packed.len());
        let common = |size: u32, name: &[u8]| {
            let mut fields = Vec::new();
            fields.extend([entry.flags, entry.method].map(u16::to_le_bytes).concat());
            fields.extend(0x0021_0000_u32.to_le_bytes());
            fields.extend([entry.crc, packed, size].map(u32::to_le_bytes).concat());
            fields.extend(
                [short(name.len()), short(entry.extra.len())].map(u16::to_le_bytes).concat(),
            );
            fields
        };
        archive.extend(*b"PK\x03\x04\x14\x00");
        archive.extend(common(entry.local_size, &entry.local_name));
        for part in [&entry.local_name, &entry.extra, &entry.packed, &entry.trailer] {
            archive.extend(part);
        }
        directory.extend(*b"PK\x01\x02\x14\x03\x14\x00");
        directory.extend(common(entry.size, &entry.name));
        directory.extend([0; 6]);
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(entry.offset.unwrap_or(offset).to_le_bytes());
        directory.extend(&entry.name);
        directory.extend(&entry.extra);
    }
    let (start, size, count) =
        (number(archive.len()), number(directory.len()), short(entries.len()));
    archive.extend(directory);
    archive.extend(*b"PK\x05\x06\x00\x00\x00\x00");
    archive.extend([count, count].map(u16::to_le_bytes).concat());
    archive.extend([size, start].map(u32::to_le_bytes).concat());
    archive.extend([0, 0]);
    archive
}

/// The content of the one file whose name ends so, from an archive that is in order.
///
/// # Panics
/// Where there is no such file.
pub fn content_of(archive: &[u8], suffix: &str) -> Vec<u8> {
    let field = |at: usize, bytes: usize| {
        let field = archive.get(at..at + bytes).expect("a field");
        field.iter().rev().fold(0, |sum, byte| sum * 256 + usize::from(*byte))
    };
    let mut at = field(archive.len() - 6, 4);
    while field(at, 4) == 0x0201_4b50 {
        let [name, extra, comment] = [28, 30, 32].map(|offset| field(at + offset, 2));
        let bytes = archive.get(at + 46..at + 46 + name).expect("a name");
        if bytes.ends_with(suffix.as_bytes()) {
            let (method, packed, local) = (field(at + 10, 2), field(at + 20, 4), field(at + 42, 4));
            let start = local + 30 + field(local + 26, 2) + field(local + 28, 2);
            let packed = archive.get(start..start + packed).expect("content");
            let mut content = Vec::new();
            if method == 0 {
                content.extend(packed);
            } else {
                DeflateDecoder::new(packed).read_to_end(&mut content).expect("it unpacks");
            }
            return content;
        }
        at += 46 + name + extra + comment;
    }
    panic!("the archive has no `{suffix}`");
}

fn number(size: usize) -> u32 {
    u32::try_from(size).expect("a small archive")
}

fn short(size: usize) -> u16 {
    u16::try_from(size).expect("few and short")
}
