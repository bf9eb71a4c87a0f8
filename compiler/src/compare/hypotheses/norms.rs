//! Norms with another epsilon, or of the batch's own statistics.

use ndarray::Axis;

use crate::graph::{Constant, NodeId, Op};

use super::{Case, Hypothesis};

/// Epsilons that frameworks and papers have: PyTorch's, TensorFlow's, timm's of TensorFlow, MXNet's.
const EPSILONS: [(f64, &str); 7] = [
    (1e-3, "1e-3"),
    (1e-5, "1e-5"),
    (2e-5, "2e-5"),
    (1e-4, "1e-4"),
    (1e-6, "1e-6"),
    (1e-8, "1e-8"),
    (0.0, "0"),
];

/// What a norm may be instead.
pub fn list(case: &Case, id: NodeId, all: &mut Vec<Hypothesis>) {
    let Op::BatchNorm { eps, weight, .. } = &case.graph.node(id).op else { return };
    let path = &case.graph.node(id).path;
    for (other, written) in EPSILONS.into_iter().filter(|(other, _)| other != eps) {
        let what = format!("the norm `{path}` has an epsilon of {written}, the spec's is {eps:e}");
        all.push(case.change(what, format!("write `norm eps {written}`"), |graph| {
            graph.edit(id, |op| {
                if let Op::BatchNorm { eps, .. } = op {
                    *eps = other;
                }
            });
        }));
    }
    let Some(input) = case.value(case.operand(id)) else { return };
    let channels = input.axis_iter(Axis(1));
    let statistics = channels.map(|channel| (channel.mean().unwrap_or_default(), channel.var(0.0)));
    let (mean, variance): (Vec<f32>, Vec<f32>) = statistics.map(|(m, v)| (m as f32, v as f32)).unzip();
    let constant = |values: Vec<f32>| Constant { shape: weight.shape.clone(), values: Some(values.into()) };
    let (own_mean, own_variance) = (constant(mean), constant(variance));
    let what = format!("the norm `{path}` used the batch's own mean and variance, as in training");
    all.push(case.change(what, "call `model.eval()` before recording", |graph| {
        graph.edit(id, |op| {
            if let Op::BatchNorm { mean, variance, .. } = op {
                (*mean, *variance) = (own_mean, own_variance);
            }
        });
    }));
}
