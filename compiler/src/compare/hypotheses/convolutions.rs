//! Convolutions with another stride, padding, dilation or operand.

use ndarray::Array4;

use crate::graph::{Conv, Graph, Node, NodeId, Op, Window};
use crate::model::network::{self, Pad};
use crate::model::window::same;

use super::{Case, Hypothesis};

/// What a convolution may be instead.
pub fn list(case: &Case, id: NodeId, all: &mut Vec<Hypothesis>) {
    let Op::Conv(conv) = &case.graph.node(id).op else { return };
    strides(case, id, conv, all);
    padding(case, id, conv, all);
    borders(case, id, conv, all);
    pooled(case, id, conv, all);
    operands(case, id, all);
}

/// Changes a convolution's attributes, if its window then still fits the map.
fn attributes(
    case: &Case,
    id: NodeId,
    (what, mend): (String, String),
    change: impl FnOnce(&mut network::Conv),
) -> Option<Hypothesis> {
    let Op::Conv(conv) = &case.graph.node(id).op else { return None };
    let mut attributes = conv.attributes.clone();
    change(&mut attributes);
    let [_, height, width] = case.graph.node(case.operand(id)).shape;
    let (a, pad) = (&attributes, attributes.pad);
    let fits = |axis: usize, room: usize| (a.kernel[axis] - 1) * a.dilation[axis] < room;
    let fit = fits(0, height + pad.top + pad.bottom) && fits(1, width + pad.left + pad.right);
    fit.then(|| {
        case.change(what, mend, |graph| {
            graph.edit(id, |op| {
                if let Op::Conv(conv) = op {
                    conv.attributes = attributes;
                }
            });
        })
    })
}

fn strides(case: &Case, id: NodeId, conv: &Conv, all: &mut Vec<Hypothesis>) {
    let node = case.graph.node(id);
    let own = conv.attributes.stride;
    for stride in [1, 2, 4].into_iter().filter(|stride| own != [*stride; 2]) {
        let mut what = format!("`{}` has stride {stride}, in the spec {}", node.path, own[0]);
        let mut mend = "change the `stride` of the stage, or where the block uses it";
        if let Some(other) = strided_sibling(case, id).filter(|_| stride > 1) {
            what += &format!(" and it is `{other}` that has the block's");
            mend = "put the block's `stride` on this convolution; of a bottleneck that is `bottleneck_v1`";
        } else if own[0] > stride && conv.attributes.kernel == [1, 1] && !is_projection(node) {
            mend = "put the block's `stride` on the 3x3 convolution; that is `bottleneck`";
        }
        all.extend(attributes(case, id, (what, mend.to_owned()), |conv| conv.stride = [stride; 2]));
    }
    for dilation in [1, 2, 4].into_iter().filter(|dilation| conv.attributes.dilation != [*dilation; 2]) {
        let [height, width] = conv.attributes.kernel;
        if [height, width] == [1, 1] {
            continue;
        }
        let what = format!(
            "`{}` has a dilation of {dilation}, in the spec {}",
            node.path, conv.attributes.dilation[0]
        );
        all.extend(attributes(case, id, (what, format!("write `dilation {dilation}`")), |conv| {
            conv.dilation = [dilation; 2];
            let (rows, columns) = ((height - 1) / 2 * dilation, (width - 1) / 2 * dilation);
            conv.pad = Pad { top: rows, left: columns, bottom: rows, right: columns };
        }));
    }
}

/// Whether a node is of a shortcut's projection.
fn is_projection(node: &Node) -> bool {
    node.path.split('.').any(|part| part == "downsample")
}

/// Another convolution of the branch that has its block's stride.
fn strided_sibling(case: &Case, id: NodeId) -> Option<String> {
    let node = case.graph.node(id);
    let block = node.block.filter(|_| !is_projection(node))?;
    let is_sibling = |other: &Node| {
        let strided = matches!(&other.op, Op::Conv(conv) if conv.attributes.stride != [1, 1]);
        other.part == node.part && other.block == Some(block) && strided && !is_projection(other)
    };
    let order = case.graph.order();
    let mut others = order.into_iter().filter(|other| *other != id).map(|other| case.graph.node(other));
    others.find(|other| is_sibling(other)).map(|other| other.path.clone())
}

fn padding(case: &Case, id: NodeId, conv: &Conv, all: &mut Vec<Hypothesis>) {
    let [_, height, width] = case.graph.node(case.operand(id)).shape;
    let a = &conv.attributes;
    let even = |rows: usize, columns: usize| Pad { top: rows, left: columns, bottom: rows, right: columns };
    let usual = |axis: usize| (a.kernel[axis] - 1) / 2 * a.dilation[axis];
    let ((top, bottom), (left, right)) = (
        same(height, a.kernel[0], a.stride[0], a.dilation[0]),
        same(width, a.kernel[1], a.stride[1], a.dilation[1]),
    );
    let pads = [
        (even(0, 0), "no padding", "pad 0"),
        (even(usual(0), usual(1)), "(size - 1) / 2 zeros around its map", "pad (size - 1) / 2"),
        (Pad { top, left, bottom, right }, "TensorFlow's padding", "pad same"),
        (even(1, 1), "one zero around its map", "pad 1"),
    ];
    let mut seen = vec![a.pad];
    for (pad, words, written) in pads {
        if seen.contains(&pad) {
            continue;
        }
        seen.push(pad);
        let what = format!("`{}` has {words}", case.graph.node(id).path);
        all.extend(attributes(case, id, (what, format!("write `{written}`")), |conv| conv.pad = pad));
    }
}

