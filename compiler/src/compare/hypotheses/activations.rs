//! Another activation, one too many, or one too few.

use resnetc_runtime::plan::Activation;

use crate::graph::{Node, NodeId, Op};
use crate::model::network::activation_word;

use super::{Case, Hypothesis};

/// Every kind, with the slopes that are common.
const KINDS: [Activation; 11] = [
    Activation::Relu,
    Activation::Silu,
    Activation::Gelu,
    Activation::HardSwish,
    Activation::LeakyRelu(0.01),
    Activation::LeakyRelu(0.1),
    Activation::LeakyRelu(0.2),
    Activation::Relu6,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::HardSigmoid,
];

/// What a spec writes for an activation.
fn written(activation: Activation) -> String {
    match activation {
        Activation::LeakyRelu(slope) => format!("leaky_relu {slope}"),
        other => activation_word(other).to_owned(),
    }
}

/// What an activation may be instead.
pub fn list(case: &Case, id: NodeId, all: &mut Vec<Hypothesis>) {
    let Op::Activation(own) = case.graph.node(id).op else { return };
    let path = &case.graph.node(id).path;
    let replace = |kind| move |op: &mut Op| *op = Op::Activation(kind);
    for kind in KINDS.into_iter().filter(|kind| *kind != own) {
        let (other, word) = (written(kind), written(own));
        let what = format!("the activation `{path}` is `{other}`, in the spec `{word}`");
        all.push(case.change(what, format!("write `{other}`"), |graph| graph.edit(id, replace(kind))));
    }
    let what = format!("there is no activation `{path}`");
    let mend = format!("leave out the `{}`", written(own));
    all.push(case.change(what, mend, |graph| graph.edit(id, replace(Activation::None))));
}

/// An activation before or behind the layer, where the spec has none.
pub fn list_missing(case: &Case, all: &mut Vec<Hypothesis>) {
    let node = case.graph.node(case.target);
    let operand = case.operand(case.target);
    let before = case.graph.node(operand);
    for kind in KINDS {
        let mend = format!("write `{}` there", written(kind));
        let activation = |like: &Node| Node { op: Op::Activation(kind), ..like.clone() };
        if !matches!(node.op, Op::Activation(_)) {
            let what = format!("a `{}` follows `{}`", written(kind), node.path);
            let mut hypothesis = case.change(what, mend.clone(), |_| {});
            hypothesis.target = hypothesis.graph.add(activation(node), &[case.target]);
            all.push(hypothesis);
        }
        if !matches!(before.op, Op::Activation(_)) {
            let what = format!("a `{}` stands between `{}` and `{}`", written(kind), before.path, node.path);
            all.push(case.change(what, mend, |graph| {
                let mut operands = graph.operands(case.target);
                if let Some(first) = operands.first_mut() {
                    *first = graph.add(activation(before), &[operand]);
                }
                graph.reconnect(case.target, &operands);
            }));
        }
    }
}
