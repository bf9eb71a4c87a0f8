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
    /// Panels of the tile.
    pub panels: usize,
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
}

/// Runs the tile with the instance for its number of vectors and pixels.
macro_rules! run_tile {
    ($simd:expr, $tile:expr; $($vectors:literal: $($pixels:literal)+;)+) => {
        match ($tile.panels * ($crate::plan::LANES / Self::WIDTH), $tile.pixels.len()) {
            $($(
                // SAFETY: the pixels are as many as the instance has, and the caller's promise.
                ($vectors, $pixels) => $simd.call(unsafe {
                    $crate::kernels::tile::Micro::<$pixels, $vectors>::new($tile)
                }),
            )+)+
            (vectors, pixels) => unreachable!("no tile of {vectors} vectors by {pixels} pixels"),
        }
    };
}
pub(crate) use run_tile;

/// The micro-kernel for `P` pixels by `V` vectors.
pub(crate) struct Micro<'a, const P: usize, const V: usize>(&'a Tile<'a>);

impl<'a, const P: usize, const V: usize> Micro<'a, P, V> {
    /// # Safety
    ///
    /// The tile has `P` pixels and as many targets, and panels of `V` vectors; every tap of every pixel
    /// can be read, as can the weights, the biases and the residual's values; each target has room
    /// for the tile's channels, and nobody else uses it.
    pub(crate) unsafe fn new(tile: &'a Tile<'a>) -> Self {
        Self(tile)
    }
}

impl<const P: usize, const V: usize> Kernel for Micro<'_, P, V> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let tile = self.0;
        let Taps { rows, row_step, columns, column_step, run } = tile.taps;
        let mut sums = [[simd.splat(0.0); V]; P];
        // SAFETY: `new`'s caller promised all of these places; `V` vectors are the tile's panels, of
        // which vector v lies `v % (LANES / WIDTH)` vectors into panel `v / (LANES / WIDTH)`.
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
                    for value in 0..run {
                        let mut w = [simd.splat(0.0); V];
                        for (v, w) in w.iter_mut().enumerate() {
                            let (panel, lane) = (v * S::WIDTH / LANES, v * S::WIDTH % LANES);
                            *w = simd.load(weights.add(panel * tile.panel_step + lane));
                        }
                        for (input, sums) in inputs.iter().zip(&mut sums) {
                            let x = simd.splat(*input.add(value));
                            for (sum, w) in sums.iter_mut().zip(w) {
                                *sum = simd.mul_add(x, w, *sum);
                            }
                        }
                        weights = weights.add(LANES);
                    }
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
