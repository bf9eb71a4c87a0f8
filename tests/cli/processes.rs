//! The command as a process, and what comes of it: for tests that use it as a user does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// An empty folder of the test's own.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// `resnetc` away from its checkout, with a cache of its own that the tests share.
pub fn resnetc(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resnetc"));
    command
        .current_dir(folder)
        .env("RESNETC_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
        .env("NO_COLOR", "1");
    command
}

/// Puts a copy of a program there. Another process writes it: what any thread of ours starts has for a moment all that
/// is open here, and a program that somebody may write to cannot be started.
pub fn copy_program(from: &Path, to: &Path) {
    good(Command::new("install").args(["-m", "755"]).args([from, to]));
}

/// Runs it to its end.
pub fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs what is to succeed; its standard output.
pub fn good(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Runs what is to fail with this code, and no panic; its standard error.
pub fn bad(command: &mut Command, code: i32) -> String {
    let output = run(command);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{told}");
    assert!(!told.contains("panicked"), "{told}");
    told
}

/// The head of a `.npy` of f32 values, written by hand: the programs' reader is what is tested.
pub fn npy_header([n, c, h, w]: [usize; 4]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {c}, {h}, {w}), }}");
    header += &" ".repeat((64 - (header.len() + 11) % 64) % 64);
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.bytes());
    out
}
