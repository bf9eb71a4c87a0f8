//! A checked network, with its tensors if there are any, to a graph. One node each.

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

/// The graph of a network. `values` are the tensors of [`wanted`], in its order; without them the
/// graph has shapes only.
pub fn lower(network: &Network, values: Option<Vec<Vec<f32>>>) -> Graph {
    let mut graph = Graph::new(&network.name, &network.parts);
    let mut values = values.map(Vec::into_iter);
    let mut ids: Vec<NodeId> = Vec::with_capacity(network.nodes.len());
    for node in &network.nodes {
        let constants = network.tensors(node).into_iter().map(|tensor| Constant {
            values: values.as_mut().and_then(Iterator::next).map(Into::into),
            shape: tensor.shape,
        });
        let op = lower_layer(&node.layer, constants);
        let operands: Vec<NodeId> = node.inputs.iter().map(|i| ids[i.0 as usize]).collect();
        ids.push(graph.add(
            Node {
                op,
                shape: node.shape,
                path: node.path.clone(),
                span: node.span,
                part: node.part,
                block: node.block,
            },
            &operands,
        ));
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
