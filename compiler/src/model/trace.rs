//! What an expansion went through, statement by statement: for who asks about a line instead of the
//! whole, an editor above all.
//!
//! A block's statements run once an instance, so a line of text has as many steps as it has
//! instances, in the order of the network.

use std::ops::Range;

use crate::diagnostics::Span;
use crate::syntax::ast::Command;

use super::eval::Value;
use super::expand::Flow;
use super::network::{Network, NodeId, Shape};

/// A model that was expanded as far as it could be read.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Whole only if nothing was reported; else the shape of a node means something if it is within a
    /// step whose output is known.
    pub network: Network,
    /// How it came about.
    pub trace: Trace,
}

/// The course of an expansion.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Statements that compute, those within others before these.
    pub steps: Vec<Step>,
    /// What each name stood for when it was defined, by the place that defines it.
    pub values: Vec<(Span, Value)>,
}

/// A statement, run once.
#[derive(Clone, Debug)]
pub struct Step {
    /// The statement.
    pub span: Span,
    /// The operations that it added, as places in [`Network::nodes`].
    pub nodes: Range<usize>,
    /// What it reads; `None` behind a mistake.
    pub input: Option<Shape>,
    /// What it gives; `None` behind a mistake.
    pub output: Option<Shape>,
    /// The operation that gives it.
    pub result: NodeId,
}

impl Step {
    /// A statement that took `from` to `to`.
    pub(super) fn new(span: Span, nodes: Range<usize>, from: Flow, to: Flow) -> Self {
        Self { span, nodes, input: from.shape, output: to.shape, result: to.node }
    }
}

impl Traced {
    /// Trained values of the operations that a step added.
    pub fn params(&self, step: &Step) -> u64 {
        self.network.nodes[step.nodes.clone()].iter().map(|n| self.network.params(n)).sum()
    }

    /// Multiply-accumulates of the operations that a step added, for one image; saturates.
    pub fn macs(&self, step: &Step) -> u64 {
        let nodes = &self.network.nodes[step.nodes.clone()];
        nodes.iter().fold(0, |total, n| total.saturating_add(self.network.macs(n)))
    }
}

/// From a command's word to its last brace.
pub(super) fn braced(command: &Command) -> Span {
    let last = command.clauses.last().map(|c| &c.body).or(command.body.as_ref());
    last.map_or(command.word.span, |body| command.word.span.to(body.span))
}
