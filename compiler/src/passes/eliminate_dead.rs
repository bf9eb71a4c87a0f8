//! Removes what no output needs. The input stays: it is the network's interface.

use crate::graph::{Graph, Op};

/// See the module.
pub fn eliminate_dead(graph: &mut Graph) {
    for id in graph.order().into_iter().rev() {
        let kept = matches!(graph.node(id).op, Op::Output { .. } | Op::Input);
        if !kept && graph.uses(id).is_empty() {
            graph.remove(id);
        }
    }
}
