//! Images in another form than the network took them.

use ndarray::{Array4, Axis};

use crate::graph::Op;

use super::{Case, Hypothesis};

/// Another order of the colours, another scale, another normalisation.
pub fn list(case: &Case, all: &mut Vec<Hypothesis>) {
    let reads_image = |id| matches!(case.graph.node(id).op, Op::Input);
    let readers = case.nodes.iter().flat_map(|&id| case.graph.operands(id));
    let Some(input) = readers.into_iter().find(|&id| reads_image(id)) else { return };
    let Some(images) = case.dump.get(input) else { return };
    let mut give = |what: &str, mend: &str, images: Array4<f64>| {
        let mut hypothesis = case.change(what.to_owned(), mend, |_| {});
        hypothesis.given.push((input, images));
        all.push(hypothesis);
    };
    if images.dim().1 == 3 {
        let mut reversed = images.clone();
        reversed.invert_axis(Axis(1));
        give(
            "the network took its colours in reverse order, BGR",
            "record the input as the first layer reads it, or reverse the input channels of its weights",
            reversed,
        );
        let (mean, std) = (case.network.preprocess.mean, case.network.preprocess.std);
        let normalised = Array4::from_shape_fn(images.dim(), |at| {
            (images[at] - f64::from(mean[at.1])) / f64::from(std[at.1])
        });
        give(
            "the network normalised the recorded input by the spec's mean and deviation",
            "record what the first layer reads, behind the normalisation",
            normalised,
        );
    }
    let scaled = |factor: f64| images.mapv(|value| value * factor);
    give(
        "the network scaled the recorded input from 0..255 to 0..1",
        "record what the first layer reads",
        scaled(1.0 / 255.0),
    );
    give("the network scaled the recorded input by 255", "record what the first layer reads", scaled(255.0));
}
