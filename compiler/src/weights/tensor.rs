//! A tensor where it lies in the file, and its values as float32.
//!
//! In: element type, shape, strides and place, checked against the storage by whoever found them.
//! Out: row-major `f32`, converted when asked for. float16 and bfloat16 convert exactly, float64
//! rounds to nearest; a value that is not finite afterwards is an error.

use half::{bf16, f16};

use super::error::ValueProblem;

/// How many dimensions a tensor can have.
pub(super) const MAX_RANK: usize = 8;

/// The type of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
    /// Integers and booleans of that many bytes: counters, never weights.
    Integer(usize),
    /// A type that is known by name but not read.
    Other(String),
}

/// A tensor within the bytes of a file.
#[derive(Debug, Clone)]
pub(super) struct Tensor {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// In elements; `None` is row-major without gaps.
    pub strides: Option<Vec<usize>>,
    /// The byte at which element 0 begins.
    pub start: usize,
}

/// The number of elements, if a `usize` can hold the product of all that are not zero.
pub(super) fn count_elements(shape: &[usize]) -> Option<usize> {
    let product =
        shape.iter().filter(|&&size| size != 0).try_fold(1_usize, |n, &size| n.checked_mul(size))?;
    Some(if shape.contains(&0) { 0 } else { product })
}

/// The strides of a row-major tensor, in elements.
pub(super) fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i].saturating_mul(shape[i].max(1));
    }
    strides
}

impl Tensor {
    /// Whether it could be a weight: anything that is not an integer.
    pub(super) fn is_float(&self) -> bool {
        !matches!(self.dtype, Dtype::Integer(_))
    }

    /// The values in row-major order; `file` is the whole file.
    pub(super) fn read(&self, file: &[u8]) -> Result<Vec<f32>, ValueProblem> {
        let values = match &self.dtype {
            Dtype::F16 => self.gather(file, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Dtype::Bf16 => self.gather(file, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Dtype::F32 => self.gather(file, f32::from_le_bytes),
            Dtype::F64 => self.gather(file, |bytes| f64::from_le_bytes(bytes) as f32),
            Dtype::Integer(size) => return Err(ValueProblem::Dtype(format!("integer ({size} bytes)"))),
            Dtype::Other(name) => return Err(ValueProblem::Dtype(name.clone())),
        };
        check_finite(values?)
    }

    fn gather<const N: usize>(
        &self,
        file: &[u8],
        decode: impl Fn([u8; N]) -> f32,
    ) -> Result<Vec<f32>, ValueProblem> {
        let count = count_elements(&self.shape).ok_or(ValueProblem::Outside)?;
        let mut values = Vec::new();
        let bytes = count.saturating_mul(size_of::<f32>());
        values.try_reserve_exact(count).map_err(|_| ValueProblem::Memory(bytes))?;
        self.gather_into(&mut values, count, file, decode).ok_or(ValueProblem::Outside)?;
        Ok(values)
    }

    fn gather_into<const N: usize>(
        &self,
        values: &mut Vec<f32>,
        count: usize,
        file: &[u8],
        decode: impl Fn([u8; N]) -> f32,
    ) -> Option<()> {
        let Some(strides) = &self.strides else {
            let bytes = file.get(self.start..)?.get(..count.checked_mul(N)?)?;
            values.extend(bytes.as_chunks::<N>().0.iter().map(|&bytes| decode(bytes)));
            return Some(());
        };
        let mut index = vec![0; self.shape.len()];
        for _ in 0..count {
            let element: usize = index.iter().zip(strides).map(|(i, stride)| i * stride).sum();
            let bytes = file.get(self.start + element * N..)?.first_chunk()?;
            values.push(decode(*bytes));
            advance(&mut index, &self.shape);
        }
        Some(())
    }
}

/// The next index in row-major order; wraps to zeros behind the last.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (i, &size) in index.iter_mut().zip(shape).rev() {
        *i += 1;
        if *i < size {
            return;
        }
        *i = 0;
    }
}

fn check_finite(values: Vec<f32>) -> Result<Vec<f32>, ValueProblem> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(index) => {
            let count = values.iter().filter(|value| !value.is_finite()).count();
            Err(ValueProblem::NotFinite { index, value: values[index], count })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dtype: Dtype, shape: &[usize], strides: Option<&[usize]>) -> Tensor {
        Tensor { dtype, shape: shape.to_vec(), strides: strides.map(<[usize]>::to_vec), start: 0 }
    }

    #[test]
    fn a_transposed_tensor_is_gathered_in_row_major_order() {
        let file: Vec<u8> = (0..6).flat_map(|i| (i as f32).to_le_bytes()).collect();
        let transposed = tensor(Dtype::F32, &[3, 2], Some(&[1, 3]));
        assert_eq!(transposed.read(&file), Ok(vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]));
        let expanded = tensor(Dtype::F32, &[2, 2], Some(&[0, 1]));
        assert_eq!(expanded.read(&file), Ok(vec![0.0, 1.0, 0.0, 1.0]));
    }

    #[test]
    fn float64_rounds_to_the_nearest_float32() {
        let file = (1.0 + f64::from(f32::EPSILON) * 0.75).to_le_bytes();
        assert_eq!(tensor(Dtype::F64, &[1], None).read(&file), Ok(vec![1.0 + f32::EPSILON]));
    }

    #[test]
    fn halves_convert_exactly() {
        let file = [f16::from_f32(0.5).to_le_bytes(), bf16::from_f32(-3.0).to_le_bytes()].concat();
        assert_eq!(tensor(Dtype::F16, &[1], None).read(&file), Ok(vec![0.5]));
        let second = Tensor { start: 2, ..tensor(Dtype::Bf16, &[1], None) };
        assert_eq!(second.read(&file), Ok(vec![-3.0]));
    }

    #[test]
    fn what_float32_cannot_hold_is_named() {
        let file = [1.0, 1e300_f64].map(f64::to_le_bytes).concat();
        let problem = ValueProblem::NotFinite { index: 1, value: f32::INFINITY, count: 1 };
        assert_eq!(tensor(Dtype::F64, &[2], None).read(&file), Err(problem));
    }

    #[test]
    fn the_element_count_of_an_overflowing_shape_is_unknown_even_with_a_zero() {
        assert_eq!(count_elements(&[2, 3]), Some(6));
        assert_eq!(count_elements(&[]), Some(1));
        assert_eq!(count_elements(&[7, 0]), Some(0));
        assert_eq!(count_elements(&[usize::MAX, 0, 2]), None);
    }
}
