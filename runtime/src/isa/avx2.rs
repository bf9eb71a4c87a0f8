//! AVX2 and FMA: 8 lanes, 16 registers; with AVX-VNNI's sums of products of bytes, or without.

use std::arch::x86_64::*;

use super::{Kernel, Simd};
use crate::kernels::tile::{Shaped, run_shape};

/// Proof that the machine has the instructions; those of AVX-VNNI too if `VNNI`.
#[derive(Clone, Copy)]
pub(crate) struct Avx2<const VNNI: bool>(());

impl<const VNNI: bool> Avx2<VNNI> {
    /// # Safety
    ///
    /// The machine has the instructions.
    pub(super) unsafe fn new() -> Self {
        Self(())
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline(never)]
fn call<K: Kernel>(simd: Avx2<false>, kernel: K) {
    kernel.run(simd);
}

#[target_feature(enable = "avx2,fma,avxvnni")]
#[inline(never)]
fn call_vnni<K: Kernel>(simd: Avx2<true>, kernel: K) {
    kernel.run(simd);
}

impl<const VNNI: bool> Simd for Avx2<VNNI> {
    const WIDTH: usize = 8;
    const TILES: &[usize] = &[6, 3];
    const DOT_TILES: &[usize] = if VNNI { Self::TILES } else { &[5, 2] };
    const PANELS: usize = 1;
    type V = __m256;

    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe { if VNNI { call_vnni(Avx2(()), kernel) } else { call(Avx2(()), kernel) } }
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
    fn repeat(self, four: [f32; 4]) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction; there are four values.
        unsafe { _mm256_broadcast_ps(&_mm_loadu_ps(four.as_ptr())) }
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

    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> __m256 {
        // SAFETY: `self` proves that the machine has the instructions, the caller that the values are there.
        unsafe {
            let halves = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(halves))
        }
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut u16, v: __m256) {
        // SAFETY: `self` proves that the machine has the instructions, the caller that there is room.
        unsafe {
            let bits = _mm256_castps_si256(v);
            let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
            let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
            let quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x40_0000));
            let nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(v, v));
            let halves = _mm256_srli_epi32::<16>(_mm256_blendv_epi8(rounded, quiet, nan));
            let packed = _mm256_packus_epi32(halves, halves);
            let packed = _mm256_permute4x64_epi64::<0b1000>(packed);
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(packed));
        }
    }

    #[inline(always)]
    unsafe fn load_u8(self, from: *const u8) -> __m256 {
        // SAFETY: `self` proves that the machine has the instructions, the caller that the values are there.
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn store_u8(self, to: *mut u8, v: __m256) {
        // SAFETY: `self` proves that the machine has the instructions, the caller that there is room.
        unsafe {
            let integers = _mm256_cvtps_epi32(v);
            let (low, high) = (_mm256_castsi256_si128(integers), _mm256_extracti128_si256::<1>(integers));
            let words = _mm_packs_epi32(low, high);
            _mm_storel_epi64(to.cast(), _mm_packus_epi16(words, words));
        }
    }

    #[inline(always)]
    fn int_to_float(self, v: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm256_cvtepi32_ps(_mm256_castps_si256(v)) }
    }

    #[inline(always)]
    fn dot_bf16(self, x: __m256, w: __m256, sum: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe {
            let low = |v| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_castps_si256(v)));
            let upper = _mm256_castsi256_ps(_mm256_set1_epi32(0xffff_0000_u32.cast_signed()));
            let high = |v| _mm256_and_ps(v, upper);
            _mm256_fmadd_ps(high(x), high(w), _mm256_fmadd_ps(low(x), low(w), sum))
        }
    }

    #[inline(always)]
    fn dot_u8(self, x: __m256, w: __m256, sum: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe {
            let (x, w) = (_mm256_castps_si256(x), _mm256_castps_si256(w));
            let sum = _mm256_castps_si256(sum);
            _mm256_castsi256_ps(if VNNI {
                _mm256_dpbusd_avx_epi32(sum, x, w)
            } else {
                let pairs = _mm256_maddubs_epi16(x, w);
                _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
            })
        }
    }
}
