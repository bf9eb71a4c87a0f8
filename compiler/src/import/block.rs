//! One block out of its layers.
//!
//! The branch's convolutions are `conv1`, `conv2`, …, their norms `bn1` or `norm1`, …, or all of them are
//! numbers of one sequence. A projection and a gate are known by the names that the public
//! implementations give them. Nothing is guessed: a layer of another name is told, and the channels must
//! flow from each convolution to the next.

use super::description::{Block, Conv, Gate, Order, Pooled, Projection};
use super::error::{ImportError, Unplaced};
use super::layers::{Kind, Layer};
use super::names::{number, numbered};
use super::scopes::Members;

/// What the first part of a projection's path is.
const PROJECTIONS: [&str; 7] =
    ["downsample", "shortcut", "skip", "projection", "proj", "convShortcut", "conv_shortcut"];
/// What the first part of a gate's path is.
const GATES: [&str; 6] = ["se", "se_module", "se_layer", "se_block", "fc1", "fc2"];

/// A block, and what tells whether its norms stand before or behind its convolutions.
#[derive(Debug)]
pub struct Gathered {
    /// The block.
    pub block: Block,
    /// Channels of its norms, in order.
    norms: Vec<usize>,
}

impl Gathered {
    /// Whether each norm has the channels of its place.
    pub fn is(&self, order: Order) -> bool {
        let outputs = self.block.convs.iter().map(|conv| conv.channels);
        let inputs = std::iter::once(self.block.inputs).chain(outputs.clone());
        let mut pairs = self.norms.iter().zip(outputs.zip(inputs));
        pairs.all(|(norm, (output, input))| *norm == if order == Order::Post { output } else { input })
    }
}

/// A block's layers by what they belong to.
#[derive(Default)]
struct Parts<'a> {
    branch: Vec<&'a Layer>,
    projection: Vec<&'a Layer>,
    gate: Vec<&'a Layer>,
    others: Vec<&'a Layer>,
}

impl<'a> Parts<'a> {
    fn new(members: &'a Members) -> Self {
        let mut parts = Self::default();
        for layer in members {
            let first = layer.path.split('.').next().unwrap_or_default();
            if PROJECTIONS.contains(&first) {
                parts.projection.push(layer);
            } else if GATES.contains(&first) {
                parts.gate.push(layer);
            } else if is_branch(layer)
                && parts.branch.first().is_none_or(|known| scope(known) == scope(layer))
            {
                parts.branch.push(layer);
            } else {
                parts.others.push(layer);
            }
        }
        parts
    }
}

/// Whether every layer of every block has a place in it.
///
/// # Errors
///
/// All layers that have none.
pub fn check_places(stages: &[(String, Vec<Members>)]) -> Result<(), ImportError> {
    let blocks = stages.iter().flat_map(|(_, blocks)| blocks);
    let others: Vec<&Layer> = blocks.flat_map(|members| Parts::new(members).others).collect();
    if others.is_empty() { Ok(()) } else { fail("layers without a place in a residual block", &others) }
}

/// Gathers a block that reads so many channels, and whose layers all have a place.
///
/// # Errors
///
/// The layers whose shapes do not fit.
pub fn gather(members: &Members, inputs: usize) -> Result<Gathered, ImportError> {
    let parts = Parts::new(members);
    if parts.branch.is_empty() {
        return fail("a block without `conv1`", &members.iter().collect::<Vec<_>>());
    }
    let (convs, norms) = gather_branch(&parts.branch, inputs)?;
    let outputs = convs.last().map_or(inputs, |conv| conv.channels);
    let block = Block {
        inputs,
        convs,
        gate: gather_gate(&parts.gate, outputs)?,
        projection: gather_projection(&parts.projection, inputs, outputs)?,
    };
    Ok(Gathered { block, norms })
}

/// Refuses layers for a reason.
pub fn fail<T>(reason: impl Into<String>, layers: &[&Layer]) -> Result<T, ImportError> {
    Unplaced::because(reason, layers.iter().flat_map(|layer| layer.tensors.clone()).collect())
}

/// Whether a layer is named as one of a branch: `conv1`, `bn1`, `norm1`, or `sequence.0`.
fn is_branch(layer: &Layer) -> bool {
    let words: &[&str] = match layer.kind {
        Kind::Conv(_) => &["conv"],
        Kind::Norm { .. } => &["bn", "norm"],
        Kind::Linear { .. } => return false,
    };
    match layer.path.split_once('.') {
        None => numbered(&layer.path).is_some_and(|(word, _)| words.contains(&word)),
        Some((word, place)) => number(word).is_none() && number(place).is_some(),
    }
}

