//! The members of a zip archive.
//!
//! In: the whole file. Out: for each member its name and the range of its bytes, in the order of the
//! central directory. Read is what PyTorch writes, zip64 included; encryption, several disks and
//! anything in which the central directory and the members contradict each other are refused. A
//! compressed member is marked and never unpacked. Members cannot overlap, so all of them together are
//! at most the file. Checksums are not compared: PyTorch itself can be told to write none.

use std::collections::HashSet;
use std::ops::Range;

use super::MAX_TENSORS;
use super::cursor::Cursor;
use super::error::{Problem, quote};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const LOCATOR64: u32 = 0x0706_4b50;
const END_SIZE: usize = 22;
const LOCATOR64_SIZE: usize = 20;
/// Beside one member a storage, PyTorch writes a few of its own.
const MAX_MEMBERS: usize = MAX_TENSORS + 1024;
const MAX_NAME: usize = 512;

/// A member of the archive.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub name: &'a str,
    pub data: Range<usize>,
    pub is_compressed: bool,
}

/// Whether a file begins as an archive does: with a member, or with the end of an empty one.
pub(super) fn is_zip(file: &[u8]) -> bool {
    file.starts_with(&LOCAL.to_le_bytes()) || file.starts_with(&END.to_le_bytes())
}

/// All members.
pub(super) fn read(file: &[u8]) -> Result<Vec<Member<'_>>, Problem> {
    let directory = find_directory(file)?;
    let mut cursor = Cursor::new(&file[..directory.end], directory.start);
    let mut members = Vec::new();
    let mut names = HashSet::new();
    for _ in 0..directory.count {
        let entry = read_entry(&mut cursor)?;
        let name = entry.name;
        if !names.insert(name) {
            return Err(Problem::Archive(format!("member `{}` occurs twice", quote(name))));
        }
        members.push(locate(&file[..directory.start], entry)?);
    }
    if cursor.position() != directory.end {
        return Err(Problem::Archive("the central directory's size and count contradict each other".into()));
    }
    check_overlaps(&members)?;
    Ok(members)
}

struct Directory {
    start: usize,
    end: usize,
    count: usize,
}

/// The central directory, from the record at the end of the file.
fn find_directory(file: &[u8]) -> Result<Directory, Problem> {
    let lowest = file.len().saturating_sub(END_SIZE + usize::from(u16::MAX));
    let highest = file.len().checked_sub(END_SIZE);
    let is_end = |&at: &usize| {
        let comment = file[at + END_SIZE - 2..].first_chunk().map(|len| u16::from_le_bytes(*len));
        file[at..].starts_with(&END.to_le_bytes())
            && comment.is_some_and(|len| at + END_SIZE + usize::from(len) == file.len())
    };
    let at = highest.and_then(|highest| (lowest..=highest).rev().find(is_end));
    let at = at.ok_or_else(|| Problem::Archive("no end record: is the file complete?".into()))?;

    let mut cursor = Cursor::new(file, at + 4);
    let what = "the end record";
    let disks = [cursor.u16(what)?, cursor.u16(what)?];
    let counts = [cursor.u16(what)?, cursor.u16(what)?];
    let (size, start) = (cursor.u32(what)?, cursor.u32(what)?);
    if let Some(end64) = find_end64(file, at)? {
        return read_end64(file, end64, at);
    }
    if disks != [0, 0] || counts[0] != counts[1] {
        return Err(Problem::Archive("is split over several files".into()));
    }
    check_directory(start as usize, size as usize, counts[0].into(), at)
}

/// Where the zip64 end record begins, if a locator for it lies before the end record at `end`.
fn find_end64(file: &[u8], end: usize) -> Result<Option<usize>, Problem> {
    let Some(at) = end.checked_sub(LOCATOR64_SIZE) else { return Ok(None) };
    let what = "the zip64 locator";
    let mut cursor = Cursor::new(&file[..end], at);
    if cursor.u32(what)? != LOCATOR64 {
        return Ok(None);
    }
    cursor.u32(what)?;
    cursor.size(what).map(Some)
}

fn read_end64(file: &[u8], at: usize, end: usize) -> Result<Directory, Problem> {
    let what = "the zip64 end record";
    let mut cursor = Cursor::new(&file[..end], at);
    if cursor.u32(what)? != END64 {
        return Err(Problem::Archive("the zip64 locator points at no end record".into()));
    }
    // Its own size, and two versions.
    cursor.take(8 + 4, what)?;
    let disks = [cursor.u32(what)?, cursor.u32(what)?];
    let counts = [cursor.size(what)?, cursor.size(what)?];
    let (size, start) = (cursor.size(what)?, cursor.size(what)?);
    if disks != [0, 0] || counts[0] != counts[1] {
        return Err(Problem::Archive("is split over several files".into()));
    }
    check_directory(start, size, counts[0], at)
}

/// The directory must end before `limit` and be large enough for its entries.
fn check_directory(start: usize, size: usize, count: usize, limit: usize) -> Result<Directory, Problem> {
    if count > MAX_MEMBERS {
        return Err(Problem::Limit { what: "members", limit: MAX_MEMBERS });
    }
    match start.checked_add(size) {
        Some(end) if end <= limit => Ok(Directory { start, end, count }),
        _ => Err(Problem::Archive("the central directory lies outside of the file".into())),
    }
}

