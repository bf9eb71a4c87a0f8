//! What holds of every graph, between any two passes.
//!
//! 1. There is no cycle.
//! 2. A node has as many operands as its operation takes, at the places 0, 1, ….
//! 3. A node's shape is what its operation makes of its operands' shapes.
//! 4. A constant has the shape that its operation needs, and as many values, if it has values.
//! 5. A residual lies within the sum's shape: `ceil(h / stride)`, `ceil(w / stride)` and channels
//!    up to the sum's, from `before` on.
//! 6. A gate is as large as its map, or 1 x 1 with the map's channels.
//! 7. There is one input; outputs are numbered 0, 1, … and nothing reads them.
//! 8. Either all constants have values, or none has.

use std::fmt;

use crate::model::Shape;
use crate::model::window::axes;

use super::graph::{Graph, NodeId};
use super::op::{Constant, Conv, Op, ResidualRead};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The node's path; empty if it is the whole graph.
    pub path: String,
    /// What does not hold.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// Every invariant that a graph breaks.
pub fn verify(graph: &Graph) -> Vec<Violation> {
    let mut violations = Vec::new();
    let order = graph.order();
    let mut whole = |what: String| violations.push(Violation { path: String::new(), what });
    if order.len() != graph.len() {
        whole("there is a cycle".to_owned());
    }
    let inputs = order.iter().filter(|&&id| graph.node(id).op == Op::Input).count();
    if inputs != 1 {
        whole(format!("there are {inputs} inputs"));
    }
    let mut indices: Vec<usize> = Vec::new();
    let (mut with, mut without) = (0, 0);
    for &id in &order {
        if let Op::Output { index, .. } = graph.node(id).op {
            indices.push(index);
        }
        for constant in constants(&graph.node(id).op) {
            *(if constant.values.is_some() { &mut with } else { &mut without }) += 1;
        }
    }
    indices.sort_unstable();
    if !indices.iter().copied().eq(0..indices.len()) {
        whole(format!("the outputs are numbered {indices:?}"));
    }
    if with > 0 && without > 0 {
        whole(format!("{with} constants have values, {without} have none"));
    }
    for id in order {
        for what in check_node(graph, id) {
            violations.push(Violation { path: graph.node(id).path.clone(), what });
        }
    }
    violations
}

/// The constants of an operation.
pub(super) fn constants(op: &Op) -> Vec<&Constant> {
    match op {
        Op::Conv(conv) => std::iter::once(&conv.weight).chain(&conv.bias).collect(),
        Op::Linear(linear) => std::iter::once(&linear.weight).chain(&linear.bias).collect(),
        Op::BatchNorm { weight, bias, mean, variance, .. } => vec![weight, bias, mean, variance],
        Op::ScaleShift { scale, shift, .. } => vec![scale, shift],
        Op::Input
        | Op::Activation(_)
        | Op::Add { .. }
        | Op::Gate(_)
        | Op::MaxPool(_)
        | Op::AvgPool { .. }
        | Op::GlobalAvgPool
        | Op::ZeroPad(_)
        | Op::Softmax
        | Op::BlurPool { .. }
        | Op::Dropout
        | Op::Output { .. } => Vec::new(),
    }
}

fn check_node(graph: &Graph, id: NodeId) -> Vec<String> {
    let node = graph.node(id);
    let mut wrong = Vec::new();
    if !graph.operand_places(id).into_iter().eq(0..node.op.operands()) {
        wrong.push(format!(
            "its operands are at {:?}, it takes {}",
            graph.operand_places(id),
            node.op.operands()
        ));
        return wrong;
    }
    let shapes: Vec<Shape> = graph.operands(id).into_iter().map(|o| graph.node(o).shape).collect();
    match infer(&node.op, &shapes, node.shape) {
        Ok(shape) if shape == node.shape => {}
        Ok(shape) => wrong.push(format!("its shape is {:?}, its operands make {shape:?}", node.shape)),
        Err(what) => wrong.push(what),
    }
    for constant in constants(&node.op) {
        if constant.values.as_ref().is_some_and(|v| v.len() != constant.len()) {
            wrong.push(format!("a constant of shape {:?} has another number of values", constant.shape));
        }
    }
    if matches!(node.op, Op::Output { .. }) && !graph.uses(id).is_empty() {
        wrong.push("an output is read".to_owned());
    }
    wrong
}

