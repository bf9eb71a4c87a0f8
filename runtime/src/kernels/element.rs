//! Channels of a pixel to floats and back, whatever the map's elements are.
//!
//! In: a pixel's first word, a view that says how its channels lie there, and the first of some channels.
//! Channels are taken a vector at a time; of elements with several values a word, all of a vector's are
//! there, as such maps are padded.

use std::ops::Range;

use crate::isa::Simd;
use crate::plan::{Element, SPLIT_MAX, Scale, View, bf16_bits};

/// Words from one plane of a pixel's parts to the next.
pub(super) fn plane(view: &View) -> usize {
    view.pixel / view.element.parts()
}

/// The `count` channels from `lane` on, zeros behind them.
///
/// # Safety
///
/// The pixel, of such a view, can be read, and has these channels; `count` is at most [`Simd::WIDTH`], and
/// that many unless the elements are floats.
#[inline(always)]
pub(super) unsafe fn load<S: Simd>(
    simd: S,
    view: &View,
    pixel: *const f32,
    lane: usize,
    count: usize,
) -> S::V {
    // SAFETY: the caller's promise.
    unsafe {
        match view.element {
            Element::F32 => simd.load_some(pixel.add(lane), count),
            Element::Bf16 => simd.load_bf16(pixel.cast::<u16>().add(lane)),
            Element::Split { parts } => {
                let mut sum = simd.load_bf16(pixel.cast::<u16>().add(lane));
                for part in 1..parts {
                    let at = pixel.add(part * plane(view)).cast::<u16>().add(lane);
                    sum = simd.add(sum, simd.load_bf16(at));
                }
                sum
            }
            Element::U8(scale) => Bytes::new(simd, scale).load_at(simd, pixel.cast::<u8>().add(lane)),
        }
    }
}

/// Stores the first `count` lanes as the channels from `lane` on.
///
/// # Safety
///
/// As for [`load`], but the pixel can be written.
#[inline(always)]
pub(super) unsafe fn store<S: Simd>(
    simd: S,
    view: &View,
    pixel: *mut f32,
    lane: usize,
    v: S::V,
    count: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match view.element {
            Element::F32 => simd.store_some(pixel.add(lane), v, count),
            Element::Bf16 => simd.store_bf16(pixel.cast::<u16>().add(lane), v),
            Element::Split { parts } => {
                // A NaN stays one.
                let mut left = simd.min(simd.splat(SPLIT_MAX), simd.max(simd.splat(-SPLIT_MAX), v));
                for part in 0..parts {
                    let at = pixel.add(part * plane(view)).cast::<u16>().add(lane);
                    simd.store_bf16(at, left);
                    left = simd.sub(left, simd.load_bf16(at));
                }
            }
            Element::U8(scale) => {
                Bytes::new(simd, scale).store_at(simd, pixel.cast::<u8>().add(lane), v);
            }
        }
    }
}

/// What 8 bits mean, in vectors; the first channel of each is the first of a word.
pub(super) struct Bytes<S: Simd> {
    step: S::V,
    inverse: S::V,
    zero: S::V,
    most: S::V,
}

impl<S: Simd> Bytes<S> {
    #[inline(always)]
    pub(super) fn new(simd: S, scale: Scale) -> Self {
        Self {
            step: simd.repeat(scale.steps()),
            inverse: simd.div(simd.splat(1.0), simd.repeat(scale.steps())),
            zero: simd.repeat(scale.zeros()),
            most: simd.splat(255.0),
        }
    }

    /// # Safety
    ///
    /// [`Simd::WIDTH`] bytes can be read from `from`.
    #[inline(always)]
    pub(super) unsafe fn load_at(&self, simd: S, from: *const u8) -> S::V {
        // SAFETY: the caller's promise.
        let quantised = unsafe { simd.load_u8(from) };
        simd.mul(simd.sub(quantised, self.zero), self.step)
    }

    /// What is no number becomes the least.
    ///
    /// # Safety
    ///
    /// [`Simd::WIDTH`] bytes can be written to `to`.
    #[inline(always)]
    pub(super) unsafe fn store_at(&self, simd: S, to: *mut u8, v: S::V) {
        let v = simd.mul_add(v, self.inverse, self.zero);
        let v = simd.min(simd.max(v, simd.splat(0.0)), self.most);
        // SAFETY: the caller's promise.
        unsafe { simd.store_u8(to, v) }
    }
}

/// One channel of a pixel.
///
/// # Safety
///
/// The pixel, of such a view, can be read, and has the channel.
pub(super) unsafe fn read(view: &View, pixel: *const f32, channel: usize) -> f32 {
    let half = |bits: u16| f32::from_bits(u32::from(bits) << 16);
    // SAFETY: the caller's promise.
    unsafe {
        match view.element {
            Element::F32 => *pixel.add(channel),
            Element::Bf16 => half(*pixel.cast::<u16>().add(channel)),
            Element::Split { parts } => (0..parts)
                .map(|part| half(*pixel.add(part * plane(view)).cast::<u16>().add(channel)))
                .fold(0.0, |sum, part| sum + part),
            Element::U8(scale) => scale.value(channel, *pixel.cast::<u8>().add(channel)),
        }
    }
}

/// Sets one channel of a pixel.
///
/// # Safety
///
/// As for [`read`], but the pixel can be written.
pub(super) unsafe fn write(view: &View, pixel: *mut f32, channel: usize, value: f32) {
    // SAFETY: the caller's promise.
    unsafe {
        match view.element {
            Element::F32 => *pixel.add(channel) = value,
            Element::Bf16 => *pixel.cast::<u16>().add(channel) = bf16_bits(value),
            Element::Split { parts } => {
                let mut left = value.clamp(-SPLIT_MAX, SPLIT_MAX);
                for part in 0..parts {
                    let bits = bf16_bits(left);
                    *pixel.add(part * plane(view)).cast::<u16>().add(channel) = bits;
                    left -= f32::from_bits(u32::from(bits) << 16);
                }
            }
            Element::U8(scale) => *pixel.cast::<u8>().add(channel) = scale.quantise(channel, value),
        }
    }
}

/// Where the words of some channels lie in a pixel, for each plane of it. The channels are whole panels, or
/// all that there are.
pub(super) fn words(view: &View, lanes: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let plane = plane(view);
    // Channels of a word; a pixel has a word at least.
    let in_word = view.lanes() / plane;
    let words = lanes.start / in_word..lanes.end / in_word;
    (0..view.element.parts()).map(move |part| part * plane + words.start..part * plane + words.end)
}
