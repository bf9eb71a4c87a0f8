//! 8-bit samples to the network's floats: scale to 0..1, subtract the mean, divide by the
//! standard deviation, channels apart.

use super::Picture;
use crate::plan::Preprocess;

/// Writes `(sample / 255 - mean) / std` in the order `[channel][row][column]`.
///
/// A sample has 256 values, so each channel's arithmetic is done once, in a table. `out` is filled
/// as far as both it and the picture reach.
pub fn normalise(picture: &Picture, preprocess: &Preprocess, out: &mut [f32]) {
    let plane = (picture.width() * picture.height()).max(1);
    for (channel, out) in out.chunks_mut(plane).enumerate().take(picture.channels()) {
        let (mean, std) = (preprocess.mean[channel], preprocess.std[channel]);
        let table: [f32; 256] = std::array::from_fn(|sample| (sample as f32 / 255.0 - mean) / std);
        let samples = picture.samples()[channel..].iter().step_by(picture.channels());
        for (out, &sample) in out.iter_mut().zip(samples) {
            *out = table[usize::from(sample)];
        }
    }
}
