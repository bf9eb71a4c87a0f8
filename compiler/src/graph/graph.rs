//! The graph itself: petgraph behind typed ids.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;

use crate::diagnostics::Span;
use crate::model::Shape;

use super::op::Op;

/// A node of a [`Graph`]. Stays valid while other nodes come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(NodeIndex);

impl NodeId {
    /// Its number in dumps.
    pub fn index(self) -> usize {
        self.0.index()
    }
}

/// An operation, and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// What it gives for one image.
    pub shape: Shape,
    /// Its name in the network: `layer2.0.conv1`.
    pub path: String,
    /// The line that wrote it.
    pub span: Span,
    /// Stem, stage or head, by number.
    pub part: usize,
    /// Which block of its part.
    pub block: Option<usize>,
}

/// Operations and the values that pass between them.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The model's name.
    pub name: String,
    /// Names of the parts that nodes refer to.
    pub parts: Vec<String>,
    inner: StableDiGraph<Node, usize>,
}

impl Graph {
    /// A graph without nodes.
    pub fn new(name: &str, parts: &[String]) -> Self {
        Self { name: name.to_owned(), parts: parts.to_vec(), inner: StableDiGraph::new() }
    }

    /// Adds a node that reads `operands`, in this order.
    pub fn add(&mut self, node: Node, operands: &[NodeId]) -> NodeId {
        let id = self.inner.add_node(node);
        for (place, operand) in operands.iter().enumerate() {
            self.inner.add_edge(operand.0, id, place);
        }
        NodeId(id)
    }

    /// The node of an id, which must be in the graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.inner[id.0]
    }

    /// The node of an id, to change. Operands are changed by `rewrite`.
    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.inner[id.0]
    }

    /// Whether the id is still in the graph.
    pub fn contains(&self, id: NodeId) -> bool {
        self.inner.contains_node(id.0)
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.inner.node_count()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.inner.node_count() == 0
    }

    /// What a node reads, in the order of its operands.
    pub fn operands(&self, id: NodeId) -> Vec<NodeId> {
        let mut edges: Vec<_> = self
            .inner
            .edges_directed(id.0, Direction::Incoming)
            .map(|e| (*e.weight(), NodeId(e.source())))
            .collect();
        edges.sort_unstable();
        edges.into_iter().map(|(_, source)| source).collect()
    }

    /// The places of the operands that are there, in order; `verify` wants 0, 1, ….
    pub(super) fn operand_places(&self, id: NodeId) -> Vec<usize> {
        let mut places: Vec<_> =
            self.inner.edges_directed(id.0, Direction::Incoming).map(|e| *e.weight()).collect();
        places.sort_unstable();
        places
    }

    /// Who reads a node, and as which operand; in order.
    pub fn uses(&self, id: NodeId) -> Vec<(NodeId, usize)> {
        let mut uses: Vec<_> = self
            .inner
            .edges_directed(id.0, Direction::Outgoing)
            .map(|e| (NodeId(e.target()), *e.weight()))
            .collect();
        uses.sort_unstable();
        uses
    }

    /// The only reader of a node, if there is just one.
    pub fn only_use(&self, id: NodeId) -> Option<NodeId> {
        match self.uses(id).as_slice() {
            [(one, _)] => Some(*one),
            _ => None,
        }
    }

    /// Every node, operands before their readers, otherwise in the order in which they were added;
    /// but an output comes as soon as it can, so that its buffer is soon free. Shorter than [`Graph::len`] only if there is a cycle.
    pub fn order(&self) -> Vec<NodeId> {
        let mut waiting: Vec<usize> =
            vec![0; self.inner.node_indices().map(|i| i.index() + 1).max().unwrap_or(0)];
        let mut ready = BinaryHeap::new();
        let key = |index: NodeIndex| Reverse((!matches!(self.inner[index].op, Op::Output { .. }), index));
        for index in self.inner.node_indices() {
            waiting[index.index()] = self.inner.edges_directed(index, Direction::Incoming).count();
            if waiting[index.index()] == 0 {
                ready.push(key(index));
            }
        }
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse((_, index))) = ready.pop() {
            order.push(NodeId(index));
            for edge in self.inner.edges_directed(index, Direction::Outgoing) {
                let left = &mut waiting[edge.target().index()];
                *left -= 1;
                if *left == 0 {
                    ready.push(key(edge.target()));
                }
            }
        }
        order
    }

    pub(super) fn set_edges(&mut self, id: NodeId, operands: &[NodeId]) {
        let old: Vec<_> = self.inner.edges_directed(id.0, Direction::Incoming).map(|e| e.id()).collect();
        for edge in old {
            self.inner.remove_edge(edge);
        }
        for (place, operand) in operands.iter().enumerate() {
            self.inner.add_edge(operand.0, id.0, place);
        }
    }

    pub(super) fn remove_node(&mut self, id: NodeId) {
        self.inner.remove_node(id.0);
    }
}
