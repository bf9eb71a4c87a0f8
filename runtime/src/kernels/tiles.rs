//! Convolution on a matrix unit: AMX's tiles.
//!
//! A tile of inputs has up to 16 output pixels' words of one tap, a row each; a tile of weights 16 words of
//! a panel, as they are packed. Nest: blocks of tiles of pixels, pairs of panels, pairs of tiles, then taps
//! and words: each pair by pair takes four sums of 16 by 16.
//!
//! A tile's rows lie at one distance from each other. They are pixels of one output row, or, if the rows'
//! ends would leave much of the unit idle, pixels that follow one another in the input, border included:
//! what is computed on the border is dropped.

use std::ops::Range;

use super::epilogue::{Epilogue, Finish, Target};
use super::{Context, Place, Share, border, conv, dots, element, parts};
use crate::isa::Simd;
use crate::isa::amx::{ROWS, Tiles};
use crate::plan::{Conv, Element, LANES};

/// The most tiles of a block: their inputs stay in a second-level cache.
const BLOCK: usize = 16;
/// Rows that a tile takes as long as, however few it has: its weights are loaded meanwhile.
const LEAST_ROWS: usize = 8;

/// Some positions of the input at one distance from each other, and the output pixels that they are.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// The output pixel of the first one.
    first: Place,
    positions: usize,
    /// Words from one to the next.
    distance: usize,
    along: Along,
}

/// What positions follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Along {
    /// A row of the output.
    Row,
    /// The input across the rows' ends: so many positions from one row to the next.
    Rows(usize),
    /// Images, of one pixel each.
    Images,
}

impl Span {
    /// The output pixel at a position, if it is one.
    fn place(&self, position: usize, width: usize) -> Option<Place> {
        let Place { n, y, x } = self.first;
        match self.along {
            Along::Row => Some(Place { n, y, x: x + position }),
            Along::Rows(pitch) => {
                let place = Place { n, y: y + position / pitch, x: position % pitch };
                (place.x < width).then_some(place)
            }
            Along::Images => Some(Place { n: n + position, y, x }),
        }
    }
}

/// The spans of some rows of the output, counted over all images.
fn spans(conv: &Conv, rows: &Range<usize>) -> impl Iterator<Item = Span> {
    let Conv { input, output, stride, .. } = *conv;
    let along = along(conv, rows.len());
    let (mut next, end) = (rows.start, rows.end);
    std::iter::from_fn(move || {
        let first = Place { n: next / output.height, y: next % output.height, x: 0 };
        let left = end.checked_sub(next).filter(|left| *left > 0)?;
        let (rows, positions, distance) = match along {
            Along::Row => (1, output.width, stride[1] * input.pixel),
            Along::Rows(pitch) => {
                let rows = left.min(output.height - first.y);
                (rows, (rows - 1) * pitch + output.width, input.pixel)
            }
            Along::Images => (left, left, input.image()),
        };
        next += rows;
        Some(Span { first, positions, distance, along })
    })
}

/// What leaves least of the unit idle, for so many rows of all images.
fn along(conv: &Conv, rows: usize) -> Along {
    let Conv { input, output, stride, .. } = conv;
    let width = output.width;
    if (output.height, width) == (1, 1) {
        return Along::Images;
    }
    let pitch = input.row() / input.pixel;
    let rows = rows.min(output.height);
    let positions = (rows - 1) * pitch + width;
    let in_row = width.div_ceil(ROWS);
    let by_row = rows * in_row * width.div_ceil(in_row).max(LEAST_ROWS);
    let across = positions.div_ceil(ROWS) * ROWS.min(positions).max(LEAST_ROWS);
    if *stride == [1, 1] && across < by_row { Along::Rows(pitch) } else { Along::Row }
}

/// Rows of all tiles of a share: as many as the shortest span has, divided evenly if it has more than a
/// tile.
fn rows_of_tiles(conv: &Conv, rows: &Range<usize>) -> usize {
    let shortest = spans(conv, rows).map(|span| span.positions).min().unwrap_or(1);
    match along(conv, rows.len()) {
        Along::Row => shortest.div_ceil(shortest.div_ceil(ROWS)),
        Along::Rows(_) | Along::Images => shortest.min(ROWS),
    }
}

/// Pixels and output channels of two tiles by two.
pub(super) fn largest_tile(conv: &Conv, share: &Share) -> [usize; 2] {
    [2 * rows_of_tiles(conv, &share.rows), 2 * LANES]
}

/// Computes this share.
///
/// # Safety
///
/// The contract of the kernels; the machine has the unit; the input's elements have several values a word.
pub(super) unsafe fn run<S: Simd>(simd: S, context: &Context, conv: &Conv, share: &Share) {
    let run = conv::taps(conv).run;
    let depth = (1..=ROWS).rev().find(|depth| run.is_multiple_of(*depth)).unwrap_or(1);
    let rows = rows_of_tiles(conv, &share.rows);
    // SAFETY: the caller's promise; a share is computed at a time, so no other tiles are set up.
    unsafe {
        let epilogue = Epilogue::new(context, conv);
        let unit = Tiles::new(rows, depth);
        let nest = Nest { simd, context, conv, epilogue: &epilogue, unit, rows, depth };
        match conv.input.element {
            Element::U8(_) => nest.run_share::<true>(share),
            Element::F32 | Element::Bf16 | Element::Split { .. } => nest.run_share::<false>(share),
        }
    }
    // SAFETY: the caller's promise.
    unsafe { border::clear(context, &conv.output, share) }
}

/// Some positions of a span: where the first one's first tap lies, and the outputs that they are.
#[derive(Clone, Copy)]
struct Tile {
    input: usize,
    distance: usize,
    targets: [Target; ROWS],
}

