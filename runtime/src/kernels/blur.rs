//! Blur pooling (Zhang 2019): a binomial filter over the mirrored map, subsampled.
//!
//! Nest: pixels of the share, vectors of its channels, rows and columns of taps. Rows and columns
//! outside the map are mirrored at its edge, which is not repeated; no border is read.

use super::{Context, Share, border, places, vectors};
use crate::isa::{Kernel, Simd};
use crate::plan::BlurPool;
use crate::verify::BLUR_TAPS;

/// One such operation.
pub(super) struct Call<'a> {
    pub context: &'a Context<'a>,
    pub blur: &'a BlurPool,
    pub share: &'a Share,
}

/// Row `size - 1` of Pascal's triangle, divided by its sum.
fn coefficients(size: usize) -> [f32; BLUR_TAPS] {
    let mut row = [0.0; BLUR_TAPS];
    row[0] = 1.0;
    for last in 1..size {
        for tap in (1..=last).rev() {
            row[tap] = 0.5 * (row[tap] + row[tap - 1]);
        }
        row[0] *= 0.5;
    }
    row
}

/// Where the map's row or column `position - pad` lies, mirrored.
fn mirrored(position: usize, pad: usize, size: usize) -> usize {
    let distance = position.abs_diff(pad);
    if position < pad || distance < size { distance } else { 2 * (size - 1) - distance }
}

impl Kernel for Call<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { context, blur, share } = self;
        let BlurPool { input, output, size, stride, pad } = blur;
        let taps = coefficients(*size);
        let taps = &taps[..*size];
        for place in places(share.rows.clone(), output) {
            let to = place.offset(output);
            for (lane, count) in vectors(share.lanes.clone(), S::WIDTH) {
                let present = input.pixel.saturating_sub(lane).min(count);
                // SAFETY: the contract of the kernels: mirrored rows and columns are on the map, and
                // `present` is no more than the input's pixel has.
                unsafe {
                    let lane_in = lane.min(input.pixel);
                    let mut total = simd.splat(0.0);
                    for (ky, vertical) in taps.iter().enumerate() {
                        let y = mirrored(place.y * stride + ky, *pad, input.height);
                        let mut sum = simd.splat(0.0);
                        for (kx, horizontal) in taps.iter().enumerate() {
                            let x = mirrored(place.x * stride + kx, *pad, input.width);
                            let from = context.arena.add(input.at(place.n, y, x) + lane_in);
                            sum = simd.mul_add(simd.load_some(from, present), simd.splat(*horizontal), sum);
                        }
                        total = simd.mul_add(sum, simd.splat(*vertical), total);
                    }
                    simd.store_some(context.arena.add(to + lane), total, count);
                }
            }
        }
        // SAFETY: the contract of the kernels.
        unsafe { border::clear(context, output, share) }
    }
}
