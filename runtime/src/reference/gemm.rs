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
                let size = |rows: usize, columns: usize| rows.checked_mul(columns);
                let sizes = (size(m, k), size(k, n), size(m, n));
                assert_eq!((Some(a.len()), Some(b.len()), Some(c.len())), sizes);
                let (row_a, row_b) = (k as isize, n as isize);
                let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
                // SAFETY: the lengths are checked above, which also bounds the row sizes by `isize::MAX`
                // where there are any values; and `c` is borrowed mutably, so it overlaps neither of the
                // others.
                unsafe {
                    matrixmultiply::$function(m, k, n, 1.0, a, row_a, 1, b, row_b, 1, 0.0, c, row_b, 1);
                }
            }
        }
    };
}

gemm!(f32, sgemm);
gemm!(f64, dgemm);

#[cfg(test)]
mod tests {
    use super::Gemm;

    #[test]
    #[should_panic(expected = "assertion `left == right` failed")]
    fn sizes_whose_product_overflows_are_refused() {
        f32::gemm(1 << (usize::BITS - 1), 2, 0, &[], &[], &mut []);
    }
}
