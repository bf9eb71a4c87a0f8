//! The micro-kernel of convolutions: some output pixels by some vectors of output channels.
//!
//! In: the input where it lies, bordered NHWC; weights packed `[ky][kx][c][LANES]`, a panel for each
//! [`LANES`] output channels. Out: the tile, with bias, residual and bounds applied, where the next
//! step reads it. All sums of a tile stay in registers.
//!
//! Targets and shortcuts are asked for before the products are made.
//!
//! Nest: rows of taps, taps of a row, values of a tap; for each value, one vector of weights for every
//! vector of the tile, and one broadcast input for every pixel. Each sum begins with the bias and
//! takes its products in this order, whatever the tile's shape, so shapes can be mixed freely.

use crate::isa::{Kernel, Simd};
use crate::plan::LANES;

/// The most pixels of a tile.
pub(crate) const MOST_PIXELS: usize = 16;

/// Whether no tile of these, as [`crate::isa::Simd::TILES`] has them, has more pixels or more sums.
pub(crate) const fn tiles_fit(tiles: &[usize], pixels: usize, sums: usize) -> bool {
    let mut index = 0;
    while index < tiles.len() {
        if tiles[index] > pixels || tiles[index] * (index + 1) * LANES > sums {
            return false;
        }
        index += 1;
    }
    true
}

/// What of the input one output pixel reads: `rows` times `columns` runs of `run` values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taps {
    pub rows: usize,
    pub row_step: usize,
    pub columns: usize,
    pub column_step: usize,
    pub run: usize,
}

/// Tiles to compute, one behind the other, of as many pixels each.
pub(crate) struct Tiles<'a> {
    /// How many.
    pub times: usize,
    /// Added to each of `pixels`.
    pub input: *const f32,
    /// Where the first tap of each pixel of all tiles lies.
    pub pixels: &'a [usize],
    pub taps: Taps,
    /// The first panel.
    pub weights: *const f32,
    /// Distance from one panel to the next.
    pub panel_step: usize,
    /// The first panel's biases; the other panels' follow.
    pub bias: *const f32,
    /// What is added to each pixel's channels.
    pub residual: Option<Summands<'a>>,
    /// The sums' lower and upper bound.
    pub bounds: (f32, f32),
    /// Added to each of `targets`.
    pub output: *mut f32,
    /// Where each pixel goes.
    pub targets: &'a [usize],
    /// What is brought near meanwhile, all times together.
    pub ahead: Ahead,
}

/// What is added to the tiles' pixels.
#[derive(Clone, Copy)]
pub(crate) struct Summands<'a> {
    /// Added to each of `offsets`.
    pub from: *const f32,
    /// Where each pixel's lie.
    pub offsets: &'a [usize],
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

/// How a word of inputs multiplies a word of weights.
pub(crate) trait Dot {
    /// sum + x * w. To be marked `#[inline(always)]`.
    fn dot<S: Simd>(simd: S, x: S::V, w: S::V, sum: S::V) -> S::V;
}

/// One single by another.
pub(crate) struct Single;

impl Dot for Single {
    #[inline(always)]
    fn dot<S: Simd>(simd: S, x: S::V, w: S::V, sum: S::V) -> S::V {
        simd.mul_add(x, w, sum)
    }
}

/// Adds the products of `depth` words of each pixel with the weights, `[k][LANES]` a panel.
///
/// # Safety
///
/// All of these places can be read; `V` vectors are whole panels, `panel_step` apart.
#[inline(always)]
pub(super) unsafe fn accumulate<D: Dot, S: Simd, const P: usize, const V: usize>(
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
                *sum = D::dot(simd, x, w, *sum);
            }
        }
    }
}

/// Tiles that may be computed: every tap of every pixel can be read, as can the weights, the biases and
/// the residual's values; each target has room for a tile's channels, and nobody else uses it.
pub(crate) struct Ready<'a>(&'a Tiles<'a>);

impl<'a> Ready<'a> {
    /// # Safety
    ///
    /// The tiles are as the type says, and are run with the shape that each has; pixels, targets and the
    /// residual's offsets, if there is one, are `times` as many as that has pixels.
    pub(crate) unsafe fn new(tiles: &'a Tiles<'a>) -> Self {
        debug_assert_eq!(tiles.pixels.len(), tiles.targets.len());
        debug_assert!(tiles.residual.is_none_or(|residual| residual.offsets.len() == tiles.pixels.len()));
        Self(tiles)
    }
}

impl<'a> Ready<'a> {
    /// Where one tap lies of each pixel of the tile whose first pixel is `first`.
    ///
    /// # Safety
    ///
    /// The tile has `P` pixels, and the tap is one of its.
    #[inline(always)]
    unsafe fn tap<const P: usize>(&self, first: usize, row: usize, column: usize) -> [*const f32; P] {
        let Tiles { input, pixels, taps, .. } = self.0;
        // SAFETY: the caller's promise.
        unsafe {
            let tap = input.add(row * taps.row_step + column * taps.column_step);
            std::array::from_fn(|p| tap.add(*pixels.get_unchecked(first + p)))
        }
    }

    /// The biases, with which every sum begins.
    ///
    /// # Safety
    ///
    /// The tiles have `V` vectors.
    #[inline(always)]
    unsafe fn begin<S: Simd, const P: usize, const V: usize>(&self, simd: S) -> [[S::V; V]; P] {
        let mut sums = [[simd.splat(0.0); V]; P];
        for v in 0..V {
            // SAFETY: the caller's promise.
            let bias = unsafe { simd.load(self.0.bias.add(v * S::WIDTH)) };
            for sums in &mut sums {
                sums[v] = bias;
            }
        }
        sums
    }

