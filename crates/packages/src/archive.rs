//! Zip archives as wheels have them, read so strictly that no other reader can see something else in them.
//!
//! Readers of zip files disagree wherever an archive contradicts itself: the two headers of an entry, entries
//! that overlap, bytes that no entry owns. Here each entry must say the same in both headers, and entries,
//! directory and end must follow one another without a gap from the first byte to the last.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use crate::path::{self, PathError};

/// The most files and folders of a wheel.
pub const MOST_FILES: usize = 10_000;

/// The most bytes of a wheel, unpacked.
pub const MOST_UNPACKED: u64 = 100_000_000;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const END_BYTES: usize = 22;

/// How hard the compressor tried, sizes after the content, names in UTF-8.
const KNOWN_FLAGS: u16 = 0b1000_0000_1110;
const SIZES_AFTER: u16 = 0b1000;
const NAMES_IN_UTF8: u16 = 0b1000_0000_0000;
const ENCRYPTED: u16 = 0b10_0000_0100_0001;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Extra fields by which a reader may see other sizes or another name.
const ZIP64_FIELD: u16 = 0x0001;
const OTHER_NAME_FIELD: u16 = 0x7075;

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It ends too early, or has no directory at its end.
    #[error("it is no complete zip archive")]
    Truncated,
    /// Its end has a comment or says what cannot be.
    #[error("the end of the archive is not in order")]
    End,
    /// It is in several parts.
    #[error("the archive is in several parts")]
    Parts,
    /// Sizes in 64 bits, which nothing of a wheel's size needs.
    #[error("it has the sizes of a ZIP64 archive, which no wheel of this size needs")]
    Zip64,
    /// Too many entries.
    #[error("it has {0} files; {MOST_FILES} are the most")]
    TooManyFiles(usize),
    /// Too much comes out of it.
    #[error("more than {} MB come out of it", MOST_UNPACKED / 1_000_000)]
    TooLarge,
    /// A name that is no path inside the wheel.
    #[error("`{name}` {reason}")]
    Path {
        /// The name, shortened.
        name: String,
        /// What is wrong with it.
        reason: PathError,
    },
    /// A name that is no UTF-8.
    #[error("a name in it is not UTF-8")]
    NotUtf8,
    /// The same name twice, or a file where another entry needs a folder.
    #[error("`{0}` is in it twice")]
    Twice(String),
    /// Encrypted.
    #[error("`{0}` is encrypted")]
    Encrypted(String),
    /// A symbolic link, a device or the like.
    #[error("`{0}` is a link or another special file")]
    Special(String),
    /// Neither stored nor deflated, or with a flag that is not known.
    #[error("`{0}` is packed in a way that wheels do not use")]
    Method(String),
    /// The two headers differ.
    #[error("`{0}` is described in two ways that differ")]
    Contradiction(String),
    /// Entries overlap, or bytes belong to none.
    #[error("`{0}` does not begin where the entry before it ends")]
    Layout(String),
    /// Another size or checksum than it says.
    #[error("`{0}` does not unpack to what it says")]
    Content(String),
}

/// A file or a folder of an archive, still packed.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'bytes> {
    pub(crate) name: String,
    pub(crate) is_folder: bool,
    method: u16,
    crc: u32,
    size: u32,
    packed: &'bytes [u8],
}

/// What the directory says of an entry.
struct Described {
    name: String,
    raw_name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u32,
    size: u32,
    offset: u32,
}

/// Reads all entries of an archive, in the order of its bytes.
pub(crate) fn entries(bytes: &[u8]) -> Result<Vec<Entry<'_>>, ArchiveError> {
    let (directory, start, count) = end(bytes)?;
    let mut described = Vec::new();
    let mut rest = Cursor(directory);
    for _ in 0..count {
        described.push(describe(&mut rest)?);
    }
    if !rest.0.is_empty() {
        return Err(ArchiveError::End);
    }
    check_names(&described)?;
    described.sort_by_key(|entry| entry.offset);
    let content = bytes.get(..start).ok_or(ArchiveError::Truncated)?;
    let mut cursor = Cursor(content);
    let mut entries = Vec::new();
    for entry in described {
        if content.len() - cursor.0.len() != to_size(entry.offset) {
            return Err(ArchiveError::Layout(entry.name));
        }
        entries.push(locate(&mut cursor, entry)?);
    }
    if cursor.0.is_empty() { Ok(entries) } else { Err(ArchiveError::End) }
}

