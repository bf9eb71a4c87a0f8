//! The plan: everything that was decided when a network was compiled, as plain data.
//!
//! In: nothing; `resnetc` makes a plan and prints it as Rust constants, [`crate::Model`] checks it
//! once and a [`crate::Session`] runs it. Every type is constructible in a `const`, so a compiled
//! network is a `static`, and owned (through [`Cow`]), so the compiler can run a plan that it has
//! only just made.
//!
//! Units: offsets, strides and lengths count words of 32 bits, unless a name says bytes or channels.
//! Activations are NHWC with the channels padded to [`LANES`], each image of a round behind the other, and
//! a border of zeros kept around the map where the next layer is a padded convolution. A word is an `f32`
//! or has several values of an [`Element`] with fewer bits.

mod build;
mod cost;
mod element;
pub mod winograd;

use std::borrow::Cow;
use std::ops::Range;

pub use build::lines;
pub use element::{Element, SPLIT_MAX, Scale, bf16_bits, round_to_bf16};

/// The most products of an unsigned and a signed byte of which the sum is within 32 bits.
pub const MOST_BYTE_PRODUCTS: usize = i32::MAX as usize / (255 * 128);

/// Output channels of one packed weight panel, and the multiple that channels are padded to.
pub const LANES: usize = 16;

/// A compiled network: its interface, its memory, and its steps in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The model's name, as the spec has it.
    pub name: Cow<'static, str>,
    /// SHA-256 of what the packed weights were made from; the weights file carries the same.
    pub digest: [u8; 32],
    /// The largest number of images in one run.
    pub batch: usize,
    /// How many of them go through the network together: 1 to `batch`.
    pub images: usize,
    /// Channels, height and width of one input image.
    pub input: [usize; 3],
    /// How a picture becomes an input.
    pub preprocess: Preprocess,
    /// Class names in the order of the first output; empty when the spec has none.
    pub labels: Cow<'static, [Cow<'static, str>]>,
    /// What a run gives; the first is the main output.
    pub outputs: Cow<'static, [Output]>,
    /// Size of the activation arena, for [`Plan::images`] images.
    pub arena: usize,
    /// Size of the packed weights.
    pub weights: usize,
    /// Trainable parameters of the network as specified.
    pub params: u64,
    /// Multiply-accumulates for one image of the network as specified.
    pub macs: u64,
    /// The steps, grouped as the spec groups them.
    pub stages: Cow<'static, [Stage]>,
}

/// One result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The name that a caller asks for.
    pub name: Cow<'static, str>,
    /// Channels, height and width of one image's result; `[classes, 1, 1]` for logits.
    pub shape: [usize; 3],
}

/// From a decoded picture to the input of a network, as the spec says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocess {
    /// Length that the shorter side is resized to; `None`: straight to height x width.
    pub resize: Option<usize>,
    /// The resampling filter.
    pub filter: Filter,
    /// Subtracted from each channel, on pixels scaled to 0..1.
    pub mean: [f32; 3],
    /// Divides each channel after the mean is subtracted.
    pub std: [f32; 3],
}

/// A resampling filter, antialiased as Pillow has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Triangle, support 1.
    Bilinear,
    /// Keys' cubic with a = -0.5, support 2.
    Bicubic,
}

/// A part of the network that the spec names: the stem, a stage, the head.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The name in the spec.
    pub name: Cow<'static, str>,
    /// Runs of steps, in order.
    pub sections: Cow<'static, [Section]>,
}

/// Steps that run `times` over, each time with weights `weight_step` further on.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// How often the steps run.
    pub times: usize,
    /// The index that stands for `*` in the steps' names the first time.
    pub first: usize,
    /// How far each repetition's weights lie behind the last one's.
    pub weight_step: usize,
    /// The steps of one repetition.
    pub steps: Cow<'static, [Step]>,
}

