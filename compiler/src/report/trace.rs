//! What each pass did to a graph: which nodes it merged into which, which it removed, which it rewrote.

use std::collections::{BTreeMap, HashSet};

use crate::graph::{Graph, NodeId, Op, describe, lower, word};
use crate::model::Network;
use crate::passes::PASSES;

/// A graph's way through the passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The graph before the first pass.
    pub before: Counts,
    /// The passes, in order.
    pub passes: Vec<PassTrace>,
}

/// How many nodes a graph has of each operation.
pub type Counts = BTreeMap<&'static str, usize>;

/// What one pass did.
#[derive(Clone, Debug, PartialEq)]
pub struct PassTrace {
    /// The pass.
    pub name: &'static str,
    /// The changes, in the order of the graph before it.
    pub changes: Vec<Change>,
    /// The graph behind it.
    pub after: Counts,
}

/// A change of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The node's path.
    pub path: String,
    /// Its operation before.
    pub before: String,
    /// What became of it.
    pub fate: Fate,
}

/// What a pass makes of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It is part of another now.
    Merged {
        /// The other's path.
        into: String,
        /// The other's operation, before and behind the pass.
        change: [String; 2],
    },
    /// It is gone.
    Removed,
    /// It computes something else by itself.
    Rewritten {
        /// Its operation now.
        after: String,
    },
}

impl Trace {
    /// That of a network's graph.
    pub fn of(network: &Network) -> Self {
        let mut graph = lower(network, None);
        let before = counts(&graph);
        let passes = PASSES.iter().map(|pass| {
            let old = graph.clone();
            (pass.run)(&mut graph);
            PassTrace { name: pass.name, changes: changes(&old, &graph), after: counts(&graph) }
        });
        let passes = passes.collect();
        Self { before, passes }
    }
}

impl PassTrace {
    /// Nodes that were merged into others, that were removed, and that were rewritten.
    pub fn totals(&self) -> [usize; 3] {
        let count = |of: fn(&Fate) -> bool| self.changes.iter().filter(|change| of(&change.fate)).count();
        [
            count(|fate| matches!(fate, Fate::Merged { .. })),
            count(|fate| matches!(fate, Fate::Removed)),
            count(|fate| matches!(fate, Fate::Rewritten { .. })),
        ]
    }
}

fn counts(graph: &Graph) -> Counts {
    let mut counts = Counts::new();
    for id in graph.order() {
        *counts.entry(word(&graph.node(id).op)).or_default() += 1;
    }
    counts
}

fn changes(old: &Graph, new: &Graph) -> Vec<Change> {
    let order = old.order();
    let needed = needed(old, &order);
    let gone = |id: NodeId| !new.contains(id);
    let host = |id: NodeId| if needed.contains(&id) { host(old, new, id) } else { None };
    // A node into which another was merged is told of there.
    let hosts: HashSet<NodeId> = order.iter().filter(|&&id| gone(id)).filter_map(|&id| host(id)).collect();
    let change = |&id: &NodeId| {
        let before = describe(&old.node(id).op);
        let fate = if gone(id) {
            host(id).map_or(Fate::Removed, |into| Fate::Merged {
                into: old.node(into).path.clone(),
                change: [describe(&old.node(into).op), describe(&new.node(into).op)],
            })
        } else if old.node(id).op != new.node(id).op && !hosts.contains(&id) {
            Fate::Rewritten { after: describe(&new.node(id).op) }
        } else {
            return None;
        };
        Some(Change { path: old.node(id).path.clone(), before, fate })
    };
    order.iter().filter_map(change).collect()
}

/// The nodes that an output needs.
fn needed(graph: &Graph, order: &[NodeId]) -> HashSet<NodeId> {
    let mut needed = HashSet::new();
    for &id in order.iter().rev() {
        if matches!(graph.node(id).op, Op::Output { .. }) || needed.contains(&id) {
            needed.insert(id);
            needed.extend(graph.operands(id));
        }
    }
    needed
}

/// The operand that took a node in, unless that computed nothing: the one that the pass altered. Without
/// weights one that had a bias before does not show it; it is then the value worked on.
fn host(old: &Graph, new: &Graph, id: NodeId) -> Option<NodeId> {
    if matches!(old.node(id).op, Op::Dropout | Op::MaxPool(_) | Op::AvgPool { .. }) {
        return None;
    }
    let stays: Vec<NodeId> = old.operands(id).into_iter().filter(|&o| new.contains(o)).collect();
    let altered = stays.iter().find(|&&operand| old.node(operand).op != new.node(operand).op);
    altered.or(stays.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spec;

    fn trace(spec: &str) -> Trace {
        Trace::of(&Spec::open(spec).and_then(|spec| spec.check(&[])).unwrap().network)
    }

    #[test]
    fn norms_sums_and_activations_of_a_resnet_go_into_its_convolutions() {
        let trace = trace("resnet50");
        let totals: Vec<_> = trace.passes.iter().map(|pass| (pass.name, pass.totals())).collect();
        assert_eq!(
            totals,
            [
                ("drop_identities", [0, 0, 0]),
                ("fold_norms", [53, 0, 0]),
                ("fuse_residuals", [16, 0, 0]),
                ("fuse_activations", [49, 0, 0]),
                ("eliminate_dead", [0, 0, 0]),
            ]
        );
        let first = &trace.passes[1].changes[0];
        assert_eq!((first.path.as_str(), first.before.as_str()), ("bn1", "norm eps=1e-5"));
        let Fate::Merged { into, change } = &first.fate else { panic!("{first:?}") };
        assert_eq!(into, "conv1");
        assert_eq!(change[0].clone() + " +bias", change[1]);
    }

    #[test]
    fn norms_before_convolutions_are_rewritten_and_padding_is_removed() {
        let [_, _, rewritten] = trace("resnetv2_50").passes[1].totals();
        assert_eq!(rewritten, 17, "the first of each block, and the last of all");
        let trace = trace("cifar_resnet");
        let dead = trace.passes.last().unwrap();
        assert_eq!(dead.totals(), [0, 2, 0], "the reads of two shortcuts have taken their padding");
    }

    #[test]
    fn a_norm_goes_into_a_convolution_that_had_a_bias_before() {
        assert_eq!(trace("mlperf_tiny_resnet8").passes[1].totals(), [7, 0, 0]);
    }

    #[test]
    fn nodes_that_are_gone_are_those_that_changes_tell_of() {
        for spec in ["resnet50", "resnet50d", "seresnet50", "cifar_preact", "cifar_resnet"] {
            let trace = trace(spec);
            let mut left: usize = trace.before.values().sum();
            for pass in &trace.passes {
                let [merged, removed, _] = pass.totals();
                left -= merged + removed;
                assert_eq!(pass.after.values().sum::<usize>(), left, "{spec}, {}", pass.name);
            }
        }
    }
}
