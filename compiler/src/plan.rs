//! The plan: a fused graph to linear steps over one arena, and weights in the order they are read.
//!
//! In: a graph after its passes, with or without weights, and what does not depend on it (batch,
//! preprocessing, labels). Out: the runtime's own [`Plan`], and the packed weights if the graph had
//! any. Everything is decided here: layout, borders, buffers, in-place sums, images at once, thread
//! split.

mod at_once;
mod choose;
mod elements;
mod layout;
mod memory;
mod pack;
mod roll;
mod steps;
mod text;
pub mod tuning;
mod words;

use resnetc_runtime::plan::{Element, MOST_BYTE_PRODUCTS, Op as StepOp, Output, Plan, Preprocess, Step};
use sha2::{Digest, Sha256};

use crate::graph::{Graph, NodeId, Op};
use crate::model::Limits;
use crate::precision::Precisions;

pub use choose::Algorithms;
use layout::Layout;
pub use text::to_text;

/// What a plan says besides the graph.
#[derive(Clone, Debug)]
pub struct Options {
    /// The largest number of images in one run.
    pub batch: usize,
    /// How the algorithms of convolutions are chosen.
    pub algorithms: Algorithms,
    /// In which precision layers compute.
    pub precisions: Precisions,
    /// From a picture to an input.
    pub preprocess: Preprocess,
    /// Class names.
    pub labels: Vec<String>,
    /// Trained values of the network as specified.
    pub params: u64,
    /// Multiply-accumulates of the network as specified, for one image.
    pub macs: u64,
    /// How large the plan may become.
    pub limits: Limits,
}

/// A plan, and what goes with it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The packed weights, [`Plan::weights`] of them; `None` if the graph had none.
    pub weights: Option<Vec<f32>>,
    /// The most that is alive at once, in `f32` values: no arena could be smaller.
    pub live: usize,
}

/// The most images' or results' values: their bytes can be counted, several times over.
const MOST_VALUES: usize = isize::MAX as usize / 64;

/// Why a graph has no plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// Sizes that do not fit a machine word.
    #[error("the network's buffers are larger than this machine can address")]
    TooLarge,
    /// More than the limits allow.
    #[error("the {what} would take more than {most} bytes: {help}")]
    PastLimit {
        /// What is too large.
        what: &'static str,
        /// [`Limits::memory`].
        most: u64,
        /// A way out.
        help: String,
    },
    /// No memory for the packed weights.
    #[error("cannot allocate {0} bytes for the packed weights")]
    Memory(usize),
    /// Weights that folding a norm made infinite, or no numbers.
    #[error(
        "the weights of `{step}`, with its norm folded in, are not all finite: is a running variance \
         negative, or a norm's weight huge?"
    )]
    NotFinite {
        /// The step's path.
        step: String,
    },
    /// Bytes without a calibration.
    #[error(
        "int8 needs to know the activations' ranges: give a calibration, which `resnetc calibrate` makes"
    )]
    NotCalibrated,
    /// A value of which the calibration does not have the range.
    #[error("the calibration has no range of `{step}`: calibrate again")]
    NoRange {
        /// The step's path.
        step: String,
    },
    /// Sums of too many bytes' products.
    #[error("`{step}` sums more products than 32 bits hold in int8: give it another precision")]
    TooDeep {
        /// The step's path.
        step: String,
    },
    /// A precision for no layer.
    #[error("the deployment's `{pattern}` fits no layer")]
    NoLayer {
        /// What was to fit.
        pattern: String,
    },
    /// A batch of no images.
    #[error("a batch has at least 1 image")]
    NoImages,
    /// An input with no operation behind it.
    #[error("the network computes nothing")]
    Empty,
}

/// The plan needs more memory than it may, for `what`; what would need less.
fn past_limit(limits: &Limits, what: &'static str, smaller: &str) -> PlanError {
    PlanError::PastLimit { what, most: limits.memory, help: limits.help(smaller) }
}

