//! A graph in Graphviz's language: a cluster for each part, a box for each node, a shortcut's edge dashed.

use super::graph::{Graph, NodeId};
use super::op::Op;
use super::text::describe;

/// The graph for `dot`, which `dot -Tsvg` draws.
pub fn to_dot(graph: &Graph) -> String {
    let order = graph.order();
    let mut out = format!("digraph {} {{\n", quoted(&graph.name));
    out += "    rankdir=TB;\n    node [shape=box, fontname=\"sans-serif\"];\n";
    for (part, name) in graph.parts.iter().enumerate() {
        let inside: Vec<NodeId> = order.iter().copied().filter(|&id| graph.node(id).part == part).collect();
        if inside.is_empty() {
            continue;
        }
        out += &format!("    subgraph cluster_{part} {{\n        label={};\n", quoted(name));
        for id in inside {
            out += &format!("        {}", node(graph, id));
        }
        out += "    }\n";
    }
    // A graph that nobody lowered may have nodes of no part.
    for id in order.iter().copied().filter(|&id| graph.node(id).part >= graph.parts.len()) {
        out += &format!("    {}", node(graph, id));
    }
    for &id in &order {
        for (place, operand) in graph.operands(id).into_iter().enumerate() {
            let style = if is_residual(&graph.node(id).op, place) { " [style=dashed]" } else { "" };
            out += &format!("    n{} -> n{}{style};\n", operand.index(), id.index());
        }
    }
    out + "}\n"
}

fn node(graph: &Graph, id: NodeId) -> String {
    let node = graph.node(id);
    let [c, h, w] = node.shape;
    let label = format!("{}\n{}\n{c}x{h}x{w}", node.path, describe(&node.op));
    format!("n{} [label={}];\n", id.index(), quoted(&label))
}

/// Whether an operand is a shortcut that is added.
fn is_residual(op: &Op, place: usize) -> bool {
    match op {
        Op::Conv(_) | Op::Add { .. } => place == 1,
        Op::Gate(_) => place == 2,
        Op::Input
        | Op::BatchNorm { .. }
        | Op::ScaleShift { .. }
        | Op::Activation(_)
        | Op::MaxPool(_)
        | Op::AvgPool { .. }
        | Op::GlobalAvgPool
        | Op::Linear(_)
        | Op::ZeroPad(_)
        | Op::Softmax
        | Op::BlurPool { .. }
        | Op::Dropout
        | Op::Output { .. } => false,
    }
}

/// A string of the language. In labels a backslash begins an escape and an ampersand an entity.
fn quoted(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spec;
    use crate::graph::lower;

    #[test]
    fn quotes_what_ends_a_string_or_begins_an_escape() {
        assert_eq!(quoted("a\"b\\N\nc"), r#""a\"b\\N\nc""#);
    }

    #[test]
    fn draws_each_node_and_each_edge_once() {
        let network = Spec::open("resnet18_a").and_then(|s| s.check(&[])).unwrap().network;
        let graph = lower(&network, None);
        let dot = to_dot(&graph);
        let count = |what: &str| dot.matches(what).count();
        assert_eq!(count(" [label="), graph.len());
        let edges: usize = graph.order().into_iter().map(|id| graph.operands(id).len()).sum();
        assert_eq!(count(" -> "), edges);
        assert_eq!(count("[style=dashed]"), 8, "a shortcut a block");
        assert_eq!(count("subgraph cluster_"), graph.parts.len());
    }
}
