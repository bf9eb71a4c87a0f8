//! Convolution of elements with several values a word: bf16, parts in bf16, bytes.
//!
//! The same nest as for floats (`conv.rs`), over words, with another product; sums go to memory, a few
//! tiles at a time, from where the epilogue takes them. On a machine with a matrix unit `tiles.rs` has
//! another nest, over the same weights and with the same epilogue.

use std::marker::PhantomData;
use std::ops::Range;

use super::epilogue::{Epilogue, Finish, Target};
use super::tile::{Ahead, Dot, Shaped, Taps, accumulate, tiles_fit};
use super::{Context, Share, border, conv, element, equal_parts, parts, places};
use crate::isa::{Kernel, Simd};
use crate::plan::{Conv, Element, LANES};

/// The most output pixels of a block: their addresses are kept on the stack.
const BLOCK: usize = 256;
/// The most sums that wait for the epilogue: they stay in a first-level cache.
const SUMS: usize = 2048;

/// Two halves by two others.
struct Bf16;

impl Dot for Bf16 {
    #[inline(always)]
    fn dot<S: Simd>(simd: S, x: S::V, w: S::V, sum: S::V) -> S::V {
        simd.dot_bf16(x, w, sum)
    }
}

/// Four bytes by four signed ones.
struct Bytes;

impl Dot for Bytes {
    #[inline(always)]
    fn dot<S: Simd>(simd: S, x: S::V, w: S::V, sum: S::V) -> S::V {
        simd.dot_u8(x, w, sum)
    }
}

/// A member's share of such a convolution.
pub(super) struct Call<'a> {
    context: &'a Context<'a>,
    conv: &'a Conv,
    share: &'a Share,
}

impl<'a> Call<'a> {
    /// # Safety
    ///
    /// The contract of the kernels; the input's elements have several values a word.
    pub(super) unsafe fn new(context: &'a Context<'a>, conv: &'a Conv, share: &'a Share) -> Self {
        Self { context, conv, share }
    }
}

impl Kernel for Call<'_> {
    fn run<S: Simd>(self, simd: S) {
        let Self { context, conv, share } = self;
        // SAFETY: the promise made to `new`.
        unsafe {
            match conv.input.element {
                Element::U8(_) => run::<Bytes, S>(simd, context, conv, share),
                Element::F32 | Element::Bf16 | Element::Split { .. } => {
                    run::<Bf16, S>(simd, context, conv, share);
                }
            }
        }
    }
}

/// # Safety
///
/// As for [`Call::new`].
unsafe fn run<D: Dot, S: Simd>(simd: S, context: &Context, conv: &Conv, share: &Share) {
    // SAFETY: the caller's promise.
    let epilogue = unsafe { Epilogue::new(context, conv) };
    const { assert!(tiles_fit(S::DOT_TILES, BLOCK, SUMS), "a tile has more sums than there is room for") };
    let nest =
        Nest::<D, S> { simd, context, conv, epilogue: &epilogue, taps: conv::taps(conv), dot: PhantomData };
    let panels = share.lanes.start / LANES..share.lanes.end / LANES;
    let width = conv.output.width;
    let mut block = Block { input: [0; BLOCK], targets: [Target::NONE; BLOCK], sums: [0.0; SUMS] };
    let first = share.rows.start * width;
    for pixels in parts(share.rows.len() * width, conv::block_size(conv)) {
        nest.locate(first + pixels.start..first + pixels.end, &mut block);
        // SAFETY: the caller's promise; the block has these pixels, and they are this share's.
        unsafe { nest.run_block(&mut block, pixels.len(), panels.clone()) };
    }
    // SAFETY: the caller's promise.
    unsafe { border::clear(context, &conv.output, share) }
}

/// The addresses of a block's pixels, and the sums that wait.
struct Block {
    input: [usize; BLOCK],
    targets: [Target; BLOCK],
    sums: [f32; SUMS],
}

struct Nest<'a, D, S> {
    simd: S,
    context: &'a Context<'a>,
    conv: &'a Conv,
    epilogue: &'a Epilogue<'a>,
    taps: Taps,
    dot: PhantomData<D>,
}

