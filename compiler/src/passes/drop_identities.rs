//! Drops what does nothing at inference: dropout, stochastic depth, pools of one pixel.

use crate::graph::{Graph, Op};
use crate::model::network::Pad;

/// See the module.
pub fn drop_identities(graph: &mut Graph) {
    for id in graph.order() {
        if is_identity(&graph.node(id).op) {
            graph.bypass(id);
        }
    }
}

fn is_identity(op: &Op) -> bool {
    match op {
        Op::Dropout => true,
        Op::MaxPool(window) | Op::AvgPool { window, .. } => {
            window.kernel == [1, 1] && window.stride == [1, 1] && window.pad == Pad::default()
        }
        Op::Input
        | Op::Conv(_)
        | Op::BatchNorm { .. }
        | Op::ScaleShift { .. }
        | Op::Activation(_)
        | Op::Add { .. }
        | Op::Gate(_)
        | Op::GlobalAvgPool
        | Op::Linear(_)
        | Op::ZeroPad(_)
        | Op::Softmax
        | Op::BlurPool { .. }
        | Op::Output { .. } => false,
    }
}
