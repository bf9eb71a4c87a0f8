//! AVX-512, F and BW: 16 lanes, 32 registers; with sums of products of bytes and of bf16, or without.

use std::arch::x86_64::*;

use super::{Kernel, Simd};
use crate::kernels::tile::{Shaped, run_shape};

/// Operations on floats alone.
pub(super) const FLOATS: u8 = 0;
/// VNNI's too.
pub(super) const VNNI: u8 = 1;
/// VNNI's, and those on bf16.
pub(super) const BF16: u8 = 2;

/// Proof that the machine has the instructions: with `DOTS` [`VNNI`] or [`BF16`], also those.
#[derive(Clone, Copy)]
pub(crate) struct Avx512<const DOTS: u8>(());

impl<const DOTS: u8> Avx512<DOTS> {
    /// # Safety
    ///
    /// The machine has the instructions.
    pub(super) unsafe fn new() -> Self {
        Self(())
    }
}

macro_rules! call {
    ($name:ident, $dots:expr, $features:literal) => {
        #[target_feature(enable = $features)]
        #[inline(never)]
        fn $name<K: Kernel>(kernel: K) {
            kernel.run(Avx512::<{ $dots }>(()));
        }
    };
}

call!(call, FLOATS, "avx512f,avx512bw");
call!(call_vnni, VNNI, "avx512f,avx512bw,avx512vnni");
call!(call_bf16, BF16, "avx512f,avx512bw,avx512vnni,avx512bf16");

impl<const DOTS: u8> Simd for Avx512<DOTS> {
    const WIDTH: usize = 16;
    const TILES: &[usize] = &[12, 12, 8, 6];
    const PANELS: usize = 4;
    type V = __m512;

    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe {
            match DOTS {
                FLOATS => call(kernel),
                VNNI => call_vnni(kernel),
                _ => call_bf16(kernel),
            }
        }
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
    fn repeat(self, four: [f32; 4]) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction; there are four values.
        unsafe { _mm512_broadcast_f32x4(_mm_loadu_ps(four.as_ptr())) }
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

    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> __m512 {
        // SAFETY: `self` proves that the machine has the instructions, the caller that the values are there.
        unsafe {
            let halves = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(halves))
        }
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut u16, v: __m512) {
        // SAFETY: `self` proves that the machine has the instructions, the caller that there is room.
        unsafe {
            let bits = _mm512_castps_si512(v);
            let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
            let rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v);
            let rounded = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x40_0000));
            let halves = _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(rounded));
            _mm256_storeu_si256(to.cast(), halves);
        }
    }

    #[inline(always)]
    unsafe fn load_u8(self, from: *const u8) -> __m512 {
        // SAFETY: `self` proves that the machine has the instructions, the caller that the values are there.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn store_u8(self, to: *mut u8, v: __m512) {
        // SAFETY: `self` proves that the machine has the instructions, the caller that there is room.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(v))) }
    }

    #[inline(always)]
    fn int_to_float(self, v: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instruction.
        unsafe { _mm512_cvtepi32_ps(_mm512_castps_si512(v)) }
    }

    #[inline(always)]
    fn dot_bf16(self, x: __m512, w: __m512, sum: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe {
            let (x, w) = (_mm512_castps_si512(x), _mm512_castps_si512(w));
            if DOTS == BF16 {
                let halves = |v| std::mem::transmute::<__m512i, __m512bh>(v);
                return _mm512_dpbf16_ps(sum, halves(x), halves(w));
            }
            let low = |v| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(v));
            let upper = _mm512_set1_epi32(0xffff_0000_u32.cast_signed());
            let high = |v| _mm512_castsi512_ps(_mm512_and_si512(v, upper));
            _mm512_fmadd_ps(high(x), high(w), _mm512_fmadd_ps(low(x), low(w), sum))
        }
    }

    #[inline(always)]
    fn dot_u8(self, x: __m512, w: __m512, sum: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe {
            let (x, w) = (_mm512_castps_si512(x), _mm512_castps_si512(w));
            let sum = _mm512_castps_si512(sum);
            _mm512_castsi512_ps(if DOTS >= VNNI {
                _mm512_dpbusd_epi32(sum, x, w)
            } else {
                let pairs = _mm512_maddubs_epi16(x, w);
                _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))
            })
        }
    }
}
