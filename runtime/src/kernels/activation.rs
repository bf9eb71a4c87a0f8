//! Activations on vectors.
//!
//! The piecewise linear ones are vector operations. Those with an exponential are written for one lane,
//! without branches and calls, which the compiler turns into vectors. Gelu calls `libm` for each lane.

use crate::isa::Simd;
use crate::plan::Activation;

/// The activation of each lane. A NaN stays one.
#[inline(always)]
pub(super) fn apply<S: Simd>(simd: S, activation: Activation, v: S::V) -> S::V {
    match activation {
        Activation::None => v,
        Activation::Relu => simd.max(simd.splat(0.0), v),
        Activation::Relu6 => clamp(simd, v, 0.0, 6.0),
        Activation::LeakyRelu(slope) => {
            let zero = simd.splat(0.0);
            let negative = simd.mul(simd.min(zero, v), simd.splat(slope));
            simd.add(simd.max(zero, v), negative)
        }
        Activation::HardSigmoid => hard_sigmoid(simd, v),
        Activation::HardSwish => simd.mul(v, hard_sigmoid(simd, v)),
        Activation::Silu => simd.map(v, |x| x * sigmoid(x)),
        Activation::Gelu => simd.map(v, gelu),
        Activation::Sigmoid => simd.map(v, sigmoid),
        Activation::Tanh => simd.map(v, tanh),
    }
}

/// The activation as a lower and an upper bound, if it is no more than these.
pub(super) fn bounds(activation: Activation) -> Option<(f32, f32)> {
    match activation {
        Activation::None => Some((f32::NEG_INFINITY, f32::INFINITY)),
        Activation::Relu => Some((0.0, f32::INFINITY)),
        Activation::Relu6 => Some((0.0, 6.0)),
        Activation::LeakyRelu(_)
        | Activation::Silu
        | Activation::Gelu
        | Activation::Sigmoid
        | Activation::HardSigmoid
        | Activation::HardSwish
        | Activation::Tanh => None,
    }
}

#[inline(always)]
pub(super) fn clamp<S: Simd>(simd: S, v: S::V, low: f32, high: f32) -> S::V {
    simd.min(simd.splat(high), simd.max(simd.splat(low), v))
}

#[inline(always)]
fn hard_sigmoid<S: Simd>(simd: S, v: S::V) -> S::V {
    let shifted = simd.add(v, simd.splat(3.0));
    simd.div(clamp(simd, shifted, 0.0, 6.0), simd.splat(6.0))
}

/// e to the x, for x within what an `f32` can hold; the nearest of these bounds otherwise. Without
/// branches, so that it becomes vector code. Cephes' polynomial: errors of 2 units in the last place.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding it leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = x.clamp(-87.3, 88.3);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let r = x - power * LN_2[0] - power * LN_2[1];
    let series = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5];
    let series = series.into_iter().fold(0.0, |sum, term| sum * r + term);
    let scale = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    (series * r * r + r + 1.0) * scale
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Near zero a polynomial, Cephes' too, where the quotient would lose digits.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let square = x * x;
    let series = [-5.704_988_7e-3, 2.063_909e-2, -5.373_971_5e-2, 0.133_314_42, -0.333_332_8];
    let series = series.into_iter().fold(0.0, |sum, term| sum * square + term);
    let near = series * square * x + x;
    let far = 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
    if x.abs() < 0.625 { near } else { far }
}

fn gelu(x: f32) -> f32 {
    // erfc keeps the digits that 1 + erf loses where x is far below zero.
    0.5 * x * libm::erfcf(-x * std::f32::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, Kernel, Level};
    use crate::reference;

    struct Each<'a>(Activation, &'a mut [f32]);

    impl Kernel for Each<'_> {
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            for chunk in self.1.chunks_mut(S::WIDTH) {
                let (at, count) = (chunk.as_mut_ptr(), chunk.len());
                // SAFETY: the chunk has `count` values, at most a vector of them.
                unsafe {
                    let v = apply(simd, self.0, simd.load_some(at, count));
                    simd.store_some(at, v, count);
                }
            }
        }
    }

    #[test]
    fn activations_are_the_references_from_end_to_end() {
        let inputs: Vec<f32> = (-4000..=4001).map(|i| i as f32 / 200.0).collect();
        for level in Level::available() {
            for activation in super::super::tests::ACTIVATIONS {
                let mut found = inputs.clone();
                Isa::new(level).unwrap().run(Each(activation, &mut found));
                for (x, found) in inputs.iter().zip(found) {
                    let expected = reference::activate(activation, f64::from(*x));
                    let error = (f64::from(found) - expected).abs();
                    let name = level.name();
                    // Far out, Gelu multiplies its argument's rounding error by the argument's square.
                    assert!(error <= 5e-5 * expected.abs() + 1e-30, "{name}: {activation:?}({x}) is {found}");
                }
            }
        }
    }

    #[test]
    fn a_nan_stays_one() {
        for level in Level::available() {
            for activation in super::super::tests::ACTIVATIONS {
                let mut values = [f32::NAN; 16];
                Isa::new(level).unwrap().run(Each(activation, &mut values));
                assert!(values.iter().all(|value| value.is_nan()), "{activation:?}");
            }
        }
    }
}
