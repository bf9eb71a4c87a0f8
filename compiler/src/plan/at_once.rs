//! How many images of a batch go through the network together.
//!
//! In: a graph, its order, and its layout for a single image. Out: a number of images, up to the batch. A
//! few keep the activations in the near caches from one step to the next; many share the weights that
//! are streamed. What counts are the bytes that each image brings in from further away. Algorithms are
//! those that the cost model chooses, whichever are used: what is timed in turn is so at the same number.

use resnetc_runtime::plan::Algorithm;

use crate::graph::{Conv, Graph, NodeId, Op};
use crate::model::network;

use super::choose::{Algorithms, Chooser};
use super::layout::Layout;
use super::pack::Groups;

/// Bytes of activations that stay near.
const NEAR: f64 = 1e6;
/// Bytes of activations, or of weights, that stay in the last cache before memory.
const FAR: f64 = 8e6;
/// What a byte from memory costs, in bytes from that cache.
const MEMORY: f64 = 3.0;

/// The number of images, of a batch, that costs least; of several the largest. `params` are those of the
/// network as specified.
pub fn images_at_once(
    graph: &Graph,
    order: &[NodeId],
    single: &Layout,
    (batch, params): (usize, u64),
) -> usize {
    let moved: f64 = order.iter().map(|&id| activations(graph, single, id)).sum();
    let alive = bytes(single.live);
    let cost = |images: usize| {
        let weights: f64 = order.iter().map(|&id| weights(graph, single, id, (images, params))).sum();
        let (images, alive) = (images as f64, images as f64 * alive);
        let activations = if alive <= NEAR { 0.0 } else { moved * distance(alive) };
        activations + weights * distance(weights) / images
    };
    let costs = sizes(batch).map(|size| (cost(size), size));
    costs.min_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(batch, |(_, size)| size)
}

/// The sizes that rounds of a batch may have, the largest first.
fn sizes(batch: usize) -> impl Iterator<Item = usize> {
    let next =
        move |&size: &usize| (size > 1).then(|| batch.div_ceil(batch.div_ceil(size) + 1).min(size - 1));
    std::iter::successors(Some(batch), next)
}

/// Bytes of activations that a node reads and writes of an image.
fn activations(graph: &Graph, single: &Layout, id: NodeId) -> f64 {
    let written = !matches!(graph.node(id).op, Op::Output { .. });
    let values = graph.operands(id).into_iter().chain(written.then_some(id));
    values.map(|value| bytes(single.view(value).image())).sum()
}

/// Bytes of a node's packed weights, if so many images go through it together.
fn weights(graph: &Graph, single: &Layout, id: NodeId, images: (usize, u64)) -> f64 {
    let input = || graph.operands(id).first().map_or(0, |&input| single.view(input).pixel);
    match &graph.node(id).op {
        Op::Conv(conv) => conv_weights(graph, single, (id, conv), images),
        Op::Linear(_) => bytes(input()) * single.view(id).lanes() as f64,
        Op::ScaleShift { .. } => bytes(2 * input()),
        Op::Input
        | Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Add { .. }
        | Op::Gate(_)
        | Op::MaxPool(_)
        | Op::AvgPool { .. }
        | Op::GlobalAvgPool
        | Op::BlurPool { .. }
        | Op::ZeroPad(_)
        | Op::Dropout
        | Op::Softmax
        | Op::Output { .. } => 0.0,
    }
}

fn conv_weights(
    graph: &Graph,
    single: &Layout,
    (id, conv): (NodeId, &Conv),
    (images, params): (usize, u64),
) -> f64 {
    let Some(&input) = graph.operands(id).first() else { unreachable!("a convolution has an input") };
    let (input, output) = (single.view(input), single.view(id));
    let network::Conv { kernel: [height, width], .. } = conv.attributes;
    let chooser = Chooser { images, params, algorithms: &Algorithms::Estimated };
    let taps = match chooser.algorithm(&conv.attributes, &input, &output) {
        Algorithm::Direct => height * width,
        Algorithm::Winograd { form, .. } => form.points(),
    };
    let group = input.element.words(Groups::merge(&conv.attributes, &input).input);
    bytes(taps) * group as f64 * output.lanes() as f64
}

fn bytes(values: usize) -> f64 {
    size_of::<f32>() as f64 * values as f64
}

/// What each of so many bytes costs that are read again and again.
fn distance(bytes: f64) -> f64 {
    if bytes <= FAR { 1.0 } else { MEMORY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_even_rounds() {
        assert_eq!(sizes(1).collect::<Vec<_>>(), [1]);
        assert_eq!(sizes(8).collect::<Vec<_>>(), [8, 4, 3, 2, 1]);
        for batch in 1..100_usize {
            for size in sizes(batch) {
                let rounds = batch.div_ceil(size);
                assert_eq!(batch.div_ceil(rounds), size, "of {batch}");
            }
        }
    }
}
