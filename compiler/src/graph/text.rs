//! A graph as text: one line a node, in the order in which it would run. Stable, for people and for
//! the tests of passes.

use std::fmt::Write;

use resnetc_runtime::plan::Activation;

use crate::model::network::{Pad, Window, activation_word};

use super::graph::Graph;
use super::op::{Conv, Op, ResidualRead};

/// The dump of a graph.
pub fn to_text(graph: &Graph) -> String {
    let mut out = format!("graph {}\n", graph.name);
    for id in graph.order() {
        let node = graph.node(id);
        let operands: Vec<_> = graph.operands(id).into_iter().map(|o| format!("%{}", o.index())).collect();
        let [c, h, w] = node.shape;
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "%{} = {}({}){} : {c}x{h}x{w}  // {}",
            id.index(),
            word(&node.op),
            operands.join(", "),
            attributes(&node.op),
            node.path,
        );
    }
    out
}

/// An operation with its attributes: `conv 3x3 64 pad=1 +bias relu`.
pub fn describe(op: &Op) -> String {
    word(op).to_owned() + &attributes(op)
}

/// The word for an operation.
pub fn word(op: &Op) -> &'static str {
    match op {
        Op::Input => "input",
        Op::Conv(_) => "conv",
        Op::BatchNorm { .. } => "norm",
        Op::ScaleShift { .. } => "scale_shift",
        Op::Activation(a) => activation_word(*a),
        Op::Add { .. } => "add",
        Op::Gate(_) => "gate",
        Op::MaxPool(_) => "max_pool",
        Op::AvgPool { .. } => "avg_pool",
        Op::GlobalAvgPool => "global_avg_pool",
        Op::Linear(_) => "linear",
        Op::ZeroPad(_) => "zero_pad",
        Op::Softmax => "softmax",
        Op::BlurPool { .. } => "blur_pool",
        Op::Dropout => "dropout",
        Op::Output { .. } => "output",
    }
}

fn attributes(op: &Op) -> String {
    match op {
        Op::Conv(c) => conv(c),
        Op::BatchNorm { eps, .. } => format!(" eps={eps:e}"),
        Op::Activation(Activation::LeakyRelu(slope)) => format!(" slope={slope}"),
        Op::ScaleShift { activation, .. } => then(*activation),
        Op::Add { residual, activation } => read(*residual) + &then(*activation),
        Op::Gate(gate) => {
            let residual = gate.residual.map_or(String::new(), |r| format!(" +residual{}", read(r)));
            residual + &then(gate.activation)
        }
        Op::MaxPool(w) => window(w),
        Op::AvgPool { window: w, count_include_pad } => {
            window(w) + if *count_include_pad { "" } else { " exclude_pad" }
        }
        Op::Linear(l) => {
            format!(
                " {}{}{}",
                l.weight.shape[0],
                if l.bias.is_some() { " +bias" } else { "" },
                then(l.activation)
            )
        }
        Op::ZeroPad(r) => read(*r),
        Op::BlurPool { size, stride, pad } => format!(" {size}x{size} stride={stride} pad={pad}"),
        Op::Output { name, index } => format!(" #{index} {name}"),
        Op::Input | Op::Activation(_) | Op::GlobalAvgPool | Op::Softmax | Op::Dropout => String::new(),
    }
}

fn conv(c: &Conv) -> String {
    let a = &c.attributes;
    let mut out = format!(" {}x{} {}", a.kernel[0], a.kernel[1], a.channels);
    out += &pair("stride", a.stride, [1, 1]);
    out += &padding(a.pad);
    out += &pair("dilation", a.dilation, [1, 1]);
    if a.groups > 1 {
        out += &format!(" groups={}", a.groups);
    }
    if c.bias.is_some() {
        out += " +bias";
    }
    if let Some(residual) = c.residual {
        out += " +residual";
        out += &read(residual);
    }
    out + &then(c.activation)
}

fn window(w: &Window) -> String {
    let mut out = format!(" {}x{}", w.kernel[0], w.kernel[1]);
    out += &pair("stride", w.stride, [1, 1]);
    out += &padding(w.pad);
    out + if w.ceil_mode { " ceil" } else { "" }
}

fn pair(name: &str, value: [usize; 2], default: [usize; 2]) -> String {
    match value {
        v if v == default => String::new(),
        [a, b] if a == b => format!(" {name}={a}"),
        [a, b] => format!(" {name}={a},{b}"),
    }
}

fn padding(p: Pad) -> String {
    match p {
        Pad { top: 0, left: 0, bottom: 0, right: 0 } => String::new(),
        Pad { top, left, bottom, right } if top == left && top == bottom && top == right => {
            format!(" pad={top}")
        }
        Pad { top, left, bottom, right } => format!(" pad={top},{left},{bottom},{right}"),
    }
}

fn read(r: ResidualRead) -> String {
    if r == ResidualRead::IDENTITY {
        String::new()
    } else {
        format!(" stride={} before={}", r.stride, r.before)
    }
}

fn then(activation: Activation) -> String {
    match activation {
        Activation::None => String::new(),
        Activation::LeakyRelu(slope) => format!(" leaky_relu({slope})"),
        other => format!(" {}", activation_word(other)),
    }
}
