//! Convolution by Winograd's minimal filtering (see [`crate::plan::winograd`]).
//!
//! Nest: blocks of tiles; all their inputs are transformed into `[point][tile][c]`; then, for some
//! panels at once, each point's matrix is multiplied with its weights, into `[point][tile][lane]`,
//! and the sums are transformed back, with bias, residual and activation, to where the next step
//! reads them. Both matrices live in the member's scratch memory, one block at a time.
//!
//! A tile that reaches past the input's border reads zeros there, and of one that reaches past the
//! output only what is on the map is stored. Tiles have their places on the map whatever the share,
//! so results do not depend on it.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use super::residual::Shortcut;
use super::tile::{Ahead, Product, ReadyProduct};
use super::{Context, Place, Share, activation, border, conv, equal_parts, parts, vectors};
use crate::isa::{Kernel, Simd};
use crate::plan::winograd::{CHUNK, Form, plane};
use crate::plan::{Conv, LANES, View};

/// Panels of a chunk.
const IN_CHUNK: usize = CHUNK / LANES;

/// One axis of a form: `P` inputs or points, `M` outputs.
trait Axis<const M: usize, const P: usize> {
    /// Inputs to points.
    fn input<S: Simd>(simd: S, x: [S::V; P]) -> [S::V; P];
    /// Points to outputs.
    fn output<S: Simd>(simd: S, m: [S::V; P]) -> [S::V; M];
}

struct F2;

impl Axis<2, 4> for F2 {
    #[inline(always)]
    fn input<S: Simd>(simd: S, [x0, x1, x2, x3]: [S::V; 4]) -> [S::V; 4] {
        [simd.sub(x2, x0), simd.add(x2, x1), simd.sub(x2, x1), simd.sub(x3, x1)]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, [m0, m1, m2, m3]: [S::V; 4]) -> [S::V; 2] {
        [simd.add(m0, simd.add(m1, m2)), simd.add(simd.sub(m1, m2), m3)]
    }
}

struct F4;

impl F4 {
    /// The points a and b; a * b = 1, and a² + b² = 2.5.
    const A: f32 = std::f32::consts::FRAC_1_SQRT_2;
    const B: f32 = std::f32::consts::SQRT_2;
}

