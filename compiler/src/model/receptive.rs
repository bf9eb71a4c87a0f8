//! Receptive fields: how much of the image each value of a map depends on.
//!
//! The count of the literature (Araujo, Norris, Sim 2019, "Computing Receptive Fields of
//! Convolutional Neural Networks"): a window of k taps over a map whose neighbours lie j pixels apart
//! sees (k - 1) * j pixels more, and its own neighbours lie stride * j apart. Borders count as image.

use super::network::{Layer, Network};

/// Height and width, in pixels of the image, of what each node's values depend on; `None` where that
/// is the whole image, behind a mean over the map.
pub fn receptive_fields(network: &Network) -> Vec<Option<[usize; 2]>> {
    let mut fields: Vec<Field> = Vec::with_capacity(network.nodes.len());
    for node in &network.nodes {
        let inputs = node.inputs.iter().map(|id| fields[id.0 as usize]);
        let widest = inputs.reduce(Field::join).unwrap_or(Field { seen: Some([1; 2]), apart: [1; 2] });
        fields.push(widest.through(&node.layer));
    }
    fields.into_iter().map(|f| f.seen).collect()
}

#[derive(Clone, Copy)]
struct Field {
    seen: Option<[usize; 2]>,
    /// Pixels between neighbours of the map.
    apart: [usize; 2],
}

impl Field {
    /// Of a value that depends on both. A gate's neighbours lie as far apart as those of what it
    /// multiplies, which comes first.
    fn join(self, other: Self) -> Self {
        let seen = self.seen.zip(other.seen).map(|(a, b)| [a[0].max(b[0]), a[1].max(b[1])]);
        Self { seen, apart: self.apart }
    }

    fn through(self, layer: &Layer) -> Self {
        match layer {
            Layer::Conv(c) => self.window(c.kernel, c.stride, c.dilation),
            Layer::MaxPool(w) | Layer::AvgPool { window: w, .. } => self.window(w.kernel, w.stride, [1; 2]),
            Layer::BlurPool { size, stride, .. } => self.window([*size; 2], [*stride; 2], [1; 2]),
            Layer::ZeroPad { stride, .. } => self.window([1; 2], [*stride; 2], [1; 2]),
            Layer::GlobalAvgPool => Self { seen: None, ..self },
            Layer::Input
            | Layer::BatchNorm { .. }
            | Layer::Activation(_)
            | Layer::Add
            | Layer::Average
            | Layer::Mul
            | Layer::Linear { .. }
            | Layer::Softmax
            | Layer::Dropout => self,
        }
    }

    fn window(self, size: [usize; 2], stride: [usize; 2], dilation: [usize; 2]) -> Self {
        let wider = |seen: [usize; 2]| {
            [0, 1].map(|i| {
                let reach = (size[i] - 1).saturating_mul(dilation[i]);
                reach.saturating_mul(self.apart[i]).saturating_add(seen[i])
            })
        };
        let apart = [0, 1].map(|i| self.apart[i].saturating_mul(stride[i]));
        Self { seen: self.seen.map(wider), apart }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spec;

    /// The field of a network's last map.
    fn last(spec: &str) -> [usize; 2] {
        let network = Spec::open(spec).unwrap().check(&[]).unwrap().network;
        receptive_fields(&network).into_iter().rev().find_map(|f| f).unwrap()
    }

    #[test]
    fn fields_of_resnets_are_those_of_the_literature() {
        assert_eq!(last("resnet18"), [435; 2]);
        assert_eq!(last("resnet50"), [427; 2]);
        // Stride on the first 1x1: each stage's first 3x3 looks twice as far.
        assert_eq!(last("resnet50_v1"), [483; 2]);
    }

    #[test]
    fn a_gate_lets_all_of_the_image_in() {
        let network = Spec::open("seresnet50").unwrap().check(&[]).unwrap().network;
        let fields = receptive_fields(&network);
        let of = |path: &str| fields[network.nodes.iter().position(|node| node.path == path).unwrap()];
        assert_eq!(of("layer1.0.conv3"), Some([19; 2]));
        assert_eq!(of("layer1.0.gate"), None);
    }

    #[test]
    fn each_side_has_its_own_field_and_a_mean_sees_all() {
        let text = "model m { input image(3, 64, 64)\n stem { conv (3, 1), 8, stride (2, 1); \
                    max_pool 2x3, stride 1; conv 3x3, 8, dilation 2; global_avg_pool } }";
        let network = Spec::from_text("m", text, None).check(&[]).unwrap().network;
        let fields = receptive_fields(&network);
        assert_eq!(fields, [Some([1, 1]), Some([3, 1]), Some([5, 3]), Some([13, 7]), None]);
    }
}
