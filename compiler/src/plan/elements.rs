//! In which elements each value is stored, and where it is converted.
//!
//! In: a graph after its passes, and the precision of each layer. Out: the graph, with a conversion
//! wherever a layer reads other elements than the value is stored in, and each value's element. A value is
//! stored as most of the layers that multiply it want it; one that none multiplies, as its producer
//! computes; results, and what only they depend on, are floats. Depthwise convolutions, blurs and softmax
//! compute in f32, and so does a convolution of fewer than 16 channels where f32-fast is asked for: an image's
//! three do not fill words. A maximum over windows is one of the values, and so keeps their scale. An input of
//! 8 bits is the picture's own pixels: what normalises them goes into the first layer.

use std::collections::{HashMap, HashSet};

use resnetc_runtime::plan::{Element, LANES, Preprocess, Scale};

use crate::graph::{Graph, Node, NodeId, Op};
use crate::precision::{Precision, Precisions};

use super::PlanError;

/// How each value is stored; floats if it is not named.
#[derive(Clone, Debug, Default)]
pub struct Elements(HashMap<NodeId, Element>);

impl Elements {
    /// A value's.
    pub fn of(&self, id: NodeId) -> Element {
        self.0.get(&id).copied().unwrap_or_default()
    }
}

/// Chooses elements, and adds conversions to the graph.
pub fn assign_elements(
    graph: &mut Graph,
    precisions: &Precisions,
    preprocess: &Preprocess,
) -> Result<Elements, PlanError> {
    let order = graph.order();
    let layers = layers(graph, &order, precisions)?;
    let nearest = nearest(graph, &order, &layers);
    let mut stored: HashMap<NodeId, Precision> = HashMap::new();
    let mut answers: HashSet<NodeId> = HashSet::new();
    for &id in order.iter().rev() {
        let precision = if is_answer(graph, id, &layers, &answers) {
            answers.insert(id);
            Precision::F32
        } else {
            storage(graph, id, (&layers, &nearest), &stored)
        };
        stored.insert(id, precision);
    }
    let mut elements = Elements::default();
    for &id in &order {
        if matches!(graph.node(id).op, Op::Output { .. }) {
            continue;
        }
        let element = match &graph.node(id).op {
            Op::MaxPool(_) if stored[&graph.operands(id)[0]] == stored[&id] => {
                elements.of(graph.operands(id)[0])
            }
            Op::Input if stored[&id] == Precision::Int8 && keeps_pixels(graph.node(id), preprocess) => {
                Element::U8(Scale::of_pixels(preprocess.mean, preprocess.std))
            }
            _ => element(graph, id, stored[&id], precisions)?,
        };
        elements.0.insert(id, element);
        convert(graph, id, (&layers, &stored), precisions, &mut elements)?;
    }
    Ok(elements)
}

/// The precision of each convolution and linear layer.
fn layers(
    graph: &Graph,
    order: &[NodeId],
    precisions: &Precisions,
) -> Result<HashMap<NodeId, Precision>, PlanError> {
    let mut layers = HashMap::new();
    for &id in order {
        let node = graph.node(id);
        if !matches!(node.op, Op::Conv(_) | Op::Linear(_)) {
            continue;
        }
        let inputs = graph.node(graph.operands(id)[0]).shape[0];
        let asked = precisions.deployment.precision(&node.path);
        let split = matches!(asked, Precision::F32Fast | Precision::F32Fast3);
        let precision =
            if floats_only(graph, id) || (split && inputs < LANES) { Precision::F32 } else { asked };
        layers.insert(id, precision);
    }
    let paths: Vec<&str> = layers.keys().map(|&id| graph.node(id).path.as_str()).collect();
    match precisions.deployment.idle(&paths).next() {
        Some(pattern) => Err(PlanError::NoLayer { pattern: pattern.to_owned() }),
        None => Ok(layers),
    }
}

/// Whether an operation computes with floats alone.
fn floats_only(graph: &Graph, id: NodeId) -> bool {
    match &graph.node(id).op {
        Op::Conv(conv) => {
            let a = &conv.attributes;
            let inputs = graph.node(graph.operands(id)[0]).shape[0];
            a.groups > 1 && [a.groups, a.channels] == [inputs; 2]
        }
        Op::BlurPool { .. } | Op::Softmax => true,
        Op::Input
        | Op::BatchNorm { .. }
        | Op::ScaleShift { .. }
        | Op::Activation(_)
        | Op::Add { .. }
        | Op::Gate(_)
        | Op::MaxPool(_)
        | Op::AvgPool { .. }
        | Op::GlobalAvgPool
        | Op::Linear(_)
        | Op::ZeroPad(_)
        | Op::Dropout
        | Op::Output { .. } => false,
    }
}

