//! Resampling, pixel for pixel as Pillow's `ImagingResample` does it for 8-bit pictures.
//!
//! In: a picture and the window of its resized self that is wanted. Out: that window, zeros where
//! it reaches beyond. One axis is resampled, then the other on the 8-bit samples of the first; an
//! axis that keeps its length is copied. A filter is stretched by the ratio when it shrinks
//! (antialiasing), its weights are normalised in f64 and then held in fixed point. Only the columns
//! and rows that the window needs are computed, each exactly as in the whole picture.

use std::ops::Range;

use super::Picture;
use super::geometry::Window;
use crate::plan::Filter;

/// Fraction bits of a weight: 32 less 8 for a sample, 1 for the sign and 1 for overshoot.
const PRECISION: u32 = 32 - 8 - 2;

/// Half in the weights' fixed point.
const HALF: i32 = 1 << (PRECISION - 1);

/// The window of the resized picture, `[vertical.length, horizontal.length]`, the same channels.
pub fn resize(picture: &Picture, window: &Window, filter: Filter) -> Picture {
    let (rows, columns) = (window.vertical.kept(), window.horizontal.kept());
    let vertical = Taps::new(filter, picture.height(), window.vertical.resized, rows);
    let horizontal = Taps::new(filter, picture.width(), window.horizontal.resized, columns);
    let kept = match picture.channels() {
        3 => resample::<3>(picture, &vertical, &horizontal, shrinks_height_first(picture, window)),
        _ => resample::<1>(picture, &vertical, &horizontal, shrinks_height_first(picture, window)),
    };
    place(&kept, horizontal.outputs.len() * picture.channels(), picture.channels(), window)
}

/// Whether the vertical pass is the first: where the height loses more than twice as many pixels
/// as the width (Pillow from version 13; before, the horizontal pass was always the first).
fn shrinks_height_first(picture: &Picture, window: &Window) -> bool {
    let lost = |from: usize, to: usize| from as i128 - to as i128;
    let height = lost(picture.height(), window.vertical.resized);
    height > 0 && height > 2 * lost(picture.width(), window.horizontal.resized)
}

/// Both passes; the first one only over what the second one reads.
fn resample<const C: usize>(
    picture: &Picture,
    vertical: &Taps,
    horizontal: &Taps,
    height_first: bool,
) -> Vec<u8> {
    let row = picture.width() * C;
    if height_first {
        let columns = horizontal.reach();
        let part = columns.start * C..columns.end * C;
        let down = resample_columns(picture.samples(), row, part, 0, vertical);
        return resample_rows::<C>(&down, columns.len() * C, columns.start, horizontal);
    }
    let rows = vertical.reach();
    let part = &picture.samples()[rows.start * row..rows.end * row];
    let across = resample_rows::<C>(part, row, 0, horizontal);
    let row = horizontal.outputs.len() * C;
    resample_columns(&across, row, 0..row, rows.start, vertical)
}

/// What one axis of the output is made of.
struct Taps {
    outputs: Vec<Tap>,
    weights: Vec<i32>,
}

/// One output: inputs from `first` on, weighted by `weights[range]`.
struct Tap {
    first: usize,
    range: Range<usize>,
}

impl Taps {
    /// The weights of the outputs `kept`, of `to` in all, over `from` inputs.
    fn new(filter: Filter, from: usize, to: usize, kept: Range<usize>) -> Self {
        let mut taps = Self { outputs: Vec::with_capacity(kept.len()), weights: Vec::new() };
        let mut unscaled = Vec::new();
        for output in kept {
            let first = if from == to {
                unscaled.clear();
                unscaled.push(1.0);
                output
            } else {
                weigh(filter, from, to, output, &mut unscaled)
            };
            let begin = taps.weights.len();
            let sum: f64 = unscaled.iter().sum();
            let normal = |weight: &f64| if sum == 0.0 { *weight } else { weight / sum };
            taps.weights.extend(unscaled.iter().map(normal).map(to_fixed));
            taps.outputs.push(Tap { first, range: begin..taps.weights.len() });
        }
        taps
    }

