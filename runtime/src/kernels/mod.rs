//! The kernels: one file an operation, written once over [`Simd`].
//!
//! In: a step of the plan and one member's [`Share`] of it. Out: that share of the step's output view,
//! its border set to zero. Kernels take raw pointers, because members write to one arena at once;
//! they all have one contract:
//!
//! # Safety
//!
//! * [`Plan::verify`](crate::plan::Plan::verify) accepted the plan that the step is from, and
//!   [`Context`] points to the memory that the plan asks for, of which all values are initialised;
//! * `n` is at most [`Plan::images`](crate::plan::Plan::images), and the run has at least `first + n`
//!   images;
//! * nobody else writes to what the step reads, nor touches this share of what it writes.

mod activation;
mod affine;
mod blur;
mod border;
mod conv;
mod depthwise;
mod dots;
mod element;
mod elementwise;
mod epilogue;
mod layout;
#[cfg(feature = "program")]
pub(crate) mod limits;
mod pool;
mod residual;
mod softmax;
#[cfg(test)]
mod tests;
pub(crate) mod tile;
#[cfg(target_arch = "x86_64")]
mod tiles;
mod winograd;

use std::ops::Range;

use crate::isa::{Isa, Kernel, Simd};
use crate::plan::{Algorithm, Conv, Element, LANES, Op, Split, Step, View, part, parts};

/// The memory of a run.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// `plan.arena` values.
    pub arena: *mut f32,
    /// `plan.weights` values, from where the current repetition's begin.
    pub weights: *const f32,
    /// The run's images, NCHW.
    pub images: *const f32,
    /// The outputs, each with room for `plan.batch` results, NCHW.
    pub results: *mut f32,
    /// Where each output begins.
    pub starts: &'a [usize],
    /// The image of the run that is the first of this round.
    pub first: usize,
    /// Images in this round.
    pub n: usize,
    /// Memory of this member alone: what the step's [`Conv::scratch`] asks for.
    pub scratch: *mut f32,
}

// SAFETY: the members of a team write to disjoint shares (the contract above).
unsafe impl Sync for Context<'_> {}

impl Context<'_> {
    /// The same memory with the weights of a later repetition.
    pub(crate) fn with_weights_at(self, offset: usize) -> Self {
        Self { weights: self.weights.wrapping_add(offset), ..self }
    }

    /// The same memory for these images of the run.
    pub(crate) fn with_images(self, images: &Range<usize>) -> Self {
        Self { first: images.start, n: images.len(), ..self }
    }

    /// The same memory with this member's own.
    pub(crate) fn with_scratch_at(self, offset: usize) -> Self {
        Self { scratch: self.scratch.wrapping_add(offset), ..self }
    }
}

/// What one member computes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// Rows of the output, counted over all images of the round.
    pub rows: Range<usize>,
    /// Channels of the output, padding included.
    pub lanes: Range<usize>,
}

impl Share {
    /// The share of member `member.0` of `member.1`.
    pub(crate) fn of(step: &Step, n: usize, member: (usize, usize)) -> Self {
        let view = step.op.extent();
        let rows = n * view.height;
        let unit = rows_at_once(&step.op);
        let split = match step.op {
            // Its sum runs over the channels.
            Op::Softmax { .. } => Split::Rows,
            _ => step.split,
        };
        match split {
            Split::Rows => {
                let units = view.height.div_ceil(unit);
                let Range { start, end } = part(n * units, member);
                let row = |at: usize| at / units * view.height + (at % units * unit);
                Self { rows: row(start)..row(end), lanes: 0..view.lanes() }
            }
            Split::Channels => {
                let Range { start, end } = part(view.lanes().div_ceil(LANES), member);
                let lane = |panel| view.lanes().min(panel * LANES);
                Self { rows: 0..rows, lanes: lane(start)..lane(end) }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() || self.lanes.is_empty()
    }
}

/// Rows of the output that one member computes together.
fn rows_at_once(op: &Op) -> usize {
    if let Op::Conv(Conv { algorithm: Algorithm::Winograd { form, .. }, .. }) = op {
        form.outputs()
    } else {
        1
    }
}

/// `len` as [`parts`] has it, the parts of one size together: sizes, and how many there are of each.
fn equal_parts(len: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = len.div_ceil(most);
    let (size, longer) = (len / count.max(1), len % count.max(1));
    [(size + 1, longer), (size, count - longer)].into_iter().filter(|(_, times)| *times > 0)
}

/// Channels from one vector to the next: their number, except at the end.
fn vectors(lanes: Range<usize>, width: usize) -> impl Iterator<Item = (usize, usize)> {
    let end = lanes.end;
    lanes.step_by(width).map(move |lane| (lane, width.min(end - lane)))
}

/// A pixel of a view: image, row, column.
#[derive(Clone, Copy, Debug)]
struct Place {
    n: usize,
    y: usize,
    x: usize,
}

impl Place {
    fn offset(self, view: &View) -> usize {
        view.at(self.n, self.y, self.x)
    }
}

/// The pixels of the given rows of a view, in order.
fn places(rows: Range<usize>, view: &View) -> impl Iterator<Item = Place> + use<> {
    let (height, width) = (view.height, view.width);
    rows.flat_map(move |row| (0..width).map(move |x| Place { n: row / height, y: row % height, x }))
}

/// A step, ready to run.
pub(crate) struct StepCall<'a> {
    context: &'a Context<'a>,
    op: &'a Op,
    share: Share,
}

impl<'a> StepCall<'a> {
    /// # Safety
    ///
    /// The contract of the kernels, which holds until the call is dropped.
    pub(crate) unsafe fn new(context: &'a Context<'a>, op: &'a Op, share: Share) -> Self {
        Self { context, op, share }
    }

