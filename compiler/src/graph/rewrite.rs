//! The few ways in which passes change a graph.

use super::graph::{Graph, NodeId};
use super::op::Op;

impl Graph {
    /// Gives a node another operation, and the operands that it takes.
    pub fn replace(&mut self, id: NodeId, op: Op, operands: &[NodeId]) {
        debug_assert_eq!(op.operands(), operands.len(), "{}", self.node(id).path);
        self.node_mut(id).op = op;
        self.set_edges(id, operands);
    }

    /// Changes a node's operation in place; the number of its operands must not change.
    pub fn edit(&mut self, id: NodeId, change: impl FnOnce(&mut Op)) {
        change(&mut self.node_mut(id).op);
        debug_assert_eq!(self.node(id).op.operands(), self.operands(id).len(), "{}", self.node(id).path);
    }

    /// Gives a node other operands, as many as it has.
    pub fn reconnect(&mut self, id: NodeId, operands: &[NodeId]) {
        debug_assert_eq!(self.node(id).op.operands(), operands.len(), "{}", self.node(id).path);
        self.set_edges(id, operands);
    }

    /// Lets every reader of `old` read `new` instead.
    pub fn redirect(&mut self, old: NodeId, new: NodeId) {
        let mut readers: Vec<NodeId> = self.uses(old).into_iter().map(|(reader, _)| reader).collect();
        readers.dedup();
        for reader in readers {
            let operands: Vec<NodeId> =
                self.operands(reader).into_iter().map(|o| if o == old { new } else { o }).collect();
            self.set_edges(reader, &operands);
        }
    }

    /// Lets the readers of a node read its first operand instead, and removes it.
    pub fn bypass(&mut self, id: NodeId) {
        if let Some(&operand) = self.operands(id).first() {
            self.redirect(id, operand);
            self.remove(id);
        }
    }

    /// Removes a node that nothing reads.
    pub fn remove(&mut self, id: NodeId) {
        debug_assert!(self.uses(id).is_empty(), "{} is still read", self.node(id).path);
        self.remove_node(id);
    }
}
