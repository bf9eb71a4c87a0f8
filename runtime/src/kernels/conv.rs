//! Convolution, direct: no copy of the input is made in any other layout.
//!
//! Nest: blocks of output pixels whose input stays in a near cache, some panels of weights,
//! then tiles of pixels (`tile.rs`), which may span rows and images. A linear layer is the same with
//! 1 x 1 maps, the images being its pixels.

use std::ops::Range;

use super::residual::Shortcut;
use super::tile::{Ahead, MOST_PIXELS, Narrow, Ready, Summands, Taps, Tiles, tiles_fit};
use super::{Context, Place, Share, activation, border, equal_parts, parts, places, vectors};
use crate::isa::{Kernel, Simd};
use crate::plan::{Activation, Conv, Element, LANES};

/// The most output pixels of a block: their addresses are kept on the stack.
const BLOCK: usize = 256;
/// Input values of a block, roughly: a first-level cache, which all panels then read it from.
const BLOCK_VALUES: usize = 8 << 10;
/// The least pixels of a block where there are as many: each block streams all weights.
const LEAST: usize = 64;
/// The most values of a tile.
const MOST_VALUES: usize = 512;

/// The addresses of a block's pixels: first tap, target, and shortcut.
struct Block {
    input: [usize; BLOCK],
    output: [usize; BLOCK],
    residual: [usize; BLOCK],
    /// A tile's shortcut, put together here if it does not lie in the arena as it is added, and where
    /// each pixel's channels begin.
    copy: [f32; MOST_VALUES],
    copied: [usize; MOST_PIXELS],
}

/// A member's share of a convolution.
struct Call<'a, S> {
    simd: S,
    context: &'a Context<'a>,
    conv: &'a Conv,
    shortcut: Option<Shortcut<'a>>,
    taps: Taps,
    /// Weights of a panel.
    panel: usize,
    bounds: (f32, f32),
    /// What is left to do behind a tile's bounds.
    activation: Option<Activation>,
}

/// Computes this share.
///
/// # Safety
///
/// The contract of the kernels.
pub(super) unsafe fn run<S: Simd>(simd: S, context: &Context, conv: &Conv, share: &Share) {
    const { assert!(tiles_fit(S::TILES, MOST_PIXELS, MOST_VALUES), "a tile is larger than what is kept of it") };
    let bounds = activation::bounds(conv.activation);
    let call = Call {
        simd,
        context,
        conv,
        shortcut: Shortcut::of(context, conv),
        taps: taps(conv),
        panel: conv.kernel[0] * conv.kernel[1] * conv.group_input * LANES,
        bounds: bounds.unwrap_or((f32::NEG_INFINITY, f32::INFINITY)),
        activation: bounds.is_none().then_some(conv.activation),
    };
    let panels = share.lanes.start / LANES..share.lanes.end / LANES;
    let width = conv.output.width;
    let size = block_size(conv);
    let mut block = Block {
        input: [0; BLOCK],
        output: [0; BLOCK],
        residual: [0; BLOCK],
        copy: [0.0; MOST_VALUES],
        copied: [0; MOST_PIXELS],
    };
    let first = share.rows.start * width;
    for pixels in parts(share.rows.len() * width, size) {
        call.locate(first + pixels.start..first + pixels.end, &mut block);
        // SAFETY: the contract of the kernels; the block has these pixels, and they are this share's.
        unsafe { call.run_block(&mut block, pixels.len(), panels.clone()) };
    }
    // SAFETY: the contract of the kernels.
    unsafe { border::clear(context, &conv.output, share) }
}

/// Output pixels of a block.
pub(super) fn block_size(conv: &Conv) -> usize {
    let values = conv.stride[0].saturating_mul(conv.stride[1]).saturating_mul(conv.input.pixel);
    (BLOCK_VALUES / values).clamp(LEAST, BLOCK)
}

/// Pixels and output channels of the largest tile that [`run`] computes of this share.
pub(super) fn largest_tile<S: Simd>(conv: &Conv, share: &Share) -> [usize; 2] {
    // Of nearly equal parts the first is the longest.
    let longest = |len, most| parts(len, most).next().map_or(0, |part| part.len());
    let pixels = longest(share.rows.len() * conv.output.width, block_size(conv));
    let in_group = panels_in_group(conv);
    let tiles = if conv.input.element == Element::F32 { S::TILES } else { S::DOT_TILES };
    let panels = longest(in_group.min(share.lanes.len() / LANES), panels_at_once(tiles, S::PANELS, pixels));
    let most = panels.checked_sub(1).and_then(|index| tiles.get(index)).copied();
    [most.map_or(0, |most| longest(pixels, most)), panels * LANES]
}

/// Panels that read the same inputs: those of a group, or one if it has several groups.
pub(super) fn panels_in_group(conv: &Conv) -> usize {
    (conv.output.lanes() / LANES / conv.groups).max(1)
}

/// Taps that lie one behind the other are one run.
pub(super) fn taps(conv: &Conv) -> Taps {
    let [height, width] = conv.kernel;
    let input = &conv.input;
    let whole = conv.groups == 1 && input.element.parts() == 1;
    let (columns, run) = if whole && conv.dilation[1] == 1 {
        (1, width * input.pixel)
    } else {
        (width, conv.group_input / input.element.parts())
    };
    Taps {
        rows: height,
        row_step: conv.dilation[0] * input.row(),
        columns,
        column_step: conv.dilation[1] * input.pixel,
        run,
    }
}

/// How many panels to take at once: as many as make the widest tile, and more where all pixels fit
/// into a narrower one, as in a linear layer.
pub(super) fn panels_at_once(tiles: &[usize], panels: usize, pixels: usize) -> usize {
    let suits = |&count: &usize| count <= panels || pixels <= tiles[count - 1];
    (1..=tiles.len()).rev().find(suits).unwrap_or(1)
}

