//! A checked network, with its tensors if there are any, to a graph. One node each, but for an average,
//! which is sums and a factor.

use crate::model::network::{self, Layer, Network};
use crate::weights::Wanted;

use super::graph::{Graph, Node, NodeId};
use super::op::{Constant, Conv, Gate, Linear, Op, ResidualRead};

use resnetc_runtime::plan::Activation;

/// The tensors that a network wants of a checkpoint, in the order that [`lower`] takes them.
pub fn wanted(network: &Network) -> Vec<Wanted> {
    let tensors = network.nodes.iter().flat_map(|n| network.tensors(n));
    tensors.map(|t| Wanted { name: t.name, shape: t.shape, optional: false }).collect()
}

/// The tensors of an ensemble's member, by the names that they have in a network of its own.
pub fn wanted_of(network: &Network, member: &network::Member) -> Vec<Wanted> {
    let tensors = network.nodes[member.nodes.clone()].iter().flat_map(|n| network.tensors(n));
    let own = |name: &str| name.get(member.name.len() + 1..).unwrap_or_default().to_owned();
    tensors.map(|t| Wanted { name: own(&t.name), shape: t.shape, optional: false }).collect()
}

/// The graph of a network. `values` are the tensors of [`wanted`], in its order; without them the
/// graph has shapes only.
pub fn lower(network: &Network, values: Option<Vec<Vec<f32>>>) -> Graph {
    let mut graph = Graph::new(&network.name, &network.parts);
    let has_values = values.is_some();
    let mut values = values.map(Vec::into_iter);
    let mut ids: Vec<NodeId> = Vec::with_capacity(network.nodes.len());
    for node in &network.nodes {
        let constants = network.tensors(node).into_iter().map(|tensor| Constant {
            values: values.as_mut().and_then(Iterator::next).map(Into::into),
            shape: tensor.shape,
        });
        let operands: Vec<NodeId> = node.inputs.iter().map(|i| ids[i.0 as usize]).collect();
        ids.push(match node.layer {
            Layer::Average => average(&mut graph, node, &operands, has_values),
            _ => graph.add(placed(node, lower_layer(&node.layer, constants)), &operands),
        });
    }
    for (index, output) in network.outputs.iter().enumerate() {
        let from = network.node(output.node);
        let op = Op::Output { name: output.name.clone(), index };
        let path = format!("output.{}", output.name);
        let (shape, span, part) = (from.shape, from.span, from.part);
        graph.add(Node { op, shape, path, span, part, block: None }, &[ids[output.node.0 as usize]]);
    }
    graph
}

/// An operation where a node of the network stands.
fn placed(node: &network::Node, op: Op) -> Node {
    let (path, shape, span) = (node.path.clone(), node.shape, node.span);
    Node { op, shape, path, span, part: node.part, block: node.block }
}

/// The mean of its operands; a graph without weights has no value of the factor either.
fn average(graph: &mut Graph, node: &network::Node, operands: &[NodeId], has_values: bool) -> NodeId {
    let mut sum = operands[0];
    for (index, operand) in operands.iter().enumerate().skip(1) {
        let add = Op::Add { residual: ResidualRead::IDENTITY, activation: Activation::None };
        let path = format!("{}.{index}", node.path);
        sum = graph.add(Node { path, ..placed(node, add) }, &[sum, *operand]);
    }
    let channels = node.shape[0];
    let constant = |value: f32| Constant {
        shape: vec![channels],
        values: has_values.then(|| vec![value; channels].into()),
    };
    let (scale, shift) = (constant(1.0 / operands.len() as f32), constant(0.0));
    graph.add(placed(node, Op::ScaleShift { scale, shift, activation: Activation::None }), &[sum])
}

fn lower_layer(layer: &Layer, mut constants: impl Iterator<Item = Constant>) -> Op {
    let mut take = || constants.next().unwrap_or_else(|| unreachable!("tensors() has one for each field"));
    match layer {
        Layer::Input => Op::Input,
        Layer::Conv(attributes) => Op::Conv(Box::new(Conv {
            weight: take(),
            bias: attributes.bias.then(take),
            attributes: network::Conv { bias: false, ..attributes.clone() },
            residual: None,
            activation: Activation::None,
        })),
        Layer::BatchNorm { eps } => {
            Op::BatchNorm { weight: take(), bias: take(), mean: take(), variance: take(), eps: *eps }
        }
        Layer::Activation(a) => Op::Activation(*a),
        Layer::Add => Op::Add { residual: ResidualRead::IDENTITY, activation: Activation::None },
        Layer::Average => unreachable!("it has several nodes"),
        Layer::Mul => Op::Gate(Gate { residual: None, activation: Activation::None }),
        Layer::MaxPool(window) => Op::MaxPool(window.clone()),
        Layer::AvgPool { window, count_include_pad } => {
            Op::AvgPool { window: window.clone(), count_include_pad: *count_include_pad }
        }
        Layer::GlobalAvgPool => Op::GlobalAvgPool,
        Layer::Linear { bias, .. } => {
            Op::Linear(Linear { weight: take(), bias: bias.then(take), activation: Activation::None })
        }
        Layer::ZeroPad { stride, before } => Op::ZeroPad(ResidualRead { stride: *stride, before: *before }),
        Layer::Softmax => Op::Softmax,
        Layer::BlurPool { size, stride, pad } => Op::BlurPool { size: *size, stride: *stride, pad: *pad },
        Layer::Dropout => Op::Dropout,
    }
}
