//! The bytes of a picture to a network's input. What decodes has the size that it says, and gives finite values.
//!
//! The crates that decode are compiled with `--cfg fuzzing`, in which PNG's checksums do not count.

#![no_main]

use libfuzzer_sys::fuzz_target;
use resnetc_runtime::plan::{Filter, Preprocess};
use resnetc_runtime::preprocess::{decode, prepare};

/// Bytes of memory for each pixel of a picture, and for each byte of its file.
const PER_PIXEL: usize = 16;
const PER_BYTE: usize = 64;
/// Pixels that are decoded here: a larger picture meets no other code, only for longer.
const MOST_PIXELS: usize = 1 << 20;

/// Pixels that the header claims, of a picture whose header is where writers put it.
fn claimed_pixels(data: &[u8]) -> usize {
    let big = |at: usize, bytes: usize| {
        data.get(at..at + bytes).map_or(0, |b| b.iter().fold(0, |n, &byte| n << 8 | usize::from(byte)))
    };
    let little = |at: usize, bytes: usize| {
        data.get(at..at + bytes).map_or(0, |b| b.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte)))
    };
    match data {
        [0x89, ..] => big(16, 4).saturating_mul(big(20, 4)),
        [0xff, 0xd8, ..] => {
            let frames = (2..data.len()).filter(|&at| matches!(data[at..], [0xff, 0xc0..=0xc2, ..]));
            frames.map(|at| big(at + 5, 2) * big(at + 7, 2)).max().unwrap_or(0)
        }
        [b'R', ..] => {
            let canvas = match data.get(12..16) {
                Some(b"VP8X") => (little(24, 3) + 1) * (little(27, 3) + 1),
                Some(b"VP8L") => ((little(21, 4) & 0x3fff) + 1) * ((little(21, 4) >> 14 & 0x3fff) + 1),
                _ => 0,
            };
            // A frame is decoded before it is held against its canvas.
            let frames = (0..data.len()).filter(|&at| data[at..].starts_with(b"\x9d\x01\x2a"));
            let pixels = |at: usize| (little(at + 3, 2) & 0x3fff) * (little(at + 5, 2) & 0x3fff);
            frames.map(pixels).fold(canvas, usize::max)
        }
        _ => 0,
    }
}

/// Bytes of memory beyond that.
fn beyond(data: &[u8]) -> usize {
    match data {
        // The limit that the decoder is given.
        [0x89, ..] => 65 << 20,
        // A partition claims its size in 24 bits.
        [b'R', ..] => 18 << 20,
        _ => 2 << 20,
    }
}

fuzz_target!(|data: &[u8]| {
    let pixels = claimed_pixels(data);
    if pixels > MOST_PIXELS {
        return;
    }
    let (decoded, peak) = resnetc_fuzz::peak(|| decode(data));
    let bound = PER_PIXEL * pixels + PER_BYTE * data.len() + beyond(data);
    assert!(peak <= bound, "{peak} bytes of memory for {pixels} pixels in {} bytes", data.len());
    let Ok(picture) = decoded else { return };
    assert_eq!(picture.samples().len(), picture.width() * picture.height() * picture.channels());
    let preprocess = |resize, filter| Preprocess { resize, filter, mean: [0.5; 3], std: [0.25; 3] };
    for (preprocess, input) in [
        (preprocess(None, Filter::Bilinear), [3, 5, 7]),
        (preprocess(Some(9), Filter::Bicubic), [3, 8, 8]),
        (preprocess(Some(4), Filter::Bilinear), [1, 6, 3]),
    ] {
        let mut out = vec![f32::NAN; input.iter().product()];
        prepare(&picture, &preprocess, input, &mut out).expect("a picture of 3 channels");
        assert!(out.iter().all(|value| (-2.0..=2.0).contains(value)), "{out:?}");
    }
});
