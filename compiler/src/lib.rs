//! A compiler for residual networks.
//!
//! The whole way, from a `.resnet` spec and a checkpoint to Rust code and packed weights, is
//! [`compile`]; each of its steps is a public function of a module of its own.
//!
//! ```
//! let spec = resnetc::Spec::open("cifar_resnet")?;
//! let checked = spec.check(&["depth=56".to_owned()])?;
//! assert_eq!(checked.network.total_params(), 853_018);
//! # Ok::<(), resnetc::Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod build_script;
#[cfg(feature = "cli")]
pub mod cli;
pub mod compare;
pub mod diagnostics;
pub mod emit;
mod files;
pub mod graph;
pub mod import;
#[cfg(feature = "lsp")]
#[doc(hidden)]
pub mod lsp;
pub mod model;
mod numbers;
pub mod passes;
pub mod plan;
pub mod precision;
#[cfg(feature = "cli")]
pub mod report;
mod spec;
pub mod syntax;
pub mod weights;

use std::path::PathBuf;

use resnetc_runtime::plan::Plan;
use resnetc_runtime::weights as packed;

pub use model::{Limits, Network};
pub use plan::Algorithms;
pub use spec::{Checked, Spec, Survey, shipped_models};

use precision::Precisions;
use weights::{Checkpoint, Rename, WeightsError};

/// Why something could not be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Mistakes in a spec.
    #[error("{0}")]
    Spec(Box<diagnostics::Report>),
    /// A checkpoint that cannot be read, or does not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A network that cannot be planned.
    #[error(transparent)]
    Plan(#[from] plan::PlanError),
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A tuning file that is none, or is for another batch.
    #[error("{}: {reason}", path.display())]
    Tuning {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A profile that is none, or is another network's.
    #[error("{}: {reason}", path.display())]
    Profile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A calibration or deployment file that is none.
    #[error("{}: {reason}", path.display())]
    Precision {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A compiled network that does not run here.
    #[error(transparent)]
    Run(#[from] resnetc_runtime::Error),
    /// A calibration of other weights.
    #[error(transparent)]
    Calibration(#[from] precision::calibration::Unfit),
    /// A checkpoint that no spec fits.
    #[error(transparent)]
    Import(#[from] import::ImportError),
    /// Activations that a network cannot be compared with.
    #[error(transparent)]
    Compare(#[from] compare::CompareError),
    /// Something that the caller asked for and that is not to be had.
    #[error("{0}")]
    Usage(String),
}

/// What a network is compiled with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The largest number of images in one run.
    pub batch: usize,
    /// How the algorithms of convolutions are chosen.
    pub algorithms: Algorithms,
    /// In which precision layers compute.
    pub precisions: Precisions,
    /// Patterns from the network's tensor names to the checkpoint's, before those of the spec.
    pub renames: Vec<Rename>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: 1,
            algorithms: Algorithms::default(),
            precisions: Precisions::default(),
            renames: Vec::new(),
        }
    }
}

/// A compiled network.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The plan, ready to be emitted or run.
    pub plan: Plan,
    /// The packed weights file; `None` if no checkpoint was given.
    pub weights: Option<Vec<u8>>,
    /// The most that is alive at once, in bytes: no arena could be smaller.
    pub live_bytes: usize,
}

/// Joins a network with its checkpoint, fuses it, and plans it. Without a checkpoint the plan has
/// all its shapes and no weights.
///
/// # Errors
///
/// If the checkpoint does not fit the network, the calibration not the checkpoint, or the network's buffers
/// no machine.
pub fn compile(
    network: &Network,
    checkpoint: Option<&Checkpoint>,
    options: &Options,
) -> Result<Compiled, Error> {
    let values = checkpoint.map(|c| join(network, std::slice::from_ref(c), &options.renames)).transpose()?;
    compile_values(network, values, options)
}

/// The same, of values that [`join`] gave.
///
/// # Errors
///
/// If the calibration does not fit the values, or the network's buffers no machine.
pub fn compile_values(
    network: &Network,
    values: Option<Vec<Vec<f32>>>,
    options: &Options,
) -> Result<Compiled, Error> {
    if let (Some(values), Some(calibration)) = (&values, &options.precisions.calibration) {
        calibration.check(network, values)?;
    }
    compile_graph(network, &fuse(network, values), options)
}

/// The graph of a network with its values, those of [`join`], after all passes.
pub fn fuse(network: &Network, values: Option<Vec<Vec<f32>>>) -> graph::Graph {
    let mut graph = graph::lower(network, values);
    passes::run(&mut graph);
    graph
}

/// Plans a network's graph, and packs its weights.
///
/// # Errors
///
/// Those of planning, and if there is no memory for the file of packed weights.
pub fn compile_graph(network: &Network, graph: &graph::Graph, options: &Options) -> Result<Compiled, Error> {
    let planned = plan::plan(graph, &plan_options(network, options))?;
    let weights = planned.weights.map(|values| encode(&planned.plan, &values)).transpose()?;
    Ok(Compiled { plan: planned.plan, weights, live_bytes: planned.live * size_of::<f32>() })
}

/// The file of packed weights.
fn encode(plan: &Plan, values: &[f32]) -> Result<Vec<u8>, Error> {
    let length = packed::HEADER.saturating_add(values.len().saturating_mul(size_of::<f32>()));
    let mut file = Vec::new();
    file.try_reserve_exact(length).map_err(|_| resnetc_runtime::Error::Memory(length))?;
    packed::write(plan, values, &mut file)
        .unwrap_or_else(|error| unreachable!("the packer counts what it packs: {error}"));
    Ok(file)
}

/// The values that a network wants, in the order of [`graph::wanted`]: of one checkpoint, or, if the network
/// is an ensemble, of one for each member, which names its tensors as the member's own network does.
///
/// # Errors
///
/// One error that lists every tensor that is missing, extra or misshaped in a checkpoint; another if there are
/// neither one nor as many checkpoints as members.
pub fn join(
    network: &Network,
    checkpoints: &[Checkpoint],
    renames: &[Rename],
) -> Result<Vec<Vec<f32>>, WeightsError> {
    let rules = network.rules(renames);
    if let [checkpoint] = checkpoints {
        return weights::join(&graph::wanted(network), checkpoint, &rules);
    }
    let members = network.members.len();
    if checkpoints.len() != members || members == 0 {
        return Err(WeightsError::Count { found: checkpoints.len(), members });
    }
    let mut values = Vec::new();
    for (member, checkpoint) in network.members.iter().zip(checkpoints) {
        let rules = member.rules(renames, &rules);
        values.extend(weights::join(&graph::wanted_of(network, member), checkpoint, &rules)?);
    }
    Ok(values)
}

/// What a plan says besides the graph.
pub fn plan_options(network: &Network, options: &Options) -> plan::Options {
    plan::Options {
        batch: options.batch,
        algorithms: options.algorithms.clone(),
        precisions: options.precisions.clone(),
        preprocess: network.preprocess.clone(),
        labels: network.labels.clone(),
        params: network.total_params(),
        macs: network.total_macs(),
        limits: network.limits,
    }
}
