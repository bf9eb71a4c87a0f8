//! Fuses an activation into the operation before it, if nothing else reads that.

use resnetc_runtime::plan::Activation;

use crate::graph::{Graph, Op};

/// See the module.
pub fn fuse_activations(graph: &mut Graph) {
    for id in graph.order() {
        let Op::Activation(activation) = graph.node(id).op else { continue };
        let operand = graph.operands(id)[0];
        let mut op = graph.node(operand).op.clone();
        let Some(slot) = op.activation_mut().filter(|a| **a == Activation::None) else { continue };
        *slot = activation;
        if graph.only_use(operand) == Some(id) {
            let operands = graph.operands(operand);
            graph.replace(operand, op, &operands);
            graph.bypass(id);
        }
    }
}
