//! A PyTorch checkpoint.
//!
//! Bytes that begin with `z` are a pickle in an archive whose directory and storages are in order, those that begin
//! with `l` the object's pickle in a file of the older form: so the pickle machine is met, whatever becomes of the
//! form around it. All others are a file as they are.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../hostile/build.rs"]
#[allow(dead_code, reason = "its attacks are the tests' own")]
mod build;

use build::{Member, floats, legacy_head, legacy_tail, zip};

fn archive(pickle: &[u8]) -> Vec<u8> {
    zip(&[
        Member::new("archive/data.pkl", pickle),
        Member::new("archive/byteorder", b"little"),
        Member::new("archive/data/0", &floats(6)),
        Member::new("archive/data/1", &floats(12)),
    ])
}

fn legacy(pickle: &[u8]) -> Vec<u8> {
    let [magic, version, machine, _] = legacy_head(build::Pickle::new());
    let tail = legacy_tail(&[("0", 6, &floats(6)), ("1", 12, &floats(12))]);
    [&magic[..], &version, &machine, pickle, &tail].concat()
}

fuzz_target!(|data: &[u8]| {
    let bytes = match data {
        [b'z', pickle @ ..] => archive(pickle),
        [b'l', pickle @ ..] => legacy(pickle),
        _ => data.to_vec(),
    };
    if let Some(checkpoint) = resnetc_fuzz::read_checkpoint(&bytes) {
        resnetc_fuzz::use_checkpoint(&checkpoint, bytes.len());
    }
});
