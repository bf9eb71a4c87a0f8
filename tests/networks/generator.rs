//! Random networks, valid by construction.
//!
//! A [`Random`] is made of wishes, which [`super::spec`] fits to each other while it writes them down: any of its
//! values is a network. The first of several choices is the simplest, and what shrinks goes there.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::spec;
use super::steps::{Activation, Conv, Gate, Groups, Pool, Step};
use super::window::{Pad, Window};

/// Multiply-accumulates of the largest network: thousands of runs of them take no long time.
const MOST_MACS: usize = 400_000;

/// A random network, or an ensemble of some.
#[derive(Clone)]
pub struct Random {
    /// Channels, height and width of the input.
    pub input: [usize; 3],
    /// Whether pixels are normalised.
    pub is_normalised: bool,
    /// The network, or the members.
    pub bodies: Vec<Body>,
    /// What an ensemble averages.
    pub average: &'static str,
}

/// What a model computes.
#[derive(Clone, Debug)]
pub struct Body {
    /// The shortcuts' mode.
    pub shortcut: &'static str,
    /// The stem.
    pub stem: Vec<Step>,
    /// The stages.
    pub stages: Vec<Stage>,
    /// The head, but for what answers.
    pub head: Vec<Step>,
    /// What answers.
    pub classes: Option<Classes>,
}

/// A stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// What comes before its blocks.
    pub steps: Vec<Step>,
    /// Its blocks.
    pub blocks: Option<Blocks>,
    /// Whether it is an output.
    pub is_output: bool,
}

/// A block, repeated.
#[derive(Clone, Debug)]
pub struct Blocks {
    /// How often.
    pub count: usize,
    /// The first one's stride.
    pub stride: usize,
    /// Which of the branch's steps has it.
    pub strided: usize,
    /// The activation behind a norm that branch and projection read, if it is pre-activated.
    pub preactivate: Option<Activation>,
    /// The branch.
    pub branch: Vec<Step>,
    /// Its own projection.
    pub projection: Projection,
    /// What follows the sum.
    pub activation: Activation,
}

/// What a block says its projection is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Projection {
    /// Nothing.
    Usual,
    /// A mean, a convolution and a norm.
    Pooled,
    /// A convolution of 3 x 3 with a bias.
    Wide,
}

/// The end of a network that classifies.
#[derive(Clone, Copy, Debug)]
pub struct Classes {
    /// How many.
    pub count: usize,
    /// Whether the layer has a bias.
    pub bias: bool,
    /// Whether they are probabilities.
    pub softmax: bool,
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.spec())
    }
}

impl Random {
    /// The network as a spec.
    pub fn spec(&self) -> String {
        spec::write(self).text
    }

    /// Brings it down to a size that is soon computed.
    fn limit(mut self) -> Self {
        while spec::write(&self).macs > MOST_MACS && self.input != [1; 3] {
            self.input = self.input.map(|size| size.div_ceil(2));
        }
        self
    }
}

/// Random networks.
pub fn random() -> impl Strategy<Value = Random> {
    let side = || prop_oneof![1usize..12, 9usize..34];
    let channels = prop_oneof![4 => 1usize..4, 1 => select(vec![4, 5, 16, 17])];
    let bodies = prop_oneof![7 => vec(body(), 1), 1 => vec(body(), 2..4)];
    let average = select(vec!["probabilities", "logits"]);
    // Shrunk in this order: once the steps are few, a small image has room for them.
    (bodies, average, any::<bool>(), (channels, side(), side())).prop_map(
        |(bodies, average, is_normalised, (c, h, w))| {
            Random { input: [c, h, w], is_normalised, bodies, average }.limit()
        },
    )
}

fn body() -> impl Strategy<Value = Body> {
    let shortcut = select(vec!["none", "zero_pad", "projection", "projection_all"]);
    (shortcut, vec(step(), 0..4), vec(stage(), 0..4), vec(step(), 0..2), option::weighted(0.7, classes()))
        .prop_map(|(shortcut, stem, stages, head, classes)| Body { shortcut, stem, stages, head, classes })
}

fn classes() -> impl Strategy<Value = Classes> {
    (select(vec![1usize, 2, 5, 7, 10, 16, 17, 33]), any::<bool>(), any::<bool>())
        .prop_map(|(count, bias, softmax)| Classes { count, bias, softmax })
}

fn stage() -> impl Strategy<Value = Stage> {
    (prop_oneof![3 => vec(step(), 0), 1 => vec(step(), 1..3)], option::weighted(0.8, blocks()), any::<bool>())
        .prop_map(|(steps, blocks, is_output)| Stage { steps, blocks, is_output })
}