impl Axis<4, 6> for F4 {
    #[inline(always)]
    fn input<S: Simd>(simd: S, [x0, x1, x2, x3, x4, x5]: [S::V; 6]) -> [S::V; 6] {
        let (two, half, sum) = (simd.splat(-2.0), simd.splat(-0.5), simd.splat(-2.5));
        let (even_a, odd_a) = (simd.mul_add(two, x2, x4), simd.mul_add(two, x1, x3));
        let (even_b, odd_b) = (simd.mul_add(half, x2, x4), simd.mul_add(half, x1, x3));
        [
            simd.mul_add(sum, x2, simd.add(x0, x4)),
            simd.mul_add(simd.splat(Self::A), odd_a, even_a),
            simd.mul_add(simd.splat(-Self::A), odd_a, even_a),
            simd.mul_add(simd.splat(Self::B), odd_b, even_b),
            simd.mul_add(simd.splat(-Self::B), odd_b, even_b),
            simd.mul_add(sum, x3, simd.add(x1, x5)),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, [m0, a, minus_a, b, minus_b, last]: [S::V; 6]) -> [S::V; 4] {
        let (a_1, b_1) = (simd.splat(Self::A), simd.splat(Self::B));
        let (even_a, odd_a) = (simd.add(a, minus_a), simd.sub(a, minus_a));
        let (even_b, odd_b) = (simd.add(b, minus_b), simd.sub(b, minus_b));
        let (a_3, b_3) = (simd.splat(0.5 * Self::A), simd.splat(2.0 * Self::B));
        [
            simd.add(m0, simd.add(even_a, even_b)),
            simd.mul_add(a_1, odd_a, simd.mul(b_1, odd_b)),
            simd.mul_add(simd.splat(0.5), even_a, simd.mul(simd.splat(2.0), even_b)),
            simd.mul_add(a_3, odd_a, simd.mul_add(b_3, odd_b, last)),
        ]
    }
}

/// Computes this share.
///
/// # Safety
///
/// The contract of the kernels; the convolution's algorithm is this one, with tiles of this form in
/// blocks of `block`.
pub(super) unsafe fn run<S: Simd>(
    simd: S,
    context: &Context,
    conv: &Conv,
    (form, block): (Form, usize),
    share: &Share,
) {
    let call = Call { simd, context, conv, form, block, shortcut: Shortcut::of(context, conv) };
    let size = form.outputs();
    let per_row = conv.output.width.div_ceil(size);
    let per_image = conv.output.height.div_ceil(size);
    let tile_row =
        |row: usize| row / conv.output.height * per_image + (row % conv.output.height).div_ceil(size);
    let tiles = tile_row(share.rows.start) * per_row..tile_row(share.rows.end) * per_row;
    for part in parts(tiles.len(), block) {
        let tiles = tiles.start + part.start..tiles.start + part.end;
        // SAFETY: the caller's promise; the tiles are this share's.
        unsafe {
            match form {
                Form::F2x2 => call.run_block::<F2, 2, 4>(tiles, &share.lanes),
                Form::F4x4 => call.run_block::<F4, 4, 6>(tiles, &share.lanes),
            }
        }
    }
    // SAFETY: the contract of the kernels.
    unsafe { border::clear(context, &conv.output, share) }
}

/// A member's share of a convolution.
#[derive(Clone, Copy)]
struct Call<'a, S> {
    simd: S,
    context: &'a Context<'a>,
    conv: &'a Conv,
    form: Form,
    block: usize,
    shortcut: Option<Shortcut<'a>>,
}

