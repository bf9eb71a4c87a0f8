//! The graph that is fused and planned: operations with their tensors, and edges between them.
//!
//! In: a checked [network](crate::model::Network), with or without weights. Out: what passes rewrite
//! and [`crate::plan`] schedules. Edges carry the operand's place; only `graph.rs` knows petgraph.

mod dot;
pub mod eval;
#[allow(clippy::module_inception, reason = "the file that holds the type Graph")]
mod graph;
mod lower;
mod op;
mod rewrite;
mod text;
mod verify;

pub use dot::to_dot;
pub use graph::{Graph, Node, NodeId};
pub use lower::{lower, wanted, wanted_of};
pub use op::{Constant, Conv, Gate, Linear, Op, ResidualRead, Window};
pub use text::{describe, to_text, word};
pub use verify::{Violation, verify};
