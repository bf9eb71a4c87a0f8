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

/// A tensor of a layer, wherever the layer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerTensor {
    /// PyTorch's name of it in the layer: `weight`, `running_mean`.
    pub name: &'static str,
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
        let fields = node.layer.tensors(self.input_shape(node)[0]).into_iter();
        let name = |field| format!("{}.{field}", node.path);
        fields
            .map(|LayerTensor { name: field, shape, trained }| Tensor { name: name(field), shape, trained })
            .collect()
    }

    /// Trained values in a node's tensors; saturates.
    pub fn params(&self, node: &Node) -> u64 {
        let tensors = node.layer.tensors(self.input_shape(node)[0]);
        let trained = tensors.iter().filter(|field| field.trained);
        trained.fold(0, |sum, field| count(&field.shape).saturating_add(sum))
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

/// Values of a tensor; saturates.
fn count(shape: &[usize]) -> u64 {
    shape.iter().fold(1, |count, &side| count.saturating_mul(side as u64))
}

impl Layer {
    /// The tensors of a layer over so many channels.
    pub fn tensors(&self, channels_in: usize) -> Vec<LayerTensor> {
        let trained = |name, shape| LayerTensor { name, shape, trained: true };
        let weights = |shape: Vec<usize>, bias: bool| {
            let bias = bias.then(|| trained("bias", vec![shape[0]]));
            [trained("weight", shape)].into_iter().chain(bias).collect()
        };
        match self {
            Self::Conv(Conv { channels, groups, kernel: [height, width], bias, .. }) => {
                weights(vec![*channels, channels_in / (*groups).max(1), *height, *width], *bias)
            }
            Self::Linear { features, bias } => weights(vec![*features, channels_in], *bias),
            Self::BatchNorm { .. } => {
                [("weight", true), ("bias", true), ("running_mean", false), ("running_var", false)]
                    .map(|(name, trained)| LayerTensor { name, shape: vec![channels_in], trained })
                    .into()
            }
            Self::Input
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
            | Self::Dropout => Vec::new(),
        }
    }

    /// Multiply-accumulates for one image of a layer over so many channels that gives this shape; saturates.
    pub fn macs(&self, channels_in: usize, [_, height, width]: Shape) -> u64 {
        let products = match self {
            Self::Conv(_) | Self::Linear { .. } => {
                let tensors = self.tensors(channels_in);
                let weight = tensors.iter().find(|field| field.name == "weight");
                weight.map_or(0, |field| count(&field.shape))
            }
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
        };
        products.saturating_mul(height as u64).saturating_mul(width as u64)
    }

    /// Values in all tensors of a layer over so many channels; saturates.
    pub fn values(&self, channels_in: usize) -> u64 {
        self.tensors(channels_in).iter().fold(0, |sum, field| count(&field.shape).saturating_add(sum))
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
