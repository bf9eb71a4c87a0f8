//! NEON, which every aarch64 has: 4 lanes, 32 registers.

use std::arch::aarch64::*;

use super::{Kernel, Simd};
use crate::kernels::tile::{Shaped, run_shape};

/// Needs no proof.
#[derive(Clone, Copy)]
pub(crate) struct Neon;

#[inline(never)]
fn call<K: Kernel>(kernel: K) {
    kernel.run(Neon);
}

impl Simd for Neon {
    const WIDTH: usize = 4;
    const TILES: &[usize] = &[6];
    const PANELS: usize = 1;
    type V = float32x4_t;

    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) {
        call(kernel);
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
}
