//! A network of which every value can be seen: what a calibration and a comparison of precisions run.

use crate::graph::{Graph, Node, Op};

/// What a probed value's output is called, besides the network's own outputs.
const PREFIX: &str = "probe:";

/// Makes every value of a graph an output, behind those that it has.
pub fn add_probes(graph: &mut Graph) {
    let order = graph.order();
    let first = order.iter().filter(|&&id| matches!(graph.node(id).op, Op::Output { .. })).count();
    let values = order.into_iter().filter(|&id| !matches!(graph.node(id).op, Op::Output { .. }));
    for (index, id) in (first..).zip(values.collect::<Vec<_>>()) {
        let node = graph.node(id);
        let name = format!("{PREFIX}{}", node.path);
        let node = Node { path: format!("output.{name}"), op: Op::Output { name, index }, ..node.clone() };
        graph.add(node, &[id]);
    }
}

/// The layer whose value an output is, if it was added here.
pub fn layer(output: &str) -> Option<&str> {
    output.strip_prefix(PREFIX)
}
