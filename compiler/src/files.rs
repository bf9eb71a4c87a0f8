//! Files that are written whole or not at all.
//!
//! A file is written beside its target and then takes its name. A link is followed, an existing
//! file keeps its permissions, and what is no regular file (a device, a pipe) is written straight.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use resnetc_runtime::files::{create_beside, sync_folder};

use crate::Error;

/// Temporary files that are being written now.
static TEMPORARIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Writes a file.
///
/// # Errors
///
/// If it cannot be written; what was there before is then untouched.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    prepare(path, None, |file| file.write_all(bytes))?.take_name()
}

/// A file that is written and has yet to take its name; without that it is gone when this is dropped.
pub struct Prepared {
    /// As the user wrote it.
    path: PathBuf,
    /// Where that leads.
    target: PathBuf,
    /// None if it is no regular file, and was written straight.
    temporary: Option<Temporary>,
}

/// Writes what `fill` writes; with these permissions, or else those that the file has already.
///
/// # Errors
///
/// Those of [`write_whole`].
pub fn prepare(
    path: &Path,
    permissions: Option<Permissions>,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<Prepared, Error> {
    let fail = |source| Error::Write { path: path.to_owned(), source };
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let present = fs::metadata(&target).ok();
    if present.as_ref().is_some_and(|m| !m.is_file() && !m.is_dir()) {
        let opened = OpenOptions::new().write(true).open(&target);
        opened.and_then(|mut file| fill(&mut file)).map_err(fail)?;
        return Ok(Prepared { path: path.to_owned(), target, temporary: None });
    }
    let write = || -> io::Result<Temporary> {
        let (temporary, mut file) = Temporary::beside(&target)?;
        // Before anything is in it: what nobody else may read is so from the begin.
        if let Some(permissions) = permissions.or_else(|| present.map(|m| m.permissions())) {
            file.set_permissions(permissions)?;
        }
        fill(&mut file)?;
        file.sync_all()?;
        Ok(temporary)
    };
    let temporary = Some(write().map_err(fail)?);
    Ok(Prepared { path: path.to_owned(), target, temporary })
}

impl Prepared {
    /// Puts it in the place of what had the name.
    ///
    /// # Errors
    ///
    /// If that cannot be replaced; it is then untouched.
    pub fn take_name(self) -> Result<(), Error> {
        let Self { path, target, temporary: Some(temporary) } = self else { return Ok(()) };
        temporary.rename(&target).map_err(|source| Error::Write { path, source })?;
        sync_folder(&target);
        Ok(())
    }
}

/// Removes what is half-written: for an interrupt's handler, which ends the process.
#[cfg(feature = "cli")]
pub fn remove_temporaries() {
    let temporaries = temporaries();
    for path in temporaries.iter() {
        let _ = fs::remove_file(path);
    }
    // Kept until this process is gone: none is created any more.
    std::mem::forget(temporaries);
}

fn temporaries() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that is gone when this is dropped, unless it was renamed.
struct Temporary(PathBuf);

impl Temporary {
    /// Creates a file in the same folder.
    fn beside(path: &Path) -> io::Result<(Self, File)> {
        // Held meanwhile, so that an interrupt removes this file if it is there, and no other.
        let mut temporaries = temporaries();
        let (temporary, file) = create_beside(path)?;
        temporaries.push(temporary.clone());
        Ok((Self(temporary), file))
    }

    /// Gives it its name. What has the hidden one from then on is somebody else's.
    fn rename(mut self, to: &Path) -> io::Result<()> {
        let mut temporaries = temporaries();
        let renamed = fs::rename(&self.0, to);
        if renamed.is_ok() {
            temporaries.retain(|path| *path != self.0);
            self.0 = PathBuf::new();
        }
        renamed
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.0);
            temporaries().retain(|path| *path != self.0);
        }
    }
}

/// The most bytes of a spec that is read.
pub(crate) const MOST_SPEC: u64 = 1 << 20;
/// The most bytes of another text: a calibration's, a profile's, labels.
pub(crate) const MOST_TEXT: u64 = 16 << 20;

/// A text file, whole, but for one of more than `most` bytes, or without an end, as a device is.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<String, Error> {
    let text = File::open(path).and_then(|file| read_to_end(file, most));
    text.map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// A text that something else than the user names. No device and no pipe, which might never end.
pub(crate) fn read_named_text(path: &Path, most: u64) -> io::Result<String> {
    check_regular(path)?;
    File::open(path).and_then(|file| read_to_end(file, most))
}

/// What is left of a text.
pub(crate) fn read_to_end(file: impl Read, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let told = format!("it is longer than {} MiB", most >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, told));
    }
    String::from_utf8(bytes).map_err(|error| {
        let told = format!("byte {} is not UTF-8", error.utf8_error().valid_up_to());
        io::Error::new(io::ErrorKind::InvalidData, told)
    })
}

/// That a path leads to a file, before it is opened: opening a pipe waits for its other end.
fn check_regular(path: &Path) -> io::Result<()> {
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
        let error = read_text(Path::new("/dev/zero"), MOST_TEXT).map_err(told);
        assert_eq!(error, Err("cannot read /dev/zero: it is longer than 16 MiB".to_owned()));
        let most = io::repeat(b' ').take(MOST_TEXT);
        assert_eq!(read_to_end(most, MOST_TEXT).map(|text| text.len() as u64).ok(), Some(MOST_TEXT));
    }

    #[test]
    fn bytes_that_are_no_text_are_told_with_their_place() {
        let error = read_to_end(&b"model \xff"[..], MOST_SPEC).map_err(|error| error.to_string());
        assert_eq!(error, Err("byte 6 is not UTF-8".to_owned()));
    }

    fn entries(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).expect("lists").map(|e| e.expect("is there").file_name());
        let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failure_in_the_middle_leaves_the_old_file_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("net.weights");
        fs::write(&path, b"old").expect("writes");
        let failed = prepare(&path, None, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(matches!(failed, Err(Error::Write { .. })));
        assert_eq!(fs::read(&path).expect("is there"), b"old");
        assert_eq!(entries(folder.path()), ["net.weights"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_at_a_temporarys_name_is_neither_followed_nor_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        let id = std::process::id();
        fs::write(place("precious"), b"precious").expect("writes");
        std::os::unix::fs::symlink(place("precious"), place(&format!(".net.{id}.0.part"))).expect("links");
        fs::write(place(&format!(".net.{id}.1.part")), b"left").expect("writes");
        write_whole(&place("net"), b"new").expect("writes");
        assert_eq!(fs::read(place("net")).expect("is there"), b"new");
        assert!(!fs::symlink_metadata(place("net")).expect("is there").is_symlink());
        assert_eq!(fs::read(place("precious")).expect("is there"), b"precious");
        assert_eq!(fs::read(place(&format!(".net.{id}.1.part"))).expect("is there"), b"left");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_private_is_so_while_it_is_written() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("net");
        fs::write(&path, b"old").expect("writes");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("sets");
        let written = prepare(&path, None, |file| {
            assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600);
            file.write_all(b"new")
        });
        written.and_then(Prepared::take_name).expect("writes");
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(&path).expect("is there"), b"new");
    }
}