fn blocks() -> impl Strategy<Value = Blocks> {
    let projection = select(vec![Projection::Usual, Projection::Usual, Projection::Pooled, Projection::Wide]);
    (
        1usize..4,
        prop_oneof![3 => 1usize..3, 1 => Just(3)],
        0usize..4,
        option::weighted(0.3, activation()),
        vec(step(), 0..5),
        projection,
        activation(),
    )
        .prop_map(|(count, stride, strided, preactivate, branch, projection, activation)| Blocks {
            count,
            stride,
            strided,
            preactivate,
            branch,
            projection,
            activation,
        })
}

fn activation() -> impl Strategy<Value = Activation> {
    select(vec![
        "",
        "relu",
        "relu",
        "relu",
        "relu6",
        "leaky_relu 0.1",
        "silu",
        "gelu",
        "sigmoid",
        "hard_sigmoid",
        "hard_swish",
        "tanh",
    ])
}

fn step() -> impl Strategy<Value = Step> {
    let sizes = select(vec![2usize, 3, 3, 4, 5, 6, 7]);
    prop_oneof![
        2 => select(vec!["dropout", "dropout 0.2", "drop_path 0.1"]).prop_map(Step::Nothing),
        2 => activation().prop_map(Step::Activation),
        2 => norm().prop_map(Step::Norm),
        20 => conv().prop_map(Step::Conv),
        4 => pool().prop_map(Step::Pool),
        2 => (sizes, 1usize..4).prop_map(|(taps, stride)| Step::Blur(taps, stride)),
        1 => (select(vec![0usize, 1, 2, 5, 16, 17]), 1usize..4).prop_map(|(by, stride)| Step::Widen(by, stride)),
        4 => gate().prop_map(Step::Gate),
        1 => Just(Step::Mean),
        1 => Just(Step::Softmax),
    ]
}

fn norm() -> impl Strategy<Value = &'static str> {
    select(vec!["norm", "norm", "norm eps 1e-3"])
}

fn width() -> impl Strategy<Value = usize> {
    select(vec![1, 2, 3, 4, 6, 8, 12, 15, 16, 16, 17, 20, 24, 31, 32, 32, 33, 40, 48, 64])
}

fn conv() -> impl Strategy<Value = Conv> {
    let kernels =
        vec![[1, 1], [3, 3], [3, 3], [3, 3], [1, 1], [5, 5], [7, 7], [1, 3], [3, 1], [3, 2], [2, 2], [1, 7]];
    let one_or_more = || prop_oneof![5 => Just([1, 1]), 1 => [1usize..4, 1usize..4], 2 => Just([2, 2])];
    let groups = prop_oneof![
        6 => Just(Groups::Most(1)),
        3 => select(vec![2, 3, 4, 8, 16, 32]).prop_map(Groups::Most),
        2 => Just(Groups::Depthwise),
    ];
    let dilation = prop_oneof![6 => Just([1, 1]), 1 => [1usize..4, 1usize..4]];
    (
        (select(kernels), one_or_more(), pad(), option::weighted(0.7, width()), dilation),
        (groups, any::<bool>(), option::of(norm()), activation(), prop::bool::weighted(0.1)),
    )
        .prop_map(
            |((kernel, stride, pad, width, dilation), (groups, bias, norm, activation, is_output))| Conv {
                window: Window { kernel, stride, pad },
                width,
                dilation,
                groups,
                bias,
                norm,
                activation,
                is_output,
            },
        )
}

fn pool() -> impl Strategy<Value = Pool> {
    let kernel = select(vec![[2, 2], [3, 3], [3, 3], [1, 1], [2, 3], [5, 5]]);
    let counts = select(vec![None, None, Some(true), Some(false)]);
    (kernel, [1usize..4, 1usize..4], pad(), any::<bool>(), counts).prop_map(
        |(kernel, stride, pad, ceil, counts_pad)| Pool {
            window: Window { kernel, stride, pad },
            ceil,
            counts_pad,
        },
    )
}

fn pad() -> impl Strategy<Value = Pad> {
    prop_oneof![
        4 => Just(Pad::Centred),
        1 => Just(Pad::Same),
        1 => Just(Pad::Of([0, 0])),
        1 => [0usize..4, 0usize..4].prop_map(Pad::Of),
    ]
}

fn gate() -> impl Strategy<Value = Gate> {
    let squeezed = select(vec![1usize, 2, 6, 16, 17]);
    prop_oneof![
        1 => activation().prop_map(Gate::Own),
        1 => (select(vec![1usize, 3]), activation()).prop_map(|(kernel, word)| Gate::Map(kernel, word)),
        3 => (squeezed, activation(), select(vec!["sigmoid", "hard_sigmoid", "tanh", "relu"]))
            .prop_map(|(width, inner, outer)| Gate::Squeeze(width, inner, outer)),
    ]
}
