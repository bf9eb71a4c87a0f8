//! A residual network as a checkpoint's names and shapes tell it: stem, stages of blocks, head.
//!
//! Paths are the checkpoint's; those of a block's layers are within the block. Strides, pooling and
//! activations are decisions, which `notes` tells.

/// The whole network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Channels of the image.
    pub image: usize,
    /// What comes before the stages.
    pub stem: Stem,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// What comes behind them.
    pub head: Head,
    /// How shortcuts are made where shapes differ.
    pub shortcut: Shortcut,
    /// Where norms stand.
    pub order: Order,
    /// Whether the names are those of the SENets that were ported from Caffe: their pooling has no padding,
    /// and their bottlenecks without groups have the stride on the first convolution.
    pub ported: bool,
    /// What stands before every name, if that is nothing that the join knows.
    pub prefix: String,
}

/// Where a block's norms and activations stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Behind each convolution, with an activation behind the sum.
    Post,
    /// Before each convolution.
    Pre,
}

/// A model's shortcut mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// No projection has weights: option A, or none at all.
    ZeroPad,
    /// A projection wherever shapes differ.
    Projection,
    /// A projection in every block.
    ProjectionAll,
}

/// A convolution, and the norm that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Channels out.
    pub channels: usize,
    /// Height and width.
    pub kernel: [usize; 2],
    /// Groups.
    pub groups: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// Its path.
    pub path: String,
    /// Its norm's path, if it has one.
    pub norm: Option<String>,
}

/// What comes before the stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stem {
    /// The convolutions, in order.
    pub convs: Vec<Conv>,
    /// How it takes the image's size down.
    pub size: StemSize,
}

/// How a stem takes the image's size down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StemSize {
    /// Not at all: CIFAR's.
    Keep,
    /// The first convolution has stride 2, and a 3x3 maximum with stride 2 follows.
    StridePool,
    /// The first convolution and the last have stride 2, instead of a maximum.
    StrideStride,
}

/// Blocks under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The name before the blocks' numbers.
    pub path: String,
    /// Stride of the first block.
    pub stride: usize,
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// One residual block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Channels in.
    pub inputs: usize,
    /// The branch.
    pub convs: Vec<Conv>,
    /// A gate behind the branch's last norm.
    pub gate: Option<Gate>,
    /// A shortcut that has weights.
    pub projection: Option<Projection>,
}

/// Squeeze and excitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Channels between its two layers.
    pub squeeze: usize,
    /// Whether they add a bias.
    pub bias: bool,
    /// Their paths.
    pub paths: [String; 2],
}

/// A projection shortcut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Its convolution.
    pub conv: Conv,
    /// Whether the mean is taken first.
    pub pooled: Pooled,
}

/// Whether a projection takes the mean of the map before its convolution, as ResNet-D does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pooled {
    /// Its convolution has the stride.
    No,
    /// Its convolution is the second thing in a sequence.
    Yes,
    /// Nothing tells, but the stem is ResNet-D's.
    Assumed,
}

/// What comes behind the stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last norm of a pre-activated network.
    pub norm: Option<String>,
    /// The classifier.
    pub linear: Option<Linear>,
}

/// The classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Classes.
    pub features: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// Its path.
    pub path: String,
}

impl Block {
    /// Channels out.
    pub fn outputs(&self) -> usize {
        self.convs.last().map_or(self.inputs, |conv| conv.channels)
    }
}
