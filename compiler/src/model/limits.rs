//! How large a network may become: a spec of a few lines is to cost neither hours nor all memory.
//!
//! In: limits, and what an expansion adds bit by bit. Out: the first limit that is passed. The members of
//! an ensemble, and whatever their text repeats, share one [`Budget`].

use std::cell::Cell;

use crate::syntax::ast::{Command, Statement, StatementKind};

use super::eval::Env;
use super::network::{Layer, Shape};

/// So many names are looked through in no time.
const FEW_NAMES: usize = 16;

/// What makes most networks smaller.
pub(super) const SMALLER: &str = "repeat fewer blocks, narrower ones, or with shorter names";

/// What an expanded network may have at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Operations, and blocks.
    pub nodes: usize,
    /// Bytes of the statements with each block written out as often as it is used, and of the names, values
    /// and labels that come of them.
    pub text: usize,
    /// Bytes of all tensors, as singles.
    pub weights: u64,
    /// Bytes that one operation gives for an image, as singles.
    pub activations: u64,
    /// Multiply-accumulates for an image.
    pub macs: u64,
    /// Bytes of the packed weights, in which channels are padded and narrow groups are merged, and bytes of
    /// the arena for one image.
    pub memory: u64,
}

impl Limits {
    /// Those of any spec: several times what the largest published networks need.
    pub const USUAL: Self = Self {
        nodes: 50_000,
        text: 16 << 20,
        weights: 16 << 30,
        activations: 1 << 30,
        macs: 10_000_000_000_000,
        memory: 64 << 30,
    };

    /// Those of a spec that somebody vouches for, as `--allow-large` does: far from where sizes could no
    /// longer be counted in 64 bits. What of it fits a machine is another matter.
    pub const LARGE: Self = Self {
        nodes: 2_000_000,
        text: 1 << 30,
        weights: 1 << 42,
        activations: 1 << 40,
        macs: 1 << 62,
        memory: 1 << 44,
    };

    /// The most words of a plan's packed weights, and of its arena for one image.
    pub(crate) fn words(&self) -> usize {
        usize::try_from(self.memory / 4).unwrap_or(usize::MAX)
    }

    /// The way out for who passed a limit.
    pub(crate) fn help(&self, smaller: &str) -> String {
        if *self == Self::LARGE {
            smaller.to_owned()
        } else {
            format!("{smaller}; if that size is meant, `--allow-large` takes more")
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::USUAL
    }
}

/// The limits of one expansion, and what it has used of them.
#[derive(Debug, Default)]
pub struct Budget {
    limits: Limits,
    nodes: Cell<u64>,
    blocks: Cell<u64>,
    text: Cell<u64>,
    weights: Cell<u64>,
    macs: Cell<u64>,
    full: Cell<bool>,
}

impl Budget {
    /// All of these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether a limit has been passed: nothing is added then.
    pub(super) fn is_full(&self) -> bool {
        self.full.get()
    }

    /// How much of what costs time is used: 1 is all of one of its limits.
    pub fn used(&self) -> f64 {
        let share = |used: &Cell<u64>, most: usize| used.get() as f64 / most.max(1) as f64;
        let Limits { nodes, text, .. } = self.limits;
        share(&self.nodes, nodes).max(share(&self.blocks, nodes)).max(share(&self.text, text))
    }

    /// Notes that a limit has been passed; whether that is new.
    pub(super) fn fill(&self) -> bool {
        !self.full.replace(true)
    }

    /// Takes an operation over so many channels; gives the limit that it passes.
    pub(super) fn take_node(
        &self,
        layer: &Layer,
        channels_in: usize,
        shape: Option<Shape>,
    ) -> Result<(), String> {
        let Limits { nodes, weights, macs, .. } = self.limits;
        take(&self.nodes, 1, nodes as u64, "operations")?;
        let Some(shape) = shape else { return Ok(()) };
        take(&self.weights, layer.values(channels_in).saturating_mul(4), weights, "bytes of weights")?;
        take(&self.macs, layer.macs(channels_in, shape), macs, "multiply-accumulates an image")
    }

    /// Takes a block.
    pub(super) fn take_block(&self) -> Result<(), String> {
        take(&self.blocks, 1, self.limits.nodes as u64, "blocks")
    }

    /// Takes so many bytes of statements, or of the names and values that they leave.
    pub(super) fn take_text(&self, bytes: usize) -> Result<(), String> {
        take(
            &self.text,
            bytes as u64,
            self.limits.text as u64,
            "bytes of text and names, with its blocks written out",
        )
    }

    /// Whether an operation may give so much.
    pub(super) fn holds(&self, shape: Shape) -> Result<(), String> {
        let most = self.limits.activations;
        let bytes = shape.iter().try_fold(4_u64, |product, &side| product.checked_mul(side as u64));
        if bytes.is_none_or(|bytes| bytes > most) {
            return Err(format!("an operation gives more than {most} bytes an image"));
        }
        Ok(())
    }
}

/// What a statement takes of the text: its own bytes, without those between its braces, and more where each
/// name is looked for among many.
pub(super) fn cost(statement: &Statement, env: &Env) -> usize {
    let end = match &statement.kind {
        StatementKind::Command(Command { body: Some(body), .. }) => body.span.start,
        _ => statement.span.end,
    };
    let own = end.saturating_sub(statement.span.start) as usize;
    own.saturating_mul(1 + env.enter() / FEW_NAMES)
}

/// Adds to a count; gives the limit that it passes.
fn take(count: &Cell<u64>, more: u64, most: u64, what: &str) -> Result<(), String> {
    count.update(|count| count.saturating_add(more));
    if count.get() > most { Err(format!("the network has more than {most} {what}")) } else { Ok(()) }
}
