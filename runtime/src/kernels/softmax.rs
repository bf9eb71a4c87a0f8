//! Softmax over the channels of each pixel.
//!
//! Lane by lane: it runs once a network, over a few thousand values. The greatest value is subtracted
//! first, so that no exponential overflows. May be in place.

use super::{Context, Share, border, places};
use crate::isa::{Kernel, Simd};
use crate::plan::View;

/// One such operation.
pub(super) struct Call<'a> {
    pub context: &'a Context<'a>,
    pub input: &'a View,
    pub output: &'a View,
    pub share: &'a Share,
}

impl Kernel for Call<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { context, input, output, share } = self;
        for place in places(share.rows.clone(), output) {
            // SAFETY: the contract of the kernels; the views have the same channels, and a share of
            // rows has all of them.
            unsafe {
                let from = context.arena.cast_const().add(place.offset(input));
                let to = context.arena.add(place.offset(output));
                let greatest = (0..input.channels).fold(f32::NEG_INFINITY, |max, c| max.max(*from.add(c)));
                let mut sum = 0.0_f64;
                for channel in 0..input.channels {
                    let power = libm::expf(*from.add(channel) - greatest);
                    *to.add(channel) = power;
                    sum += f64::from(power);
                }
                for channel in 0..input.channels {
                    *to.add(channel) = (f64::from(*to.add(channel)) / sum) as f32;
                }
                to.add(output.channels).write_bytes(0, output.pixel - output.channels);
            }
        }
        // SAFETY: the contract of the kernels.
        unsafe { border::clear(context, output, share) }
    }
}
