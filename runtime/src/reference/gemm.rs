//! The oracle's matrix product: `matrixmultiply` behind a safe signature.

/// A float whose matrices can be multiplied.
pub trait Gemm: Sized {
    /// `c = a b`, with `a` of m x k, `b` of k x n and `c` of m x n values, all row-major.
    ///
    /// # Panics
    ///
    /// If a slice has another length.
    fn gemm(m: usize, k: usize, n: usize, a: &[Self], b: &[Self], c: &mut [Self]);
}

macro_rules! gemm {
    ($type:ty, $function:ident) => {
        impl Gemm for $type {
            fn gemm(m: usize, k: usize, n: usize, a: &[Self], b: &[Self], c: &mut [Self]) {
                assert_eq!((a.len(), b.len(), c.len()), (m * k, k * n, m * n));
                let (row_a, row_b) = (k as isize, n as isize);
                let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
                // SAFETY: the lengths are checked above, and `c` is borrowed mutably, so it
                // overlaps neither of the others.
                unsafe {
                    matrixmultiply::$function(m, k, n, 1.0, a, row_a, 1, b, row_b, 1, 0.0, c, row_b, 1);
                }
            }
        }
    };
}

gemm!(f32, sgemm);
gemm!(f64, dgemm);
