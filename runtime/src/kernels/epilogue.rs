//! From sums of products of several values a word to the output's elements.
//!
//! In: sums in memory, as a micro-kernel left them: integers of bytes, else floats. Out: with scale, bias,
//! shortcut and activation, rounded once, where the next step reads them.

use super::residual::Shortcut;
use super::{Context, Place, activation, element, vectors};
use crate::isa::{Kernel, Simd};
use crate::plan::{Conv, Element, LANES};

/// What follows a convolution's sums.
pub(super) struct Epilogue<'a> {
    context: &'a Context<'a>,
    conv: &'a Conv,
    shortcut: Option<Shortcut<'a>>,
    /// One for each output channel; those of floats are 1.
    scales: Option<*const f32>,
    biases: *const f32,
}

/// Where an output pixel and what is added to it lie.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub output: usize,
    pub residual: usize,
}

impl Target {
    /// Of a pixel that is no output.
    pub(super) const NONE: Self = Self { output: usize::MAX, residual: 0 };
}

impl<'a> Epilogue<'a> {
    /// # Safety
    ///
    /// The contract of the kernels.
    pub(super) unsafe fn new(context: &'a Context<'a>, conv: &'a Conv) -> Self {
        // SAFETY: behind the panels there are as many constants for each channel.
        let constants = unsafe { constants(context, conv) };
        let (scales, biases) = match conv.input.element {
            Element::U8(_) => (Some(constants), constants.wrapping_add(conv.output.lanes())),
            Element::F32 | Element::Bf16 | Element::Split { .. } => (None, constants),
        };
        Self { context, conv, shortcut: Shortcut::of(context, conv), scales, biases }
    }

    /// Each output channel's sum of weights, an integer, if the products are of bytes.
    pub(super) fn weight_sums(&self) -> Option<*const f32> {
        self.scales.map(|scales| scales.wrapping_add(2 * self.conv.output.lanes()))
    }

    /// Where the output's pixel at `place` lies, and what is added to it.
    pub(super) fn target(&self, place: Place) -> Target {
        let residual = self.shortcut.as_ref().map_or(0, |shortcut| shortcut.offset(place));
        Target { output: place.offset(&self.conv.output), residual }
    }
}

/// Where what lies behind a convolution's panels begins.
///
/// # Safety
///
/// The contract of the kernels.
unsafe fn constants(context: &Context, conv: &Conv) -> *const f32 {
    let taps = conv.kernel[0] * conv.kernel[1];
    // SAFETY: the panels lie in the weights, and the constants behind them.
    unsafe { context.weights.add(conv.weights + taps * conv.group_input * conv.output.lanes()) }
}

/// Finishes some pixels' channels.
pub(super) struct Finish<'a> {
    pub epilogue: &'a Epilogue<'a>,
    /// `lanes` sums of the first pixel.
    pub sums: *const f32,
    /// From one pixel's sums to the next.
    pub step: usize,
    /// The pixels.
    pub targets: &'a [Target],
    /// The first channel.
    pub lane: usize,
    pub lanes: usize,
}

impl<'a> Finish<'a> {
    /// # Safety
    ///
    /// The contract of the kernels, for whom the pixels and channels, whole panels, are this share's; the
    /// sums can be read.
    pub(super) unsafe fn run<S: Simd>(self, simd: S) {
        simd.call(Ready(self));
    }
}

/// What [`Finish::run`]'s caller promised.
struct Ready<'a>(Finish<'a>);

impl Kernel for Ready<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Finish { epilogue, sums, step, targets, lane, lanes } = self.0;
        let Epilogue { context, conv, ref shortcut, scales, biases } = *epilogue;
        let bounds = activation::bounds(conv.activation);
        let (low, high) = bounds.unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
        let mut copy = [0.0; LANES];
        for (index, target) in targets.iter().enumerate() {
            if target.output == Target::NONE.output {
                continue;
            }
            for (at, _) in vectors(0..lanes, S::WIDTH) {
                // SAFETY: the promise of `Finish::run`'s caller.
                unsafe {
                    let channel = lane + at;
                    let mut v = simd.load(sums.add(index * step + at));
                    let bias = simd.load(biases.add(channel));
                    v = match scales {
                        Some(scales) => {
                            simd.mul_add(simd.int_to_float(v), simd.load(scales.add(channel)), bias)
                        }
                        None => simd.add(v, bias),
                    };
                    if let Some(shortcut) = shortcut {
                        let pixel = context.arena.cast_const().add(target.residual);
                        let added = if shortcut.aligned {
                            element::load(simd, shortcut.view(), pixel, channel, S::WIDTH)
                        } else {
                            simd.load(shortcut.read(target.residual, channel, S::WIDTH, &mut copy))
                        };
                        v = simd.add(v, added);
                    }
                    v = match bounds {
                        Some(_) => activation::clamp(simd, v, low, high),
                        None => activation::apply(simd, conv.activation, v),
                    };
                    let pixel = context.arena.add(target.output);
                    element::store(simd, &conv.output, pixel, channel, v, S::WIDTH);
                }
            }
        }
    }
}
