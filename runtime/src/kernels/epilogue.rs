//! From sums of products of several values a word to the output's elements.
//!
//! In: sums in memory, as a micro-kernel left them: integers of bytes, else floats. Out: with scale, bias,
//! shortcut and activation, rounded once, where the next step reads them.

use super::element::Bytes;
use super::residual::Shortcut;
use super::{Context, Place, activation, element};
use crate::isa::{Kernel, Simd};
use crate::plan::{Conv, Element, LANES, View};

/// What follows a convolution's sums.
pub(super) struct Epilogue<'a> {
    context: &'a Context<'a>,
    conv: &'a Conv,
    shortcut: Option<Shortcut<'a>>,
    /// One for each output channel, if the sums are integers.
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
        match self.0.epilogue.conv.output.element {
            Element::F32 => self.finish_to(simd, Floats),
            Element::Bf16 => self.finish_to(simd, Halves),
            Element::U8(scale) => self.finish_to(simd, Bytes::new(simd, scale)),
            Element::Split { .. } => self.finish_to(simd, Any(self.0.epilogue.conv.output)),
        }
    }
}

/// Values as they lie in a pixel: what is hoisted out of the loops differs from element to element.
trait Values<S: Simd> {
    /// # Safety
    ///
    /// As for [`element::load`].
    unsafe fn load(&self, simd: S, pixel: *const f32, lane: usize) -> S::V;
    /// # Safety
    ///
    /// As for [`element::store`].
    unsafe fn store(&self, simd: S, pixel: *mut f32, lane: usize, v: S::V);
}

struct Floats;

impl<S: Simd> Values<S> for Floats {
    #[inline(always)]
    unsafe fn load(&self, simd: S, pixel: *const f32, lane: usize) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { simd.load(pixel.add(lane)) }
    }

    #[inline(always)]
    unsafe fn store(&self, simd: S, pixel: *mut f32, lane: usize, v: S::V) {
        // SAFETY: the caller's promise.
        unsafe { simd.store(pixel.add(lane), v) }
    }
}

struct Halves;

impl<S: Simd> Values<S> for Halves {
    #[inline(always)]
    unsafe fn load(&self, simd: S, pixel: *const f32, lane: usize) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { simd.load_bf16(pixel.cast::<u16>().add(lane)) }
    }

    #[inline(always)]
    unsafe fn store(&self, simd: S, pixel: *mut f32, lane: usize, v: S::V) {
        // SAFETY: the caller's promise.
        unsafe { simd.store_bf16(pixel.cast::<u16>().add(lane), v) }
    }
}

impl<S: Simd> Values<S> for Bytes<S> {
    #[inline(always)]
    unsafe fn load(&self, simd: S, pixel: *const f32, lane: usize) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { self.load_at(simd, pixel.cast::<u8>().add(lane)) }
    }

    #[inline(always)]
    unsafe fn store(&self, simd: S, pixel: *mut f32, lane: usize, v: S::V) {
        // SAFETY: the caller's promise.
        unsafe { self.store_at(simd, pixel.cast::<u8>().add(lane), v) }
    }
}

/// Of whatever elements the view has.
struct Any(View);

impl<S: Simd> Values<S> for Any {
    #[inline(always)]
    unsafe fn load(&self, simd: S, pixel: *const f32, lane: usize) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { element::load(simd, &self.0, pixel, lane, S::WIDTH) }
    }

    #[inline(always)]
    unsafe fn store(&self, simd: S, pixel: *mut f32, lane: usize, v: S::V) {
        // SAFETY: the caller's promise.
        unsafe { element::store(simd, &self.0, pixel, lane, v, S::WIDTH) }
    }
}

/// What is added to the sums.
trait Added<S: Simd> {
    /// # Safety
    ///
    /// The residual's pixel at `offset` is added to the output's, which has these channels.
    unsafe fn add(&self, simd: S, v: S::V, offset: usize, channel: usize) -> S::V;
}

struct Nothing;

impl<S: Simd> Added<S> for Nothing {
    #[inline(always)]
    unsafe fn add(&self, _: S, v: S::V, _: usize, _: usize) -> S::V {
        v
    }
}

/// Values that lie as the output's do.
struct Aligned<F> {
    arena: *const f32,
    values: F,
}

impl<S: Simd, F: Values<S>> Added<S> for Aligned<F> {
    #[inline(always)]
    unsafe fn add(&self, simd: S, v: S::V, offset: usize, channel: usize) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { simd.add(v, self.values.load(simd, self.arena.add(offset), channel)) }
    }
}

impl<S: Simd> Added<S> for Shortcut<'_> {
    #[inline(always)]
    unsafe fn add(&self, simd: S, v: S::V, offset: usize, channel: usize) -> S::V {
        let mut copy = [0.0; LANES];
        // SAFETY: the caller's promise.
        unsafe { simd.add(v, simd.load(self.read(offset, channel, S::WIDTH, &mut copy))) }
    }
}

impl Ready<'_> {
    #[inline(always)]
    fn finish_to<S: Simd>(&self, simd: S, output: impl Values<S>) {
        let Epilogue { context, ref shortcut, .. } = *self.0.epilogue;
        let arena = context.arena.cast_const();
        match shortcut {
            None => self.finish(simd, output, Nothing),
            Some(shortcut) if !shortcut.aligned => self.finish(simd, output, *shortcut),
            Some(shortcut) => match shortcut.view().element {
                Element::U8(scale) => {
                    let values = Bytes::new(simd, scale);
                    self.finish(simd, output, Aligned { arena, values });
                }
                Element::F32 | Element::Bf16 | Element::Split { .. } => {
                    let values = Any(*shortcut.view());
                    self.finish(simd, output, Aligned { arena, values });
                }
            },
        }
    }

    #[inline(always)]
    fn finish<S: Simd>(&self, simd: S, output: impl Values<S>, added: impl Added<S>) {
        let Finish { sums, step, targets, lane, lanes, .. } = self.0;
        let Epilogue { context, conv, scales, biases, .. } = *self.0.epilogue;
        let bounds = activation::bounds(conv.activation);
        let (low, high) = bounds.unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
        let (low, high) = (simd.splat(low), simd.splat(high));
        for (index, target) in targets.iter().enumerate() {
            if target.output == Target::NONE.output {
                continue;
            }
            // SAFETY: the promise of `Finish::run`'s caller.
            unsafe {
                let pixel = context.arena.add(target.output);
                for at in (0..lanes).step_by(S::WIDTH) {
                    let channel = lane + at;
                    let mut v = simd.load(sums.add(index * step + at));
                    let bias = simd.load(biases.add(channel));
                    v = match scales {
                        Some(scales) => {
                            simd.mul_add(simd.int_to_float(v), simd.load(scales.add(channel)), bias)
                        }
                        None => simd.add(v, bias),
                    };
                    v = added.add(simd, v, target.residual, channel);
                    v = match bounds {
                        Some(_) => simd.min(high, simd.max(low, v)),
                        None => activation::apply(simd, conv.activation, v),
                    };
                    output.store(simd, pixel, channel, v);
                }
            }
        }
    }
}
