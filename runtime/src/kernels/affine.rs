//! `activation(x * scale + shift)`: batch norm that went into no convolution.
//!
//! Nest: pixels of the share, then vectors of its channels. May be in place.

use super::{Context, Share, activation, border, element, places, vectors};
use crate::isa::{Kernel, Simd};
use crate::plan::{Activation, View};

/// One such operation.
pub(super) struct Call<'a> {
    pub context: &'a Context<'a>,
    pub input: &'a View,
    pub output: &'a View,
    pub weights: usize,
    pub activation: Activation,
    pub share: &'a Share,
}

impl Kernel for Call<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { context, input, output, share, .. } = self;
        for place in places(share.rows.clone(), output) {
            let (from, to) = (place.offset(input), place.offset(output));
            for (lane, count) in vectors(share.lanes.clone(), S::WIDTH) {
                // SAFETY: the contract of the kernels; both views have the same channels, and there
                // are as many scales, and then shifts.
                unsafe {
                    let scales = context.weights.add(self.weights + lane);
                    let scale = simd.load_some(scales, count);
                    let shift = simd.load_some(scales.add(output.lanes()), count);
                    let x = element::load(simd, input, context.arena.add(from), lane, count);
                    let y = activation::apply(simd, self.activation, simd.mul_add(x, scale, shift));
                    element::store(simd, output, context.arena.add(to), lane, y, count);
                }
            }
        }
        // SAFETY: the contract of the kernels.
        unsafe { border::clear(context, output, share) }
    }
}
