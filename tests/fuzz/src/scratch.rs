//! A file without a name, for readers that want a path.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

/// Gives `f` the path of a file of these bytes. It is new, so what `f` leaves mapped stays as it is; and it has no
/// name, so nothing stays behind when the process is killed.
pub fn with_file<T>(bytes: &[u8], f: impl FnOnce(&Path) -> T) -> T {
    let mut file: File = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).and_then(|()| file.rewind()).expect("it can be written");
    f(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))
}