struct Entry<'a> {
    name: &'a str,
    method: u16,
    /// Of the bytes in the archive.
    size: usize,
    offset: usize,
}

/// The next entry of the central directory.
fn read_entry<'a>(cursor: &mut Cursor<'a>) -> Result<Entry<'a>, Problem> {
    let what = "the central directory";
    if cursor.u32(what)? != CENTRAL {
        return Err(Problem::Archive("the central directory is damaged".into()));
    }
    cursor.take(4, what)?;
    let (flags, method) = (cursor.u16(what)?, cursor.u16(what)?);
    // Time, date and checksum.
    cursor.take(8, what)?;
    let (packed, size) = (cursor.u32(what)?, cursor.u32(what)?);
    let (name_len, extra_len, comment_len) = (cursor.u16(what)?, cursor.u16(what)?, cursor.u16(what)?);
    let disk = cursor.u16(what)?;
    cursor.take(6, what)?;
    let offset = cursor.u32(what)?;
    let name = check_name(cursor.take(name_len.into(), what)?)?;
    let extra = cursor.take(extra_len.into(), what)?;
    cursor.take(comment_len.into(), what)?;

    let refuse = |why: &str| Problem::Archive(format!("member `{}` {why}", quote(name)));
    if flags & 1 != 0 {
        return Err(refuse("is encrypted"));
    }
    if disk != 0 {
        return Err(refuse("lies in another file"));
    }
    // The extra field has the wide values in this order, each only if the narrow one is all ones.
    let mut wide = find_zip64(extra).map(|wide| Cursor::new(wide, 0));
    let mut widen = |narrow: u32| match &mut wide {
        Some(wide) if narrow == u32::MAX => wide.size("a zip64 field"),
        _ => Ok(narrow as usize),
    };
    let (size, packed, offset) = (widen(size)?, widen(packed)?, widen(offset)?);
    if method == 0 && size != packed {
        return Err(refuse("is stored, and yet of two sizes"));
    }
    Ok(Entry { name, method, size: packed, offset })
}

fn check_name(name: &[u8]) -> Result<&str, Problem> {
    let refuse = |why: &str| {
        Problem::Archive(format!("the member's name `{}` {why}", quote(&String::from_utf8_lossy(name))))
    };
    if name.len() > MAX_NAME {
        return Err(refuse("is too long"));
    }
    let text = std::str::from_utf8(name).map_err(|_| refuse("is not UTF-8"))?;
    if text.starts_with('/') || text.split('/').any(|part| part == "..") || text.contains(['\0', '\\']) {
        return Err(refuse("is not a plain path"));
    }
    Ok(text)
}

/// The zip64 block of an extra field: blocks of a `u16` id, a `u16` size and so many bytes.
fn find_zip64(extra: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(extra, 0);
    loop {
        let (id, size) = (cursor.u16("").ok()?, cursor.u16("").ok()?);
        let block = cursor.take(size.into(), "").ok()?;
        if id == 1 {
            return Some(block);
        }
    }
}

/// The member's bytes, which lie behind a header of its own that must say the same. `file` ends where
/// the central directory begins.
fn locate<'a>(file: &[u8], entry: Entry<'a>) -> Result<Member<'a>, Problem> {
    let what = "a member";
    let refuse = |why: &str| Problem::Archive(format!("member `{}` {why}", quote(entry.name)));
    let mut cursor = Cursor::new(file, entry.offset);
    let outside = |_| refuse("lies outside of the file");
    if cursor.u32(what).map_err(outside)? != LOCAL {
        return Err(refuse("is not where the central directory says"));
    }
    let fixed = cursor.take(26 - 4, what).map_err(outside)?;
    // Version and flags come before it.
    let method = u16::from_le_bytes([fixed[4], fixed[5]]);
    let name_len = cursor.u16(what).map_err(outside)?;
    let extra_len = cursor.u16(what).map_err(outside)?;
    let name = cursor.take(name_len.into(), what).map_err(outside)?;
    cursor.take(extra_len.into(), what).map_err(outside)?;
    if name != entry.name.as_bytes() || method != entry.method {
        return Err(refuse("has a header that contradicts the central directory"));
    }
    let start = cursor.position();
    cursor.take(entry.size, what).map_err(outside)?;
    Ok(Member { name: entry.name, data: start..cursor.position(), is_compressed: method != 0 })
}

fn check_overlaps(members: &[Member<'_>]) -> Result<(), Problem> {
    let mut ranges: Vec<_> = members.iter().map(|member| (member.data.start, member.data.end)).collect();
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(Problem::Archive("members overlap".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_archive_are_refused() {
        assert_eq!(check_name(b"archive/data.pkl"), Ok("archive/data.pkl"));
        for name in [&b"../data.pkl"[..], b"/data.pkl", b"a/../../b", b"a\\b", b"a\0b", b"\xff"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_zip64_block_is_found_behind_others() {
        assert_eq!(find_zip64(&[7, 0, 1, 0, 9, 1, 0, 2, 0, 3, 4]), Some(&[3, 4][..]));
        assert_eq!(find_zip64(&[1, 0, 9, 0, 3]), None);
    }

    #[test]
    fn half_an_archive_has_no_end_record() {
        assert!(matches!(read(b"PK\x03\x04 and no more"), Err(Problem::Archive(_))));
    }
}
