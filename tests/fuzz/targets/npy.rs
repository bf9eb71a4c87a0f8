//! An array in NumPy's format: what is read and written is read again, the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use resnetc_runtime::npy::{NpyReader, write_header, write_values};

/// More than the longest header, whatever the array's shape is.
const MOST_MEMORY: usize = 256 << 10;

/// The shape and the values of an array that has no more values than bytes.
fn read(bytes: &[u8]) -> Option<(Vec<usize>, Vec<f32>)> {
    let (reader, peak) = resnetc_fuzz::peak(|| NpyReader::new(bytes));
    assert!(peak <= MOST_MEMORY, "{peak} bytes of memory for a header");
    let mut reader = reader.ok()?;
    let shape = reader.shape().to_vec();
    let count = shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side))?;
    let mut values = vec![0.0; if count <= bytes.len() { count } else { return None }];
    // In two pieces, as a batch is read image by image.
    let (first, second) = values.split_at_mut(count / 2);
    reader.read(first).and_then(|()| reader.read(second)).ok()?;
    assert!(reader.read(&mut [0.0]).is_err(), "a value more than the shape says");
    Some((shape, values))
}

fuzz_target!(|data: &[u8]| {
    let Some((shape, values)) = read(data) else { return };
    let mut written = Vec::new();
    write_header(&mut written, &shape).and_then(|()| write_values(&mut written, &values)).expect("a vector");
    let (again, back) = read(&written).expect("what was written");
    assert_eq!(again, shape);
    assert!(back.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
});
