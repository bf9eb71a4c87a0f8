//! AVX2 and FMA: 8 lanes, 16 registers.

use std::arch::x86_64::*;

use super::{Kernel, Simd};
use crate::kernels::tile::{Shaped, run_shape};

/// Proof that the machine has the instructions.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// # Safety
    ///
    /// The machine has the instructions.
    pub(super) unsafe fn new() -> Self {
        Self(())
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline(never)]
fn call<K: Kernel>(simd: Avx2, kernel: K) {
    kernel.run(simd);
}

impl Simd for Avx2 {
    const WIDTH: usize = 8;
    const TILES: &[usize] = &[6, 3];
    const PANELS: usize = 1;
    type V = __m256;

    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe { call(self, kernel) }
    }

    #[inline(always)]
    fn run_shape<B: Shaped>(self, body: B, shape: (usize, usize)) {
        run_shape! { self, body, shape;
            4: 1 2 3;
            2: 1 2 3 4 5 6;
        }
    }

    #[inline(always)]
    fn prefetch(self, at: *const f32) {
        // SAFETY: a prefetch of any address is allowed; SSE is part of the target's baseline.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn max_nan(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe { _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a)) }
    }

    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    fn permute(self, v: __m256, lanes: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe { _mm256_permutevar_ps(v, _mm256_castps_si256(lanes)) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction, the caller that the values are there.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: __m256) {
        // SAFETY: `self` proves that the machine has the instruction, the caller that there is room.
        unsafe { _mm256_storeu_ps(to, v) }
    }
}