/// One kernel call.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Path in the network; `*` is the repetition (see [`Section::first`]).
    pub name: Cow<'static, str>,
    /// What is computed.
    pub op: Op,
    /// How the work is divided among threads.
    pub split: Split,
}

/// The axis along which a step is divided among threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Rows of the output, over all images: where activations dominate.
    Rows,
    /// Panels of [`LANES`] output channels: where weights dominate.
    Channels,
}

/// What a step computes. Every input is an arena view; a step writes its whole output view, the
/// border included where [`View::border`] is not zero.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The caller's NCHW images, as NHWC in the arena.
    Load {
        /// Where to.
        output: View,
    },
    /// Convolution, or a linear layer over a 1 x 1 map.
    Conv(Conv),
    /// Convolution with one input channel an output channel.
    Depthwise(Depthwise),
    /// Maximum over windows; positions outside the map do not take part.
    MaxPool(Pool),
    /// Mean over windows.
    AvgPool(AvgPool),
    /// Mean over the map: h x w to 1 x 1.
    GlobalAvgPool {
        /// Any map.
        input: View,
        /// The same channels, 1 x 1.
        output: View,
    },
    /// Binomial blur over a map mirrored at its edge, then subsampling (Zhang 2019).
    BlurPool(BlurPool),
    /// `activation(x * scale + shift)`, a scale and a shift for each channel: batch norm that has
    /// no convolution to go into.
    Affine {
        /// Any map.
        input: View,
        /// The same shape.
        output: View,
        /// Offset of the scales in the weights; the shifts follow, as many floats further as the output has lanes.
        weights: usize,
        /// Applied last.
        activation: Activation,
    },
    /// `activation(x)`.
    Activate {
        /// Any map.
        input: View,
        /// The same shape.
        output: View,
        /// What is applied.
        activation: Activation,
    },
    /// `activation(x + residual)`, where no convolution could take the addition.
    Add {
        /// Any map.
        input: View,
        /// The other summand.
        residual: Residual,
        /// The same shape as `input`.
        output: View,
        /// Applied last.
        activation: Activation,
    },
    /// `activation(x * gate [+ residual])`, the gate broadcast over the map if it is 1 x 1.
    Gate {
        /// Any map.
        input: View,
        /// The same channels; the same map or 1 x 1.
        gate: View,
        /// Added before the activation.
        residual: Option<Residual>,
        /// The same shape as `input`.
        output: View,
        /// Applied last.
        activation: Activation,
    },
    /// Subsamples the map and pads its channels with zeros: an option A shortcut that no
    /// convolution could take.
    PadChannels {
        /// What is read, at which stride, and to which channels.
        residual: Residual,
        /// The padded map.
        output: View,
    },
    /// Softmax over the channels of each position.
    Softmax {
        /// Any map.
        input: View,
        /// The same shape.
        output: View,
    },
    /// A result, from NHWC in the arena to NCHW in the caller's slice.
    Store {
        /// Where from.
        input: View,
        /// Index into [`Plan::outputs`].
        output: usize,
    },
}

/// A map of activations in the arena: the channels of `[n, y, x]` begin at
/// `offset + n * image() + (top + y) * row() + (left + x) * pixel`, and lie there as `element` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Where the buffer begins, border included.
    pub offset: usize,
    /// Rows, without the border.
    pub height: usize,
    /// Columns, without the border.
    pub width: usize,
    /// Channels that mean something; those above, up to `lanes()`, are finite and multiply zeros.
    pub channels: usize,
    /// Distance from one column to the next: the words of `channels`, padded.
    pub pixel: usize,
    /// How the values are stored.
    pub element: Element,
    /// Rows and columns of zeros around the map.
    pub border: Border,
}

/// Width of the zeros around a map, in rows and columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Border {
    /// Rows above.
    pub top: usize,
    /// Columns before.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns behind.
    pub right: usize,
}

impl Border {
    /// No border.
    pub const NONE: Self = Self::all(0);

