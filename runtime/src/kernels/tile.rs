//! The micro-kernel of convolutions: some output pixels by some vectors of output channels.
//!
//! In: the input where it lies, bordered NHWC; weights packed `[ky][kx][c][LANES]`, a panel for each
//! [`LANES`] output channels. Out: the tile, with bias, residual and bounds applied, where the next
//! step reads it. All sums of a tile stay in registers.
//!
//! Nest: rows of taps, taps of a row, values of a tap; for each value, one vector of weights for every
//! vector of the tile, and one broadcast input for every pixel. Each sum begins with the bias and
//! takes its products in this order, whatever the tile's shape, so shapes can be mixed freely.

use crate::isa::{Kernel, Simd};
use crate::plan::LANES;

/// The most pixels of a tile.
pub(crate) const MOST_PIXELS: usize = 16;

/// What of the input one output pixel reads: `rows` times `columns` runs of `run` values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taps {
    pub rows: usize,
    pub row_step: usize,
    pub columns: usize,
    pub column_step: usize,
    pub run: usize,
}

/// One tile to compute.
pub(crate) struct Tile<'a> {
    /// Added to each of `pixels`.
    pub input: *const f32,
    /// Where the first tap of each pixel lies.
    pub pixels: &'a [usize],
    pub taps: Taps,
    /// The first panel.
    pub weights: *const f32,
    /// Distance from one panel to the next.
    pub panel_step: usize,
    /// The first panel's biases; the other panels' follow.
    pub bias: *const f32,
    /// What is added to each pixel's channels.
    pub residual: Option<[*const f32; MOST_PIXELS]>,
    /// The sums' lower and upper bound.
    pub bounds: (f32, f32),
    /// Added to each of `targets`.
    pub output: *mut f32,
    /// Where each pixel goes.
    pub targets: &'a [usize],
    /// What is brought near meanwhile.
    pub ahead: Ahead,
}

/// The weights that come next, brought into a near cache a little at each product: the tiles that
/// share some weights bring in as many between them.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    at: *const f32,
    /// Bytes for each product.
    step: usize,
}

impl Ahead {
    /// The share of pass `index` of `passes`, each of `depth` products, in `panels` panels of weights
    /// from `next` on, which may lie anywhere.
    pub(crate) fn new(
        next: *const f32,
        depth: usize,
        panels: usize,
        (index, passes): (usize, usize),
    ) -> Self {
        let step = panels * LANES * size_of::<f32>() / passes;
        Self { at: next.wrapping_byte_add(index * depth * step), step }
    }
}

/// Products of rows with panels of weights: `output[row][lane] = sum over k of input[row][k] * weights[k][lane]`.
#[derive(Clone, Copy)]
pub(crate) struct Product {
    /// The first row.
    pub input: *const f32,
    /// From one row to the next.
    pub row: usize,
    /// Values of a row.
    pub depth: usize,
    /// The first panel, `[k][LANES]`; the next one follows.
    pub weights: *const f32,
    /// Where the first row's sums go.
    pub output: *mut f32,
    /// From one row's sums to the next.
    pub target: usize,
    /// How often there are as many rows as the shape has.
    pub times: usize,
    /// What is brought near meanwhile, all times together.
    pub ahead: Ahead,
}

/// What runs with all sums of `P` pixels by `V` vectors in registers.
pub(crate) trait Shaped {
    /// Computes it. To be marked `#[inline(always)]`.
    fn run<S: Simd, const P: usize, const V: usize>(self, simd: S);
}

/// One shape of something.
pub(crate) struct Instance<B, const P: usize, const V: usize>(pub B);

impl<B: Shaped, const P: usize, const V: usize> Kernel for Instance<B, P, V> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.0.run::<S, P, V>(simd);
    }
}

/// Runs the instance of that many vectors and pixels.
macro_rules! run_shape {
    ($simd:expr, $body:expr, $shape:expr; $($vectors:literal: $($pixels:literal)+;)+) => {
        match $shape {
            $($(
                ($vectors, $pixels) => {
                    $simd.call($crate::kernels::tile::Instance::<_, $pixels, $vectors>($body));
                }
            )+)+
            (vectors, pixels) => unreachable!("no tile of {vectors} vectors by {pixels} pixels"),
        }
    };
}
pub(crate) use run_shape;

