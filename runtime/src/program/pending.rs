//! A file that is written whole or not at all.
//!
//! What is written goes to a file without a name, in the directory of the target, so that an
//! interrupt leaves nothing behind. [`Pending::commit`] copies it to a named file beside the target
//! and renames that. The target `-` is the standard output, which gets everything at the end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::terminal::Terminal;

/// A file to be.
pub(super) struct Pending {
    target: PathBuf,
    nameless: BufWriter<File>,
}

impl Pending {
    pub(super) fn new(target: &Path) -> Result<Self, Failure> {
        let fail = |source| Failure::Write { path: target.to_owned(), source };
        if target.is_dir() {
            return Err(fail(io::ErrorKind::IsADirectory.into()));
        }
        let name = temporary(target);
        let nameless =
            OpenOptions::new().read(true).write(true).create_new(true).open(&name).map_err(fail)?;
        fs::remove_file(&name).map_err(fail)?;
        Ok(Self { target: target.to_owned(), nameless: BufWriter::new(nameless) })
    }

    /// Writes with `write`, in the name of the target.
    pub(super) fn write(
        &mut self,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        write(&mut self.nameless).map_err(|source| Failure::Write { path: self.target.clone(), source })
    }

    /// Makes the target what was written.
    pub(super) fn commit(self, terminal: &mut Terminal) -> Result<(), Failure> {
        let Self { target, nameless } = self;
        let fail = |source| Failure::Write { path: target.clone(), source };
        let mut source = nameless.into_inner().map_err(|error| fail(error.into_error()))?;
        source.rewind().map_err(fail)?;
        if is_stream(&target) {
            io::copy(&mut source, terminal)?;
            return Ok(());
        }
        let name = temporary(&target);
        let copied = File::create_new(&name)
            .and_then(|mut file| io::copy(&mut source, &mut file).and_then(|_| file.flush()))
            .and_then(|()| fs::rename(&name, &target));
        if copied.is_err() {
            // The failure to report is the first one.
            let _ = fs::remove_file(&name);
        }
        copied.map_err(fail)
    }
}

/// Whether a path stands for standard input or output.
pub(super) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A hidden name beside the target, of this process.
fn temporary(target: &Path) -> PathBuf {
    let hidden = |name: &str| format!(".{name}.{}.part", std::process::id());
    if is_stream(target) {
        return std::env::temp_dir().join(hidden("output"));
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(hidden(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_to_be_seen_before_the_commit() {
        let directory = tempfile::tempdir().expect("a directory");
        let target = directory.path().join("y.npy");
        let entries = || fs::read_dir(directory.path()).expect("lists").count();
        let mut pending = Pending::new(&target).expect("begins");
        pending.write(|file| file.write_all(b"whole")).expect("writes");
        assert_eq!(entries(), 0);
        pending.commit(&mut Terminal::new()).expect("commits");
        assert_eq!(fs::read(&target).expect("is there"), b"whole");
        assert_eq!(entries(), 1);
    }

    #[test]
    fn a_dropped_file_leaves_the_old_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let target = directory.path().join("y.npy");
        fs::write(&target, b"old").expect("writes");
        let mut pending = Pending::new(&target).expect("begins");
        pending.write(|file| file.write_all(b"new")).expect("writes");
        drop(pending);
        assert_eq!(fs::read(&target).expect("is there"), b"old");
    }

    #[test]
    fn a_missing_directory_is_told_before_any_work() {
        assert!(matches!(Pending::new(Path::new("no/such/y.npy")), Err(Failure::Write { .. })));
    }
}