impl<S: Simd> Call<'_, S> {
    /// A tile's first output.
    fn corner(&self, tile: usize) -> Place {
        let size = self.form.outputs();
        let per_row = self.conv.output.width.div_ceil(size);
        let (row, column) = (tile / per_row, tile % per_row);
        let per_image = self.conv.output.height.div_ceil(size);
        Place { n: row / per_image, y: row % per_image * size, x: column * size }
    }

    /// The transformed inputs, `[point][tile][c]`, and behind them the products, `[point][tile][lane]`.
    fn scratch(&self) -> (*mut f32, *mut f32) {
        let inputs = self.context.scratch;
        let len = self.form.points() * plane(self.block, self.conv.input.pixel);
        (inputs, inputs.wrapping_add(len))
    }

    /// # Safety
    ///
    /// The contract of the kernels; the tiles are this share's, and at most a block.
    unsafe fn run_block<A: Axis<M, P>, const M: usize, const P: usize>(
        &self,
        tiles: Range<usize>,
        lanes: &Range<usize>,
    ) {
        let input = Input::<S, A, M, P> { call: *self, tiles: tiles.clone(), axis: PhantomData };
        self.simd.call(input);
        let panels = lanes.start / LANES..lanes.end / LANES;
        let mut rest = panels;
        while !rest.is_empty() {
            // Up to the end of a packed chunk.
            let end = rest.end.min((rest.start / IN_CHUNK + 1) * IN_CHUNK);
            let chunk = rest.start..end;
            rest.start = end;
            // SAFETY: the caller's promise, and the inputs were transformed.
            unsafe { self.multiply(tiles.len(), chunk.clone()) };
            let tiles = tiles.clone();
            self.simd.call(Output::<S, A, M, P> { call: *self, tiles, panels: chunk, axis: PhantomData });
        }
    }

    /// Multiplies each point's inputs with its weights.
    ///
    /// # Safety
    ///
    /// As for [`Call::run_block`], after the inputs of so many tiles were transformed.
    unsafe fn multiply(&self, tiles: usize, panels: Range<usize>) {
        let Self { simd, context, conv, .. } = *self;
        let pixel = conv.input.pixel;
        let (points, panel) = (self.form.points(), pixel * LANES);
        let (inputs, products) = self.scratch();
        let lanes = panels.len() * LANES;
        let most = conv::panels_at_once(S::TILES, S::PANELS, tiles);
        for point in 0..points {
            for group in parts(panels.len(), most) {
                let weights = conv.weights + self.weights(panels.start + group.start, point) * panel;
                let shape = S::TILES[group.len() - 1].min(tiles);
                // SAFETY: the caller's promise: the scratch memory has room for all points of a block,
                // and the weights are packed chunk by chunk, point by point.
                unsafe {
                    let mut product = Product {
                        input: inputs.add(point * plane(self.block, pixel)),
                        row: pixel,
                        depth: pixel,
                        weights: context.weights.add(weights),
                        output: products.add(point * plane(self.block, lanes) + group.start * LANES),
                        target: lanes,
                        times: 0,
                        ahead: Ahead::new(std::ptr::null(), 0, 0, (0, 1)),
                    };
                    let (mut pass, passes) = (0, tiles.div_ceil(shape));
                    for (pixels, times) in equal_parts(tiles, shape) {
                        product.times = times;
                        let next = product.weights.wrapping_add(group.len() * panel);
                        product.ahead = Ahead::new(next, pixel, group.len(), (pass, passes));
                        pass += times;
                        let shape = (group.len() * (LANES / S::WIDTH), pixels);
                        simd.run_shape(ReadyProduct::new(product), shape);
                        product.input = product.input.add(times * pixels * pixel);
                        product.output = product.output.add(times * pixels * lanes);
                    }
                }
            }
        }
    }

    /// The place of a panel's weights for a point, in panels: `[chunk][point][panel]`.
    fn weights(&self, panel: usize, point: usize) -> usize {
        let chunk = panel / IN_CHUNK * IN_CHUNK;
        let panels = (self.conv.output.pixel / LANES - chunk).min(IN_CHUNK);
        chunk * self.form.points() + point * panels + (panel - chunk)
    }
}

/// Tiles and output channels of the largest product that is summed in registers.
pub(super) fn largest_tile<S: Simd>(block: usize, share: &Share) -> [usize; 2] {
    let panels =
        (share.lanes.len() / LANES).min(IN_CHUNK).min(conv::panels_at_once(S::TILES, S::PANELS, block));
    let most = panels.checked_sub(1).and_then(|index| S::TILES.get(index)).copied();
    [most.map_or(0, |most| most.min(block)), panels * LANES]
}

/// What a tile is between its transforms along one axis and along the other: `P` by `P` vectors at most.
///
/// Every vector is stored before it is loaded.
#[repr(C, align(64))]
struct Middle<const P: usize>(MaybeUninit<[[[f32; LANES]; P]; P]>);

impl<const P: usize> Middle<P> {
    const fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// Where a vector lies.
    #[inline(always)]
    fn at<S: Simd>(&mut self, y: usize, x: usize) -> *mut f32 {
        self.0.as_mut_ptr().cast::<f32>().wrapping_add((y * P + x) * S::WIDTH)
    }
}

/// Transforms the inputs of some tiles.
struct Input<'a, S, A, const M: usize, const P: usize> {
    call: Call<'a, S>,
    tiles: Range<usize>,
    axis: PhantomData<A>,
}