/// Adds the products of `depth` values of each pixel with the weights, `[k][LANES]` a panel.
///
/// # Safety
///
/// All of these places can be read; `V` vectors are whole panels, `panel_step` apart.
#[inline(always)]
unsafe fn accumulate<S: Simd, const P: usize, const V: usize>(
    simd: S,
    sums: &mut [[S::V; V]; P],
    inputs: &[*const f32; P],
    weights: *const f32,
    panel_step: usize,
    depth: usize,
    ahead: &mut Ahead,
) {
    for k in 0..depth {
        simd.prefetch(ahead.at);
        ahead.at = ahead.at.wrapping_byte_add(ahead.step);
        let mut w = [simd.splat(0.0); V];
        for (v, w) in w.iter_mut().enumerate() {
            let (panel, lane) = (v * S::WIDTH / LANES, v * S::WIDTH % LANES);
            // SAFETY: the caller's promise.
            *w = unsafe { simd.load(weights.add(k * LANES + panel * panel_step + lane)) };
        }
        for (input, sums) in inputs.iter().zip(sums.iter_mut()) {
            // SAFETY: the caller's promise.
            let x = simd.splat(unsafe { *input.add(k) });
            for (sum, w) in sums.iter_mut().zip(w) {
                *sum = simd.mul_add(x, w, *sum);
            }
        }
    }
}

/// A tile that may be computed: every tap of every pixel can be read, as can the weights, the biases
/// and the residual's values; each target has room for the tile's channels, and nobody else uses it.
pub(crate) struct Ready<'a>(&'a Tile<'a>);

impl<'a> Ready<'a> {
    /// # Safety
    ///
    /// The tile is as the type says, with as many pixels as targets, and is run with the shape that it
    /// has.
    pub(crate) unsafe fn new(tile: &'a Tile<'a>) -> Self {
        Self(tile)
    }
}

impl Shaped for Ready<'_> {
    #[inline(always)]
    fn run<S: Simd, const P: usize, const V: usize>(self, simd: S) {
        let tile = self.0;
        let Taps { rows, row_step, columns, column_step, run } = tile.taps;
        let mut sums = [[simd.splat(0.0); V]; P];
        let mut ahead = tile.ahead;
        // SAFETY: `new`'s caller promised all of these places.
        unsafe {
            for v in 0..V {
                let bias = simd.load(tile.bias.add(v * S::WIDTH));
                for sums in &mut sums {
                    sums[v] = bias;
                }
            }
            let mut weights = tile.weights;
            for row in 0..rows {
                for column in 0..columns {
                    let tap = tile.input.add(row * row_step + column * column_step);
                    let inputs: [*const f32; P] =
                        std::array::from_fn(|p| tap.add(*tile.pixels.get_unchecked(p)));
                    accumulate(simd, &mut sums, &inputs, weights, tile.panel_step, run, &mut ahead);
                    weights = weights.add(run * LANES);
                }
            }
            let (low, high) = (simd.splat(tile.bounds.0), simd.splat(tile.bounds.1));
            for (p, sums) in sums.into_iter().enumerate() {
                let target = tile.output.add(*tile.targets.get_unchecked(p));
                for (v, mut sum) in sums.into_iter().enumerate() {
                    if let Some(residual) = &tile.residual {
                        sum = simd.add(sum, simd.load(residual[p].add(v * S::WIDTH)));
                    }
                    simd.store(target.add(v * S::WIDTH), simd.min(high, simd.max(low, sum)));
                }
            }
        }
    }
}

/// A product that may be computed: its rows and weights can be read, and its targets written, `times`
/// as many as its shape has.
pub(crate) struct ReadyProduct(Product);

impl ReadyProduct {
    /// # Safety
    ///
    /// The product is as the type says.
    pub(crate) unsafe fn new(product: Product) -> Self {
        Self(product)
    }
}

impl Shaped for ReadyProduct {
    #[inline(always)]
    fn run<S: Simd, const P: usize, const V: usize>(self, simd: S) {
        let Product { mut input, row, depth, weights, mut output, target, times, mut ahead } = self.0;
        for _ in 0..times {
            let mut sums = [[simd.splat(0.0); V]; P];
            // SAFETY: `new`'s caller promised all of these places.
            unsafe {
                let inputs: [*const f32; P] = std::array::from_fn(|p| input.add(p * row));
                accumulate(simd, &mut sums, &inputs, weights, depth * LANES, depth, &mut ahead);
                for sums in sums {
                    for (v, sum) in sums.into_iter().enumerate() {
                        simd.store(output.add(v * S::WIDTH), sum);
                    }
                    output = output.add(target);
                }
                input = input.add(P * row);
            }
        }
    }
}
