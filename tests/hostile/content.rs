//! Files that are no checkpoints at all.

use super::{read_path, refuse};

#[test]
fn other_formats_are_named() {
    let tar = [&[0; 257][..], b"ustar\x0000", &[0; 300]].concat();
    let cases: [(&[u8], &str); 11] = [
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03abcdef", "gzip"),
        (b"\x28\xb5\x2f\xfdabcdefgh", "zstd"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", "HDF5"),
        (b"\x93NUMPY\x01\0v\0{'descr'", "numpy"),
        (b"\x08\x07\x12\x07pytorch\x1a\x06", "ONNX"),
        (b"<!DOCTYPE html><html>Not Found", "web page"),
        (b"the weights are on the other disk\n", "text file"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0", "no known form"),
        (b"\0", "no known form"),
        (&tar, "tar archive"),
    ];
    for (bytes, what) in cases {
        refuse(bytes, what);
    }
}

#[test]
fn an_empty_file_is_empty() {
    refuse(b"", "is empty");
}

#[test]
fn a_folder_is_not_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let message = read_path(folder.path(), 0).unwrap_err().to_string();
    assert!(message.contains("is not a file"), "{message}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let message = read_path(&folder.path().join("absent.pth"), 0).unwrap_err().to_string();
    assert!(message.contains("absent.pth: cannot be read"), "{message}");
}