    pub(crate) fn run(self, isa: Isa) {
        if self.share.is_empty() {
            return;
        }
        let Self { context, op, ref share } = self;
        match op {
            Op::Conv(conv) if conv.input.element != Element::F32 => {
                #[cfg(target_arch = "x86_64")]
                if let Some(simd) = isa.matrix_unit() {
                    // SAFETY: the promise made to `new`; the level has the unit.
                    return unsafe { tiles::run(simd, context, conv, share) };
                }
                // SAFETY: the promise made to `new`.
                isa.run_dots(unsafe { dots::Call::new(context, conv, share) });
            }
            _ => isa.run(self),
        }
    }
}

/// The largest tile of a convolution, pixels (Winograd's: tiles) by output channels, that a member of
/// `members` computes for `n` images; `None` for other steps.
pub(crate) fn largest_tile(isa: Isa, step: &Step, n: usize, members: usize) -> Option<[usize; 2]> {
    let Op::Conv(conv) = &step.op else { return None };
    let mut tile = [0; 2];
    #[cfg(target_arch = "x86_64")]
    if conv.input.element != Element::F32 && isa.matrix_unit().is_some() {
        return Some(tiles::largest_tile(conv, &Share::of(step, n, (0, members))));
    }
    isa.run(LargestTile { conv, share: Share::of(step, n, (0, members)), tile: &mut tile });
    Some(tile)
}

struct LargestTile<'a> {
    conv: &'a Conv,
    share: Share,
    tile: &'a mut [usize; 2],
}

impl Kernel for LargestTile<'_> {
    fn run<S: Simd>(self, _: S) {
        *self.tile = match self.conv.algorithm {
            Algorithm::Direct => conv::largest_tile::<S>(self.conv, &self.share),
            Algorithm::Winograd { block, .. } => winograd::largest_tile::<S>(block, &self.share),
        };
    }
}

impl Kernel for StepCall<'_> {
    fn run<S: Simd>(self, simd: S) {
        let Self { context, op, ref share } = self;
        match op {
            Op::Load { output } => simd.call(layout::Load { context, output, share }),
            // SAFETY: the promise made to `new`.
            Op::Conv(conv) => unsafe {
                match conv.algorithm {
                    Algorithm::Direct => conv::run(simd, context, conv, share),
                    Algorithm::Winograd { form, block } => {
                        winograd::run(simd, context, conv, (form, block), share);
                    }
                }
            },
            Op::Depthwise(depthwise) => simd.call(depthwise::Call { context, depthwise, share }),
            Op::MaxPool(pool) => simd.call(pool::Max { context, pool, share }),
            Op::AvgPool(avg) => simd.call(pool::Average { context, avg, share }),
            Op::GlobalAvgPool { input, output } => {
                simd.call(pool::Global { context, input, output, share });
            }
            Op::BlurPool(blur) => simd.call(blur::Call { context, blur, share }),
            Op::Affine { input, output, weights, activation } => {
                let (weights, activation) = (*weights, *activation);
                simd.call(affine::Call { context, input, output, weights, activation, share });
            }
            Op::Activate { input, output, activation } => simd.call(elementwise::Call {
                context,
                input: Some(input),
                gate: None,
                residual: None,
                output,
                activation: *activation,
                share,
            }),
            Op::Add { input, residual, output, activation } => simd.call(elementwise::Call {
                context,
                input: Some(input),
                gate: None,
                residual: Some(residual),
                output,
                activation: *activation,
                share,
            }),
            Op::Gate { input, gate, residual, output, activation } => simd.call(elementwise::Call {
                context,
                input: Some(input),
                gate: Some(gate),
                residual: residual.as_ref(),
                output,
                activation: *activation,
                share,
            }),
            Op::PadChannels { residual, output } => simd.call(elementwise::Call {
                context,
                input: None,
                gate: None,
                residual: Some(residual),
                output,
                activation: crate::plan::Activation::None,
                share,
            }),
            Op::Softmax { input, output } => simd.call(softmax::Call { context, input, output, share }),
            Op::Store { input, output } => {
                simd.call(layout::Store { context, input, output: *output, share });
            }
        }
    }
}
