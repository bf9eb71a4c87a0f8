//! Winograd's minimal filtering: a tile of m x m outputs of a 3 x 3 convolution from a tile of
//! (m + 2) x (m + 2) inputs, with one product a point instead of nine an output.
//!
//! y = A' [(G g G') * (B' d B)] A, with the matrices of Toom and Cook for the points 0, ±a (, ±b) and
//! infinity (Lavin and Gray 2015). For m = 4 the points are a = 1/√2 and b = √2, whose products are
//! 1: they round better than the usual 1 and 2 (Barabasz et al. 2020).

use super::{Algorithm, Conv, LANES};

/// Taps of the kernel along one axis.
const TAPS: usize = 3;

/// The size of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// F(2x2, 3x3): 16 products for 4 outputs, of 36.
    F2x2,
    /// F(4x4, 3x3): 36 products for 16 outputs, of 144.
    F4x4,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 2] = [Self::F2x2, Self::F4x4];

    /// Outputs along one axis of a tile.
    pub const fn outputs(self) -> usize {
        match self {
            Self::F2x2 => 2,
            Self::F4x4 => 4,
        }
    }

    /// Inputs, and points, along one axis of a tile.
    pub const fn inputs(self) -> usize {
        self.outputs() + TAPS - 1
    }

    /// Points of a tile: products for each pair of channels.
    pub const fn points(self) -> usize {
        self.inputs() * self.inputs()
    }

    /// The finite points, other than zero, that come as ±: their squares.
    const fn squares(self) -> &'static [f64] {
        match self {
            Self::F2x2 => &[1.0],
            Self::F4x4 => &[0.5, 2.0],
        }
    }

    /// The finite points in their order: 0, then each pair.
    fn finite(self) -> Vec<f64> {
        let pairs = self.squares().iter().flat_map(|square| [square.sqrt(), -square.sqrt()]);
        std::iter::once(0.0).chain(pairs).collect()
    }

    /// B': a row a point, a column an input.
    pub fn input_matrix(self) -> Vec<Vec<f64>> {
        let finite = self.finite();
        let product = |leave_out: Option<usize>| {
            let mut polynomial = vec![1.0];
            for (index, point) in finite.iter().enumerate() {
                if Some(index) != leave_out {
                    let mut times = vec![0.0; polynomial.len() + 1];
                    for (power, coefficient) in polynomial.iter().enumerate() {
                        times[power + 1] += coefficient;
                        times[power] -= point * coefficient;
                    }
                    polynomial = times;
                }
            }
            polynomial.resize(self.inputs(), 0.0);
            polynomial
        };
        (0..finite.len()).map(Some).chain([None]).map(product).collect()
    }

    /// G: a row a point, a column a tap.
    pub fn weight_matrix(self) -> Vec<Vec<f64>> {
        let finite = self.finite();
        let row = |(index, point): (usize, &f64)| {
            let others = finite.iter().enumerate().filter(|(other, _)| *other != index);
            let norm: f64 = others.map(|(_, other)| point - other).product();
            (0..TAPS).map(|power| point.powi(power as i32) / norm).collect()
        };
        let mut rows: Vec<Vec<f64>> = finite.iter().enumerate().map(row).collect();
        rows.push((0..TAPS).map(|tap| f64::from(u8::from(tap + 1 == TAPS))).collect());
        rows
    }

    /// A': a row an output, a column a point.
    pub fn output_matrix(self) -> Vec<Vec<f64>> {
        let finite = self.finite();
        let row = |output: usize| {
            let last = f64::from(u8::from(output + 1 == self.outputs()));
            finite.iter().map(|point| point.powi(output as i32)).chain([last]).collect()
        };
        (0..self.outputs()).map(row).collect()
    }

    /// What takes a kernel to its weights.
    pub fn filter(self) -> Filter {
        let (matrix, size) = (self.weight_matrix(), self.inputs());
        let term =
            |point: usize, tap: usize| matrix[point / size][tap / TAPS] * matrix[point % size][tap % TAPS];
        Filter((0..self.points()).map(|point| std::array::from_fn(|tap| term(point, tap))).collect())
    }
}