    /// The same width on each side.
    pub const fn all(width: usize) -> Self {
        Self { top: width, left: width, bottom: width, right: width }
    }

    /// The wider of the two on each side.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            top: self.top.max(other.top),
            left: self.left.max(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.max(other.right),
        }
    }
}

impl View {
    /// A map of `[channels, height, width]` at `offset`, channels padded to [`LANES`], no border.
    pub const fn new(offset: usize, [channels, height, width]: [usize; 3]) -> Self {
        let pixel = channels.next_multiple_of(LANES);
        Self { offset, height, width, channels, pixel, element: Element::F32, border: Border::NONE }
    }

    /// The same map of other elements, its channels padded to [`LANES`].
    #[must_use]
    pub const fn of(self, element: Element) -> Self {
        Self { element, pixel: element.words(self.channels.next_multiple_of(LANES)), ..self }
    }

    /// The same map with a border.
    #[must_use]
    pub const fn bordered(self, border: Border) -> Self {
        Self { border, ..self }
    }

    /// The same map with `pixel` words from column to column.
    #[must_use]
    pub const fn pixel(self, pixel: usize) -> Self {
        Self { pixel, ..self }
    }

    /// Channels of a pixel, padding included.
    pub const fn lanes(&self) -> usize {
        self.element.channels(self.pixel)
    }

    /// Distance from one row to the next.
    pub const fn row(&self) -> usize {
        (self.border.left + self.width + self.border.right) * self.pixel
    }

    /// Distance from one image to the next: the size of one image's buffer.
    pub const fn image(&self) -> usize {
        (self.border.top + self.height + self.border.bottom) * self.row()
    }

    /// Distance from the buffer's begin to the map's first element.
    pub const fn interior(&self) -> usize {
        self.border.top * self.row() + self.border.left * self.pixel
    }

    /// Where `[n, y, x, 0]` lies in the arena.
    pub const fn at(&self, n: usize, y: usize, x: usize) -> usize {
        self.offset + n * self.image() + self.interior() + y * self.row() + x * self.pixel
    }
}

/// One kernel call of a run.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The step.
    pub step: &'a Step,
    /// The images of the run that are computed.
    pub images: Range<usize>,
    /// What stands for `*` in the step's name.
    pub index: usize,
    /// How much further on the repetition's weights are.
    pub weights: usize,
}

/// The `index`th of `count` nearly equal parts of `0..len`.
pub(crate) fn part(len: usize, (index, count): (usize, usize)) -> Range<usize> {
    let (size, longer) = (len / count, len % count);
    let start = |index: usize| index * size + index.min(longer);
    start(index)..start(index + 1)
}

/// `len` in the fewest parts of at most `most`, nearly equal.
pub(crate) fn parts(len: usize, most: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let count = len.div_ceil(most);
    (0..count).map(move |index| part(len, (index, count)))
}

impl Plan {
    /// Every step once, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        let sections = self.stages.iter().flat_map(|stage| stage.sections.iter());
        sections.flat_map(|section| section.steps.iter())
    }

    /// The rounds of a run of `n` images: those that go through the network together, groups of nearly
    /// equal size, one after the other.
    pub fn rounds(&self, n: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        parts(n, self.images.max(1))
    }

    /// What a run of `n` images calls, in order: round by round, repetitions one by one.
    pub fn calls(&self, n: usize) -> impl Iterator<Item = Call<'_>> {
        self.rounds(n).flat_map(|images| {
            self.stages.iter().flat_map(|stage| stage.sections.iter()).flat_map(move |section| {
                let images = images.clone();
                (0..section.times).flat_map(move |repetition| {
                    let images = images.clone();
                    let index = section.first.saturating_add(repetition);
                    let weights = repetition.saturating_mul(section.weight_step);
                    section.steps.iter().map(move |step| Call {
                        step,
                        images: images.clone(),
                        index,
                        weights,
                    })
                })
            })
        })
    }

    /// Elements that each thread needs besides the arena: what the greediest step takes, on lines of
    /// its own.
    pub fn scratch(&self) -> usize {
        let scratch = self.steps().map(|step| if let Op::Conv(conv) = &step.op { conv.scratch() } else { 0 });
        scratch.max().unwrap_or(0).next_multiple_of(2 * LANES)
    }
}