/// The bytes of the directory, where it starts, and how many entries it has.
fn end(bytes: &[u8]) -> Result<(&[u8], usize, usize), ArchiveError> {
    let at = bytes.len().checked_sub(END_BYTES).ok_or(ArchiveError::Truncated)?;
    let mut cursor = Cursor(bytes.get(at..).unwrap_or_default());
    if cursor.number()? != END {
        return Err(ArchiveError::Truncated);
    }
    let (disk, directory_disk) = (cursor.short()?, cursor.short()?);
    let (here, count) = (cursor.short()?, cursor.short()?);
    let (size, start) = (cursor.number()?, cursor.number()?);
    let comment = cursor.short()?;
    if [here, count].contains(&u16::MAX) || [size, start].contains(&u32::MAX) {
        return Err(ArchiveError::Zip64);
    }
    if disk != 0 || directory_disk != 0 || here != count {
        return Err(ArchiveError::Parts);
    }
    let (start, size, count) = (to_size(start), to_size(size), usize::from(count));
    if comment != 0 || start.checked_add(size) != Some(at) {
        return Err(ArchiveError::End);
    }
    if count > MOST_FILES {
        return Err(ArchiveError::TooManyFiles(count));
    }
    Ok((bytes.get(start..at).ok_or(ArchiveError::End)?, start, count))
}

fn describe(cursor: &mut Cursor<'_>) -> Result<Described, ArchiveError> {
    if cursor.number()? != CENTRAL {
        return Err(ArchiveError::End);
    }
    let (_made_by, _needed) = (cursor.short()?, cursor.short()?);
    let (flags, method) = (cursor.short()?, cursor.short()?);
    let _time = cursor.number()?;
    let (crc, packed, size) = (cursor.number()?, cursor.number()?, cursor.number()?);
    let (name_bytes, extra_bytes) = (cursor.short()?, cursor.short()?);
    let (comment_bytes, disk) = (cursor.short()?, cursor.short()?);
    let _internal = cursor.short()?;
    let (attributes, offset) = (cursor.number()?, cursor.number()?);
    let raw_name = cursor.take(usize::from(name_bytes))?.to_vec();
    let extra = cursor.take(usize::from(extra_bytes))?;
    cursor.take(usize::from(comment_bytes))?;

    let text = std::str::from_utf8(&raw_name).map_err(|_not_text| ArchiveError::NotUtf8)?;
    if !text.is_ascii() && flags & NAMES_IN_UTF8 == 0 {
        return Err(ArchiveError::NotUtf8);
    }
    path::check(text.strip_suffix('/').unwrap_or(text))
        .map_err(|reason| ArchiveError::Path { name: path::shown(text), reason })?;
    let name = text.to_owned();
    if flags & ENCRYPTED != 0 {
        return Err(ArchiveError::Encrypted(name));
    }
    if flags & !KNOWN_FLAGS != 0 || ![STORED, DEFLATED].contains(&method) {
        return Err(ArchiveError::Method(name));
    }
    if disk != 0 {
        return Err(ArchiveError::Parts);
    }
    if is_special(attributes, &name) {
        return Err(ArchiveError::Special(name));
    }
    if [packed, size, offset].contains(&u32::MAX) {
        return Err(ArchiveError::Zip64);
    }
    check_extra(extra, &name)?;
    Ok(Described { name, raw_name, flags, method, crc, packed, size, offset })
}

/// The kind of file that Unix archivers note, where they note one, must be that of a file or a folder.
fn is_special(attributes: u32, name: &str) -> bool {
    match (attributes >> 16) & 0o170_000 {
        0 => false,
        0o100_000 => name.ends_with('/'),
        0o040_000 => !name.ends_with('/'),
        _ => true,
    }
}

fn check_extra(extra: &[u8], name: &str) -> Result<(), ArchiveError> {
    let mut cursor = Cursor(extra);
    let contradiction = || ArchiveError::Contradiction(name.to_owned());
    while !cursor.0.is_empty() {
        let kind = cursor.short().map_err(|_short| contradiction())?;
        let length = cursor.short().map_err(|_short| contradiction())?;
        cursor.take(usize::from(length)).map_err(|_short| contradiction())?;
        match kind {
            ZIP64_FIELD => return Err(ArchiveError::Zip64),
            OTHER_NAME_FIELD => return Err(contradiction()),
            _ => (),
        }
    }
    Ok(())
}

