//! What may be the cause where a layer departs: small changes of the graph, each with its words.
//!
//! In: the graph, the dump, and the node that departs. Out: a variant of the graph a hypothesis, in which the
//! node can be computed again. Changed are the node itself and those before it that were not recorded, which
//! are computed with it: everything before these agrees with the dump.

mod activations;
mod convolutions;
mod images;
mod norms;
mod pools;
mod shortcuts;

use std::collections::HashSet;

use ndarray::Array4;

use crate::graph::eval::eval_at;
use crate::graph::{Graph, Node, NodeId, Op};
use crate::model::{Network, Shape};

use super::dump::Dump;

/// A change that may be the cause.
pub struct Hypothesis {
    /// What the dump has and the network has not.
    pub what: String,
    /// What to write.
    pub mend: String,
    /// The graph with the change.
    pub graph: Graph,
    /// The node to compute in it.
    pub target: NodeId,
    /// Values that stand for those of the dump.
    pub given: Vec<(NodeId, Array4<f64>)>,
}

/// What hypotheses are made from.
struct Case<'a> {
    network: &'a Network,
    graph: &'a Graph,
    dump: &'a Dump<'a>,
    /// The node that departs.
    target: NodeId,
    /// That node, and those before it which are computed with it; in order.
    nodes: Vec<NodeId>,
}

/// Every hypothesis on why a node departs.
pub fn list(network: &Network, graph: &Graph, dump: &Dump, target: NodeId) -> Vec<Hypothesis> {
    let case = Case { network, graph, dump, target, nodes: computed(graph, dump, target) };
    let mut all = Vec::new();
    images::list(&case, &mut all);
    for &id in &case.nodes {
        norms::list(&case, id, &mut all);
        convolutions::list(&case, id, &mut all);
        activations::list(&case, id, &mut all);
        pools::list(&case, id, &mut all);
        shortcuts::list(&case, id, &mut all);
    }
    activations::list_missing(&case, &mut all);
    shortcuts::list_missing(&case, &mut all);
    all
}

/// A node and those before it that were not recorded.
fn computed(graph: &Graph, dump: &Dump, target: NodeId) -> Vec<NodeId> {
    let mut found = HashSet::from([target]);
    let mut open = vec![target];
    while let Some(id) = open.pop() {
        for operand in graph.operands(id) {
            let is_input = matches!(graph.node(operand).op, Op::Input);
            if !is_input && dump.name(operand).is_empty() && found.insert(operand) {
                open.push(operand);
            }
        }
    }
    graph.order().into_iter().filter(|id| found.contains(id)).collect()
}

impl Case<'_> {
    /// A hypothesis that changes the graph.
    fn change(&self, what: String, mend: impl Into<String>, change: impl FnOnce(&mut Graph)) -> Hypothesis {
        let mut graph = self.graph.clone();
        change(&mut graph);
        Hypothesis { what, mend: mend.into(), graph, target: self.target, given: Vec::new() }
    }

    /// A hypothesis that replaces a node by another, which may give another shape.
    fn replace(
        &self,
        (what, mend): (String, &str),
        id: NodeId,
        (op, shape): (Op, Shape),
        operands: &[NodeId],
    ) -> Hypothesis {
        let mut graph = self.graph.clone();
        let node = Node { op, shape, ..graph.node(id).clone() };
        let new = graph.add(node, operands);
        graph.redirect(id, new);
        let target = if id == self.target { new } else { self.target };
        Hypothesis { what, mend: mend.to_owned(), graph, target, given: Vec::new() }
    }

    /// The first operand of a node, which all but the input have.
    fn operand(&self, id: NodeId) -> NodeId {
        self.graph.operands(id).first().copied().unwrap_or(id)
    }

    /// What a node gives, from the dump.
    fn value(&self, id: NodeId) -> Option<Array4<f64>> {
        let known = |id| self.dump.get(id);
        known(id).or_else(|| eval_at(self.graph, id, &known).ok())
    }

    /// What the block of the node that departs reads, and the first convolution in it.
    fn block_input(&self) -> Option<(NodeId, NodeId)> {
        let node = self.graph.node(self.target);
        let block = node.block?;
        let of_block = |id: &NodeId| {
            let other = self.graph.node(*id);
            other.part == node.part && other.block == Some(block) && !matches!(other.op, Op::Output { .. })
        };
        let order = self.graph.order();
        let first = order.iter().copied().find(of_block)?;
        let conv =
            order.into_iter().filter(of_block).find(|id| matches!(self.graph.node(*id).op, Op::Conv(_)))?;
        Some((self.operand(first), conv))
    }
}
