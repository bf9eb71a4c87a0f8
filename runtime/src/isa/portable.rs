//! Plain Rust: arrays of four, which the compiler turns into what the target's baseline has.

use super::{Kernel, Simd};
use crate::kernels::tile::{Shaped, run_shape};

/// Needs no proof.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[inline(never)]
fn call<K: Kernel>(kernel: K) {
    kernel.run(Portable);
}

#[inline(always)]
fn zip(a: [f32; 4], b: [f32; 4], function: impl Fn(f32, f32) -> f32) -> [f32; 4] {
    std::array::from_fn(|lane| function(a[lane], b[lane]))
}

impl Simd for Portable {
    const WIDTH: usize = 4;
    const TILES: &[usize] = &[2];
    const PANELS: usize = 1;
    type V = [f32; 4];

    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) {
        call(kernel);
    }

    #[inline(always)]
    fn run_shape<B: Shaped>(self, body: B, shape: (usize, usize)) {
        run_shape! { self, body, shape;
            4: 1 2;
        }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }

    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |a, b| a / b)
    }

    // Rounds twice: without the instruction, a fused one is a library call.
    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn max(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn max_nan(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |a, b| if a > b || a.is_nan() { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn permute(self, v: [f32; 4], lanes: [f32; 4]) -> [f32; 4] {
        lanes.map(|lane| v[lane.to_bits() as usize % 4])
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; 4] {
        // SAFETY: the caller promises four values.
        unsafe { from.cast::<[f32; 4]>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: [f32; 4]) {
        // SAFETY: the caller promises room for four values.
        unsafe { to.cast::<[f32; 4]>().write(v) }
    }
}