impl<D: Dot, S: Simd> Nest<'_, D, S> {
    /// Notes the addresses of output pixels, counted over all rows of all images of the round.
    fn locate(&self, pixels: Range<usize>, block: &mut Block) {
        let Conv { input, output, stride, pad, .. } = self.conv;
        let rows = pixels.start / output.width..pixels.end.div_ceil(output.width);
        let places = places(rows, output).skip(pixels.start % output.width);
        for (index, place) in (0..pixels.len()).zip(places) {
            // The border makes room for what lies before the map.
            let corner = input.at(place.n, place.y * stride[0], place.x * stride[1]);
            block.input[index] = corner - pad[0] * input.row() - pad[1] * input.pixel;
            block.targets[index] = self.epilogue.target(place);
        }
    }

    /// Computes these panels of a block of `pixels`.
    ///
    /// # Safety
    ///
    /// As for [`Call::new`]; the block has so many pixels, which are this share's.
    unsafe fn run_block(&self, block: &mut Block, pixels: usize, panels: Range<usize>) {
        let in_group = conv::panels_in_group(self.conv);
        let most = conv::panels_at_once(S::DOT_TILES, S::PANELS, pixels);
        for group in panels.start / in_group..panels.end.div_ceil(in_group) {
            let start = panels.start.max(group * in_group);
            let end = panels.end.min((group + 1) * in_group);
            for chunk in parts(end - start, most) {
                let chunk = start + chunk.start..start + chunk.end;
                let mut first = 0;
                for (size, times) in equal_parts(pixels, S::DOT_TILES[chunk.len() - 1]) {
                    let at_once = (SUMS / (size * chunk.len() * LANES)).max(1);
                    for tiles in parts(times, at_once) {
                        let of = first + tiles.start * size..first + tiles.end * size;
                        // SAFETY: the caller's promise.
                        unsafe { self.run_tiles(block, (of, size), group, chunk.clone()) };
                    }
                    first += times * size;
                }
            }
        }
    }

    /// Computes tiles of `size` pixels: these pixels of the block, these panels, which are of one group.
    ///
    /// # Safety
    ///
    /// As for [`Nest::run_block`].
    unsafe fn run_tiles(
        &self,
        block: &mut Block,
        (pixels, size): (Range<usize>, usize),
        group: usize,
        panels: Range<usize>,
    ) {
        let Self { simd, context, conv, epilogue, taps, .. } = *self;
        let panel = conv.kernel[0] * conv.kernel[1] * conv.group_input * LANES;
        let (lane, lanes) = (panels.start * LANES, panels.len() * LANES);
        // SAFETY: the caller's promise. The taps of a pixel lie in the input's view with its border; for
        // each panel there are `panel` weights; and there is room for the sums of all tiles.
        unsafe {
            let tiles = Tiles::<D> {
                times: pixels.len() / size,
                input: context.arena.cast_const().add(group * taps_of_group(conv)),
                pixels: &block.input[pixels.clone()],
                taps,
                terms: conv.terms(),
                plane: element::plane(&conv.input),
                weights: context.weights.add(conv.weights + panels.start * panel),
                panel_step: panel,
                begin: epilogue.weight_sums().map(|sums| sums.add(lane)),
                sums: block.sums.as_mut_ptr(),
                dot: PhantomData,
            };
            simd.run_shape(tiles, (panels.len() * (LANES / S::WIDTH), size));
            let targets = &block.targets[pixels];
            Finish { epilogue, sums: block.sums.as_ptr(), step: lanes, targets, lane, lanes }.run(simd);
        }
    }
}

/// Words of a group's channels in a plane of the input's pixels.
pub(super) fn taps_of_group(conv: &Conv) -> usize {
    conv.group_input / conv.input.element.parts()
}

/// Tiles to compute, one behind the other, of as many pixels each; all places are there.
struct Tiles<'a, D> {
    times: usize,
    /// Added to each of `pixels`.
    input: *const f32,
    /// Where the first tap of each pixel of all tiles lies.
    pixels: &'a [usize],
    taps: Taps,
    /// The products at each tap: plane of the input, and plane of the weights.
    terms: &'static [(usize, usize)],
    /// From one plane of the input to the next.
    plane: usize,
    weights: *const f32,
    /// From one panel to the next.
    panel_step: usize,
    /// The first panel's sums of weights, if the products are of bytes.
    begin: Option<*const f32>,
    /// Where the sums go, pixel by pixel.
    sums: *mut f32,
    dot: PhantomData<D>,
}

impl<D: Dot> Shaped for Tiles<'_, D> {
    #[inline(always)]
    fn run<S: Simd, const P: usize, const V: usize>(self, simd: S) {
        let Self { times, input, pixels, taps, terms, plane, panel_step, .. } = self;
        let planes = terms.iter().map(|(_, weights)| weights + 1).max().unwrap_or(1);
        // No weights are asked for before their time: these are fewer, and prefetched by the machine.
        let mut ahead = Ahead::new(self.weights, 0, 0, (0, 1));
        for tile in 0..times {
            // SAFETY: all places are there.
            unsafe {
                let mut sums = [[simd.splat(0.0); V]; P];
                if let Some(begin) = self.begin {
                    for v in 0..V {
                        let begin = simd.begin_u8(simd.load(begin.add(v * S::WIDTH)));
                        for sums in &mut sums {
                            sums[v] = begin;
                        }
                    }
                }
                let mut weights = self.weights;
                for row in 0..taps.rows {
                    for column in 0..taps.columns {
                        let tap = input.add(row * taps.row_step + column * taps.column_step);
                        for (from, by) in terms {
                            let tap = tap.add(from * plane);
                            let inputs: [*const f32; P] =
                                std::array::from_fn(|p| tap.add(*pixels.get_unchecked(tile * P + p)));
                            let weights = weights.add(by * taps.run * LANES);
                            accumulate::<D, _, P, V>(
                                simd, &mut sums, &inputs, weights, panel_step, taps.run, &mut ahead,
                            );
                        }
                        weights = weights.add(planes * taps.run * LANES);
                    }
                }
                let to = self.sums.add(tile * P * V * S::WIDTH);
                for (p, sums) in sums.iter().enumerate() {
                    for (v, sum) in sums.iter().enumerate() {
                        simd.store(to.add((p * V + v) * S::WIDTH), *sum);
                    }
                }
            }
        }
    }
}
