//! Hidden files beside those that they become: what is written whole or not at all takes its name at the end.
//!
//! In: where a file is to be. Out: a hidden one in the same folder, to be renamed; and a renaming that lasts.
//! For programs and for the compiler, which write in the same way.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Creates a hidden file beside a target, under a name that nothing has: a process that was killed may have
/// left one, and a link is not followed.
///
/// # Errors
///
/// What the system says.
pub fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    // With its prefix and suffix the name is to fit what file systems take.
    let stem: String = name.chars().take(50).collect();
    let mut count = 0;
    loop {
        let path = target.with_file_name(format!(".{stem}.{}.{count}.part", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && count < 1000 => count += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Makes a renaming to this path last through a loss of power. The file is whole either way, so that a system
/// which does not do that for folders is no error.
pub fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_no_obstacle() {
        let directory = tempfile::tempdir().expect("a directory");
        let target = directory.path().join("y".repeat(250));
        let (left, _) = create_beside(&target).expect("creates");
        let (other, _) = create_beside(&target).expect("creates another");
        assert_ne!(left, other);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_are_no_text_have_temporaries_of_their_own() {
        use std::os::unix::ffi::OsStrExt;
        let directory = tempfile::tempdir().expect("a directory");
        let begin = |byte: u8| {
            let name = std::ffi::OsStr::from_bytes(&[b'y', byte]).to_owned();
            create_beside(&directory.path().join(name)).expect("creates").0
        };
        assert_ne!(begin(0xfe), begin(0xff));
    }
}
