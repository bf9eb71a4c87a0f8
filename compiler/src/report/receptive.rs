//! Receptive fields: how much of the image each layer sees.

use crate::model::window::axes;
use crate::model::{Layer, Network, Node};

/// Rows and columns of the image that one value depends on, borders included; `None`: on all of it.
pub type Field = Option<[usize; 2]>;

/// What a value sees, and how far apart on the image two neighbours are.
#[derive(Clone, Copy)]
struct Reach {
    field: Field,
    jump: [usize; 2],
}

/// The receptive field of each node, in order.
pub fn receptive_fields(network: &Network) -> Vec<Field> {
    let mut reaches: Vec<Reach> = Vec::with_capacity(network.nodes.len());
    for node in &network.nodes {
        let inputs = node.inputs.iter().map(|input| reaches[input.0 as usize]);
        let before = inputs.reduce(union).unwrap_or(Reach { field: Some([1, 1]), jump: [1, 1] });
        reaches.push(behind(node, before));
    }
    reaches.into_iter().map(|reach| reach.field).collect()
}

/// What depends on both. A gate of one pixel has no neighbours: the other's distance counts.
fn union(a: Reach, b: Reach) -> Reach {
    let field = a.field.zip(b.field).map(|(a, b)| [a[0].max(b[0]), a[1].max(b[1])]);
    Reach { field, jump: a.jump }
}

fn behind(node: &Node, before: Reach) -> Reach {
    let (extent, stride) = match &node.layer {
        Layer::Conv(c) => {
            let [y, x] = axes(c.kernel, c.stride, c.dilation, c.pad);
            ([y.extent(), x.extent()], c.stride)
        }
        Layer::MaxPool(window) | Layer::AvgPool { window, .. } => (window.kernel, window.stride),
        Layer::BlurPool { size, stride, .. } => ([*size; 2], [*stride; 2]),
        Layer::ZeroPad { stride, .. } => ([1, 1], [*stride; 2]),
        Layer::GlobalAvgPool => return Reach { field: None, ..before },
        Layer::Input
        | Layer::BatchNorm { .. }
        | Layer::Activation(_)
        | Layer::Add
        | Layer::Mul
        | Layer::Linear { .. }
        | Layer::Softmax
        | Layer::Dropout => ([1, 1], [1, 1]),
    };
    let grown = |axis: usize, field: usize| {
        field.saturating_add((extent[axis] - 1).saturating_mul(before.jump[axis]))
    };
    let field = before.field.map(|[h, w]| [grown(0, h), grown(1, w)]);
    let jump = [0, 1].map(|axis| before.jump[axis].saturating_mul(stride[axis]));
    Reach { field, jump }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spec;

    fn of(spec: &str, path: &str) -> Field {
        let network = Spec::open(spec).and_then(|spec| spec.check(&[])).unwrap().network;
        receptive_fields(&network)[network.nodes.iter().position(|n| n.path == path).unwrap()]
    }

    #[test]
    fn a_resnet_sees_as_much_as_is_known_of_it() {
        // Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks": 483 for ResNet-50,
        // whose strides are on the first 1x1; a stride on the 3x3 lets that see half as far.
        assert_eq!(of("resnet50_v1", "layer4.2.conv3"), Some([483, 483]));
        assert_eq!(of("resnet50", "layer4.2.conv3"), Some([427, 427]));
        assert_eq!(of("resnet50", "conv1"), Some([7, 7]));
        assert_eq!(of("resnet50", "maxpool"), Some([11, 11]));
        assert_eq!(of("resnet50", "fc"), None);
    }

    #[test]
    fn a_gate_lets_all_of_the_image_in() {
        assert_eq!(of("seresnet50", "layer1.0.conv3"), Some([19, 19]));
        assert_eq!(of("seresnet50", "layer1.0.gate"), None);
    }
}