/// Plans a graph.
pub fn plan(graph: &Graph, options: &Options) -> Result<Planned, PlanError> {
    let mut graph = graph.clone();
    let elements = elements::assign_elements(&mut graph, &options.precisions, &options.preprocess)?;
    let graph = &graph;
    let order: Vec<NodeId> = graph.order();
    let input = order.iter().find(|&&id| graph.node(id).op == Op::Input).ok_or(PlanError::Empty)?;
    check_batch(graph, &order, options.batch)?;
    let single = Layout::new(graph, &order, 1, &elements)?;
    if single.arena > options.limits.words() {
        return Err(past_limit(&options.limits, "activations of an image", "give it a smaller input"));
    }
    let images = at_once::images_at_once(graph, &order, &single, (options.batch, options.params));
    let layout = if images == 1 { single } else { Layout::new(graph, &order, images, &elements)? };
    let chooser = choose::Chooser { images, params: options.params, algorithms: &options.algorithms };
    let mut packer = pack::Packer::new(options.limits);
    let steps: Vec<steps::Placed> =
        order.iter().map(|&id| steps::step(graph, id, &layout, &chooser, &mut packer)).collect();
    let mut outputs: Vec<(usize, Output)> = Vec::new();
    for &id in &order {
        if let Op::Output { name, index } = &graph.node(id).op {
            outputs.push((*index, Output { name: name.clone().into(), shape: graph.node(id).shape }));
        }
    }
    outputs.sort_by_key(|(index, _)| *index);
    let labels = if outputs.first().is_some_and(|(_, o)| o.shape[0] == options.labels.len()) {
        options.labels.iter().map(|l| l.clone().into()).collect()
    } else {
        Vec::new()
    };
    let (weights, packed) = packer.finish()?;
    if let Some(step) = steps.iter().find_map(|placed| too_deep(&placed.step)) {
        return Err(PlanError::TooDeep { step });
    }
    if let Some(placed) = steps.iter().find(|placed| !placed.finite) {
        return Err(PlanError::NotFinite { step: placed.step.name.to_string() });
    }
    let mut plan = Plan {
        name: graph.name.clone().into(),
        digest: [0; 32],
        batch: options.batch,
        images,
        input: graph.node(*input).shape,
        preprocess: options.preprocess.clone(),
        labels: labels.into(),
        outputs: outputs.into_iter().map(|(_, o)| o).collect(),
        arena: layout.arena,
        weights,
        params: options.params,
        macs: options.macs,
        stages: roll::roll(graph, steps).into(),
    };
    plan.digest = digest(&plan, packed.as_deref());
    Ok(Planned { plan, weights: packed, live: layout.live })
}

/// Whether a batch is one, and its images and results can be in memory.
fn check_batch(graph: &Graph, order: &[NodeId], batch: usize) -> Result<(), PlanError> {
    if batch == 0 {
        return Err(PlanError::NoImages);
    }
    for &id in order {
        let node = graph.node(id);
        if matches!(node.op, Op::Input | Op::Output { .. }) {
            let size = node.shape.iter().try_fold(batch, |size, &side| size.checked_mul(side));
            size.filter(|&size| size <= MOST_VALUES).ok_or(PlanError::TooLarge)?;
        }
    }
    Ok(())
}

/// The name of a step that sums more products of bytes than fit.
fn too_deep(step: &Step) -> Option<String> {
    let StepOp::Conv(conv) = &step.op else { return None };
    let bytes = matches!(conv.input.element, Element::U8(_));
    let fits = conv.depth().is_some_and(|depth| depth <= MOST_BYTE_PRODUCTS);
    (bytes && !fits).then(|| step.name.to_string())
}

/// Identifies a plan and its weights: of equal digests, both are equal.
fn digest(plan: &Plan, weights: Option<&[f32]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(format!("{plan:?}"));
    let mut bytes = Vec::with_capacity(1 << 16);
    for chunk in weights.unwrap_or_default().chunks(1 << 14) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|v| v.to_le_bytes()));
        hash.update(&bytes);
    }
    hash.finalize().into()
}
