//! Poolings with other windows, or of another kind.

use crate::graph::{Node, NodeId, Op, Window};
use crate::model::network::Pad;
use crate::model::window::axes;

use super::{Case, Hypothesis};

/// What a pooling may be instead.
pub fn list(case: &Case, id: NodeId, all: &mut Vec<Hypothesis>) {
    let path = &case.graph.node(id).path;
    match &case.graph.node(id).op {
        Op::MaxPool(own) => {
            for (window, words, written) in windows(own) {
                let what = format!("`{path}` has {words}");
                all.extend(pool(case, id, (what, written), Op::MaxPool(window)));
            }
            subsampled(case, id, own, all);
            let what = format!("`{path}` takes a mean, not the maximum");
            let op = Op::AvgPool { window: own.clone(), count_include_pad: true };
            all.extend(pool(case, id, (what, "write `avg_pool` with `pad`"), op));
            let what = format!("`{path}` takes the mean of 2 x 2 values, not the maximum");
            let op = Op::AvgPool { window: small(), count_include_pad: true };
            all.extend(pool(case, id, (what, "write `avg_pool 2x2, stride 2`"), op));
        }
        Op::AvgPool { window, count_include_pad } => {
            let counts = !count_include_pad;
            let (words, written) = match counts {
                true => ("its padding", "write `count_include_pad`"),
                false => ("no padding", "write `count_include_pad false`"),
            };
            let what = format!("the mean `{path}` counts {words}");
            let op = Op::AvgPool { window: window.clone(), count_include_pad: counts };
            all.extend(pool(case, id, (what, written), op));
            for (window, words, written) in windows(window) {
                let what = format!("`{path}` has {words}");
                let op = Op::AvgPool { window, count_include_pad: *count_include_pad };
                all.extend(pool(case, id, (what, written), op));
            }
            let what = format!("`{path}` takes the maximum, not a mean");
            all.extend(pool(case, id, (what, "write `max_pool`"), Op::MaxPool(window.clone())));
        }
        _ => {}
    }
}

/// A maximum of stride 1, whose stride a blur or a mean behind it has.
fn subsampled(case: &Case, id: NodeId, own: &Window, all: &mut Vec<Hypothesis>) {
    let node = case.graph.node(id);
    let dense = Window { stride: [1, 1], ..own.clone() };
    let words = (String::new(), "");
    let [stride, other] = own.stride;
    let Some(maximum) = pool(case, id, words, Op::MaxPool(dense)).filter(|_| stride == other && stride > 1)
    else {
        return;
    };
    let mean = Window { kernel: own.stride, stride: own.stride, pad: Pad::default(), ceil_mode: false };
    let behind = [
        (Op::BlurPool { size: 3, stride, pad: 1 }, "a blur", format!("`blur_pool 3, stride {stride}`")),
        (
            Op::AvgPool { window: mean, count_include_pad: true },
            "a mean",
            format!("`avg_pool {stride}x{stride}`"),
        ),
    ];
    for (op, words, written) in behind {
        let mut graph = maximum.graph.clone();
        let last = graph.add(Node { op, ..node.clone() }, &[maximum.target]);
        let what = format!("`{}` has stride 1, and {words} behind it has its stride", node.path);
        let mend = format!("write `stride 1`, and {written} behind it");
        all.push(Hypothesis { what, mend, graph, target: last, given: Vec::new() });
    }
}

fn small() -> Window {
    Window { kernel: [2, 2], stride: [2, 2], pad: Pad::default(), ceil_mode: false }
}

/// Other windows, with words for each and what to write.
fn windows(own: &Window) -> Vec<(Window, &'static str, &'static str)> {
    let pad = |pad: usize| Pad { top: pad, left: pad, bottom: pad, right: pad };
    let with = |pad, ceil_mode| Window { pad, ceil_mode, ..own.clone() };
    let all = [
        (
            with(own.pad, !own.ceil_mode),
            "another rounding of its output's size (`ceil_mode`)",
            "change `ceil_mode`",
        ),
        (
            with(pad(0), true),
            "no padding, and windows that reach past the map (`ceil_mode`)",
            "write `pad 0, ceil_mode`",
        ),
        (with(pad(0), false), "no padding", "write `pad 0`"),
        (with(pad(1), false), "a padding of 1", "write `pad 1`"),
        (small(), "windows of 2 x 2", "write `2x2`"),
    ];
    all.into_iter().filter(|(window, _, _)| window != own).collect()
}

/// A pooling in a node's place, if a window of it fits the map.
fn pool(case: &Case, id: NodeId, words: (String, &str), op: Op) -> Option<Hypothesis> {
    let (Op::MaxPool(window) | Op::AvgPool { window, .. }) = &op else { return None };
    let operand = case.operand(id);
    let [channels, height, width] = case.graph.node(operand).shape;
    let [rows, columns] = axes(window.kernel, window.stride, [1, 1], window.pad);
    let shape =
        [channels, rows.outputs(height, window.ceil_mode)?, columns.outputs(width, window.ceil_mode)?];
    Some(case.replace(words, id, (op, shape), &[operand]))
}