struct Nest<'a, S> {
    simd: S,
    context: &'a Context<'a>,
    conv: &'a Conv,
    epilogue: &'a Epilogue<'a>,
    unit: Tiles,
    /// Rows of a tile of inputs.
    rows: usize,
    /// Words of its rows.
    depth: usize,
}

impl<S: Simd> Nest<'_, S> {
    /// # Safety
    ///
    /// As for [`run`]; products are of bytes if `BYTES`.
    unsafe fn run_share<const BYTES: bool>(&self, share: &Share) {
        let none = Tile { input: 0, distance: 0, targets: [Target::NONE; ROWS] };
        let (mut block, mut filled) = ([none; BLOCK], 0);
        let mut sums = Sums([0.0; 4 * ROWS * LANES]);
        for span in spans(self.conv, &share.rows) {
            for first in (0..span.positions).step_by(self.rows) {
                block[filled] = self.tile(&span, first);
                filled += 1;
                if filled == BLOCK {
                    // SAFETY: the caller's promise; the tiles are of this share's spans.
                    unsafe { self.run_block::<BYTES>(&block, &share.lanes, &mut sums) };
                    filled = 0;
                }
            }
        }
        // SAFETY: the caller's promise; the tiles that are left are of this share's spans too.
        unsafe { self.run_block::<BYTES>(&block[..filled], &share.lanes, &mut sums) };
    }

    /// The tile of a span that begins at a position; the last one begins earlier, where a whole tile is
    /// left, and gives what is new.
    fn tile(&self, span: &Span, first: usize) -> Tile {
        let Conv { input, output, stride, pad, .. } = self.conv;
        let begin = first.min(span.positions - self.rows);
        let mut targets = [Target::NONE; ROWS];
        for (row, target) in targets.iter_mut().enumerate().take(self.rows).skip(first - begin) {
            if let Some(place) = span.place(begin + row, output.width) {
                *target = self.epilogue.target(place);
            }
        }
        let Place { n, y, x } = span.first;
        // The border makes room for what lies before the map.
        let corner = input.at(n, y * stride[0], x * stride[1]) - pad[0] * input.row() - pad[1] * input.pixel;
        Tile { input: corner + begin * span.distance, distance: span.distance, targets }
    }

    /// # Safety
    ///
    /// As for [`Nest::run_share`], whose tiles these are; the lanes are whole panels of the share.
    unsafe fn run_block<const BYTES: bool>(&self, block: &[Tile], lanes: &Range<usize>, sums: &mut Sums) {
        let in_group = conv::panels_in_group(self.conv);
        let panels = lanes.start / LANES..lanes.end / LANES;
        for group in panels.start / in_group..panels.end.div_ceil(in_group) {
            let start = panels.start.max(group * in_group);
            let end = panels.end.min((group + 1) * in_group);
            for pair in parts(end - start, 2) {
                for tiles in block.chunks(2) {
                    // SAFETY: the caller's promise.
                    unsafe {
                        let panels = start + pair.start..start + pair.end;
                        self.run_pair::<BYTES>(tiles, group, panels, sums);
                    }
                }
            }
        }
    }

    /// Computes one or two tiles, of one distance, by one or two panels of a group; of one alone, the sums
    /// are made twice.
    ///
    /// # Safety
    ///
    /// As for [`Nest::run_block`].
    unsafe fn run_pair<const BYTES: bool>(
        &self,
        tiles: &[Tile],
        group: usize,
        panels: Range<usize>,
        sums: &mut Sums,
    ) {
        let Self { simd, context, conv, epilogue, ref unit, depth, .. } = *self;
        let taps = conv::taps(conv);
        let (terms, plane) = (conv.terms(), element::plane(&conv.input));
        let planes = conv.input.element.parts();
        let panel = conv.kernel[0] * conv.kernel[1] * conv.group_input * LANES;
        let [Some(first), Some(last)] = [tiles.first(), tiles.last()] else { return };
        // SAFETY: the caller's promise. The taps of a tile's positions lie in the input's view with its
        // border, and for each panel there are `panel` weights.
        unsafe {
            let arena = context.arena.cast_const().add(group * dots::taps_of_group(conv));
            let rows = [first, last].map(|tile| arena.add(tile.input));
            let pitch = first.distance * size_of::<f32>();
            let weights = context.weights.add(conv.weights);
            let mut weights = [panels.start, panels.end - 1].map(|at| weights.add(at * panel));
            unit.clear();
            for row in 0..taps.rows {
                for column in 0..taps.columns {
                    let tap = row * taps.row_step + column * taps.column_step;
                    for (from, by) in terms {
                        for word in (0..taps.run).step_by(depth) {
                            let at = tap + from * plane + word;
                            let line = (by * taps.run + word) * LANES;
                            unit.multiply::<BYTES>(
                                rows.map(|row| row.add(at)),
                                pitch,
                                weights.map(|weights| weights.add(line)),
                            );
                        }
                    }
                    weights = weights.map(|weights| weights.add(planes * taps.run * LANES));
                }
            }
            unit.store(sums.0.as_mut_ptr());
            for (tile, sums) in tiles.iter().zip(sums.0.chunks_exact(2 * ROWS * LANES)) {
                for (panel, sums) in panels.clone().zip(sums.chunks_exact(ROWS * LANES)) {
                    let (lane, sums) = (panel * LANES, sums.as_ptr());
                    let targets = &tile.targets;
                    Finish { epilogue, sums, step: LANES, targets, lane, lanes: LANES }.run(simd);
                }
            }
        }
    }
}

/// The sums of two tiles by two panels, on lines of their own.
#[repr(align(64))]
struct Sums([f32; 4 * ROWS * LANES]);
