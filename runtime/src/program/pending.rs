//! A file that is written whole or not at all.
//!
//! What is written goes to a file without a name, in the directory of the target, so that an
//! interrupt leaves nothing behind. [`Pending::commit`] copies it to a named file beside the target
//! and renames that. The target `-` is the standard output, which gets everything at the end, as do
//! devices and pipes: they are written to and never replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek};
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::terminal::Terminal;
use crate::files::{create_beside, sync_folder};

/// A file to be.
pub(super) struct Pending {
    /// As the user wrote it.
    target: PathBuf,
    /// Where that leads.
    place: PathBuf,
    nameless: BufWriter<File>,
}

impl Pending {
    pub(super) fn new(target: &Path) -> Result<Self, Failure> {
        let fail = |source| Failure::Write { path: target.to_owned(), source };
        let place = resolved(target);
        if !is_stream(&place) && place.is_dir() {
            return Err(fail(io::ErrorKind::IsADirectory.into()));
        }
        let (name, nameless) = create_hidden(&place).map_err(fail)?;
        fs::remove_file(&name).map_err(fail)?;
        Ok(Self { target: target.to_owned(), place, nameless: BufWriter::new(nameless) })
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
        let Self { target, place, nameless } = self;
        let fail = |source| Failure::Write { path: target.clone(), source };
        let mut source = nameless.into_inner().map_err(|error| fail(error.into_error()))?;
        source.rewind().map_err(fail)?;
        if is_stream(&place) {
            io::copy(&mut source, terminal)?;
            return Ok(());
        }
        if is_special(&place) {
            let opened = OpenOptions::new().write(true).open(&place);
            return opened.and_then(|mut file| io::copy(&mut source, &mut file)).map(|_| ()).map_err(fail);
        }
        let (name, mut file) = create_beside(&place).map_err(fail)?;
        let copied = io::copy(&mut source, &mut file)
            .and_then(|_| file.sync_all())
            .and_then(|()| fs::rename(&name, &place));
        if copied.is_err() {
            // The failure to report is the first one.
            let _ = fs::remove_file(&name);
        }
        copied.map_err(fail)?;
        sync_folder(&place);
        Ok(())
    }
}

/// The one spelling of the place that writing to a path leads to, links followed; its last part need
/// not be there yet. The standard output is `-` however it is named.
pub(super) fn resolved(path: &Path) -> PathBuf {
    /// As many links one behind the other as Linux follows.
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        if is_stream(&path) || path == Path::new("/dev/stdout") {
            return PathBuf::from("-");
        }
        if let Ok(place) = path.canonicalize() {
            return place;
        }
        // What a descriptor is a link to, such as `pipe:[7]`, is no path.
        if is_special(&path) {
            return path;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        match (path.read_link(), folder.canonicalize(), path.file_name()) {
            (Ok(link), ..) => path = folder.join(link),
            (Err(_), Ok(folder), Some(name)) => return folder.join(name),
            _ => return path,
        }
    }
    path
}

/// Whether a path is a device or a pipe, which is written to and not replaced.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Whether a path stands for standard input or output.
pub(super) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A hidden file beside the target, or, of what is no file, among the system's temporary ones.
fn create_hidden(target: &Path) -> io::Result<(PathBuf, File)> {
    match is_stream(target) || is_special(target) {
        true => create_beside(&std::env::temp_dir().join(target.file_name().unwrap_or_default())),
        false => create_beside(target),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn devices_are_written_to_and_links_are_followed() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().expect("a directory");
        let place = |name: &str| directory.path().join(name);
        symlink("/dev/null", place("nothing")).expect("links");
        fs::write(place("real.npy"), b"old").expect("writes");
        symlink(place("real.npy"), place("link.npy")).expect("links");
        symlink("new.npy", place("dangling.npy")).expect("links");
        for name in ["nothing", "link.npy", "dangling.npy"] {
            let mut pending = Pending::new(&place(name)).expect("begins");
            pending.write(|file| file.write_all(b"whole")).expect("writes");
            pending.commit(&mut Terminal::new()).expect("commits");
            assert!(fs::symlink_metadata(place(name)).expect("is there").is_symlink(), "{name}");
        }
        assert_eq!(fs::read(place("real.npy")).expect("is there"), b"whole");
        assert_eq!(fs::read(place("new.npy")).expect("is there"), b"whole");
        assert!(is_special(Path::new("/dev/null")));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_gets_what_is_written_and_stays_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts");
        assert!(made.success());
        let mut pending = Pending::new(&pipe).expect("begins");
        pending.write(|file| file.write_all(b"whole")).expect("writes");
        let reader = {
            let pipe = pipe.clone();
            std::thread::spawn(move || fs::read(pipe))
        };
        pending.commit(&mut Terminal::new()).expect("commits");
        assert!(is_special(&pipe));
        assert_eq!(reader.join().expect("ends").expect("reads"), b"whole");
    }

    #[test]
    fn the_standard_output_is_one_place_and_no_file_of_that_name() {
        for name in ["-", "/dev/stdout"] {
            assert!(is_stream(&resolved(Path::new(name))), "{name}");
        }
        assert!(!is_stream(&resolved(Path::new("./-"))));
    }

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