impl Op {
    /// The map whose rows and channels are divided among threads: the output, or what a
    /// [`Op::Store`] reads.
    pub const fn extent(&self) -> &View {
        match self {
            Self::Load { output }
            | Self::GlobalAvgPool { output, .. }
            | Self::Affine { output, .. }
            | Self::Activate { output, .. }
            | Self::Add { output, .. }
            | Self::Gate { output, .. }
            | Self::PadChannels { output, .. }
            | Self::Softmax { output, .. } => output,
            Self::Conv(conv) => &conv.output,
            Self::Depthwise(depthwise) => &depthwise.output,
            Self::MaxPool(pool) => &pool.output,
            Self::AvgPool(pool) => &pool.pool.output,
            Self::BlurPool(blur) => &blur.output,
            Self::Store { input, .. } => input,
        }
    }
}

/// Convolution: `activation(sum over ky, kx, c of x[y * stride + ky * dilation - pad, ..] * w + bias
/// [+ residual])`. Reads up to `pad` outside the input's map, which its border must hold.
///
/// The input channels of group g are `g * group_input ..`, its output channels `g * group_output ..`.
/// `group_output` is a multiple of [`LANES`] unless there is one group, or divides it and is
/// `group_input` (other groups are merged when packed, with zeros where a channel belongs to another
/// group).
///
/// Weights, unless [`Conv::algorithm`] says otherwise: for each panel of [`LANES`] output channels,
/// `[ky][kx][word][LANES]`, over the `group_input` words of a pixel that the group reads; then, behind all
/// panels, the biases, one a (padded) output channel. Words hold what the input's hold: singles, two halves
/// or four signed 8-bit values, and split weights a plane for each part.
///
/// Of signed 8-bit weights the first two of a word add up to -128 to 128, as do the others: the sum of two
/// products has 16 bits then. For an input of 8 bits the sums are integers: of channel c, `activation(sum * scale[c] + bias[c] [+ residual])`. The scales come first, then the biases, in
/// which the input's zero is accounted for, and then each channel's sum of weights, a signed integer.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// What is read.
    pub input: View,
    /// What is written; may be the residual's own buffer.
    pub output: View,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Vertical and horizontal dilation.
    pub dilation: [usize; 2],
    /// Rows above and columns before the map that the first window covers.
    pub pad: [usize; 2],
    /// Number of groups, after merging.
    pub groups: usize,
    /// Words of a group's input, padding included: `input.pixel / groups`.
    pub group_input: usize,
    /// Offset of the packed panels in the weights.
    pub weights: usize,
    /// Added before the activation.
    pub residual: Option<Residual>,
    /// Applied last.
    pub activation: Activation,
    /// How the sums are formed, and so how the weights are packed.
    pub algorithm: Algorithm,
}

impl Conv {
    /// Whether several groups, each with as many outputs as inputs, share a panel.
    pub const fn has_narrow_groups(&self) -> bool {
        self.groups > 1 && self.output.lanes() / self.groups < LANES
    }

    /// Products of a sum, those with padded channels among them.
    pub fn depth(&self) -> Option<usize> {
        let taps = self.kernel[0].checked_mul(self.kernel[1])?;
        taps.checked_mul(self.input.element.channels(self.group_input))
    }

    /// Words behind the panels for each output channel: the bias, or scale, bias and sum of weights.
    pub const fn constants(&self) -> usize {
        match self.input.element {
            Element::U8(_) => 3,
            Element::F32 | Element::Bf16 | Element::Split { .. } => 1,
        }
    }

