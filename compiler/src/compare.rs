//! A network against activations that another framework recorded.
//!
//! In: a checked network, its checkpoint, and a dump: a tensor for each module, and the `input`. Out: how far
//! each layer is from the dump, up to the first that departs, and why that one does. Each layer is computed in
//! f64 from the recorded values that it reads, on the graph that nothing was fused in; so errors do not add
//! up, and the layer that is named is the one that is wrong. The likely cause is found by trying: each of
//! `hypotheses` is a small change of the graph, and one after which the layer agrees is told.

mod dump;
mod error;
mod hypotheses;

use ndarray::Array4;

use crate::graph::eval::eval_at;
use crate::graph::{Graph, NodeId, Op, lower};
use crate::model::Network;
use crate::weights::{Checkpoint, Rename};

use dump::Dump;
use hypotheses::Hypothesis;

pub use error::CompareError;

/// How far a layer may be from the dump and agree with it: relative L2. PyTorch's f32 is some 1e-7 away.
pub const TOLERANCE: f64 = 1e-5;

/// How a network compares with a dump.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Layers that agree, in order, up to the first that does not.
    pub agreeing: Vec<Agreement>,
    /// The first layer that departs.
    pub departure: Option<Departure>,
    /// Recorded layers behind that one, which were not looked at.
    pub left: usize,
    /// Tensors of the dump that are of no layer.
    pub unused: Vec<String>,
}

/// A layer and its dump.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// The layer's path in the network.
    pub layer: String,
    /// How far they are apart.
    pub distance: Distance,
}

/// How far two values of one shape are apart.
#[derive(Clone, Copy, Debug)]
pub struct Distance {
    /// L2 norm of the difference over that of the dump.
    pub relative: f64,
    /// The greatest difference.
    pub greatest: f64,
}

/// The first layer that departs.
#[derive(Clone, Debug)]
pub struct Departure {
    /// Its path in the network.
    pub layer: String,
    /// The dump's name for it.
    pub name: String,
    /// What differs.
    pub difference: Difference,
    /// Changes after which the layer agrees, the best first.
    pub causes: Vec<Cause>,
    /// How many changes were tried.
    pub tried: usize,
}

/// What differs.
#[derive(Clone, Copy, Debug)]
pub enum Difference {
    /// Values.
    Values(Distance),
    /// `[n, c, h, w]` of the layer and of the dump.
    Shapes([usize; 4], [usize; 4]),
}

/// A change of the network after which a layer agrees with the dump.
#[derive(Clone, Debug)]
pub struct Cause {
    /// What the dump has and the network has not.
    pub what: String,
    /// What to write.
    pub mend: String,
    /// How far the layer then is from the dump.
    pub distance: Distance,
}

/// Compares a network with a dump. `tolerance` is the relative L2 distance at which a layer agrees.
///
/// # Errors
///
/// If the checkpoint does not fit, or the dump is not of this network.
pub fn compare(
    network: &Network,
    checkpoint: &Checkpoint,
    dump: &Checkpoint,
    renames: &[Rename],
    tolerance: f64,
) -> Result<Comparison, CompareError> {
    let values = crate::join(network, std::slice::from_ref(checkpoint), renames)?;
    let graph = lower(network, Some(values));
    let mut dump = Dump::new(network, &graph, checkpoint, dump, renames)?;
    let layers = dump.layers();
    let mut agreeing = Vec::new();
    for (at, &id) in layers.iter().enumerate() {
        let recorded = dump.read(id)?;
        let found = eval_at(&graph, id, &|id| dump.get(id))?;
        let layer = graph.node(id).path.clone();
        match distance(&found, &recorded) {
            Some(distance) if distance.relative <= tolerance => agreeing.push(Agreement { layer, distance }),
            distance => {
                if let Some((behind, distance)) = activated(&graph, id, &found, &recorded, tolerance) {
                    dump.reassign(id, behind);
                    agreeing.push(Agreement { layer, distance });
                    continue;
                }
                let shapes = || Difference::Shapes(shape(&found), shape(&recorded));
                let difference = distance.map_or_else(shapes, Difference::Values);
                let (causes, tried) = find_causes(network, &graph, &dump, id, &recorded, tolerance);
                let name = dump.name(id).to_owned();
                let departure = Some(Departure { layer, name, difference, causes, tried });
                return Ok(Comparison {
                    agreeing,
                    departure,
                    left: layers.len() - at - 1,
                    unused: dump.unused,
                });
            }
        }
    }
    Ok(Comparison { agreeing, departure: None, left: 0, unused: dump.unused })
}

/// The activation behind a norm, if with it the norm agrees: some implementations have both in one module.
fn activated(
    graph: &Graph,
    norm: NodeId,
    found: &Array4<f64>,
    recorded: &Array4<f64>,
    tolerance: f64,
) -> Option<(NodeId, Distance)> {
    let behind = graph.only_use(norm)?;
    let (Op::BatchNorm { .. }, Op::Activation(_)) = (&graph.node(norm).op, &graph.node(behind).op) else {
        return None;
    };
    let found = eval_at(graph, behind, &|id| (id == norm).then(|| found.clone())).ok()?;
    Some((behind, distance(&found, recorded).filter(|distance| distance.relative <= tolerance)?))
}

/// The changes after which a layer agrees, and how many were tried.
fn find_causes(
    network: &Network,
    graph: &Graph,
    dump: &Dump,
    target: NodeId,
    recorded: &Array4<f64>,
    tolerance: f64,
) -> (Vec<Cause>, usize) {
    let all = hypotheses::list(network, graph, dump, target);
    let departing = target;
    let tried = all.len();
    let mut causes: Vec<Cause> = all
        .into_iter()
        .filter_map(|Hypothesis { what, mend, graph, target, given }| {
            let given = |id| given.iter().find(|(known, _)| *known == id).map(|(_, value)| value.clone());
            let recorded_before = |id| dump.get(id).filter(|_| id != departing);
            let found = eval_at(&graph, target, &|id| given(id).or_else(|| recorded_before(id))).ok()?;
            let distance = distance(&found, recorded).filter(|distance| distance.relative <= tolerance)?;
            Some(Cause { what, mend, distance })
        })
        .collect();
    causes.sort_by(|a, b| a.distance.relative.total_cmp(&b.distance.relative));
    (causes, tried)
}

fn shape(values: &Array4<f64>) -> [usize; 4] {
    values.dim().into()
}

/// How far values are from the recorded ones; none if their shapes differ.
fn distance(found: &Array4<f64>, recorded: &Array4<f64>) -> Option<Distance> {
    if found.dim() != recorded.dim() {
        return None;
    }
    let (mut wrong, mut all, mut greatest) = (0.0, 0.0, 0.0_f64);
    for (found, recorded) in found.iter().zip(recorded) {
        let difference = (found - recorded).abs();
        wrong += difference * difference;
        all += recorded * recorded;
        greatest = greatest.max(difference);
    }
    // A maximum passes over what is no number; the sum does not.
    let greatest = if wrong.is_nan() { f64::NAN } else { greatest };
    let relative = if wrong == 0.0 { 0.0 } else { (wrong / all).sqrt() };
    Some(Distance { relative, greatest })
}
