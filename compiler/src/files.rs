//! Files that are written whole or not at all.
//!
//! A file is written beside its target and then takes its name. A link is followed, an existing
//! file keeps its permissions, and what is no regular file (a device, a pipe) is written straight.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::Error;

/// Temporary files that are being written now.
static TEMPORARIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Writes a file.
///
/// # Errors
///
/// If it cannot be written; what was there before is then untouched.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, None, |file| file.write_all(bytes))
}

/// Writes what `fill` writes; with these permissions, or else those that the file has already.
///
/// # Errors
///
/// Those of [`write_whole`].
pub fn replace(
    path: &Path,
    permissions: Option<Permissions>,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), Error> {
    let fail = |source| Error::Write { path: path.to_owned(), source };
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let present = fs::metadata(&target).ok();
    if present.as_ref().is_some_and(|m| !m.is_file() && !m.is_dir()) {
        let opened = OpenOptions::new().write(true).open(&target);
        return opened.and_then(|mut file| fill(&mut file)).map_err(fail);
    }
    let temporary = Temporary::beside(&target);
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary.0)?;
        fill(&mut file)?;
        if let Some(permissions) = permissions.or_else(|| present.map(|m| m.permissions())) {
            file.set_permissions(permissions)?;
        }
        file.sync_all()?;
        fs::rename(&temporary.0, &target)
    };
    write().map_err(fail)
}

/// Removes what is half-written: for an interrupt's handler, which ends the process.
#[cfg(feature = "cli")]
pub fn remove_temporaries() {
    for path in TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let _ = fs::remove_file(path);
    }
}

/// A file that is gone when this is dropped, unless it was renamed.
struct Temporary(PathBuf);

impl Temporary {
    /// A name in the same folder that nobody else uses.
    fn beside(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // With its prefix and suffix the name is to fit what file systems take.
        let stem: String = name.chars().take(50).collect();
        let temporary = path.with_file_name(format!(".{stem}.{}", std::process::id()));
        TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner).push(temporary.clone());
        Self(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
        TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}

/// The most bytes of a text that is read: a spec's, a calibration's, a profile's.
const MOST_TEXT: u64 = 16 << 20;

/// A text file, whole, but for one that is longer than any should be, as a device is.
pub(crate) fn read_text(path: &Path) -> Result<String, Error> {
    let text = File::open(path).and_then(read_to_end);
    text.map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// A text that something else than the user names. No device and no pipe, which might never end.
pub(crate) fn read_named_text(path: &Path) -> io::Result<String> {
    check_regular(path)?;
    File::open(path).and_then(read_to_end)
}

/// What is left of a text.
pub(crate) fn read_to_end(file: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(MOST_TEXT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_TEXT {
        let told = format!("it is longer than {} MiB", MOST_TEXT >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, told));
    }
    String::from_utf8(bytes).map_err(|error| {
        let told = format!("byte {} is not UTF-8", error.utf8_error().valid_up_to());
        io::Error::new(io::ErrorKind::InvalidData, told)
    })
}

/// That a path leads to a file, before it is opened: opening a pipe waits for its other end.
pub(crate) fn check_regular(path: &Path) -> io::Result<()> {
    let found = fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if found.is_file() { Ok(()) } else { Err(io::Error::other("it is a device or a pipe, not a file")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_never_end_are_refused() {
        let told = |error: Error| error.to_string();
        let error = read_text(Path::new("/dev/zero")).map_err(told);
        assert_eq!(error, Err("cannot read /dev/zero: it is longer than 16 MiB".to_owned()));
        let most = io::repeat(b' ').take(MOST_TEXT);
        assert_eq!(read_to_end(most).map(|text| text.len() as u64).ok(), Some(MOST_TEXT));
    }

    #[test]
    fn bytes_that_are_no_text_are_told_with_their_place() {
        let error = read_to_end(&b"model \xff"[..]).map_err(|error| error.to_string());
        assert_eq!(error, Err("byte 6 is not UTF-8".to_owned()));
    }
}
