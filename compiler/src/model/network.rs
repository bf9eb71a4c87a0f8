//! The network: a checked model with its blocks expanded and every shape known.
//!
//! Nodes are in order: a node's inputs come before it. Nothing here needs weights; what a node
//! wants of a checkpoint follows from its layer and its path.

use std::ops::Range;

use resnetc_runtime::plan::{Activation, Preprocess};

use crate::diagnostics::Span;
use crate::weights::Rename;

use super::limits::Limits;

/// Channels, height and width of one image's activations.
pub type Shape = [usize; 3];

/// Rows above, columns before, rows below and columns behind a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pad {
    /// Rows above.
    pub top: usize,
    /// Columns before.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns behind.
    pub right: usize,
}

/// A checked, expanded model.
#[derive(Clone, Debug)]
pub struct Network {
    /// The model's name.
    pub name: String,
    /// Every operation, in order; the first is the input.
    pub nodes: Vec<Node>,
    /// Stem, stages and head, in order.
    pub parts: Vec<String>,
    /// What a run gives; the first is the main output.
    pub outputs: Vec<Output>,
    /// From a picture to the input.
    pub preprocess: Preprocess,
    /// Class names; may be empty.
    pub labels: Vec<String>,
    /// The spec's own weights file, relative to the spec.
    pub weights: Option<String>,
    /// Patterns from the network's tensor names to the checkpoint's.
    pub renames: Vec<(String, String)>,
    /// The networks of an ensemble, in order; none if this is a network by itself.
    pub members: Vec<Member>,
    /// What it was held to, and its plan will be.
    pub limits: Limits,
}

/// A network of an ensemble.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name: the first part of its operations' paths.
    pub name: String,
    /// Its operations, as places in [`Network::nodes`].
    pub nodes: Range<usize>,
    /// Its own weights file, relative to the spec.
    pub weights: Option<String>,
}

impl Member {
    /// The rules of its own checkpoint: those that are given, and those among the ensemble's that are about it.
    pub fn rules(&self, given: &[Rename], ensemble: &[Rename]) -> Vec<Rename> {
        let own = |text: &str| text.strip_prefix(&self.name)?.strip_prefix('.').map(str::to_owned);
        let about =
            ensemble.iter().filter_map(|rule| Some(Rename { from: own(&rule.from)?, to: own(&rule.to)? }));
        given.iter().cloned().chain(about).collect()
    }
}

/// A node's place in [`Network::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// A named result.
#[derive(Clone, Debug)]
pub struct Output {
    /// What a caller asks for.
    pub name: String,
    /// The node that computes it.
    pub node: NodeId,
}

/// One operation of the network.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it computes.
    pub layer: Layer,
    /// What it reads.
    pub inputs: Vec<NodeId>,
    /// What it gives.
    pub shape: Shape,
    /// Its name: where its tensors are in a checkpoint.
    pub path: String,
    /// The line that wrote it.
    pub span: Span,
    /// Index into [`Network::parts`].
    pub part: usize,
    /// Which block of its part it is in, counted from 0.
    pub block: Option<usize>,
}

/// What a node computes, before anything is fused.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// The image.
    Input,
    /// Convolution.
    Conv(Conv),
    /// Batch normalisation with the statistics of training.
    BatchNorm {
        /// Added to the variance.
        eps: f64,
    },
    /// An activation function.
    Activation(Activation),
    /// Sum of two maps.
    Add,
    /// Mean of any number of maps: an ensemble's answers.
    Average,
    /// Product of a map and a gate, which is broadcast if it is 1 x 1.
    Mul,
    /// Maximum over windows.
    MaxPool(Window),
    /// Mean over windows.
    AvgPool {
        /// The windows.
        window: Window,
        /// Whether padding counts in the divisor.
        count_include_pad: bool,
    },
    /// Mean over the map.
    GlobalAvgPool,
    /// Fully connected.
    Linear {
        /// Features out.
        features: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// Every `stride`-th row and column, zero channels before and behind: option A.
    ZeroPad {
        /// Step between the rows and columns that are kept.
        stride: usize,
        /// Zero channels in front.
        before: usize,
    },
    /// Softmax over channels.
    Softmax,
    /// Binomial blur with mirrored edges, and subsampling.
    BlurPool {
        /// Taps a side.
        size: usize,
        /// Step between outputs.
        stride: usize,
        /// Mirrored rows and columns on each side.
        pad: usize,
    },
    /// Dropout or stochastic depth: nothing at inference.
    Dropout,
}