    /// Brings near, while the products are made, what [`Ready::finish`] reads and writes.
    ///
    /// # Safety
    ///
    /// The tile has `P` pixels.
    #[inline(always)]
    unsafe fn fetch<S: Simd, const P: usize>(&self, simd: S, first: usize) {
        let Tiles { output, targets, residual, .. } = *self.0;
        for p in first..first + P {
            // SAFETY: the caller's promise.
            unsafe {
                simd.prefetch(output.wrapping_add(*targets.get_unchecked(p)));
                if let Some(Summands { from, offsets }) = residual {
                    simd.prefetch(from.wrapping_add(*offsets.get_unchecked(p)));
                }
            }
        }
    }

    /// Adds the residual, applies the bounds, and stores the tile whose first pixel is `first`.
    ///
    /// # Safety
    ///
    /// The tile has `P` pixels of `V` vectors.
    #[inline(always)]
    unsafe fn finish<S: Simd, const P: usize, const V: usize>(
        &self,
        simd: S,
        first: usize,
        sums: [[S::V; V]; P],
    ) {
        let tile = self.0;
        let (low, high) = (simd.splat(tile.bounds.0), simd.splat(tile.bounds.1));
        for (p, sums) in (first..).zip(sums) {
            // SAFETY: the caller's promise.
            unsafe {
                let target = tile.output.add(*tile.targets.get_unchecked(p));
                for (v, mut sum) in sums.into_iter().enumerate() {
                    if let Some(Summands { from, offsets }) = tile.residual {
                        let offset = *offsets.get_unchecked(p);
                        sum = simd.add(sum, simd.load(from.add(offset + v * S::WIDTH)));
                    }
                    simd.store(target.add(v * S::WIDTH), simd.min(high, simd.max(low, sum)));
                }
            }
        }
    }
}

impl Shaped for Ready<'_> {
    #[inline(always)]
    fn run<S: Simd, const P: usize, const V: usize>(self, simd: S) {
        let Tiles { times, taps, panel_step, mut ahead, .. } = *self.0;
        for first in (0..times).map(|tile| tile * P) {
            let mut weights = self.0.weights;
            // SAFETY: `new`'s caller promised all of these places.
            unsafe {
                let mut sums = self.begin::<S, P, V>(simd);
                self.fetch::<S, P>(simd, first);
                for row in 0..taps.rows {
                    for column in 0..taps.columns {
                        let inputs = self.tap(first, row, column);
                        accumulate::<Single, _, P, V>(
                            simd, &mut sums, &inputs, weights, panel_step, taps.run, &mut ahead,
                        );
                        weights = weights.add(taps.run * LANES);
                    }
                }
                self.finish(simd, first, sums);
            }
        }
    }
}

/// Tiles of one panel in which each group of output channels has as many input channels, `taps.run`,
/// fewer than [`LANES`] and dividing it: each lane multiplies the inputs of its own group.
pub(crate) struct Narrow<'a>(Ready<'a>);

impl<'a> Narrow<'a> {
    /// # Safety
    ///
    /// As for [`Ready::new`]; of each tap [`LANES`] values can be read, the inputs of the panel's groups.
    pub(crate) unsafe fn new(tiles: &'a Tiles<'a>) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { Ready::new(tiles) })
    }
}

impl Shaped for Narrow<'_> {
    #[inline(always)]
    fn run<S: Simd, const P: usize, const V: usize>(self, simd: S) {
        let Tiles { times, taps, .. } = *self.0.0;
        let group = taps.run;
        for first in (0..times).map(|tile| tile * P) {
            let mut weights = self.0.0.weights;
            // SAFETY: `new`'s caller promised all of these places.
            unsafe {
                let mut sums = self.0.begin::<S, P, V>(simd);
                for row in 0..taps.rows {
                    for column in 0..taps.columns {
                        let inputs: [*const f32; P] = self.0.tap(first, row, column);
                        for k in 0..group {
                            let own = &OWN[group.ilog2() as usize % 4][k % (LANES / 2)];
                            let own = simd.load(own.as_ptr().cast());
                            for v in 0..V {
                                let w = simd.load(weights.add(v * S::WIDTH));
                                for (input, sums) in inputs.iter().zip(&mut sums) {
                                    let x = if group >= S::WIDTH {
                                        simd.splat(*input.add(v * S::WIDTH / group * group + k))
                                    } else {
                                        simd.permute(simd.load(input.add(v * S::WIDTH)), own)
                                    };
                                    sums[v] = simd.mul_add(x, w, sums[v]);
                                }
                            }
                            weights = weights.add(LANES);
                        }
                    }
                }
                self.0.finish(simd, first, sums);
            }
        }
    }
}

/// For groups of 1, 2, 4 and 8 channels, and each input of a group: where a lane's own group has it.
static OWN: [[[u32; LANES]; LANES / 2]; 4] = {
    let mut own = [[[0; LANES]; LANES / 2]; 4];
    let mut at = 0;
    while at < 4 * (LANES / 2) * LANES {
        let (power, k, lane) = (at / LANES / (LANES / 2), at / LANES % (LANES / 2), at % LANES);
        own[power][k][lane] = (((lane >> power) << power) + k) as u32;
        at += 1;
    }
    own
};

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
                accumulate::<Single, _, P, V>(
                    simd,
                    &mut sums,
                    &inputs,
                    weights,
                    depth * LANES,
                    depth,
                    &mut ahead,
                );
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
