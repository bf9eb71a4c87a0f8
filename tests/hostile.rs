//! Checkpoints and pictures that lie.
//!
//! Each test builds the bytes of a file that attacks the reader, and asks for three things: an error
//! that says what is wrong, no panic, and memory bounded by the file's size. Beside each kind of file
//! there is an honest one from the same builder, so that an attack fails for what is wrong with it.

#[path = "hostile/allocations.rs"]
mod allocations;
#[path = "hostile/archive.rs"]
mod archive;
#[path = "hostile/build.rs"]
mod build;
#[path = "hostile/content.rs"]
mod content;
#[path = "hostile/legacy.rs"]
mod legacy;
#[path = "hostile/memory.rs"]
mod memory;
#[path = "hostile/pickle.rs"]
mod pickle;
#[path = "hostile/pictures.rs"]
mod pictures;
#[path = "hostile/safetensors.rs"]
mod safetensors;
#[path = "hostile/values.rs"]
mod values;

use std::path::Path;

use memory::{BEYOND, PER_BYTE};
use resnetc::weights::{Checkpoint, WeightsError};

/// Reads a file of these bytes; fails if that takes too much memory.
fn read(bytes: &[u8]) -> Result<Checkpoint, WeightsError> {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().unwrap();
    }
    FOLDER.with(|folder| {
        let path = folder.path().join("weights");
        // What an earlier checkpoint has mapped must stay: a new file, not the old one overwritten.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, bytes).unwrap();
        read_path(&path, bytes.len())
    })
}

fn read_path(path: &Path, len: usize) -> Result<Checkpoint, WeightsError> {
    let (result, peak) = allocations::peak(|| resnetc::weights::read(path));
    let bound = PER_BYTE * len + BEYOND;
    assert!(peak <= bound, "{peak} bytes of memory for a file of {len}");
    result
}

/// Expects an error that names the file, says `what`, and is fit to print.
#[track_caller]
fn refuse(bytes: &[u8], what: &str) {
    let message = read(bytes).expect_err(what).to_string();
    assert!(message.contains(what), "`{what}` is not in `{message}`");
    assert!(message.contains("weights: "), "the file is not in `{message}`");
    assert!(message.len() < 1000 && !message.contains(char::is_control), "not fit to print: {message:?}");
}

/// Expects that no prefix of an honest file is one.
#[track_caller]
fn refuse_all_prefixes(bytes: &[u8]) {
    assert!(read(bytes).is_ok());
    for len in 0..bytes.len() {
        assert!(read(&bytes[..len]).is_err(), "the first {len} of {} bytes are taken", bytes.len());
    }
}

/// Changes every byte of an honest file in turn, in a few ways. What is still read can be joined.
fn survive_changes(bytes: &[u8]) {
    let mut changed = bytes.to_vec();
    for at in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xff] {
            changed[at] ^= mask;
            if let Ok(checkpoint) = read(&changed) {
                let (joined, peak) = allocations::peak(|| values::join_all(&checkpoint));
                assert!(peak <= PER_BYTE * bytes.len() + BEYOND, "{peak} bytes for {joined:?}");
            }
            changed[at] = bytes[at];
        }
    }
}