impl<T, A: Axis<M, P>, const M: usize, const P: usize> Kernel for Input<'_, T, A, M, P>
where
    T: Simd,
{
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Call { context, conv, block, .. } = self.call;
        let Conv { input, pad, .. } = conv;
        let border = input.border;
        let (mut to, _) = self.call.scratch();
        let mut middle = Middle::new();
        for tile in self.tiles.clone() {
            let Place { n, y, x } = self.call.corner(tile);
            let at = input.at(n, y, x) - pad[0] * input.row() - pad[1] * input.pixel;
            let rows = (input.height + border.top + border.bottom - (y + border.top - pad[0])).min(P);
            let columns = (input.width + border.left + border.right - (x + border.left - pad[1])).min(P);
            // SAFETY: `rows` and `columns` end where the input's border does, and the scratch memory has
            // a row of a pixel's elements for each tile of a block at each point.
            unsafe {
                let from = context.arena.cast_const().add(at);
                let tile = InputTile { from, input, rows, columns, to, plane: plane(block, input.pixel) };
                if rows == P && columns == P && input.pixel.is_multiple_of(S::WIDTH) {
                    tile.run::<S, A, M, P, true>(simd, &mut middle);
                } else {
                    tile.run::<S, A, M, P, false>(simd, &mut middle);
                }
                to = to.add(input.pixel);
            }
        }
    }
}

/// One tile's inputs.
struct InputTile<'a> {
    /// The first of them.
    from: *const f32,
    input: &'a View,
    /// Rows and columns that are there; the others are zeros.
    rows: usize,
    columns: usize,
    /// Where the first point goes, and how far behind it the next one does.
    to: *mut f32,
    plane: usize,
}

impl InputTile<'_> {
    /// # Safety
    ///
    /// All of these places are there; if `WHOLE`, so are all rows and columns, and the channels are
    /// whole vectors.
    #[inline(always)]
    unsafe fn run<S: Simd, A: Axis<M, P>, const M: usize, const P: usize, const WHOLE: bool>(
        self,
        simd: S,
        middle: &mut Middle<P>,
    ) {
        let Self { from, input, rows, columns, to, plane } = self;
        let (row, pixel) = (input.row(), input.pixel);
        for (lane, count) in vectors(0..pixel, S::WIDTH) {
            let count = if WHOLE { S::WIDTH } else { count };
            // SAFETY: the caller's promise.
            unsafe {
                for x in 0..P {
                    let from = from.wrapping_add(lane + x * pixel);
                    let mut values = [simd.splat(0.0); P];
                    for (y, value) in values.iter_mut().enumerate() {
                        if WHOLE || (y < rows && x < columns) {
                            *value = simd.load_some(from.wrapping_add(y * row), count);
                        }
                    }
                    for (y, value) in A::input(simd, values).iter().enumerate() {
                        simd.store(middle.at::<S>(y, x), *value);
                    }
                }
                let mut to = to.add(lane);
                for y in 0..P {
                    let mut values = [simd.splat(0.0); P];
                    for (x, value) in values.iter_mut().enumerate() {
                        *value = simd.load(middle.at::<S>(y, x));
                    }
                    for value in &A::input(simd, values) {
                        simd.store_some(to, *value, count);
                        to = to.wrapping_add(plane);
                    }
                }
            }
        }
    }
}

/// Transforms the products of some tiles and panels back, and finishes the outputs.
struct Output<'a, S, A, const M: usize, const P: usize> {
    call: Call<'a, S>,
    tiles: Range<usize>,
    panels: Range<usize>,
    axis: PhantomData<A>,
}

impl<T: Simd, A: Axis<M, P>, const M: usize, const P: usize> Kernel for Output<'_, T, A, M, P> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Call { conv, shortcut, .. } = self.call;
        let output = &conv.output;
        let bounds = activation::bounds(conv.activation);
        // What is added lies as the outputs do.
        let plain = bounds.is_some() && shortcut.is_none_or(|shortcut| shortcut.direct);
        let mut middle = Middle::new();
        for (index, tile) in self.tiles.clone().enumerate() {
            let corner = self.call.corner(tile);
            let (rows, columns) = (M.min(output.height - corner.y), M.min(output.width - corner.x));
            // SAFETY: the tile is one of the block, and the rows and columns end where the map does.
            unsafe {
                if plain && rows == M && columns == M {
                    self.finish_tile::<S, true>(simd, (index, corner), [rows, columns], &mut middle);
                } else {
                    simd.call(Partial { output: &self, index, corner, size: [rows, columns] });
                }
            }
        }
    }
}

