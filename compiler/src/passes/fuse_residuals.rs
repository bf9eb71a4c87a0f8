//! Fuses additions into the convolution or gate that makes one of the summands, and option A's
//! zero padding into the way in which the other is read.

use resnetc_runtime::plan::Activation;

use crate::graph::{Graph, NodeId, Op, ResidualRead};

/// See the module.
pub fn fuse_residuals(graph: &mut Graph) {
    for id in graph.order() {
        if !matches!(graph.node(id).op, Op::Add { .. }) {
            continue;
        }
        absorb_zero_pad(graph, id);
        let Op::Add { residual, activation: Activation::None } = graph.node(id).op else { continue };
        let operands = graph.operands(id);
        let [a, b] = operands[..] else { unreachable!("verified: a sum has two operands") };
        if takes_residual(graph, a, id) {
            fuse(graph, id, a, b, residual);
        } else if is_identity(graph, b, residual, id) && takes_residual(graph, b, id) {
            // Nothing but the sum reads `b`, so `a` cannot be waiting for it.
            fuse(graph, id, b, a, residual);
        }
    }
}

/// Lets a sum read what a zero padding reads, in the way the padding would.
fn absorb_zero_pad(graph: &mut Graph, sum: NodeId) {
    let operands = graph.operands(sum);
    let pads: Vec<bool> = operands.iter().map(|&o| matches!(graph.node(o).op, Op::ZeroPad(_))).collect();
    let (value, pad) = match pads[..] {
        [false, true] => (operands[0], operands[1]),
        [true, false] => (operands[1], operands[0]),
        _ => return,
    };
    let Op::ZeroPad(read) = graph.node(pad).op else { return };
    let from = graph.operands(pad)[0];
    graph.replace(sum, Op::Add { residual: read, activation: Activation::None }, &[value, from]);
}

fn takes_residual(graph: &Graph, id: NodeId, sum: NodeId) -> bool {
    let free = match &graph.node(id).op {
        Op::Conv(c) => c.residual.is_none() && c.activation == Activation::None,
        Op::Gate(g) => g.residual.is_none() && g.activation == Activation::None,
        _ => false,
    };
    free && graph.only_use(id) == Some(sum)
}

/// Whether a sum reads a summand as it is: summands can change places then.
fn is_identity(graph: &Graph, summand: NodeId, read: ResidualRead, sum: NodeId) -> bool {
    read == ResidualRead::IDENTITY && graph.node(summand).shape == graph.node(sum).shape
}

fn fuse(graph: &mut Graph, sum: NodeId, into: NodeId, residual: NodeId, read: ResidualRead) {
    let mut operands = graph.operands(into);
    operands.push(residual);
    let mut op = graph.node(into).op.clone();
    match &mut op {
        Op::Conv(conv) => conv.residual = Some(read),
        Op::Gate(gate) => gate.residual = Some(read),
        _ => unreachable!("takes_residual has looked"),
    }
    graph.redirect(sum, into);
    graph.remove(sum);
    graph.replace(into, op, &operands);
}
