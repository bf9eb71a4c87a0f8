//! The file of packed weights: a header of 128 bytes, then little-endian `f32`.
//!
//! In: bytes embedded in the program, mapped from a file, or owned. Out: the values, where they lie;
//! nothing is converted. The header has the magic `resnetcw`, a `u32` version, the plan's SHA-256
//! digest, a `u64` number of values, a `u32` checksum, and zeros; the values begin on a multiple of 64
//! bytes. The checksum is CRC-32 (IEEE) of the whole file without the checksum itself, and is compared
//! whenever weights are loaded: a single flipped bit always changes it. It finds damage, and no
//! intention: who can write the weights can write the program too.

use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;

use crc32fast::Hasher;

use crate::buffer::{Buffer, HUGE_PAGE};
use crate::error::Error;
use crate::mapping::{MappedFile, map_file, map_tail};
use crate::plan::Plan;

#[cfg(target_endian = "big")]
compile_error!("packed weights are little-endian, and are used where they lie");

/// Size of the header in bytes.
pub const HEADER: usize = 128;
/// What a map begins on, on every system that is supported.
const PAGE: usize = 4096;
const MAGIC: &[u8; 8] = b"resnetcw";
const VERSION: u32 = 2;
/// Where the checksum lies in the header.
const CHECKSUM: Range<usize> = 52..56;

/// Bytes that begin on a multiple of 64, so that vectors do not straddle cache lines.
#[doc(hidden)]
#[repr(C, align(64))]
pub struct Aligned<T: ?Sized>(pub T);

/// A file of packed weights as an aligned `&'static [u8]`. The path is relative to the source file,
/// as for [`include_bytes!`].
#[macro_export]
macro_rules! include_weights {
    ($path:expr $(,)?) => {{
        static WEIGHTS: &$crate::weights::Aligned<[u8]> =
            &$crate::weights::Aligned(*::core::include_bytes!($path));
        &WEIGHTS.0
    }};
}

/// Writes the file of packed weights of `plan`.
///
/// # Errors
///
/// What `to` returns, and [`io::ErrorKind::InvalidInput`] if there are not `plan.weights` values.
pub fn write(plan: &Plan, values: &[f32], mut to: impl Write) -> io::Result<()> {
    if values.len() != plan.weights {
        let message = format!("{} values, the plan has {}", values.len(), plan.weights);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..44].copy_from_slice(&plan.digest);
    header[44..52].copy_from_slice(&(values.len() as u64).to_le_bytes());
    let mut sum = checksum_of_header(&header);
    each_part(values, |bytes| {
        sum.update(bytes);
        Ok(())
    })?;
    header[CHECKSUM].copy_from_slice(&sum.finalize().to_le_bytes());
    to.write_all(&header)?;
    each_part(values, |bytes| to.write_all(bytes))
}

/// Gives the bytes of `values` to `take`, some after the others.
pub(crate) fn each_part(values: &[f32], mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(4 * values.len().min(1 << 16));
    for part in values.chunks(1 << 16) {
        bytes.clear();
        bytes.extend(part.iter().flat_map(|value| value.to_le_bytes()));
        take(&bytes)?;
    }
    Ok(())
}

/// The beginning of a checksum: of a header, without what it has there.
fn checksum_of_header(header: &[u8; HEADER]) -> Hasher {
    let mut sum = Hasher::new();
    sum.update(&header[..CHECKSUM.start]);
    sum.update(&header[CHECKSUM.end..]);
    sum
}

/// The file of packed weights of `plan`, in memory.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] if there are not `plan.weights` values.
pub fn encode(plan: &Plan, values: &[f32]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEADER + 4 * values.len());
    write(plan, values, &mut bytes)?;
    Ok(bytes)
}

/// Appends a file of packed weights to an executable of `length` bytes, on pages of its own, so that the
/// program can map it: see [`Model::open_appended`](crate::Model::open_appended). What fills a huge page
/// begins on one, and is written at once, so that the system may keep and map it as such pages.
///
/// # Errors
///
/// What `to` returns.
pub fn append(length: u64, weights: &[u8], mut to: impl Write) -> io::Result<()> {
    let page = if weights.len() < HUGE_PAGE { PAGE } else { HUGE_PAGE };
    let gap = length.next_multiple_of(page as u64) - length;
    io::copy(&mut io::repeat(0).take(gap), &mut to)?;
    to.write_all(weights)
}

