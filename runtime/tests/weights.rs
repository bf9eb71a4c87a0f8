//! Packed weights: where they may come from, and what is refused.

mod network;

use std::fs;
use std::path::Path;

use network::{IMAGE, model, numbers, plan, values};
use resnetc_runtime::{Error, Model, include_weights, weights};

fn bytes() -> Vec<u8> {
    weights::encode(&plan(), &values(&plan())).unwrap()
}

fn refused(bytes: Vec<u8>) -> Error {
    Model::from_bytes(plan(), bytes).unwrap_err()
}

fn changed(at: usize) -> Vec<u8> {
    let mut bytes = bytes();
    bytes[at] ^= 1;
    bytes
}

#[test]
fn the_header_is_as_documented() {
    let bytes = bytes();
    assert_eq!(&bytes[..8], b"resnetcw");
    assert_eq!(bytes[8..12], 1_u32.to_le_bytes());
    assert_eq!(bytes[12..44], [7; 32]);
    assert_eq!(bytes[44..52], (plan().weights as u64).to_le_bytes());
    assert!(bytes[52..128].iter().all(|&byte| byte == 0));
    assert_eq!(bytes[128..132], values(&plan())[0].to_le_bytes());
    assert_eq!(bytes.len(), 128 + 4 * plan().weights);
}

#[test]
fn a_file_an_embedded_slice_and_a_vector_give_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.weights");
    fs::write(&path, bytes()).unwrap();
    let mut shifted = vec![0; 1];
    shifted.extend(bytes());
    let embedded: &'static [u8] = &shifted.leak()[1..];
    let images = numbers(1, IMAGE);
    let expected = model().session(1).unwrap().run(&images).unwrap().main().to_vec();
    let plan: &'static _ = Box::leak(Box::new(plan()));
    for model in [Model::open(plan, &path).unwrap(), Model::embedded(plan, embedded).unwrap()] {
        assert_eq!(model.session(2).unwrap().run(&images).unwrap().main(), expected);
    }
}

#[test]
fn embedded_weights_are_aligned() {
    let bytes: &'static [u8] = include_weights!("weights.rs");
    assert_eq!(bytes, include_bytes!("weights.rs"));
    assert_eq!(bytes.as_ptr().addr() % 64, 0);
}

#[test]
fn other_bytes_are_refused() {
    assert!(matches!(refused(vec![]), Error::Magic));
    assert!(matches!(refused(changed(0)), Error::Magic));
    assert!(matches!(refused(changed(8)), Error::Version { found: 0, expected: 1 }));
    assert!(matches!(refused(changed(43)), Error::Digest));
    assert!(matches!(refused(changed(44)), Error::Length { .. }));
}

#[test]
fn bytes_of_another_length_are_refused() {
    let expected = bytes().len() as u64;
    for len in [8, 127, 128, bytes().len() - 1] {
        let error = refused(bytes()[..len].to_vec());
        assert!(
            matches!(error, Error::Length { found, expected: e } if found == len as u64 && e == expected)
        );
    }
    assert!(matches!(refused([bytes(), vec![0]].concat()), Error::Length { .. }));
}

#[test]
fn a_missing_file_is_named() {
    let error = Model::open(plan(), Path::new("no/such.weights")).unwrap_err();
    assert!(matches!(error, Error::Open { .. }));
    assert!(error.to_string().contains("no/such.weights"));
}

#[test]
fn only_as_many_values_as_planned_are_written() {
    assert!(weights::encode(&plan(), &[1.0]).is_err());
}

#[test]
fn weights_behind_a_program_are_found_wherever_they_begin() {
    let folder = tempfile::tempdir().unwrap();
    let images = numbers(1, IMAGE);
    let expected = model().session(1).unwrap().run(&images).unwrap().main().to_vec();
    // On a page boundary already, within a page, and copied behind by another hand, unaligned.
    for (length, padded) in [(4096, true), (5000, true), (5, false)] {
        let path = folder.path().join(format!("program{length}"));
        let mut file = vec![0xAA; length];
        if padded {
            weights::append(length as u64, &bytes(), &mut file).unwrap();
            assert_eq!((file.len() - bytes().len()) % 4096, 0);
        } else {
            file.extend(bytes());
        }
        fs::write(&path, file).unwrap();
        let model = Model::open_appended(plan(), &path).unwrap();
        assert_eq!(model.session(1).unwrap().run(&images).unwrap().main(), expected);
    }
}

#[test]
fn weights_that_fill_huge_pages_begin_on_one() {
    const HUGE: usize = 2 << 20;
    let weights = vec![7; HUGE + 1];
    for (length, begin) in [(5000, HUGE), (HUGE, HUGE), (HUGE + 1, 2 * HUGE)] {
        let mut file = vec![0xAA; length];
        weights::append(length as u64, &weights, &mut file).unwrap();
        assert_eq!(file.len(), begin + weights.len());
        assert!(file[length..begin].iter().all(|byte| *byte == 0) && file[begin..] == weights);
    }
}

#[test]
fn a_program_without_its_weights_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stripped");
    for length in [10, 1 << 20] {
        fs::write(&path, vec![0xAA; length]).unwrap();
        assert!(matches!(Model::open_appended(plan(), &path), Err(Error::Magic)));
    }
}