/// Every path once, and none inside a file.
fn check_names(described: &[Described]) -> Result<(), ArchiveError> {
    let mut names = BTreeSet::new();
    let mut files = BTreeSet::new();
    for entry in described {
        let name = entry.name.trim_end_matches('/');
        if !names.insert(name) {
            return Err(ArchiveError::Twice(entry.name.clone()));
        }
        if !entry.name.ends_with('/') {
            files.insert(name);
        }
    }
    for name in names {
        let mut folders = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
        if let Some(file) = folders.find(|folder| files.contains(folder)) {
            return Err(ArchiveError::Twice(file.to_owned()));
        }
    }
    Ok(())
}

/// Reads an entry's own header, which must say what the directory says, and takes its bytes.
fn locate<'bytes>(
    cursor: &mut Cursor<'bytes>,
    entry: Described,
) -> Result<Entry<'bytes>, ArchiveError> {
    let contradiction = || ArchiveError::Contradiction(entry.name.clone());
    if cursor.number()? != LOCAL {
        return Err(ArchiveError::Layout(entry.name));
    }
    let _needed = cursor.short()?;
    let (flags, method) = (cursor.short()?, cursor.short()?);
    let _time = cursor.number()?;
    let sizes = (cursor.number()?, cursor.number()?, cursor.number()?);
    let (name_bytes, extra_bytes) = (cursor.short()?, cursor.short()?);
    let name = cursor.take(usize::from(name_bytes))?;
    check_extra(cursor.take(usize::from(extra_bytes))?, &entry.name)?;
    let expected = (entry.crc, entry.packed, entry.size);
    let later = flags & SIZES_AFTER != 0;
    if flags != entry.flags
        || method != entry.method
        || name != entry.raw_name
        || sizes != expected && !(later && sizes == (0, 0, 0))
    {
        return Err(contradiction());
    }
    let packed = cursor.take(to_size(entry.packed))?;
    if later && descriptor(cursor)? != expected {
        return Err(contradiction());
    }
    Ok(Entry {
        is_folder: entry.name.ends_with('/'),
        name: entry.name,
        method,
        crc: entry.crc,
        size: entry.size,
        packed,
    })
}

/// Checksum and sizes after the content. Archivers may put a mark before them, which is no checksum that
/// anything has by chance: an archive in which it matters is refused as a contradiction.
fn descriptor(cursor: &mut Cursor<'_>) -> Result<(u32, u32, u32), ArchiveError> {
    let first = cursor.number()?;
    let crc = if first == DESCRIPTOR { cursor.number()? } else { first };
    Ok((crc, cursor.number()?, cursor.number()?))
}

impl Entry<'_> {
    /// Unpacks a file; what comes out is taken from `budget`, whatever the headers say.
    pub(crate) fn unpack(&self, budget: &mut u64) -> Result<Vec<u8>, ArchiveError> {
        let size = u64::from(self.size);
        let left = budget.checked_sub(size).ok_or(ArchiveError::TooLarge)?;
        let wrong = || ArchiveError::Content(self.name.clone());
        let content = if self.method == STORED {
            self.packed.to_vec()
        } else {
            let mut decoder = DeflateDecoder::new(self.packed);
            let mut content = Vec::new();
            // One byte more than it says is enough to know that it says too little.
            let mut bounded = Read::take(&mut decoder, size + 1);
            bounded.read_to_end(&mut content).map_err(|_broken| wrong())?;
            if decoder.total_in() != to_long(self.packed.len()) {
                return Err(wrong());
            }
            content
        };
        let mut crc = Crc::new();
        crc.update(&content);
        if to_long(content.len()) != size || crc.sum() != self.crc {
            return Err(wrong());
        }
        *budget = left;
        Ok(content)
    }
}

/// Bytes that are still to be read.
struct Cursor<'bytes>(&'bytes [u8]);

impl<'bytes> Cursor<'bytes> {
    fn take(&mut self, count: usize) -> Result<&'bytes [u8], ArchiveError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ArchiveError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn short(&mut self) -> Result<u16, ArchiveError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ArchiveError::Truncated)?;
        self.0 = rest;
        Ok(u16::from_le_bytes(*taken))
    }

    fn number(&mut self) -> Result<u32, ArchiveError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ArchiveError::Truncated)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*taken))
    }
}

fn to_size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn to_long(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
