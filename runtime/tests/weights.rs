//! Packed weights: where they may come from, and what is refused.

mod network;

use std::fs;
use std::path::Path;

use network::{IMAGE, model, numbers, plan, values};
use resnetc_runtime::plan::{Conv, LANES, Op, Output, Plan, Section, Split, Stage, Step, View};
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

/// CRC-32 of IEEE 802.3, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |rest: u32, _| (rest >> 1) ^ (0xEDB8_8320 * (rest & 1));
    !bytes.iter().fold(!0, |rest, byte| (0..8).fold(rest ^ u32::from(*byte), step))
}

/// A file whose checksum fits what it has.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = crc(&[&bytes[..52], &bytes[56..]].concat());
    bytes[52..56].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn the_header_is_as_documented() {
    let bytes = bytes();
    assert_eq!(&bytes[..8], b"resnetcw");
    assert_eq!(bytes[8..12], 2_u32.to_le_bytes());
    assert_eq!(bytes[12..44], [7; 32]);
    assert_eq!(bytes[44..52], (plan().weights as u64).to_le_bytes());
    assert_eq!(bytes[52..56], crc(&[&bytes[..52], &bytes[56..]].concat()).to_le_bytes());
    assert!(bytes[56..128].iter().all(|&byte| byte == 0));
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
    assert!(matches!(refused(changed(8)), Error::Version { found: 3, expected: 2 }));
    for at in [12, 43, 44, 51, 52, 55, 56, 127, 128, bytes().len() - 1] {
        assert!(matches!(refused(changed(at)), Error::Damaged), "byte {at}");
    }
}

#[test]
fn whole_weights_of_another_plan_are_told_from_damaged_ones() {
    let error = refused(sealed(changed(12)));
    assert!(matches!(error, Error::Digest));
    assert!(error.to_string().contains("another network, checkpoint, precision or layout"), "{error}");
    // Of another length too.
    let other = Plan { digest: [8; 32], weights: 5, ..plan() };
    assert!(matches!(refused(weights::encode(&other, &[1.0; 5]).unwrap()), Error::Digest));
}

#[test]
fn a_header_that_contradicts_its_plan_is_refused_though_its_checksum_fits() {
    for at in [44, 51, 56, 127] {
        assert!(matches!(refused(sealed(changed(at))), Error::Damaged), "byte {at}");
    }
}

#[test]
fn bytes_of_every_other_length_are_refused() {
    let (plan, whole) = tiny();
    let expected = whole.len() as u64;
    for len in 0..whole.len() {
        let error = Model::from_bytes(plan.clone(), whole[..len].to_vec()).unwrap_err();
        match error {
            Error::Magic => assert!(len < 8, "{len}"),
            Error::Length { found, expected: e } => assert_eq!((found, e), (len as u64, expected)),
            other => panic!("{len}: {other}"),
        }
    }
    for more in [1, 4, 128, 4096] {
        let error = refused([bytes(), vec![0; more]].concat());
        assert!(matches!(error, Error::Length { found, expected } if found == expected + more as u64));
    }
}

/// A plan of few weights, and their file: so small that each of its bits can be tried.
fn tiny() -> (Plan, Vec<u8>) {
    let image = View::new(0, [1, 1, 1]).pixel(1);
    let logits = View::new(LANES, [2, 1, 1]);
    let conv = Conv::new(image, logits, 0).kernel([1; 2], [0; 2]);
    let weights = conv.packed_weights().unwrap();
    let ops = [Op::Load { output: image }, Op::Conv(conv), Op::Store { input: logits, output: 0 }];
    let step = |op| Step { name: "step".into(), op, split: Split::Rows };
    let section = Section { times: 1, first: 0, weight_step: 0, steps: ops.map(step).to_vec().into() };
    let plan = Plan {
        batch: 1,
        images: 1,
        input: [1, 1, 1],
        outputs: vec![Output { name: "logits".into(), shape: [2, 1, 1] }].into(),
        arena: 2 * LANES,
        weights,
        stages: vec![Stage { name: "all".into(), sections: vec![section].into() }].into(),
        ..plan()
    };
    let whole = weights::encode(&plan, &numbers(3, weights)).unwrap();
    (plan, whole)
}

#[test]
fn every_flipped_bit_is_refused() {
    let (plan, whole) = tiny();
    assert!(Model::from_bytes(plan.clone(), whole.clone()).is_ok());
    for bit in 0..8 * whole.len() {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = Model::from_bytes(plan.clone(), flipped).unwrap_err();
        match bit / 8 {
            0..8 => assert!(matches!(error, Error::Magic), "bit {bit}"),
            8..12 => assert!(matches!(error, Error::Version { .. }), "bit {bit}"),
            _ => assert!(matches!(error, Error::Damaged), "bit {bit}"),
        }
    }
}

#[test]
fn a_flipped_bit_is_refused_however_the_weights_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, whole) = tiny();
    let plan: &'static Plan = Box::leak(Box::new(plan));
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        // Another file each time: one that is mapped is not changed.
        let path = folder.path().join(format!("{at}.weights"));
        fs::write(&path, &flipped).unwrap();
        assert!(Model::open(plan, &path).is_err(), "byte {at}, mapped");
        for length in [4096, 5] {
            let path = folder.path().join(format!("{at}.program{length}"));
            fs::write(&path, [vec![0xAA; length], flipped.clone()].concat()).unwrap();
            assert!(Model::open_appended(plan, &path).is_err(), "byte {at}, behind {length} bytes");
        }
        assert!(Model::embedded(plan, flipped.leak()).is_err(), "byte {at}, embedded");
    }
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
