//! Files as memory.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};

/// The bytes of a file, read as they are needed.
#[derive(Debug)]
pub struct MappedFile(Mmap);

/// Maps a file for reading.
///
/// While it is mapped the file must not be changed or cut in place: what is read would change, or the
/// process end with a bus error. Replace such a file by renaming another onto it.
///
/// # Errors
///
/// If it cannot be opened or mapped.
pub fn map_file(path: &Path) -> io::Result<MappedFile> {
    let file = File::open(path)?;
    // SAFETY: the map is read-only. That nobody changes the file meanwhile is the documented limit of
    // every function that maps one.
    unsafe { Mmap::map(&file) }.map(MappedFile::new)
}

/// Maps the last `length` bytes of a file for reading; less, if it has less.
///
/// # Errors
///
/// If it cannot be opened or mapped.
pub(crate) fn map_tail(path: &Path, length: u64) -> io::Result<MappedFile> {
    let file = File::open(path)?;
    let offset = file.metadata()?.len().saturating_sub(length);
    // SAFETY: the map is read-only; that nobody changes the file meanwhile is documented at `map_file`.
    unsafe { MmapOptions::new().offset(offset).map(&file) }.map(MappedFile::new)
}

impl MappedFile {
    /// Asks for huge pages, which the system may have of the file or not: weights are streamed faster
    /// then, and the first run meets a fault for each 2 MiB.
    fn new(map: Mmap) -> Self {
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Self(map)
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
