//! Between the caller's NCHW and the arena's NHWC.
//!
//! Nest: rows of the share, channels, columns: a row of one channel is contiguous for the caller.

use super::{Context, Share, border, element};
use crate::isa::{Kernel, Simd};
use crate::plan::View;

/// The caller's images into the arena.
pub(super) struct Load<'a> {
    pub context: &'a Context<'a>,
    pub output: &'a View,
    pub share: &'a Share,
}

/// A map from the arena into the results.
pub(super) struct Store<'a> {
    pub context: &'a Context<'a>,
    pub input: &'a View,
    pub output: usize,
    pub share: &'a Share,
}

/// Where row `y` of a channel begins in NCHW of the view's shape.
fn planar(view: &View, n: usize, channel: usize, y: usize) -> usize {
    ((n * view.channels + channel) * view.height + y) * view.width
}

impl Kernel for Load<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { context, output, share } = self;
        for row in share.rows.clone() {
            let (n, y) = (row / output.height, row % output.height);
            for channel in share.lanes.clone() {
                // SAFETY: the contract of the kernels; the images have the view's shape.
                unsafe {
                    let to = context.arena.add(output.at(n, y, 0));
                    if channel >= output.channels {
                        for x in 0..output.width {
                            element::write(output, to.add(x * output.pixel), channel, 0.0);
                        }
                        continue;
                    }
                    let from = context.images.add(planar(output, context.first + n, channel, y));
                    for x in 0..output.width {
                        element::write(output, to.add(x * output.pixel), channel, *from.add(x));
                    }
                }
            }
        }
        // SAFETY: the contract of the kernels.
        unsafe { border::clear(context, output, share) }
    }
}

impl Kernel for Store<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { context, input, share, .. } = self;
        let Some(&start) = context.starts.get(self.output) else {
            return;
        };
        let lanes = share.lanes.start..share.lanes.end.min(input.channels);
        for row in share.rows.clone() {
            let (n, y) = (row / input.height, row % input.height);
            for channel in lanes.clone() {
                // SAFETY: the contract of the kernels; the result has the view's shape.
                unsafe {
                    let from = context.arena.cast_const().add(input.at(n, y, 0));
                    let to = context.results.add(start + planar(input, context.first + n, channel, y));
                    for x in 0..input.width {
                        *to.add(x) = element::read(input, from.add(x * input.pixel), channel);
                    }
                }
            }
        }
    }
}
