//! A node to the step that computes it.

use resnetc_runtime::plan::{self, Algorithm, Op as StepOp, Residual, Split, Step, View};

use crate::graph::{Conv, Graph, NodeId, Op, ResidualRead, Window};

use super::choose::Chooser;
use super::layout::Layout;
use super::pack::{Groups, Packer, product};

/// A step, and the place in the spec that it belongs to.
pub struct Placed {
    /// The step, its weights counted from the begin of the blob.
    pub step: Step,
    /// Stem, stage or head, by number.
    pub part: usize,
    /// Which block of the part.
    pub block: Option<usize>,
    /// How far the packed weights reach behind this step.
    pub weights_end: usize,
    /// Whether they are all finite.
    pub finite: bool,
}

/// The step of a node; packs its weights.
pub fn step(graph: &Graph, id: NodeId, layout: &Layout, choice: &Chooser<'_>, packer: &mut Packer) -> Placed {
    let node = graph.node(id);
    let operands = graph.operands(id);
    let inputs: Vec<View> = operands.iter().map(|&o| layout.view(o)).collect();
    let output = || layout.view(id);
    let op = match &node.op {
        Op::Input => StepOp::Load { output: output() },
        Op::Conv(c) => conv(c, &inputs, output(), choice, packer),
        Op::Linear(linear) => StepOp::Conv(plan::Conv {
            input: inputs[0],
            output: output(),
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            pad: [0, 0],
            groups: 1,
            group_input: inputs[0].pixel,
            weights: packer.linear(&linear.weight, linear.bias.as_ref(), &inputs[0]),
            residual: None,
            activation: linear.activation,
            algorithm: Algorithm::Direct,
        }),
        Op::ScaleShift { scale, shift, activation } => StepOp::Affine {
            input: inputs[0],
            output: output(),
            weights: packer.affine(scale, shift, inputs[0].lanes()),
            activation: *activation,
        },
        Op::Activation(a) => StepOp::Activate { input: inputs[0], output: output(), activation: *a },
        Op::Add { residual: read, activation } => StepOp::Add {
            input: inputs[0],
            residual: residual(inputs[1], *read),
            output: output(),
            activation: *activation,
        },
        Op::Gate(gate) => StepOp::Gate {
            input: inputs[0],
            gate: inputs[1],
            residual: gate.residual.map(|read| residual(inputs[2], read)),
            output: output(),
            activation: gate.activation,
        },
        Op::MaxPool(window) => StepOp::MaxPool(pool(window, inputs[0], output())),
        Op::AvgPool { window, count_include_pad } => StepOp::AvgPool(plan::AvgPool {
            pool: pool(window, inputs[0], output()),
            pad_end: [window.pad.bottom, window.pad.right],
            count_include_pad: *count_include_pad,
        }),
        Op::GlobalAvgPool => StepOp::GlobalAvgPool { input: inputs[0], output: output() },
        Op::ZeroPad(read) => StepOp::PadChannels { residual: residual(inputs[0], *read), output: output() },
        Op::Softmax => StepOp::Softmax { input: inputs[0], output: output() },
        Op::BlurPool { size, stride, pad } => StepOp::BlurPool(plan::BlurPool {
            input: inputs[0],
            output: output(),
            size: *size,
            stride: *stride,
            pad: *pad,
        }),
        Op::Output { index, .. } => StepOp::Store { input: inputs[0], output: *index },
        Op::BatchNorm { .. } | Op::Dropout => {
            unreachable!("fold_norms and drop_identities leave none")
        }
    };
    let split = split(&op);
    let step = Step { name: node.path.clone().into(), op, split };
    let finite = packer.was_finite();
    Placed { step, part: node.part, block: node.block, weights_end: packer.length(), finite }
}

fn conv(c: &Conv, inputs: &[View], output: View, choice: &Chooser<'_>, packer: &mut Packer) -> StepOp {
    let a = &c.attributes;
    let input = inputs[0];
    let residual = c.residual.map(|read| residual(inputs[1], read));
    let pad = [a.pad.top, a.pad.left];
    if a.groups > 1 && a.groups == input.channels && a.channels == input.channels {
        return StepOp::Depthwise(plan::Depthwise {
            input,
            output,
            kernel: a.kernel,
            stride: a.stride,
            dilation: a.dilation,
            pad,
            weights: packer.depthwise(&c.weight, c.bias.as_ref(), input.pixel),
            residual,
            activation: c.activation,
        });
    }
    let groups = Groups::merge(a, &input);
    let algorithm = choice.algorithm(a, &input, &output);
    let weights = match algorithm {
        Algorithm::Direct => packer.dense(a, &c.weight, c.bias.as_ref(), (groups, input.element)),
        Algorithm::Winograd { form, .. } => packer.winograd(form, &c.weight, c.bias.as_ref(), input.pixel),
    };
    StepOp::Conv(plan::Conv {
        input,
        output,
        kernel: a.kernel,
        stride: a.stride,
        dilation: a.dilation,
        pad,
        groups: groups.count,
        group_input: input.element.words(groups.input),
        weights,
        residual,
        activation: c.activation,
        algorithm,
    })
}

fn residual(view: View, read: ResidualRead) -> Residual {
    Residual { view, stride: read.stride, channel_offset: read.before }
}

fn pool(window: &Window, input: View, output: View) -> plan::Pool {
    plan::Pool {
        input,
        output,
        kernel: window.kernel,
        stride: window.stride,
        pad: [window.pad.top, window.pad.left],
    }
}

/// Rows, unless a convolution streams more weights than activations: then each thread takes half
/// of the weights.
fn split(op: &StepOp) -> Split {
    let StepOp::Conv(conv) = op else { return Split::Rows };
    let weights = product(&[conv.kernel[0], conv.kernel[1], conv.group_input, conv.output.channels]);
    let activations = conv.input.image() + conv.output.image();
    if weights > activations { Split::Channels } else { Split::Rows }
}