/// A convolution's attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Channels out.
    pub channels: usize,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Zeros around the map.
    pub pad: Pad,
    /// Vertical and horizontal dilation.
    pub dilation: [usize; 2],
    /// Groups.
    pub groups: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

/// A pooling window.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Padding around the map.
    pub pad: Pad,
    /// Whether a window may reach past the padding at the far side.
    pub ceil_mode: bool,
}

/// A tensor that a node takes from a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name in the network's own scheme.
    pub name: String,
    /// Its shape as PyTorch has it.
    pub shape: Vec<usize>,
    /// Whether it is trained (weights, biases) or measured (running statistics).
    pub trained: bool,
}

impl Network {
    /// The node of an id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The layer that makes a value what it is: what does nothing at inference is passed over.
    pub fn deciding(&self, id: NodeId) -> &Layer {
        let node = self.node(id);
        match (&node.layer, node.inputs.first()) {
            (Layer::Dropout, Some(before)) => self.deciding(*before),
            (layer, _) => layer,
        }
    }

    /// What a checkpoint calls the tensors: these rules, then the network's own.
    pub fn rules(&self, given: &[Rename]) -> Vec<Rename> {
        let own = self.renames.iter().map(|(from, to)| Rename { from: from.clone(), to: to.clone() });
        given.iter().cloned().chain(own).collect()
    }

    /// The shape of a node's first input; of the input node, its own.
    pub fn input_shape(&self, node: &Node) -> Shape {
        node.inputs.first().map_or(node.shape, |&id| self.node(id).shape)
    }

    /// The tensors that a node takes from a checkpoint.
    pub fn tensors(&self, node: &Node) -> Vec<Tensor> {
        let channels_in = self.input_shape(node)[0];
        let tensor = |field: &str, shape: Vec<usize>, trained| Tensor {
            name: format!("{}.{field}", node.path),
            shape,
            trained,
        };
        let mut tensors = Vec::new();
        match &node.layer {
            Layer::Conv(c) => {
                let [h, w] = c.kernel;
                tensors.push(tensor("weight", vec![c.channels, channels_in / c.groups, h, w], true));
                tensors.extend(c.bias.then(|| tensor("bias", vec![c.channels], true)));
            }
            Layer::Linear { features, bias } => {
                tensors.push(tensor("weight", vec![*features, channels_in], true));
                tensors.extend(bias.then(|| tensor("bias", vec![*features], true)));
            }
            Layer::BatchNorm { .. } => {
                for (field, trained) in
                    [("weight", true), ("bias", true), ("running_mean", false), ("running_var", false)]
                {
                    tensors.push(tensor(field, vec![channels_in], trained));
                }
            }
            Layer::Input
            | Layer::Activation(_)
            | Layer::Add
            | Layer::Average
            | Layer::Mul
            | Layer::MaxPool(_)
            | Layer::AvgPool { .. }
            | Layer::GlobalAvgPool
            | Layer::ZeroPad { .. }
            | Layer::Softmax
            | Layer::BlurPool { .. }
            | Layer::Dropout => {}
        }
        tensors
    }

    /// Trained values in a node's tensors; saturates.
    pub fn params(&self, node: &Node) -> u64 {
        let tensors = self.tensors(node);
        let size = |shape: &[usize]| shape.iter().fold(1_u64, |size, &side| size.saturating_mul(side as u64));
        tensors.iter().filter(|t| t.trained).fold(0, |sum, t| size(&t.shape).saturating_add(sum))
    }

