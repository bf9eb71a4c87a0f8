//! What steps compute, with all that a kernel has to know of it.

use super::{Element, LANES, View, winograd};

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
        /// Index into [`Plan::outputs`](super::Plan::outputs).
        output: usize,
    },
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
/// products has 16 bits then. For an input of 8 bits the sums are integers: of channel c,
/// `activation(sum * scale[c] + bias[c] [+ residual])`. The scales come first, then the biases, in which the
/// input's zeros are accounted for, and then each channel's sum of weights, a signed integer.
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