/// A tile of the [`Output`] that is not plain: its code is kept out of the others'.
struct Partial<'a, T, A, const M: usize, const P: usize> {
    output: &'a Output<'a, T, A, M, P>,
    index: usize,
    corner: Place,
    size: [usize; 2],
}

impl<T: Simd, A: Axis<M, P>, const M: usize, const P: usize> Kernel for Partial<'_, T, A, M, P> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { output, index, corner, size } = self;
        // SAFETY: the tile is one of the output's block, and its size ends where the map does.
        unsafe { output.finish_tile::<S, false>(simd, (index, corner), size, &mut Middle::new()) }
    }
}

impl<T: Simd, A: Axis<M, P>, const M: usize, const P: usize> Output<'_, T, A, M, P> {
    /// # Safety
    ///
    /// As for [`Call::run_block`], whose tile this is. If `PLAIN`, all rows and columns are there, the
    /// shortcut is direct, and the activation has bounds.
    #[inline(always)]
    unsafe fn finish_tile<S: Simd, const PLAIN: bool>(
        &self,
        simd: S,
        (index, place): (usize, Place),
        [rows, columns]: [usize; 2],
        middle: &mut Middle<P>,
    ) {
        let Call { context, conv, block, shortcut, .. } = self.call;
        let output = &conv.output;
        let lanes = self.panels.len() * LANES;
        let plane = plane(block, lanes);
        let (_, products) = self.call.scratch();
        let bias = conv.weights + self.call.form.points() * conv.group_input * output.pixel;
        let bounds = activation::bounds(conv.activation);
        let (low, high) = bounds.unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
        let target = place.offset(output);
        let added = shortcut.as_ref().map(|shortcut| shortcut.grid(place));
        for (lane, _) in vectors(0..lanes, S::WIDTH) {
            let channel = self.panels.start * LANES + lane;
            // SAFETY: the scratch memory has the products of each point, the weights a bias for each
            // channel, and the rows and columns end where the output's map does.
            unsafe {
                let from = products.cast_const().add(index * lanes + lane);
                for x in 0..P {
                    let mut values = [simd.splat(0.0); P];
                    for (y, value) in values.iter_mut().enumerate() {
                        *value = simd.load(from.add((y * P + x) * plane));
                    }
                    for (y, value) in A::output(simd, values).iter().enumerate() {
                        simd.store(middle.at::<S>(y, x), *value);
                    }
                }
                let bias = simd.load(context.weights.add(bias + channel));
                let mut copy = [0.0; LANES];
                for y in 0..M {
                    let mut values = [simd.splat(0.0); P];
                    for (x, value) in values.iter_mut().enumerate() {
                        *value = simd.load(middle.at::<S>(y, x));
                    }
                    for (x, value) in A::output(simd, values).iter().enumerate() {
                        if !PLAIN && (y >= rows || x >= columns) {
                            continue;
                        }
                        let mut sum = simd.add(*value, bias);
                        if let (Some(shortcut), Some(added)) = (&shortcut, &added) {
                            let offset = added.start + y * added.row + x * added.pixel;
                            let at = if PLAIN {
                                context.arena.cast_const().add(offset + channel)
                            } else {
                                shortcut.read(offset, channel, S::WIDTH, &mut copy)
                            };
                            sum = simd.add(sum, simd.load(at));
                        }
                        sum = match bounds {
                            None if !PLAIN => activation::apply(simd, conv.activation, sum),
                            _ => activation::clamp(simd, sum, low, high),
                        };
                        let target = target + y * output.row() + x * output.pixel;
                        simd.store(context.arena.add(target + channel), sum);
                    }
                }
            }
        }
    }
}
