//! `activation(x [* gate] [+ residual])`: additions, gates, activations and padded channels.
//!
//! Nest: pixels of the share, then chunks of its channels, then vectors. May be in place: a pixel's
//! chunk is read before it is written, and nothing is read twice.

use super::residual::{CHUNK, Shortcut};
use super::{Context, Share, activation, border, element, places, vectors};
use crate::isa::{Kernel, Simd};
use crate::plan::{Activation, Residual, View};

/// One such operation; `input` is missing where only the residual counts.
pub(super) struct Call<'a> {
    pub context: &'a Context<'a>,
    pub input: Option<&'a View>,
    pub gate: Option<&'a View>,
    pub residual: Option<&'a Residual>,
    pub output: &'a View,
    pub activation: Activation,
    pub share: &'a Share,
}

impl Kernel for Call<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { context, output, share, .. } = self;
        let shortcut = self.residual.map(|residual| Shortcut::new(context, residual, output));
        // Channels that all operands have; the rest is padding.
        let narrowest = [self.input, self.gate].into_iter().flatten().map(|view| view.lanes()).min();
        let common = narrowest.unwrap_or(output.lanes()).min(output.lanes());
        let broadcast = self.gate.is_some_and(|gate| (gate.height, gate.width) == (1, 1));
        let mut copy = [0.0; CHUNK];
        for place in places(share.rows.clone(), output) {
            let to = place.offset(output);
            let from = self.input.map(|view| (view, place.offset(view)));
            let gate = self
                .gate
                .map(|view| (view, if broadcast { view.at(place.n, 0, 0) } else { place.offset(view) }));
            let residual = shortcut.as_ref().map(|shortcut| (shortcut, shortcut.offset(place)));
            for (lane, len) in vectors(share.lanes.clone(), CHUNK) {
                // SAFETY: the contract of the kernels. Of each operand, the pixel that belongs to an
                // output pixel lies in its view, and only channels that its pixel has are read.
                unsafe {
                    let added =
                        residual.map(|(shortcut, offset)| shortcut.read(offset, lane, len, &mut copy));
                    for (at, count) in vectors(lane..lane + len, S::WIDTH) {
                        let present = common.saturating_sub(at).min(count);
                        let mut v = simd.splat(0.0);
                        if let Some((view, from)) = from {
                            let pixel = context.arena.cast_const().add(from);
                            v = element::load(simd, view, pixel, at.min(common), present);
                        }
                        if let Some((view, gate)) = gate {
                            let pixel = context.arena.cast_const().add(gate);
                            v = simd.mul(v, element::load(simd, view, pixel, at.min(common), present));
                        }
                        if let Some(added) = added {
                            v = simd.add(v, simd.load_some(added.add(at - lane), count));
                        }
                        v = activation::apply(simd, self.activation, v);
                        element::store(simd, output, context.arena.add(to), at, v, count);
                    }
                }
            }
        }
        // SAFETY: the contract of the kernels.
        unsafe { border::clear(context, output, share) }
    }
}