fn infer(op: &Op, operands: &[Shape], declared: Shape) -> Result<Shape, String> {
    let first = operands.first().copied().unwrap_or(declared);
    let [channels, height, width] = first;
    match op {
        Op::Input => Ok(declared),
        Op::Conv(conv) => infer_conv(conv, operands),
        Op::BatchNorm { .. } | Op::ScaleShift { .. } => {
            for constant in constants(op) {
                expect_shape(constant, &[channels])?;
            }
            Ok(first)
        }
        Op::Activation(_) | Op::Softmax | Op::Dropout | Op::Output { .. } => Ok(first),
        Op::Add { residual, .. } => check_residual(*residual, operands[1], first).map(|()| first),
        Op::Gate(gate) => {
            let by = operands[1];
            if by != first && by != [channels, 1, 1] {
                return Err(format!("a gate of {by:?} does not fit {first:?}"));
            }
            match gate.residual {
                Some(residual) => check_residual(residual, operands[2], first).map(|()| first),
                None => Ok(first),
            }
        }
        Op::MaxPool(window) | Op::AvgPool { window, .. } => {
            let [y, x] = axes(window.kernel, window.stride, [1, 1], window.pad);
            let fit = y.outputs(height, window.ceil_mode).zip(x.outputs(width, window.ceil_mode));
            fit.map(|(h, w)| [channels, h, w]).ok_or_else(|| "its window does not fit".to_owned())
        }
        Op::GlobalAvgPool => Ok([channels, 1, 1]),
        Op::Linear(linear) => {
            let features = linear.weight.shape.first().copied().unwrap_or(0);
            expect_shape(&linear.weight, &[features, channels])?;
            linear.bias.iter().try_for_each(|b| expect_shape(b, &[features]))?;
            if [height, width] == [1, 1] { Ok([features, 1, 1]) } else { Err("it reads a map".to_owned()) }
        }
        Op::ZeroPad(read) => check_residual(*read, first, declared).map(|()| declared),
        Op::BlurPool { size, stride, pad } => {
            let outputs = |length: usize| (length + 2 * pad).checked_sub(*size).map(|room| room / stride + 1);
            let fit = outputs(height).zip(outputs(width));
            fit.map(|(h, w)| [channels, h, w]).ok_or_else(|| "its filter does not fit".to_owned())
        }
    }
}

fn infer_conv(conv: &Conv, operands: &[Shape]) -> Result<Shape, String> {
    let a = &conv.attributes;
    let [channels, height, width] = operands[0];
    if !channels.is_multiple_of(a.groups) || !a.channels.is_multiple_of(a.groups) {
        return Err(format!("{} groups do not divide its channels", a.groups));
    }
    expect_shape(&conv.weight, &[a.channels, channels / a.groups, a.kernel[0], a.kernel[1]])?;
    conv.bias.iter().try_for_each(|b| expect_shape(b, &[a.channels]))?;
    let [y, x] = axes(a.kernel, a.stride, a.dilation, a.pad);
    let (Some(h), Some(w)) = (y.outputs(height, false), x.outputs(width, false)) else {
        return Err("its window does not fit".to_owned());
    };
    let shape = [a.channels, h, w];
    if let Some(residual) = conv.residual {
        check_residual(residual, operands[1], shape)?;
    }
    Ok(shape)
}

fn check_residual(read: ResidualRead, from: Shape, to: Shape) -> Result<(), String> {
    let fits = read.stride > 0
        && from[1].div_ceil(read.stride) == to[1]
        && from[2].div_ceil(read.stride) == to[2]
        && read.before + from[0] <= to[0];
    if fits { Ok(()) } else { Err(format!("a residual of {from:?} read by {read:?} does not fit {to:?}")) }
}

fn expect_shape(constant: &Constant, shape: &[usize]) -> Result<(), String> {
    if constant.shape == shape {
        Ok(())
    } else {
        Err(format!("a constant has shape {:?}, not {shape:?}", constant.shape))
    }
}