    /// The inputs that any output reads.
    fn reach(&self) -> Range<usize> {
        let begin = self.outputs.iter().map(|tap| tap.first).min().unwrap_or(0);
        let end = self.outputs.iter().map(|tap| tap.first + tap.range.len()).max().unwrap_or(begin);
        begin..end
    }
}

/// Fills `weights` with one output's, not yet normalised; gives the first input they belong to.
fn weigh(filter: Filter, from: usize, to: usize, output: usize, weights: &mut Vec<f64>) -> usize {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = stretch
        * match filter {
            Filter::Bilinear => 1.0,
            Filter::Bicubic => 2.0,
        };
    let centre = (output as f64 + 0.5) * scale;
    let first = (centre - support + 0.5).max(0.0) as usize;
    let end = ((centre + support + 0.5) as usize).min(from);
    let shrink = 1.0 / stretch;
    weights.clear();
    weights.extend((first..end).map(|input| evaluate(filter, (input as f64 - centre + 0.5) * shrink)));
    first
}

/// The filter at a distance from its middle.
fn evaluate(filter: Filter, distance: f64) -> f64 {
    const A: f64 = -0.5;
    let x = distance.abs();
    match filter {
        Filter::Bilinear if x < 1.0 => 1.0 - x,
        Filter::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        Filter::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        Filter::Bilinear | Filter::Bicubic => 0.0,
    }
}