/// A position of a map, and its length, to the one that a padding repeats there.
type Border = fn(isize, isize) -> isize;

/// Padding by other values than zeros.
fn borders(case: &Case, id: NodeId, conv: &Conv, all: &mut Vec<Hypothesis>) {
    const BORDERS: [(&str, Border); 3] = [
        ("reflect", |at, len| (len - 1) - ((len - 1) - at.abs()).abs()),
        ("replicate", |at, len| at.clamp(0, len - 1)),
        ("circular", |at, len| at.rem_euclid(len)),
    ];
    let pad = conv.attributes.pad;
    let operand = case.operand(id);
    if pad == Pad::default() {
        return;
    }
    let Some(input) = case.value(operand) else { return };
    let (n, c, h, w) = input.dim();
    if pad.top.max(pad.bottom) >= h || pad.left.max(pad.right) >= w {
        return;
    }
    for (mode, place) in BORDERS {
        let padded = Array4::from_shape_fn(
            (n, c, h + pad.top + pad.bottom, w + pad.left + pad.right),
            |(image, channel, y, x)| {
                let at = |at: usize, before: usize, length: usize| {
                    place(at as isize - before as isize, length as isize) as usize
                };
                input[[image, channel, at(y, pad.top, h), at(x, pad.left, w)]]
            },
        );
        let path = &case.graph.node(id).path;
        let what =
            format!("`{path}` pads its map with values of it (padding_mode=\"{mode}\"), not with zeros");
        let mut graph = case.graph.clone();
        let shape = [c, padded.dim().2, padded.dim().3];
        let node = Node { op: Op::Dropout, shape, ..graph.node(operand).clone() };
        let border = graph.add(node, &[operand]);
        graph.reconnect(id, &[border]);
        graph.edit(id, |op| {
            if let Op::Conv(conv) = op {
                conv.attributes.pad = Pad::default();
            }
        });
        let mend = "the language pads with zeros only: train with them, or pad before the network".to_owned();
        all.push(Hypothesis { what, mend, graph, target: case.target, given: vec![(border, padded)] });
    }
}

/// A projection that takes a mean before it projects, or one that does not.
fn pooled(case: &Case, id: NodeId, conv: &Conv, all: &mut Vec<Hypothesis>) {
    let node = case.graph.node(id);
    let operand = case.operand(id);
    let stride = conv.attributes.stride;
    let set_stride = |graph: &mut Graph, stride| {
        graph.edit(id, |op| {
            if let Op::Conv(conv) = op {
                conv.attributes.stride = stride;
            }
        });
    };
    if stride != [1, 1] && conv.attributes.kernel == [1, 1] {
        let what = format!(
            "`{}` takes the mean of {} x {} values before it projects",
            node.path, stride[0], stride[1]
        );
        let mend = "write the block's `projection` as `bottleneck_d` has it";
        all.push(case.change(what, mend, |graph| {
            let [channels, h, w] = graph.node(operand).shape;
            let window = Window { kernel: stride, stride, pad: Pad::default(), ceil_mode: true };
            let op = Op::AvgPool { window, count_include_pad: false };
            let shape = [channels, h.div_ceil(stride[0]), w.div_ceil(stride[1])];
            let mean = graph.add(Node { op, shape, ..graph.node(id).clone() }, &[operand]);
            graph.reconnect(id, &[mean]);
            set_stride(graph, [1, 1]);
        }));
    }
    if let Op::AvgPool { window, .. } = &case.graph.node(operand).op {
        let (stride, before) = (window.stride, case.operand(operand));
        let what = format!("`{}` projects with its stride, and takes no mean before", node.path);
        all.push(case.change(what, "leave the block's `projection` out", |graph| {
            graph.reconnect(id, &[before]);
            set_stride(graph, stride);
        }));
    }
}

/// A convolution that reads what comes before a norm and its activation.
fn operands(case: &Case, id: NodeId, all: &mut Vec<Hypothesis>) {
    let operand = case.operand(id);
    if !matches!(case.graph.node(operand).op, Op::Activation(_)) {
        return;
    }
    let norm = case.operand(operand);
    if !matches!(case.graph.node(norm).op, Op::BatchNorm { .. }) {
        return;
    }
    let before = case.operand(norm);
    let path = &case.graph.node(id).path;
    let what = format!("`{path}` reads `{}`, without a norm and an activation", case.graph.node(before).path);
    let mend = "leave out `preactivate`, or put the norm and the activation behind the convolution";
    all.push(case.change(what, mend, |graph| graph.reconnect(id, &[before])));
}
