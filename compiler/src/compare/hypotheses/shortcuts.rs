//! Another shortcut, one too many, or one too few; gates.

use crate::graph::{Graph, Node, NodeId, Op, ResidualRead, Window};
use crate::model::network::Pad;

use super::{Case, Hypothesis};

/// What an addition, an option A or a gate may be instead.
pub fn list(case: &Case, id: NodeId, all: &mut Vec<Hypothesis>) {
    let node = case.graph.node(id);
    match &node.op {
        Op::Add { .. } => {
            let branch = case.operand(id);
            all.push(case.replace(
                (format!("`{}` adds no shortcut", node.path), "write `shortcut none`"),
                id,
                (Op::Dropout, node.shape),
                &[branch],
            ));
            preactivated(case, id, all);
        }
        Op::ZeroPad(read) => zero_pad(case, id, *read, all),
        Op::Gate(_) => {
            let gated = case.operand(id);
            all.push(case.replace(
                (format!("there is no gate `{}`", node.path), "leave out the `gate`"),
                id,
                (Op::Dropout, node.shape),
                &[gated],
            ));
        }
        _ => {}
    }
}

/// An identity that begins behind the block's first norm and activation.
fn preactivated(case: &Case, add: NodeId, all: &mut Vec<Hypothesis>) {
    let Some((input, conv)) = case.block_input() else { return };
    let [branch, shortcut] = case.graph.operands(add)[..] else { return };
    let begin = case.operand(conv);
    if shortcut == input && begin != input && case.graph.node(begin).shape == case.graph.node(add).shape {
        let path = &case.graph.node(begin).path;
        let what = format!("the shortcut begins behind the first norm and activation, at `{path}`");
        let mend = "put that norm and activation before the `residual`, not into `preactivate`";
        all.push(case.change(what, mend, |graph| graph.reconnect(add, &[branch, begin])));
    }
}

/// Option A with its zeros elsewhere, or behind a mean.
fn zero_pad(case: &Case, id: NodeId, read: ResidualRead, all: &mut Vec<Hypothesis>) {
    let node = case.graph.node(id);
    let operand = case.operand(id);
    let [channels, h, w] = case.graph.node(operand).shape;
    let zeros = node.shape[0].saturating_sub(channels);
    for (before, words) in [(0, "behind"), (zeros, "before"), (zeros / 2, "on both sides of")] {
        if before == read.before {
            continue;
        }
        let what = format!("option A's zeros are {words} the shortcut's channels");
        let mend = "the language adds half before and half behind: permute the weights' channels";
        all.push(case.change(what, mend, |graph| {
            graph.edit(id, |op| *op = Op::ZeroPad(ResidualRead { before, ..read }));
        }));
    }
    if read.stride > 1 {
        let stride = [read.stride; 2];
        let what = format!("option A takes the mean of {0} x {0} values, not every {0}th", read.stride);
        let mend = "write the block with `avg_pool` and `zero_pad_channels` in its `projection`";
        all.push(case.change(what, mend, |graph| {
            let window = Window { kernel: stride, stride, pad: Pad::default(), ceil_mode: true };
            let op = Op::AvgPool { window, count_include_pad: false };
            let shape = [channels, h.div_ceil(read.stride), w.div_ceil(read.stride)];
            let mean = graph.add(Node { op, shape, ..graph.node(id).clone() }, &[operand]);
            graph.reconnect(id, &[mean]);
            graph.edit(id, |op| *op = Op::ZeroPad(ResidualRead { stride: 1, ..read }));
        }));
    }
}

/// A shortcut where the spec adds none: an identity, or option A.
pub fn list_missing(case: &Case, all: &mut Vec<Hypothesis>) {
    let Some((input, _)) = case.block_input() else { return };
    if case.nodes.iter().any(|&id| matches!(case.graph.node(id).op, Op::Add { .. })) {
        return;
    }
    let [from, to] = [input, case.target].map(|id| case.graph.node(id).shape);
    if to[0] < from[0] || to[1] == 0 || to[1] > from[1] {
        return;
    }
    let read = ResidualRead { stride: from[1].div_ceil(to[1]), before: (to[0] - from[0]) / 2 };
    let add = |graph: &mut Graph, branch: NodeId| {
        let op = Op::Add { residual: read, activation: Default::default() };
        let node = Node { op, ..graph.node(branch).clone() };
        graph.add(node, &[branch, input])
    };
    let kind = if from == to { "an identity" } else { "option A" };
    let what = format!("a shortcut is added before `{}`: {kind}", case.graph.node(case.target).path);
    let mend = "write `shortcut zero_pad`";
    if matches!(case.graph.node(case.target).op, Op::Activation(_)) {
        all.push(case.change(what, mend, |graph| {
            let sum = add(graph, case.operand(case.target));
            graph.reconnect(case.target, &[sum]);
        }));
    } else {
        let mut hypothesis = case.change(what, mend, |_| {});
        hypothesis.target = add(&mut hypothesis.graph, case.target);
        all.push(hypothesis);
    }
}