/// The map from a kernel to its weights at each point.
#[derive(Clone, Debug)]
pub struct Filter(Vec<[f64; TAPS * TAPS]>);

impl Filter {
    /// G g G', computed in f64 and rounded once: one value a point, for a kernel `[ky][kx]`.
    pub fn weights<'a>(&'a self, kernel: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let product = |(a, b): (&f64, &f32)| a * f64::from(*b);
        self.0.iter().map(move |terms| terms.iter().zip(kernel).map(product).sum::<f64>() as f32)
    }
}

/// Output channels that are multiplied before they are transformed back, at most.
pub const CHUNK: usize = 4 * LANES;

/// Where the packed weight of a channel's product with input channel `k` at a point lies, for a
/// convolution from `pixel` to `channels` channels, both padded to [`LANES`] or not.
pub const fn packed_at(
    form: Form,
    [pixel, channels]: [usize; 2],
    channel: usize,
    point: usize,
    k: usize,
) -> usize {
    let chunk = channel / CHUNK * CHUNK;
    let rest = channels.next_multiple_of(LANES) - chunk;
    let width = if rest < CHUNK { rest } else { CHUNK };
    let panel = (channel - chunk) / LANES * LANES;
    (chunk * form.points() + point * width + panel) * pixel + k * LANES + channel % LANES
}

/// Elements between the matrices of two points, for a block's rows of `row` elements: one line more
/// than they take, so that the points of one element do not all fall into one set of a cache.
pub(crate) const fn plane(block: usize, row: usize) -> usize {
    (block * row).next_multiple_of(LANES) + LANES
}

impl Conv {
    /// Whether Winograd's algorithm can compute it: a 3 x 3 kernel of stride 1 in one group.
    pub fn suits_winograd(&self) -> bool {
        (self.kernel, self.stride, self.dilation, self.groups) == ([3, 3], [1, 1], [1, 1], 1)
    }

    /// Elements that each thread needs besides the arena.
    pub fn scratch(&self) -> usize {
        match self.algorithm {
            Algorithm::Direct => 0,
            Algorithm::Winograd { form, block } => {
                let row = self.input.pixel.saturating_add(CHUNK);
                form.points().saturating_mul(block.saturating_mul(row).saturating_add(4 * LANES))
            }
        }
    }

    /// Words of the packed weights, biases included.
    pub fn packed_weights(&self) -> Option<usize> {
        let taps = match self.algorithm {
            Algorithm::Direct => self.kernel[0].checked_mul(self.kernel[1])?,
            Algorithm::Winograd { form, .. } => form.points(),
        };
        let words = taps.checked_mul(self.group_input)?.checked_add(self.constants())?;
        words.checked_mul(self.output.lanes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_one_axis_exactly() {
        for form in Form::ALL {
            let (taps, inputs) = ([0.5, -2.0, 3.0], [1.0, -1.0, 4.0, 2.0, 0.25, -3.0]);
            let transform = |matrix: Vec<Vec<f64>>, values: &[f64]| -> Vec<f64> {
                matrix.iter().map(|row| row.iter().zip(values).map(|(a, b)| a * b).sum()).collect()
            };
            let weights = transform(form.weight_matrix(), &taps);
            let points = transform(form.input_matrix(), &inputs);
            let products: Vec<f64> = weights.iter().zip(points).map(|(a, b)| a * b).collect();
            for (at, found) in transform(form.output_matrix(), &products).into_iter().enumerate() {
                let expected: f64 = (0..3).map(|tap| taps[tap] * inputs[at + tap]).sum();
                assert!((found - expected).abs() < 1e-12, "{form:?}: {found}, not {expected}");
            }
        }
    }

    #[test]
    fn the_last_tap_alone_is_at_infinity() {
        let mut kernel = [0.0; 9];
        kernel[8] = 2.0;
        let weights: Vec<f32> = Form::F2x2.filter().weights(&kernel).collect();
        assert_eq!((weights[0], weights[15]), (0.0, 2.0));
    }
}
