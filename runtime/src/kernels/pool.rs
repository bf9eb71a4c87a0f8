//! Pooling: maximum and mean over windows, and mean over the whole map.
//!
//! Nest: pixels of the share, vectors of its channels, positions of the window that lie on the map.
//! No border is read.

use std::ops::Range;

use super::{Context, Place, Share, border, element, places, vectors};
use crate::isa::{Kernel, Simd};
use crate::plan::{AvgPool, Pool, View};

/// Maximum over windows.
pub(super) struct Max<'a> {
    pub context: &'a Context<'a>,
    pub pool: &'a Pool,
    pub share: &'a Share,
}

/// Mean over windows.
pub(super) struct Average<'a> {
    pub context: &'a Context<'a>,
    pub avg: &'a AvgPool,
    pub share: &'a Share,
}

/// Mean over the map.
pub(super) struct Global<'a> {
    pub context: &'a Context<'a>,
    pub input: &'a View,
    pub output: &'a View,
    pub share: &'a Share,
}

/// The part of a window along one axis that lies on the map.
fn on_map(position: usize, stride: usize, kernel: usize, pad: usize, size: usize) -> Range<usize> {
    let start = position * stride;
    start.saturating_sub(pad)..(start + kernel - pad).min(size)
}

/// What PyTorch divides by along one axis.
fn divisor(avg: &AvgPool, axis: usize, position: usize, size: usize) -> usize {
    let Pool { stride, kernel, pad, .. } = &avg.pool;
    let start = position * stride[axis];
    if !avg.count_include_pad {
        return on_map(position, stride[axis], kernel[axis], pad[axis], size).len();
    }
    (start + kernel[axis]).min(size + pad[axis] + avg.pad_end[axis]) - start
}

impl Pool {
    fn window(&self, place: Place) -> (Range<usize>, Range<usize>) {
        let Self { input, kernel, stride, pad, .. } = self;
        let rows = on_map(place.y, stride[0], kernel[0], pad[0], input.height);
        let columns = on_map(place.x, stride[1], kernel[1], pad[1], input.width);
        (rows, columns)
    }
}

/// Channels of a vector that the input has, of those that the output has.
fn present(input: &View, lane: usize, count: usize) -> usize {
    input.lanes().saturating_sub(lane).min(count)
}

impl Kernel for Max<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { context, pool, share } = self;
        let Pool { input, output, .. } = pool;
        for place in places(share.rows.clone(), output) {
            let to = place.offset(output);
            let (rows, columns) = pool.window(place);
            for (lane, count) in vectors(share.lanes.clone(), S::WIDTH) {
                let present = present(input, lane, count);
                // SAFETY: the contract of the kernels; rows and columns are on the map, and `present`
                // is no more than the input's pixel has.
                unsafe {
                    let lane_in = lane.min(input.lanes());
                    let mut best = simd.splat(f32::NEG_INFINITY);
                    for y in rows.clone() {
                        for x in columns.clone() {
                            let from = context.arena.add(input.at(place.n, y, x));
                            best = simd.max_nan(best, element::load(simd, input, from, lane_in, present));
                        }
                    }
                    element::store(simd, output, context.arena.add(to), lane, best, count);
                }
            }
        }
        // SAFETY: the contract of the kernels.
        unsafe { border::clear(context, output, share) }
    }
}

impl Kernel for Average<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { context, avg, share } = self;
        let pool = &avg.pool;
        let Pool { input, output, .. } = pool;
        for place in places(share.rows.clone(), output) {
            let to = place.offset(output);
            let (rows, columns) = pool.window(place);
            let height = divisor(avg, 0, place.y, input.height);
            let width = divisor(avg, 1, place.x, input.width);
            let scale = simd.splat(1.0 / (height as f32 * width as f32));
            for (lane, count) in vectors(share.lanes.clone(), S::WIDTH) {
                let present = present(input, lane, count);
                // SAFETY: the contract of the kernels; rows and columns are on the map, and `present`
                // is no more than the input's pixel has.
                unsafe {
                    let lane_in = lane.min(input.lanes());
                    let mut sum = simd.splat(0.0);
                    for y in rows.clone() {
                        for x in columns.clone() {
                            let from = context.arena.add(input.at(place.n, y, x));
                            sum = simd.add(sum, element::load(simd, input, from, lane_in, present));
                        }
                    }
                    element::store(simd, output, context.arena.add(to), lane, simd.mul(sum, scale), count);
                }
            }
        }
        // SAFETY: the contract of the kernels.
        unsafe { border::clear(context, output, share) }
    }
}

impl Kernel for Global<'_> {
    // A sum for each row and then a sum of these: rounding errors grow with the sides of the map, not
    // with its area.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { context, input, output, share } = self;
        let scale = simd.splat(1.0 / (input.height as f32 * input.width as f32));
        for place in places(share.rows.clone(), output) {
            let to = place.offset(output);
            for (lane, count) in vectors(share.lanes.clone(), S::WIDTH) {
                let present = present(input, lane, count);
                // SAFETY: the contract of the kernels; `present` is no more than the input's pixel has.
                unsafe {
                    let lane_in = lane.min(input.lanes());
                    let mut total = simd.splat(0.0);
                    for y in 0..input.height {
                        let mut sum = simd.splat(0.0);
                        for x in 0..input.width {
                            let from = context.arena.add(input.at(place.n, y, x));
                            sum = simd.add(sum, element::load(simd, input, from, lane_in, present));
                        }
                        total = simd.add(total, sum);
                    }
                    element::store(simd, output, context.arena.add(to), lane, simd.mul(total, scale), count);
                }
            }
        }
        // SAFETY: the contract of the kernels.
        unsafe { border::clear(context, output, share) }
    }
}
