//! Reading from the front of a slice, never past its end.
//!
//! In: bytes. Out: integers (little-endian) and sub-slices; what is cut off is a [`Problem::Cut`]
//! that says what was being read.

use super::error::Problem;

/// A place in a slice.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Begins at byte `at`, which may be past the end: then the first read fails.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The index of the next byte.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], Problem> {
        let cut = Problem::Cut { what, at: self.at };
        let end = self.at.checked_add(len).ok_or(cut.clone())?;
        let taken = self.bytes.get(self.at..end).ok_or(cut)?;
        self.at = end;
        Ok(taken)
    }

    /// The bytes up to the next line feed, which is passed over and not returned.
    pub(super) fn line(&mut self, limit: usize, what: &'static str) -> Result<&'a [u8], Problem> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.iter().take(limit + 1).position(|&byte| byte == b'\n') {
            Some(len) => {
                self.at += len + 1;
                Ok(&rest[..len])
            }
            None if rest.len() > limit => Err(Problem::Limit { what, limit }),
            None => Err(Problem::Cut { what, at: self.at }),
        }
    }

    /// The next `N` bytes as an array.
    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Problem> {
        let at = self.at;
        self.take(N, what)?.first_chunk().copied().ok_or(Problem::Cut { what, at })
    }

    /// A byte.
    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, Problem> {
        self.array(what).map(u8::from_le_bytes)
    }

    /// A `u16`.
    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, Problem> {
        self.array(what).map(u16::from_le_bytes)
    }

    /// A `u32`.
    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, Problem> {
        self.array(what).map(u32::from_le_bytes)
    }

    /// A `u64`.
    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, Problem> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A `u64` that is a length or an offset. What a `usize` cannot hold is beyond any file's end.
    pub(super) fn size(&mut self, what: &'static str) -> Result<usize, Problem> {
        let at = self.at;
        usize::try_from(self.u64(what)?).map_err(|_| Problem::Cut { what, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_end_is_cut_and_moves_nothing() {
        let mut cursor = Cursor::new(&[1, 2, 3], 1);
        assert_eq!(cursor.take(usize::MAX, "data"), Err(Problem::Cut { what: "data", at: 1 }));
        assert_eq!(cursor.u16("number"), Ok(0x0302));
    }

    #[test]
    fn a_line_without_an_end_is_cut_or_too_long() {
        assert_eq!(Cursor::new(b"ab\nc", 0).line(9, "name"), Ok(&b"ab"[..]));
        assert_eq!(Cursor::new(b"abc", 0).line(9, "name"), Err(Problem::Cut { what: "name", at: 0 }));
        let limit = Problem::Limit { what: "name", limit: 2 };
        assert_eq!(Cursor::new(b"abc\n", 0).line(2, "name"), Err(limit));
    }
}
