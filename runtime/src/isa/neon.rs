//! NEON, which every aarch64 has: 4 lanes, 32 registers; with sums of products of bytes, or without.
//!
//! Rust has no stable names for the instructions of such sums, so they are written in assembly.

use std::arch::aarch64::*;
use std::arch::asm;

use super::{Kernel, Simd};
use crate::kernels::tile::{Shaped, run_shape};

/// No sums of products of bytes.
pub(super) const FLOATS: u8 = 0;
/// Those of signed bytes.
pub(super) const DOTPROD: u8 = 1;
/// Those of unsigned bytes with signed ones.
pub(super) const I8MM: u8 = 2;

/// Proof that the machine has the instructions of `DOTS`; those of [`FLOATS`] need none.
#[derive(Clone, Copy)]
pub(crate) struct Neon<const DOTS: u8>(());

impl Neon<FLOATS> {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl<const DOTS: u8> Neon<DOTS> {
    /// # Safety
    ///
    /// The machine has the instructions.
    pub(super) unsafe fn with_dots() -> Self {
        Self(())
    }
}

#[inline(never)]
fn call<K: Kernel>(kernel: K) {
    kernel.run(Neon::<FLOATS>(()));
}

#[target_feature(enable = "dotprod")]
#[inline(never)]
fn call_dotprod<K: Kernel>(simd: Neon<DOTPROD>, kernel: K) {
    kernel.run(simd);
}

#[target_feature(enable = "i8mm")]
#[inline(never)]
fn call_i8mm<K: Kernel>(simd: Neon<I8MM>, kernel: K) {
    kernel.run(simd);
}

impl<const DOTS: u8> Simd for Neon<DOTS> {
    const WIDTH: usize = 4;
    const TILES: &[usize] = &[6];
    const PANELS: usize = 1;
    type V = float32x4_t;

    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe {
            match DOTS {
                FLOATS => call(kernel),
                DOTPROD => call_dotprod(Neon(()), kernel),
                _ => call_i8mm(Neon(()), kernel),
            }
        }
    }

    #[inline(always)]
    fn run_shape<B: Shaped>(self, body: B, shape: (usize, usize)) {
        run_shape! { self, body, shape;
            4: 1 2 3 4 5 6;
        }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe { vdupq_n_f32(x) }
    }

    #[inline(always)]
    fn repeat(self, four: [f32; 4]) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline; there are four values.
        unsafe { vld1q_f32(four.as_ptr()) }
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe { vdivq_f32(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe { vmaxq_f32(a, b) }
    }

    #[inline(always)]
    fn max_nan(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe { vmaxq_f32(a, b) }
    }

    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe { vminq_f32(a, b) }
    }

    #[inline(always)]
    fn permute(self, v: float32x4_t, lanes: float32x4_t) -> float32x4_t {
        let (mut from, mut numbers) = ([0.0; 4], [0.0; 4]);
        // SAFETY: the arrays have four values, and NEON is part of the target's baseline.
        unsafe {
            vst1q_f32(from.as_mut_ptr(), v);
            vst1q_f32(numbers.as_mut_ptr(), lanes);
            vld1q_f32(numbers.map(|lane: f32| from[lane.to_bits() as usize % 4]).as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline; the caller promises four values.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: float32x4_t) {
        // SAFETY: NEON is part of the target's baseline; the caller promises room for four values.
        unsafe { vst1q_f32(to, v) }
    }

    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline; the caller promises four values.
        unsafe { vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(from))) }
    }

    #[inline(always)]
    unsafe fn load_u8(self, from: *const u8) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline; the caller promises four values.
        unsafe {
            let bytes = vcreate_u8(u64::from(from.cast::<u32>().read_unaligned()));
            vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))
        }
    }

    #[inline(always)]
    unsafe fn store_u8(self, to: *mut u8, v: float32x4_t) {
        // SAFETY: NEON is part of the target's baseline; the caller promises room for four values.
        unsafe {
            let halves = vmovn_u32(vcvtnq_u32_f32(v));
            let bytes = vmovn_u16(vcombine_u16(halves, halves));
            to.cast::<u32>().write_unaligned(vget_lane_u32::<0>(vreinterpret_u32_u8(bytes)));
        }
    }

    #[inline(always)]
    fn int_to_float(self, v: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe { vcvtq_f32_s32(vreinterpretq_s32_f32(v)) }
    }

    #[inline(always)]
    fn dot_bf16(self, x: float32x4_t, w: float32x4_t, sum: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe {
            let low = |v| vreinterpretq_f32_u32(vshlq_n_u32::<16>(vreinterpretq_u32_f32(v)));
            let upper = vdupq_n_u32(0xffff_0000);
            let high = |v| vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), upper));
            vfmaq_f32(vfmaq_f32(sum, low(x), low(w)), high(x), high(w))
        }
    }

    // Where both must be signed, the bytes of `x` are taken less 128.
    #[inline(always)]
    fn begin_u8(self, weight_sums: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        unsafe {
            if DOTS == I8MM {
                return vdupq_n_f32(0.0);
            }
            vreinterpretq_f32_s32(vshlq_n_s32::<7>(vreinterpretq_s32_f32(weight_sums)))
        }
    }

    #[inline(always)]
    fn dot_u8(self, x: float32x4_t, w: float32x4_t, sum: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of the target's baseline.
        let x_signed = || unsafe { veorq_u8(vreinterpretq_u8_f32(x), vdupq_n_u8(128)) };
        // SAFETY: `self` proves that the machine has the instructions of `DOTS`.
        unsafe {
            match DOTS {
                FLOATS => {
                    let (x, w) = (vreinterpretq_s8_u8(x_signed()), vreinterpretq_s8_f32(w));
                    let low = vpaddlq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(w)));
                    let high = vpaddlq_s16(vmull_s8(vget_high_s8(x), vget_high_s8(w)));
                    vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(sum), vpaddq_s32(low, high)))
                }
                DOTPROD => {
                    let mut sum = sum;
                    asm!(
                        "sdot {sum:v}.4s, {x:v}.16b, {w:v}.16b",
                        sum = inout(vreg) sum,
                        x = in(vreg) x_signed(),
                        w = in(vreg) w,
                        options(pure, nomem, nostack, preserves_flags)
                    );
                    sum
                }
                _ => {
                    let mut sum = sum;
                    asm!(
                        "usdot {sum:v}.4s, {x:v}.16b, {w:v}.16b",
                        sum = inout(vreg) sum,
                        x = in(vreg) x,
                        w = in(vreg) w,
                        options(pure, nomem, nostack, preserves_flags)
                    );
                    sum
                }
            }
        }
    }
}