    /// The products of a group's words at one tap: from which plane of the input, and from which of the
    /// weights. Parts of parts that are too small to count are left out.
    pub const fn terms(&self) -> &'static [(usize, usize)] {
        match self.input.element {
            Element::Split { parts: 2 } => &[(1, 0), (0, 1), (0, 0)],
            Element::Split { .. } => &[(2, 0), (1, 1), (0, 2), (1, 0), (0, 1), (0, 0)],
            Element::F32 | Element::Bf16 | Element::U8(_) => &[(0, 0)],
        }
    }
}

/// How a convolution forms its sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Product by product, from the input where it lies.
    #[default]
    Direct,
    /// Winograd's minimal filtering of small tiles, for 3 x 3 kernels of stride 1 in one group.
    ///
    /// Weights: for each chunk of [`winograd::CHUNK`] output channels, the last maybe shorter,
    /// `[point][panel][c][LANES]` (see [`winograd::packed_at`]), the points being those of
    /// [`winograd::Filter::weights`]; then the biases, as for [`Algorithm::Direct`].
    Winograd {
        /// The tiles' size.
        form: winograd::Form,
        /// Tiles that are transformed, multiplied and transformed back together.
        block: usize,
    },
}

/// A shortcut as its sum reads it: output channel c at (y, x) gets
/// `view[y * stride, x * stride, c - channel_offset]`, or nothing where that channel is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Residual {
    /// What is read.
    pub view: View,
    /// 1 for an identity; the block's stride for option A.
    pub stride: usize,
    /// Zero channels in front: option A pads on both sides.
    pub channel_offset: usize,
}

/// Depthwise convolution. Weights: `[ky][kx][pixel]`, then `pixel` biases.
#[derive(Clone, Debug, PartialEq)]
pub struct Depthwise {
    /// What is read; its border holds the padding.
    pub input: View,
    /// What is written.
    pub output: View,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Vertical and horizontal dilation.
    pub dilation: [usize; 2],
    /// Rows above and columns before the map that the first window covers.
    pub pad: [usize; 2],
    /// Offset in the weights.
    pub weights: usize,
    /// Added before the activation.
    pub residual: Option<Residual>,
    /// Applied last.
    pub activation: Activation,
}

/// A pooling window; needs no border, positions outside the map are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// What is read.
    pub input: View,
    /// What is written.
    pub output: View,
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Rows above and columns before the map that the first window covers.
    pub pad: [usize; 2],
}

/// Mean pooling. The divisor is what PyTorch's `AvgPool2d` divides by.
#[derive(Clone, Debug, PartialEq)]
pub struct AvgPool {
    /// The window.
    pub pool: Pool,
    /// Rows below and columns behind the map that count as padding (a window that reaches further,
    /// in ceil mode, counts only what lies within).
    pub pad_end: [usize; 2],
    /// Whether padding counts in the divisor.
    pub count_include_pad: bool,
}

/// Blur pooling: a `size x size` binomial filter, the map mirrored (without its edge) at the border.
#[derive(Clone, Debug, PartialEq)]
pub struct BlurPool {
    /// What is read.
    pub input: View,
    /// What is written.
    pub output: View,
    /// Taps a side; 3 is (1 2 1) / 4.
    pub size: usize,
    /// Vertical and horizontal stride.
    pub stride: usize,
    /// Mirrored rows above and columns before the map.
    pub pad: usize,
}

/// An activation, computed in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// x
    #[default]
    None,
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// x if x > 0, else slope * x
    LeakyRelu(f32),
    /// x * sigmoid(x), also called swish
    Silu,
    /// x * Phi(x), with the error function, not its tanh approximation
    Gelu,
    /// 1 / (1 + exp(-x))
    Sigmoid,
    /// min(max(x + 3, 0), 6) / 6
    HardSigmoid,
    /// x * hard_sigmoid(x)
    HardSwish,
    /// tanh(x)
    Tanh,
}