/// What an operand is multiplied as, if it is: a convolution's or linear layer's input.
fn wanted(
    graph: &Graph,
    user: NodeId,
    place: usize,
    layers: &HashMap<NodeId, Precision>,
) -> Option<Precision> {
    if floats_only(graph, user) {
        return Some(Precision::F32);
    }
    let precision = *layers.get(&user)?;
    // What a convolution of floats adds is floats, too.
    (place == 0 || precision == Precision::F32).then_some(precision)
}

/// Whether results alone depend on a value, and no layer, once that is known of its readers.
fn is_answer(
    graph: &Graph,
    id: NodeId,
    layers: &HashMap<NodeId, Precision>,
    answers: &HashSet<NodeId>,
) -> bool {
    graph.uses(id).into_iter().all(|(user, _)| {
        matches!(graph.node(user).op, Op::Softmax) || (answers.contains(&user) && !layers.contains_key(&user))
    })
}

/// How a node's value is stored, once its readers' are known.
fn storage(
    graph: &Graph,
    id: NodeId,
    (layers, nearest): (&HashMap<NodeId, Precision>, &HashMap<NodeId, Precision>),
    stored: &HashMap<NodeId, Precision>,
) -> Precision {
    let produced = layers.get(&id).copied();
    if floats_only(graph, id) || produced == Some(Precision::F32) {
        return Precision::F32;
    }
    let uses = graph.uses(id);
    let passes_on = |user: NodeId| matches!(graph.node(user).op, Op::MaxPool(_));
    let wishes: Vec<Precision> = uses
        .iter()
        .filter_map(|&(user, place)| match () {
            () if passes_on(user) => stored.get(&user).copied(),
            () => wanted(graph, user, place, layers),
        })
        .collect();
    // The most exact of what is wanted most often.
    let often = |precision: Precision| wishes.iter().filter(|wish| **wish == precision).count();
    let best = Precision::ALL.into_iter().rev().max_by_key(|&precision| often(precision));
    match best.filter(|_| !wishes.is_empty()) {
        Some(precision) => precision,
        None => nearest[&id],
    }
}

/// The precision of the nearest layer before each node, or its own.
fn nearest(
    graph: &Graph,
    order: &[NodeId],
    layers: &HashMap<NodeId, Precision>,
) -> HashMap<NodeId, Precision> {
    let mut nearest = HashMap::new();
    for &id in order {
        let before = graph.operands(id).first().and_then(|operand| nearest.get(operand).copied());
        let own = layers.get(&id).copied().or(before).unwrap_or_default();
        nearest.insert(id, own);
    }
    nearest
}

/// Whether 8 bits can be an input's pixels: it is a picture, and what means 0 is a pixel's value.
fn keeps_pixels(input: &Node, preprocess: &Preprocess) -> bool {
    let within = preprocess.mean.iter().all(|mean| (0.0..=1.0).contains(mean));
    let sized = preprocess.std.iter().all(|std| (1e-3..1e3).contains(std));
    input.shape[0] <= preprocess.mean.len() && within && sized
}

fn element(
    graph: &Graph,
    id: NodeId,
    precision: Precision,
    precisions: &Precisions,
) -> Result<Element, PlanError> {
    if precision != Precision::Int8 {
        return Ok(precision.element(Scale::new(1.0, 0)));
    }
    let Some(calibration) = &precisions.calibration else { return Err(PlanError::NotCalibrated) };
    let path = &graph.node(id).path;
    let range = calibration.ranges.get(path).ok_or_else(|| PlanError::NoRange { step: path.clone() })?;
    Ok(precision.element(Scale::of_range(range.low, range.high)))
}

/// Gives the readers of a value that want other elements a conversion each, or share one.
fn convert(
    graph: &mut Graph,
    id: NodeId,
    (layers, stored): (&HashMap<NodeId, Precision>, &HashMap<NodeId, Precision>),
    precisions: &Precisions,
    elements: &mut Elements,
) -> Result<(), PlanError> {
    for precision in Precision::ALL {
        let readers: Vec<NodeId> = graph
            .uses(id)
            .into_iter()
            .filter(|&(user, place)| {
                wanted(graph, user, place, layers)
                    .is_some_and(|wish| wish == precision && wish != stored[&id])
            })
            .map(|(user, _)| user)
            .collect();
        if readers.is_empty() {
            continue;
        }
        let element = element(graph, id, precision, precisions)?;
        let node = graph.node(id);
        let node = Node {
            op: Op::Activation(resnetc_runtime::plan::Activation::None),
            path: format!("{}.{precision}", node.path),
            ..node.clone()
        };
        let converted = graph.add(node, &[id]);
        elements.0.insert(converted, element);
        for reader in readers {
            let wishes = graph.operands(reader).into_iter().enumerate().map(|(place, operand)| {
                let wish = wanted(graph, reader, place, layers);
                if operand == id && wish == Some(precision) { converted } else { operand }
            });
            let operands: Vec<NodeId> = wishes.collect();
            graph.reconnect(reader, &operands);
        }
    }
    Ok(())
}
