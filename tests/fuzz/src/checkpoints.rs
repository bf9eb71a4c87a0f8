//! Checkpoints as `resnetc` meets them: read, joined, imported.

use resnetc::import::import;
use resnetc::weights::{Checkpoint, Wanted, join, read};

use crate::memory::{BEYOND, PER_BYTE};
use crate::{peak, with_file};

/// Reads a file of these bytes, if they are a checkpoint, within the promised memory.
pub fn read_checkpoint(bytes: &[u8]) -> Option<Checkpoint> {
    let (result, peak) = peak(|| with_file(bytes, read));
    assert!(peak <= PER_BYTE * bytes.len() + BEYOND, "{peak} bytes of memory for a file of {}", bytes.len());
    match result {
        Ok(checkpoint) => Some(checkpoint),
        Err(error) => {
            let told = error.to_string();
            assert!(told.len() < 1000 && !told.contains(char::is_control), "not fit to print: {told:?}");
            None
        }
    }
}

/// Joins all tensors, each of which is to have the values that its shape says, and writes the spec that fits them,
/// if one does.
pub fn use_checkpoint(checkpoint: &Checkpoint, bytes: usize) {
    let shape = |name: &str| checkpoint.shape(name).expect("a name of its own").to_vec();
    let wanted: Vec<Wanted> = checkpoint
        .names()
        .map(|name| Wanted { name: name.into(), shape: shape(name), optional: false })
        .collect();
    let (joined, peak) = peak(|| join(&wanted, checkpoint, &[]));
    assert!(peak <= PER_BYTE * bytes + BEYOND, "{peak} bytes of memory to join {bytes}");
    if let Ok(values) = joined {
        for (wanted, values) in wanted.iter().zip(values) {
            assert_eq!(wanted.shape.iter().product::<usize>(), values.len(), "values of {:?}", wanted.name);
            assert!(values.iter().all(|value| value.is_finite()));
        }
    }
    if let Ok(imported) = import(checkpoint, "fuzzed") {
        let spec = resnetc::Spec::from_text("fuzzed.resnet", &imported.text, None);
        assert_eq!(resnetc::syntax::format(spec.file()), imported.text);
    }
}