/// The sequence that a branch's layer is numbered in, if it is.
fn scope(layer: &Layer) -> Option<&str> {
    layer.path.split_once('.').map(|(scope, _)| scope)
}

fn gather_branch(branch: &[&Layer], inputs: usize) -> Result<(Vec<Conv>, Vec<usize>), ImportError> {
    let mut convs = Vec::new();
    let mut norms = Vec::new();
    let mut channels = inputs;
    for layer in branch {
        match &layer.kind {
            Kind::Conv(conv) => {
                let groups = channels / conv.group_input;
                if !channels.is_multiple_of(conv.group_input) || !conv.channels.is_multiple_of(groups) {
                    return fail(
                        format!("a convolution that does not fit the {channels} channels before it"),
                        &[layer],
                    );
                }
                channels = conv.channels;
                convs.push(Conv {
                    channels,
                    kernel: conv.kernel,
                    groups,
                    bias: conv.bias,
                    path: layer.path.clone(),
                    norm: None,
                });
            }
            Kind::Norm { channels } => norms.push((layer.path.clone(), *channels)),
            Kind::Linear { .. } => unreachable!("no linear layer is named as one of a branch"),
        }
    }
    if convs.is_empty() || !(norms.is_empty() || norms.len() == convs.len()) {
        let counts = format!("a branch of {} convolutions and {} norms", convs.len(), norms.len());
        return fail(format!("{counts}: as many of both are wanted, or no norm at all"), branch);
    }
    let (paths, channels): (Vec<_>, Vec<_>) = norms.into_iter().unzip();
    for (conv, path) in convs.iter_mut().zip(paths) {
        conv.norm = Some(path);
    }
    Ok((convs, channels))
}

/// A gate's two layers: from so many channels to fewer, and back.
fn gather_gate(gate: &[&Layer], channels: usize) -> Result<Option<Gate>, ImportError> {
    let ends = |layer: &Layer| match &layer.kind {
        Kind::Conv(conv) if conv.kernel == [1, 1] => Some((conv.group_input, conv.channels, conv.bias)),
        Kind::Linear { inputs, features, bias } => Some((*inputs, *features, *bias)),
        Kind::Conv(_) | Kind::Norm { .. } => None,
    };
    match gate {
        [] => Ok(None),
        [first, second] => match (ends(first), ends(second)) {
            (Some((from, squeeze, bias)), Some((back, to, other)))
                if from == channels && to == channels && squeeze == back && bias == other =>
            {
                let paths = [first.path.clone(), second.path.clone()];
                Ok(Some(Gate { squeeze, bias, paths }))
            }
            _ => fail(format!("a gate that does not go from {channels} channels to fewer and back"), gate),
        },
        _ => fail("a gate of other than two layers", gate),
    }
}

fn gather_projection(
    projection: &[&Layer],
    inputs: usize,
    outputs: usize,
) -> Result<Option<Projection>, ImportError> {
    let (layer, norm) = match projection {
        [] => return Ok(None),
        [conv] => (conv, None),
        [a, b] if matches!(a.kind, Kind::Conv(_)) => (a, Some(b)),
        // Names, not places, give the order where a norm's comes first: `bn`, `conv`.
        [a, b] if place(a).is_none() => (b, Some(a)),
        _ => return fail("a projection of other than a convolution and a norm", projection),
    };
    let fits = norm.is_none_or(|norm| norm.kind == Kind::Norm { channels: outputs });
    let Kind::Conv(conv) = &layer.kind else {
        return fail("a projection without a convolution", projection);
    };
    if !fits || conv.channels != outputs || conv.group_input != inputs {
        return fail(format!("a projection that does not take {inputs} channels to {outputs}"), projection);
    }
    let pooled = match place(layer) {
        None | Some(0) => Pooled::No,
        Some(1) => Pooled::Yes,
        Some(_) => return fail("a projection of more than a mean, a convolution and a norm", projection),
    };
    let conv = Conv {
        channels: outputs,
        kernel: conv.kernel,
        groups: 1,
        bias: conv.bias,
        path: layer.path.clone(),
        norm: norm.map(|norm| norm.path.clone()),
    };
    Ok(Some(Projection { conv, pooled }))
}

/// A layer's place in its sequence.
fn place(layer: &Layer) -> Option<usize> {
    layer.path.rsplit_once('.').and_then(|(_, place)| number(place))
}
