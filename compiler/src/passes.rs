//! The passes over the graph, in their order.
//!
//! Each is one file with one function of the same name, and keeps what a graph computes. In debug
//! builds and tests the graph is verified after each.

mod drop_identities;
mod eliminate_dead;
mod fold_norms;
mod fuse_activations;
mod fuse_residuals;

use crate::graph::{Graph, verify};

/// A pass, for those who want to see the graph between two of them.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// The name of its file.
    pub name: &'static str,
    /// What it does to a graph.
    pub run: fn(&mut Graph),
}

/// Every pass; the order matters, and each entry says why.
pub const PASSES: &[Pass] = &[
    // First, so that nothing stands between a convolution and what could go into it.
    Pass { name: "drop_identities", run: drop_identities::drop_identities },
    // Before anything goes behind a convolution: a norm must reach its bias and weights.
    Pass { name: "fold_norms", run: fold_norms::fold_norms },
    // Before activations: the sum comes first in an epilogue, and its activation then follows it.
    Pass { name: "fuse_residuals", run: fuse_residuals::fuse_residuals },
    Pass { name: "fuse_activations", run: fuse_activations::fuse_activations },
    // Last: what the others left without a reader.
    Pass { name: "eliminate_dead", run: eliminate_dead::eliminate_dead },
];

/// Runs every pass.
pub fn run(graph: &mut Graph) {
    for pass in PASSES {
        (pass.run)(graph);
        debug_assert_eq!(verify(graph), [], "after {}", pass.name);
    }
}
