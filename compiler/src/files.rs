//! Files that are written whole or not at all.
//!
//! A file is written beside its target and then takes its name. A link is followed, an existing
//! file keeps its permissions, and what is no regular file (a device, a pipe) is written straight.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
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

/// A text file, whole.
pub(crate) fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}
