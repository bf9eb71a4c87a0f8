//! Operations of the graph, before and after fusion.

use std::sync::Arc;

use resnetc_runtime::plan::Activation;

use crate::model::network;
pub use crate::model::network::Window;

/// A tensor of weights: its shape always, its values once a checkpoint has been joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// As PyTorch has it.
    pub shape: Vec<usize>,
    /// Row-major; `None` in a graph without weights, which has all its shapes nonetheless. A vector, so that what
    /// was read is not copied.
    pub values: Option<Arc<Vec<f32>>>,
}

impl Constant {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A tensor computed from the values of others, if all are there.
    pub fn derive<const N: usize>(
        shape: Vec<usize>,
        from: [&Constant; N],
        compute: impl FnOnce([&[f32]; N]) -> Vec<f32>,
    ) -> Self {
        let mut slices: [&[f32]; N] = [&[]; N];
        for (slice, constant) in slices.iter_mut().zip(from) {
            match &constant.values {
                Some(values) => *slice = values,
                None => return Self { shape, values: None },
            }
        }
        Self { shape, values: Some(compute(slices).into()) }
    }
}

/// What a node computes. Operand 0 is the value worked on.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The image.
    Input,
    /// Convolution with what was fused into it; operand 1 is its residual, if it has one.
    Conv(Box<Conv>),
    /// Batch normalisation by the statistics of training.
    BatchNorm {
        /// gamma
        weight: Constant,
        /// beta
        bias: Constant,
        /// Running mean.
        mean: Constant,
        /// Running variance.
        variance: Constant,
        /// Added to the variance.
        eps: f64,
    },
    /// `activation(x * scale + shift)` for each channel: a norm that no convolution could take.
    ScaleShift {
        /// A factor a channel.
        scale: Constant,
        /// A summand a channel.
        shift: Constant,
        /// Applied last.
        activation: Activation,
    },
    /// An activation of its own.
    Activation(Activation),
    /// `activation(a + b)`, where no convolution could take the addition.
    Add {
        /// How operand 1 is read.
        residual: ResidualRead,
        /// Applied last.
        activation: Activation,
    },
    /// A map times a gate (operand 1), plus a residual (operand 2) if it has one.
    Gate(Gate),
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
    Linear(Linear),
    /// Every `stride`-th pixel, `before` zero channels in front, the rest behind.
    ZeroPad(ResidualRead),
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
    /// Nothing at inference.
    Dropout,
    /// A result of the network.
    Output {
        /// What a caller asks for.
        name: String,
        /// Its place among the results.
        index: usize,
    },
}

/// A convolution and its epilogue: `activation(conv(x) + bias [+ residual])`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Kernel, stride, padding and the like.
    pub attributes: network::Conv,
    /// `[out, in / groups, height, width]`
    pub weight: Constant,
    /// `[out]`
    pub bias: Option<Constant>,
    /// How operand 1 is read, if it is there.
    pub residual: Option<ResidualRead>,
    /// Applied last.
    pub activation: Activation,
}

/// How a shortcut is read: an identity, or option A's subsampling and channel offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResidualRead {
    /// 1, or the step between the pixels that are read.
    pub stride: usize,
    /// Output channels before the first that the shortcut has.
    pub before: usize,
}

impl ResidualRead {
    /// An identity shortcut.
    pub const IDENTITY: Self = Self { stride: 1, before: 0 };
}

/// `activation(x * gate [+ residual])`
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// How operand 2 is read, if it is there.
    pub residual: Option<ResidualRead>,
    /// Applied last.
    pub activation: Activation,
}

/// `activation(x W^T + bias)`
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// `[out, in]`
    pub weight: Constant,
    /// `[out]`
    pub bias: Option<Constant>,
    /// Applied last.
    pub activation: Activation,
}

impl Op {
    /// How many operands it takes.
    pub fn operands(&self) -> usize {
        match self {
            Self::Input => 0,
            Self::Conv(conv) => 1 + usize::from(conv.residual.is_some()),
            Self::Gate(gate) => 2 + usize::from(gate.residual.is_some()),
            Self::Add { .. } => 2,
            Self::BatchNorm { .. }
            | Self::ScaleShift { .. }
            | Self::Activation(_)
            | Self::MaxPool(_)
            | Self::AvgPool { .. }
            | Self::GlobalAvgPool
            | Self::Linear(_)
            | Self::ZeroPad(_)
            | Self::Softmax
            | Self::BlurPool { .. }
            | Self::Dropout
            | Self::Output { .. } => 1,
        }
    }

    /// Where an activation behind this operation can go, if it can go into it.
    pub fn activation_mut(&mut self) -> Option<&mut Activation> {
        match self {
            Self::Conv(conv) => Some(&mut conv.activation),
            Self::ScaleShift { activation, .. } | Self::Add { activation, .. } => Some(activation),
            Self::Gate(gate) => Some(&mut gate.activation),
            Self::Linear(linear) => Some(&mut linear.activation),
            Self::Input
            | Self::BatchNorm { .. }
            | Self::Activation(_)
            | Self::MaxPool(_)
            | Self::AvgPool { .. }
            | Self::GlobalAvgPool
            | Self::ZeroPad(_)
            | Self::Softmax
            | Self::BlurPool { .. }
            | Self::Dropout
            | Self::Output { .. } => None,
        }
    }
}
