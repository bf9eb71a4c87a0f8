//! AVX-512F: 16 lanes, 32 registers.

use std::arch::x86_64::*;

use super::{Kernel, Simd};
use crate::kernels::tile::{Shaped, run_shape};

/// Proof that the machine has the instructions.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// # Safety
    ///
    /// The machine has the instructions.
    pub(super) unsafe fn new() -> Self {
        Self(())
    }
}

#[target_feature(enable = "avx512f")]
#[inline(never)]
fn call<K: Kernel>(simd: Avx512, kernel: K) {
    kernel.run(simd);
}

impl Simd for Avx512 {
    const WIDTH: usize = 16;
    const TILES: &[usize] = &[12, 12, 8, 6];
    const PANELS: usize = 4;
    type V = __m512;

    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe { call(self, kernel) }
    }

    #[inline(always)]
    fn run_shape<B: Shaped>(self, body: B, shape: (usize, usize)) {
        run_shape! { self, body, shape;
            4: 1 2 3 4 5 6;
            3: 1 2 3 4 5 6 7 8;
            2: 1 2 3 4 5 6 7 8 9 10 11 12;
            1: 1 2 3 4 5 6 7 8 9 10 11 12;
        }
    }

    #[inline(always)]
    fn prefetch(self, at: *const f32) {
        // SAFETY: a prefetch of any address is allowed; SSE is part of the target's baseline.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn max_nan(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe { _mm512_mask_mov_ps(_mm512_max_ps(a, b), _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a), a) }
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn permute(self, v: __m512, lanes: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe { _mm512_permutexvar_ps(_mm512_castps_si512(lanes), v) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction, the caller that the values are there.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: __m512) {
        // SAFETY: `self` proves that the machine has the instruction, the caller that there is room.
        unsafe { _mm512_storeu_ps(to, v) }
    }
}
