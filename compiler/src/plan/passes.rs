//! How many images of a batch go through the network together.
//!
//! In: a graph, its order, and its layout for a single image. Out: a number of images, up to the batch. A
//! few keep the activations in the near caches from one step to the next; many share the weights that
//! are streamed. What counts are the bytes that each image brings in from further away.

use resnetc_runtime::plan::Algorithm;

use crate::graph::{Graph, NodeId, Op};
use crate::model::network;

use super::choose::{Algorithms, Chooser};
use super::layout::Layout;

/// Bytes of activations that stay near.
const NEAR: f64 = 1e6;
/// Bytes of activations, or of weights, that stay in the last cache before memory.
const FAR: f64 = 8e6;
/// What a byte from memory costs, in bytes from that cache.
const MEMORY: f64 = 3.0;

/// What the number of images depends on.
pub struct Passes<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// Its nodes as they run.
    pub order: &'a [NodeId],
    /// Where the values of one image lie.
    pub single: &'a Layout,
    /// How algorithms are chosen.
    pub algorithms: &'a Algorithms,
}

impl Passes<'_> {
    /// The number of images, of a batch, that costs least; of several the largest.
    pub fn images(&self, batch: usize) -> usize {
        let moved: f64 = self.order.iter().map(|&id| self.activations(id)).sum();
        let alive = bytes(self.single.live);
        let cost = |images: usize| {
            let weights: f64 = self.order.iter().map(|&id| self.weights(id, images)).sum();
            let (images, alive) = (images as f64, images as f64 * alive);
            let activations = if alive <= NEAR { 0.0 } else { moved * distance(alive) };
            activations + weights * distance(weights) / images
        };
        let sizes = (0..usize::BITS - 2).flat_map(|power| [2 << power, 3 << power]);
        let sizes = [1].into_iter().chain(sizes.take_while(|&size| size < batch)).chain([batch]);
        let best =
            sizes.map(|size| (cost(size), size)).min_by(|(a, x), (b, y)| a.total_cmp(b).then(y.cmp(x)));
        best.map_or(batch, |(_, size)| size)
    }

    /// Bytes of activations that a node reads and writes of an image.
    fn activations(&self, id: NodeId) -> f64 {
        let written = !matches!(self.graph.node(id).op, Op::Output { .. });
        let values = self.graph.operands(id).into_iter().chain(written.then_some(id));
        values.map(|value| bytes(self.single.view(value).image())).sum()
    }

    /// Bytes of a convolution's packed weights, if so many images go through it together.
    fn weights(&self, id: NodeId, images: usize) -> f64 {
        let Op::Conv(conv) = &self.graph.node(id).op else { return 0.0 };
        let Some(&input) = self.graph.operands(id).first() else { return 0.0 };
        let (input, output) = (self.single.view(input), self.single.view(id));
        let network::Conv { kernel: [height, width], groups, .. } = conv.attributes;
        let chooser = Chooser { images, algorithms: self.algorithms };
        let taps = match chooser.algorithm(&conv.attributes, &input, &output) {
            Algorithm::Direct => height * width,
            Algorithm::Winograd { form, .. } => form.points(),
        };
        bytes(taps) * input.pixel.div_ceil(groups) as f64 * output.pixel as f64
    }
}

fn bytes(values: usize) -> f64 {
    size_of::<f32>() as f64 * values as f64
}

/// What each of so many bytes costs that are read again and again.
fn distance(bytes: f64) -> f64 {
    if bytes <= FAR { 1.0 } else { MEMORY }
}