    /// Multiply-accumulates of a node for one image: those of convolutions and linear layers, which
    /// use each weight once a position.
    pub fn macs(&self, node: &Node) -> u64 {
        node.layer.macs(self.input_shape(node)[0], node.shape)
    }

    /// Trained values of the whole network.
    pub fn total_params(&self) -> u64 {
        self.nodes.iter().fold(0, |total, n| total.saturating_add(self.params(n)))
    }

    /// Multiply-accumulates of the whole network for one image.
    pub fn total_macs(&self) -> u64 {
        self.nodes.iter().fold(0, |total, n| total.saturating_add(self.macs(n)))
    }
}

impl Layer {
    /// Weights of a convolution or linear layer over so many channels; saturates.
    pub fn weights(&self, channels_in: usize) -> u64 {
        let product = |factors: [usize; 4]| factors.iter().fold(1u64, |p, &f| p.saturating_mul(f as u64));
        match self {
            Self::Conv(c) => product([c.channels, channels_in / c.groups.max(1), c.kernel[0], c.kernel[1]]),
            Self::Linear { features, .. } => product([*features, channels_in, 1, 1]),
            Self::Input
            | Self::BatchNorm { .. }
            | Self::Activation(_)
            | Self::Add
            | Self::Average
            | Self::Mul
            | Self::MaxPool(_)
            | Self::AvgPool { .. }
            | Self::GlobalAvgPool
            | Self::ZeroPad { .. }
            | Self::Softmax
            | Self::BlurPool { .. }
            | Self::Dropout => 0,
        }
    }

    /// Multiply-accumulates for one image of a layer over so many channels that gives this shape; saturates.
    pub fn macs(&self, channels_in: usize, [_, height, width]: Shape) -> u64 {
        self.weights(channels_in).saturating_mul(height as u64).saturating_mul(width as u64)
    }

    /// Values in all tensors of a layer over so many channels; saturates.
    pub fn values(&self, channels_in: usize) -> u64 {
        let others = match self {
            Self::Conv(Conv { channels, bias: true, .. }) => *channels,
            Self::Linear { features, bias: true } => *features,
            Self::BatchNorm { .. } => channels_in.saturating_mul(4),
            Self::Conv(Conv { bias: false, .. })
            | Self::Linear { bias: false, .. }
            | Self::Input
            | Self::Activation(_)
            | Self::Add
            | Self::Average
            | Self::Mul
            | Self::MaxPool(_)
            | Self::AvgPool { .. }
            | Self::GlobalAvgPool
            | Self::ZeroPad { .. }
            | Self::Softmax
            | Self::BlurPool { .. }
            | Self::Dropout => 0,
        };
        self.weights(channels_in).saturating_add(others as u64)
    }

    /// The word that a spec writes for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Conv(_) => "conv",
            Self::BatchNorm { .. } => "norm",
            Self::Activation(a) => activation_word(*a),
            Self::Add => "add",
            Self::Average => "average",
            Self::Mul => "gate",
            Self::MaxPool(_) => "max_pool",
            Self::AvgPool { .. } => "avg_pool",
            Self::GlobalAvgPool => "global_avg_pool",
            Self::Linear { .. } => "linear",
            Self::ZeroPad { .. } => "zero_pad",
            Self::Softmax => "softmax",
            Self::BlurPool { .. } => "blur_pool",
            Self::Dropout => "dropout",
        }
    }
}

/// The word that a spec writes for an activation.
pub fn activation_word(activation: Activation) -> &'static str {
    match activation {
        Activation::None => "identity",
        Activation::Relu => "relu",
        Activation::Relu6 => "relu6",
        Activation::LeakyRelu(_) => "leaky_relu",
        Activation::Silu => "silu",
        Activation::Gelu => "gelu",
        Activation::Sigmoid => "sigmoid",
        Activation::HardSigmoid => "hard_sigmoid",
        Activation::HardSwish => "hard_swish",
        Activation::Tanh => "tanh",
    }
}
