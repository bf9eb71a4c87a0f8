//! Folds batch norm into the convolution before it, or turns it into a scale and a shift.
//!
//! Computed in f64 and rounded once. A norm whose convolution something else reads too, or that
//! follows something else (in pre-activation networks), becomes a [`Op::ScaleShift`].

use resnetc_runtime::plan::Activation;

use crate::graph::{Constant, Graph, NodeId, Op};

/// See the module.
pub fn fold_norms(graph: &mut Graph) {
    for id in graph.order() {
        let Op::BatchNorm { weight, bias, mean, variance, eps } = &graph.node(id).op else { continue };
        let (scale, shift) = scale_and_shift([weight, bias, mean, variance], *eps);
        let operand = graph.operands(id)[0];
        if takes_norm(graph, operand, id) {
            graph.edit(operand, |op| fold(op, &scale, &shift));
            graph.bypass(id);
        } else {
            let op = Op::ScaleShift { scale, shift, activation: Activation::None };
            graph.replace(id, op, &[operand]);
        }
    }
}

fn takes_norm(graph: &Graph, conv: NodeId, norm: NodeId) -> bool {
    let free = match &graph.node(conv).op {
        Op::Conv(c) => c.residual.is_none() && c.activation == Activation::None,
        _ => false,
    };
    free && graph.only_use(conv) == Some(norm)
}

/// What a norm multiplies by and adds, a channel.
fn scale_and_shift([weight, bias, mean, variance]: [&Constant; 4], eps: f64) -> (Constant, Constant) {
    let factor = move |g: f32, v: f32| f64::from(g) / (f64::from(v) + eps).sqrt();
    let scale = Constant::derive(weight.shape.clone(), [weight, variance], |[g, v]| {
        g.iter().zip(v).map(|(&g, &v)| factor(g, v) as f32).collect()
    });
    let shift = Constant::derive(weight.shape.clone(), [weight, bias, mean, variance], |[g, b, m, v]| {
        (0..g.len()).map(|c| (f64::from(b[c]) - f64::from(m[c]) * factor(g[c], v[c])) as f32).collect()
    });
    (scale, shift)
}

fn fold(op: &mut Op, scale: &Constant, shift: &Constant) {
    let Op::Conv(conv) = op else { unreachable!("takes_norm has looked") };
    let channels = conv.attributes.channels;
    let weight = Constant::derive(conv.weight.shape.clone(), [&conv.weight, scale], |[w, s]| {
        let row = w.len() / channels;
        w.iter().enumerate().map(|(i, &w)| (f64::from(w) * f64::from(s[i / row])) as f32).collect()
    });
    let bias = match &conv.bias {
        None => shift.clone(),
        Some(bias) => Constant::derive(vec![channels], [bias, scale, shift], |[b, s, t]| {
            let folded = |c: usize| f64::from(b[c]) * f64::from(s[c]) + f64::from(t[c]);
            (0..channels).map(|c| folded(c) as f32).collect()
        }),
    };
    (conv.weight, conv.bias) = (weight, Some(bias));
}