/// Packed weights that were checked against a plan.
#[derive(Debug)]
pub(crate) enum Weights {
    Embedded(&'static [u8]),
    Mapped(MappedFile),
    Owned(Buffer),
}

impl Weights {
    /// Weights in the program itself; copied only if they are not aligned.
    pub(crate) fn embedded(plan: &Plan, bytes: &'static [u8]) -> Result<Self, Error> {
        check(plan, bytes)?;
        if bytes.as_ptr().addr().is_multiple_of(64) {
            return Ok(Self::Embedded(bytes));
        }
        Self::copy(plan, bytes)
    }

    /// Weights in memory; copied, since nothing is known of their alignment.
    pub(crate) fn copied(plan: &Plan, bytes: &[u8]) -> Result<Self, Error> {
        check(plan, bytes)?;
        Self::copy(plan, bytes)
    }

    /// A copy of weights that were checked.
    fn copy(plan: &Plan, bytes: &[u8]) -> Result<Self, Error> {
        let mut buffer = Buffer::zeroed(plan.weights)?;
        let values = bytes[HEADER..].chunks_exact(4);
        for (to, from) in buffer.as_mut_slice().iter_mut().zip(values) {
            *to = f32::from_le_bytes([from[0], from[1], from[2], from[3]]);
        }
        Ok(Self::Owned(buffer))
    }

    /// Weights mapped from a file, read only.
    pub(crate) fn open(plan: &Plan, path: &Path) -> Result<Self, Error> {
        let map = map_file(path).map_err(|source| Error::Open { path: path.to_path_buf(), source })?;
        check(plan, &map)?;
        Ok(Self::Mapped(map))
    }

    /// Weights mapped from the end of a file, where [`append`] put them.
    pub(crate) fn open_appended(plan: &Plan, path: &Path) -> Result<Self, Error> {
        let length = HEADER as u64 + 4 * plan.weights as u64;
        let map =
            map_tail(path, length).map_err(|source| Error::Open { path: path.to_path_buf(), source })?;
        check(plan, &map)?;
        // A file that was not written by `append` may have them anywhere.
        if map.as_ptr().addr().is_multiple_of(64) { Ok(Self::Mapped(map)) } else { Self::copy(plan, &map) }
    }

    /// The values; there are `plan.weights` of them.
    pub(crate) fn values(&self) -> *const f32 {
        match self {
            Self::Embedded(bytes) => bytes[HEADER..].as_ptr().cast(),
            Self::Mapped(map) => map[HEADER..].as_ptr().cast(),
            Self::Owned(buffer) => buffer.as_ptr(),
        }
    }
}

/// Whether bytes are the weights of a plan, whole and unchanged.
fn check(plan: &Plan, bytes: &[u8]) -> Result<(), Error> {
    if bytes.get(..8) != Some(MAGIC) {
        return Err(Error::Magic);
    }
    let found = bytes.len() as u64;
    let expected = HEADER as u64 + 4 * plan.weights as u64;
    let Some((header, values)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(Error::Length { found, expected });
    };
    let version = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    if version != VERSION {
        return Err(Error::Version { found: version, expected: VERSION });
    }
    let is_ours = header[12..44] == plan.digest;
    if is_ours && found != expected {
        return Err(Error::Length { found, expected });
    }
    let mut sum = checksum_of_header(header);
    sum.update(values);
    if header[CHECKSUM] != sum.finalize().to_le_bytes() {
        return Err(Error::Damaged);
    }
    if !is_ours {
        return Err(Error::Digest);
    }
    if header[44..52] != (plan.weights as u64).to_le_bytes()
        || header[CHECKSUM.end..] != [0; HEADER - CHECKSUM.end]
    {
        return Err(Error::Damaged);
    }
    Ok(())
}