impl<S: Simd> Call<'_, S> {
    /// Notes the addresses of output pixels, counted over all rows of all images of the round.
    fn locate(&self, pixels: Range<usize>, block: &mut Block) {
        let Conv { input, output, stride, pad, .. } = self.conv;
        let rows = pixels.start / output.width..pixels.end.div_ceil(output.width);
        let places = places(rows, output).skip(pixels.start % output.width);
        for (index, place) in (0..pixels.len()).zip(places) {
            let Place { n, y, x } = place;
            // The border makes room for what lies before the map.
            let corner = input.at(n, y * stride[0], x * stride[1]);
            block.input[index] = corner - pad[0] * input.row() - pad[1] * input.pixel;
            block.output[index] = place.offset(output);
            block.residual[index] = self.shortcut.as_ref().map_or(0, |shortcut| shortcut.offset(place));
        }
    }

    /// Computes these panels of a block of `pixels`.
    ///
    /// # Safety
    ///
    /// The contract of the kernels; the block has so many pixels, which are this share's.
    unsafe fn run_block(&self, block: &mut Block, pixels: usize, panels: Range<usize>) {
        let in_group = panels_in_group(self.conv);
        let most = panels_at_once(S::TILES, S::PANELS, pixels);
        for group in panels.start / in_group..panels.end.div_ceil(in_group) {
            let start = panels.start.max(group * in_group);
            let end = panels.end.min((group + 1) * in_group);
            for chunk in parts(end - start, most) {
                let chunk = start + chunk.start..start + chunk.end;
                let most = S::TILES[chunk.len() - 1];
                let (mut first, mut pass, passes) = (0, 0, pixels.div_ceil(most));
                for (size, times) in equal_parts(pixels, most) {
                    // A shortcut that is put together is so tile by tile.
                    let at_once = if self.copies() { 1 } else { times };
                    for _ in 0..times / at_once {
                        let tiles = first..first + at_once * size;
                        // SAFETY: the caller's promise.
                        unsafe {
                            self.run_tiles(block, (tiles, size), (group, chunk.clone()), (pass, passes))
                        };
                        first += at_once * size;
                        pass += at_once;
                    }
                }
            }
        }
    }

    /// Whether the shortcut does not lie in the arena as it is added.
    fn copies(&self) -> bool {
        self.shortcut.as_ref().is_some_and(|shortcut| !shortcut.direct)
    }

    /// Computes tiles of `size` pixels: these pixels of the block, these panels, which are of one group;
    /// the first of the tiles is one of the passes that read these panels.
    ///
    /// # Safety
    ///
    /// As for [`Call::run_block`]; a tile has no more of either than [`Simd::TILES`] has, and there is
    /// only one of them if the shortcut [is copied](Call::copies).
    unsafe fn run_tiles(
        &self,
        block: &mut Block,
        (pixels, size): (Range<usize>, usize),
        (group, panels): (usize, Range<usize>),
        pass: (usize, usize),
    ) {
        let Self { simd, context, conv, .. } = *self;
        let targets = &block.output[pixels.clone()];
        let (lane, lanes) = (panels.start * LANES, panels.len() * LANES);
        let narrow = conv.has_narrow_groups();
        let inputs = if narrow { LANES } else { conv.group_input };
        // SAFETY: the caller's promise. The taps of a pixel lie in the input's view with its border; for
        // each panel there are `panel` weights, and behind all panels the biases; the targets are pixels
        // of the output's view.
        unsafe {
            let weights = context.weights.add(conv.weights);
            let residual = self.shortcut.as_ref().map(|shortcut| {
                let offsets = &block.residual[pixels.clone()];
                if shortcut.direct {
                    return Summands { from: context.arena.add(lane), offsets };
                }
                let copies = block.copied.iter_mut().zip(block.copy.chunks_exact_mut(lanes));
                for (index, (offset, (copied, copy))) in offsets.iter().zip(copies).enumerate() {
                    shortcut.copy(*offset, lane, copy);
                    *copied = index * lanes;
                }
                Summands { from: block.copy.as_ptr(), offsets: &block.copied[..size] }
            });
            let tiles = Tiles {
                times: pixels.len() / size,
                input: context.arena.cast_const().add(group * inputs),
                pixels: &block.input[pixels],
                taps: self.taps,
                weights: weights.add(panels.start * self.panel),
                panel_step: self.panel,
                bias: weights.add(conv.output.pixel / LANES * self.panel + lane),
                residual,
                bounds: self.bounds,
                output: context.arena.add(lane),
                targets,
                ahead: Ahead::new(
                    weights.add(panels.end * self.panel),
                    self.panel / LANES,
                    panels.len(),
                    pass,
                ),
            };
            let shape = (panels.len() * (LANES / S::WIDTH), size);
            if narrow {
                simd.run_shape(Narrow::new(&tiles), shape);
            } else {
                simd.run_shape(Ready::new(&tiles), shape);
            }
            if let Some(activation) = self.activation {
                let output = context.arena.add(lane);
                simd.call(Finish { output, targets, lanes, activation });
            }
        }
    }
}

/// Applies an activation to tiles that were just stored.
struct Finish<'a> {
    output: *mut f32,
    targets: &'a [usize],
    lanes: usize,
    activation: Activation,
}

impl Kernel for Finish<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for target in self.targets {
            for (lane, count) in vectors(0..self.lanes, S::WIDTH) {
                // SAFETY: the tiles' own values, whole panels of them.
                unsafe {
                    let at = self.output.add(target + lane);
                    let v = activation::apply(simd, self.activation, simd.load_some(at, count));
                    simd.store_some(at, v, count);
                }
            }
        }
    }
}
