//! The file of packed weights, against the plan that it is of: from memory, mapped, and behind a program.
//!
//! The bytes are a list of changes to the true file, so that every part of it is met. A file that is taken is the true
//! one; or, if its checksum was forged, has the true one's header and length. Whatever is taken runs.

#![no_main]

use std::ops::Range;
use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use resnetc_fuzz::{Small, with_file};
use resnetc_runtime::plan::Plan;
use resnetc_runtime::{Model, weights};

/// A change of a file.
#[derive(Arbitrary, Debug)]
enum Change {
    /// A byte, counted from the begin.
    Set { at: u16, to: u8 },
    /// Some bits of a byte of the header.
    Flip { at: u8, mask: u8 },
    /// The four bytes of a value.
    Value { at: u16, bits: u32 },
    /// Nothing behind this.
    Cut { at: u16 },
    /// Bytes at the end.
    Append { bytes: Vec<u8> },
    /// Two bytes change places.
    Swap { a: u16, b: u16 },
    /// All of it is something else.
    Replace { bytes: Vec<u8> },
}

struct True {
    plan: Plan,
    file: Vec<u8>,
    images: Vec<f32>,
}

static TRUE: LazyLock<True> = LazyLock::new(|| {
    let small = Small::new();
    let compiled = resnetc::compile_graph(&small.network, &small.graph, &Small::options()).expect("a plan");
    True { plan: compiled.plan, file: compiled.weights.expect("values"), images: Small::images() }
});

/// Where the checksum is.
const CHECKSUM: Range<usize> = 52..56;

/// Changes of the true file.
#[derive(Arbitrary, Debug)]
struct Input {
    changes: Vec<Change>,
    /// Whether the checksum is made to fit what was changed.
    forged: bool,
}

fn forge(file: &mut [u8]) {
    if let Some((header, values)) = file.split_at_mut_checked(weights::HEADER) {
        let mut sum = crc32fast::Hasher::new();
        for part in [&header[..CHECKSUM.start], &header[CHECKSUM.end..], values] {
            sum.update(part);
        }
        header[CHECKSUM].copy_from_slice(&sum.finalize().to_le_bytes());
    }
}

/// Holds what is taken against the true file.
fn check_taken(file: &[u8], forged: bool) {
    let is_true = |part: Range<usize>| file[part.clone()] == TRUE.file[part];
    assert_eq!(file.len(), TRUE.file.len());
    assert!(is_true(0..CHECKSUM.start) && is_true(CHECKSUM.end..weights::HEADER), "another header is taken");
    assert!(forged || file == TRUE.file, "another file is taken");
}

fn change(file: &mut Vec<u8>, change: Change) {
    let len = file.len().max(1);
    let place = |at: u16| usize::from(at) % len;
    match change {
        Change::Set { at, to } => file.get_mut(place(at)).into_iter().for_each(|byte| *byte = to),
        Change::Flip { at, mask } => file.get_mut(usize::from(at)).into_iter().for_each(|byte| *byte ^= mask),
        Change::Value { at, bits } => {
            let begin = weights::HEADER + 4 * usize::from(at);
            if let Some(value) = file.get_mut(begin..begin + 4) {
                value.copy_from_slice(&bits.to_le_bytes());
            }
        }
        Change::Cut { at } => file.truncate(place(at)),
        Change::Append { bytes } => file.extend(bytes),
        Change::Swap { a, b } if !file.is_empty() => file.swap(place(a), place(b)),
        Change::Swap { .. } => {}
        Change::Replace { bytes } => *file = bytes,
    }
}

/// Runs a model that was taken.
fn run(model: &Model) -> Vec<u32> {
    let mut session = model.session(1).expect("a session");
    let outputs = session.run(&TRUE.images).expect("it runs");
    outputs.main().iter().map(|value| value.to_bits()).collect()
}

fuzz_target!(|input: Input| {
    let mut file = TRUE.file.clone();
    input.changes.into_iter().for_each(|one| change(&mut file, one));
    if input.forged {
        forge(&mut file);
    }
    let from_memory = Model::from_bytes(TRUE.plan.clone(), file.clone());
    let mapped = with_file(&file, |path| Model::open(TRUE.plan.clone(), path));
    let mut program = vec![0xAA; 100];
    weights::append(100, &file, &mut program).expect("a vector");
    let appended = with_file(&program, |path| Model::open_appended(TRUE.plan.clone(), path));
    match (&from_memory, &mapped) {
        (Ok(one), Ok(other)) => {
            check_taken(&file, input.forged);
            assert_eq!(run(one), run(other));
            assert_eq!(run(one), run(appended.as_ref().expect("what is taken elsewhere is taken here")));
        }
        (Err(one), Err(other)) => assert!(file.is_empty() || one.to_string() == other.to_string()),
        _ => panic!("from memory {from_memory:?}, mapped {mapped:?}"),
    }
});
