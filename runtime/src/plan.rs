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
mod op;
mod view;
pub mod winograd;

use std::borrow::Cow;
use std::ops::Range;

pub use build::lines;
pub use element::{Element, SPLIT_MAX, Scale, bf16_bits, round_to_bf16};
pub use op::{Activation, Algorithm, AvgPool, BlurPool, Conv, Depthwise, Op, Pool, Residual};
pub use view::{Border, View};

/// The most products of an unsigned and a signed byte of which the sum is within 32 bits.
pub const MOST_BYTE_PRODUCTS: usize = i32::MAX as usize / (255 * 128);

/// Output channels of one packed weight panel, and the multiple that channels are padded to.
pub const LANES: usize = 16;

/// A compiled network: its interface, its memory, and its steps in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The model's name, as the spec has it.
    pub name: Cow<'static, str>,
    /// SHA-256 of the rest of this plan and of its packed weights, whose file carries the same.
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
    /// The name that a caller asks for. The main output's is `probabilities` if it has been through a softmax.
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
