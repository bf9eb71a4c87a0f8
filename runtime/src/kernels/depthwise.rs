//! Depthwise convolution: each channel with its own kernel.
//!
//! Nest: pixels of the share, vectors of its channels, taps. Weights are `[ky][kx][pixel]`, then the
//! biases. The input's border holds the padding.

use super::residual::{CHUNK, Shortcut};
use super::{Context, Share, activation, border, places, vectors};
use crate::isa::{Kernel, Simd};
use crate::plan::Depthwise;

/// One such operation.
pub(super) struct Call<'a> {
    pub context: &'a Context<'a>,
    pub depthwise: &'a Depthwise,
    pub share: &'a Share,
}

impl Kernel for Call<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { context, depthwise, share } = self;
        let Depthwise { input, output, kernel: [height, width], stride, dilation, pad, .. } = depthwise;
        let shortcut = depthwise.residual.as_ref().map(|residual| Shortcut::new(context, residual, output));
        let taps = height * width;
        let mut copy = [0.0; CHUNK];
        for place in places(share.rows.clone(), output) {
            let to = place.offset(output);
            // The border makes room for what lies before the map.
            let corner = input.at(place.n, place.y * stride[0], place.x * stride[1]);
            let corner = corner - pad[0] * input.row() - pad[1] * input.pixel;
            for (lane, count) in vectors(share.lanes.clone(), S::WIDTH) {
                // SAFETY: the contract of the kernels: every tap lies in the input's view with its
                // border, and there are `taps` weights and a bias for each channel of a pixel.
                unsafe {
                    let weights = context.weights.add(depthwise.weights + lane);
                    let mut sum = simd.load_some(weights.add(taps * output.pixel), count);
                    for ky in 0..*height {
                        let row = corner + ky * dilation[0] * input.row() + lane;
                        for kx in 0..*width {
                            let x = context.arena.add(row + kx * dilation[1] * input.pixel);
                            let w = weights.add((ky * width + kx) * output.pixel);
                            sum = simd.mul_add(simd.load_some(x, count), simd.load_some(w, count), sum);
                        }
                    }
                    if let Some(shortcut) = &shortcut {
                        let added = shortcut.read(shortcut.offset(place), lane, count, &mut copy);
                        sum = simd.add(sum, simd.load_some(added, count));
                    }
                    let sum = activation::apply(simd, depthwise.activation, sum);
                    simd.store_some(context.arena.add(to + lane), sum, count);
                }
            }
        }
        // SAFETY: the contract of the kernels.
        unsafe { border::clear(context, output, share) }
    }
}