/// Rounded away from zero at a half.
fn to_fixed(weight: f64) -> i32 {
    let scaled = weight * f64::from(1_u32 << PRECISION);
    (if weight < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32
}

fn to_sample(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// The horizontal pass over rows of `row` samples, the first of which is in column `begin`.
fn resample_rows<const C: usize>(input: &[u8], row: usize, begin: usize, taps: &Taps) -> Vec<u8> {
    let rows = input.chunks_exact(row.max(1));
    let mut out = Vec::with_capacity(rows.len() * taps.outputs.len() * C);
    for row in rows {
        let pixels = row.as_chunks::<C>().0;
        for tap in &taps.outputs {
            let weights = &taps.weights[tap.range.clone()];
            let mut sums = [HALF; C];
            for (pixel, &weight) in pixels[tap.first - begin..].iter().zip(weights) {
                for (sum, &sample) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(sample) * weight;
                }
            }
            out.extend(sums.map(to_sample));
        }
    }
    out
}

/// The vertical pass over the samples `part` of each row of `row`; the first row is row `begin`.
fn resample_columns(input: &[u8], row: usize, part: Range<usize>, begin: usize, taps: &Taps) -> Vec<u8> {
    let mut out = Vec::with_capacity(taps.outputs.len() * part.len());
    let mut sums = vec![HALF; part.len()];
    for tap in &taps.outputs {
        sums.fill(HALF);
        let rows = input[(tap.first - begin) * row..].chunks_exact(row.max(1));
        for (row, &weight) in rows.zip(&taps.weights[tap.range.clone()]) {
            for (sum, &sample) in sums.iter_mut().zip(&row[part.clone()]) {
                *sum += i32::from(sample) * weight;
            }
        }
        out.extend(sums.iter().map(|&sum| to_sample(sum)));
    }
    out
}

/// The kept rows of `row` samples within the window, zeros around them.
fn place(kept: &[u8], row: usize, channels: usize, window: &Window) -> Picture {
    let (height, width) = (window.vertical.length, window.horizontal.length);
    let mut samples = vec![0; height * width * channels];
    let (top, left) = (window.vertical.pad(), window.horizontal.pad() * channels);
    let rows = samples.chunks_exact_mut((width * channels).max(1)).skip(top);
    for (out, input) in rows.zip(kept.chunks_exact(row.max(1))) {
        out[left..left + row].copy_from_slice(input);
    }
    Picture::from_parts(width, height, channels, samples)
}

#[cfg(test)]
mod tests {
    use super::super::geometry::Axis;
    use super::*;
    use proptest::prelude::*;

    fn whole(length: usize) -> Axis {
        Axis { resized: length, begin: 0, length }
    }

    fn resize_to(picture: &Picture, width: usize, height: usize, filter: Filter) -> Picture {
        let window = Window { vertical: whole(height), horizontal: whole(width) };
        resize(picture, &window, filter)
    }

    fn line(samples: &[u8]) -> Picture {
        Picture::new(samples.len(), 1, 1, samples.to_vec()).expect("a line")
    }

    #[test]
    fn shrinking_weighs_all_pixels_under_the_filter() {
        let line = line(&[0, 10, 20, 200, 100, 50, 255, 3]);
        assert_eq!(resize_to(&line, 3, 1, Filter::Bilinear).samples(), BILINEAR_8_TO_3);
        assert_eq!(resize_to(&line, 3, 1, Filter::Bicubic).samples(), BICUBIC_8_TO_3);
    }

    #[test]
    fn enlarging_interpolates_and_clips() {
        let line = line(&[0, 255, 0, 7]);
        assert_eq!(resize_to(&line, 9, 1, Filter::Bilinear).samples(), BILINEAR_4_TO_9);
        assert_eq!(resize_to(&line, 9, 1, Filter::Bicubic).samples(), BICUBIC_4_TO_9);
    }

    /// `Image.resize` of Pillow on the same lines.
    const BILINEAR_8_TO_3: [u8; 3] = [24, 111, 121];
    const BICUBIC_8_TO_3: [u8; 3] = [18, 117, 117];
    const BILINEAR_4_TO_9: [u8; 9] = [0, 43, 156, 241, 128, 14, 3, 6, 7];
    const BICUBIC_4_TO_9: [u8; 9] = [0, 32, 173, 253, 143, 8, 0, 3, 8];

    #[test]
    fn a_window_is_a_part_of_the_whole() {
        let samples = (0..13 * 11 * 3).map(|at| (at * 37 % 256) as u8).collect();
        let picture = Picture::new(13, 11, 3, samples).expect("a small picture");
        let resized = resize_to(&picture, 9, 17, Filter::Bicubic);
        let axis = |resized, begin, length| Axis { resized, begin, length };
        let window = Window { vertical: axis(17, 5, 8), horizontal: axis(9, -1, 4) };
        let part = resize(&picture, &window, Filter::Bicubic);
        for y in 0..8 {
            let row = &part.samples()[y * 12..][..12];
            assert_eq!(row[..3], [0; 3]);
            assert_eq!(row[3..], resized.samples()[(y + 5) * 27..][..9]);
        }
    }

    #[test]
    fn a_height_that_shrinks_most_goes_first() {
        let samples = [0, 255, 255, 0, 255, 0, 0, 255, 255, 255, 0, 255, 0, 0];
        let picture = Picture::new(2, 7, 1, samples.to_vec()).expect("a small picture");
        assert_eq!(resize_to(&picture, 3, 2, Filter::Bicubic).samples(), BICUBIC_2X7_TO_3X2);
    }

    const BICUBIC_2X7_TO_3X2: [u8; 6] = [164, 138, 111, 75, 134, 192];

    #[test]
    fn a_sliver_costs_no_more_than_its_window() {
        let sliver = Picture::new(16_384, 1, 1, vec![9; 16_384]).expect("within bounds");
        let window = Window::new(&sliver, Some(256), [224, 224]);
        assert_eq!(window.horizontal.resized, 256 * 16_384);
        assert_eq!(resize(&sliver, &window, Filter::Bilinear).samples(), [9; 224 * 224]);
    }

    proptest! {
        #[test]
        fn a_constant_picture_stays_constant(
            (from_w, from_h, to_w, to_h) in (1..60_usize, 1..60_usize, 1..60_usize, 1..60_usize),
            value: u8,
            cubic: bool,
        ) {
            let filter = if cubic { Filter::Bicubic } else { Filter::Bilinear };
            let picture = Picture::new(from_w, from_h, 3, vec![value; from_w * from_h * 3]).expect("small");
            let resized = resize_to(&picture, to_w, to_h, filter);
            prop_assert_eq!((resized.width(), resized.height()), (to_w, to_h));
            prop_assert!(resized.samples().iter().all(|&sample| sample == value));
        }
    }
}
