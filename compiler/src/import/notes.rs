//! What shapes cannot tell, and how it was decided.

use super::description::{Block, Network, Order, Pooled, Shortcut, StemSize};

/// Mean and deviation of ImageNet's colours, with which most networks were trained, many of CIFAR's too.
pub const COLOURS: [[&str; 3]; 2] = [["0.485", "0.456", "0.406"], ["0.229", "0.224", "0.225"]];

/// ImageNet's classes.
const CLASSES: usize = 1000;

impl Network {
    /// Whether the stem leaves the image's size as it is, which networks of small images have.
    pub fn is_small(&self) -> bool {
        self.stem.size == StemSize::Keep
    }

    /// Channels, height and width of the image.
    pub fn input(&self) -> [usize; 3] {
        let side = if self.is_small() { 32 } else { 224 };
        [self.image, side, side]
    }

    /// Every block.
    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.stages.iter().flat_map(|stage| &stage.blocks)
    }

    /// Whether the classes are taken for ImageNet's.
    pub fn has_imagenet_classes(&self) -> bool {
        self.head.linear.as_ref().is_some_and(|linear| linear.features == CLASSES)
    }
}

/// A sentence or two on each decision.
pub fn notes(network: &Network) -> Vec<String> {
    let [channels, height, width] = network.input();
    let mut notes = vec![stem(network), strides(network)];
    notes.extend(order(network));
    notes.extend(bottlenecks(network));
    notes.extend(shortcut(network));
    notes.extend(projections(network));
    let activation = match network.order {
        Order::Post => "behind each norm and each sum",
        Order::Pre => "behind each norm",
    };
    let gate = network.blocks().any(|block| block.gate.is_some());
    let gate = if gate { ", and in gates first `relu`, then `sigmoid`, behind the last norm" } else { "" };
    notes.push(format!("Activations: `relu` {activation}{gate}."));
    notes.push(
        "Norms: `eps` is 1e-5, PyTorch's. Convolutions: no dilation, and `(size - 1) / 2` zeros on each side. \
         No blur, pooling or other layer without tensors but those written here."
            .to_owned(),
    );
    notes.push(format!(
        "Input: {channels} x {height} x {width}, what such a stem is mostly trained with; any size fits these weights."
    ));
    notes.push(match channels {
        3 => "Pictures: ImageNet's mean and standard deviation, resized bilinearly.".to_owned(),
        _ => "Pictures: pixels from 0 to 1, with no mean taken off.".to_owned(),
    });
    notes.push(head(network));
    notes
}

fn stem(network: &Network) -> String {
    let convolutions = match network.stem.convs.len() {
        1 => "The stem's convolution",
        _ => "The stem's first convolution",
    };
    match network.stem.size {
        StemSize::Keep => {
            format!("{convolutions} has stride 1, and no pooling follows: it is that of small images.")
        }
        StemSize::StridePool => {
            format!("{convolutions} has stride 2, and a 3x3 `max_pool` of stride 2 follows.")
        }
        StemSize::StrideStride => {
            format!("{convolutions} has stride 2, and so has `maxpool`'s, which stands for the pooling.")
        }
    }
}

fn strides(network: &Network) -> String {
    let strided: Vec<String> =
        network.stages.iter().filter(|s| s.stride > 1).map(|s| format!("`{}`", s.path)).collect();
    match strided.is_empty() {
        true => "Strides: no stage has one.".to_owned(),
        false => format!("Strides: the first block of {} has stride 2.", strided.join(", ")),
    }
}

/// Where norms stand, if every block has as many channels before its convolutions as behind them.
fn order(network: &Network) -> Option<String> {
    let keeps = |block: &Block| block.convs.iter().all(|conv| conv.channels == block.inputs);
    let normed = network.blocks().any(|block| block.convs.iter().any(|conv| conv.norm.is_some()));
    let (place, why) = match network.order {
        Order::Post => ("behind", "there is no norm behind the blocks"),
        Order::Pre => ("before", "there is a norm behind the blocks"),
    };
    (normed && network.blocks().all(keeps))
        .then(|| format!("Order: norms stand {place} their convolutions, because {why}; no width tells."))
}

/// Where the stride of a bottleneck is.
fn bottlenecks(network: &Network) -> Option<String> {
    let mut blocks = network.stages.iter().filter(|stage| stage.stride > 1).flat_map(|stage| &stage.blocks);
    let found = blocks.any(|block| block.convs.len() > 2);
    if network.ported {
        let told = "Names: those of SENets ported from Caffe, so `max_pool` has no padding";
        return Some(format!(
            "{told}, and bottlenecks without groups have the stride on the first convolution."
        ));
    }
    found.then(|| {
        "Bottlenecks: the stride is on the 3x3 convolution, as in torchvision and timm (\"v1.5\"); the paper's \
         and Caffe's weights have it on the first 1x1, which is `bottleneck_v1`."
            .to_owned()
    })
}

fn shortcut(network: &Network) -> Option<String> {
    let told = "no projection has weights: where shapes differ, zeros are added to an identity (option A, He et \
                al. 2015); for a plain network write `shortcut none`.";
    (network.shortcut == Shortcut::ZeroPad).then(|| format!("Shortcuts: {told}"))
}

/// What projections are.
fn projections(network: &Network) -> Option<String> {
    let mut pooled = network.blocks().filter_map(|block| block.projection.as_ref().map(|p| p.pooled));
    match pooled.find(|pooled| *pooled != Pooled::No)? {
        Pooled::Assumed => Some(
            "Projections: they take a mean before their convolution, as ResNet-D does, because the stem is \
             ResNet-D's; names do not tell."
                .to_owned(),
        ),
        Pooled::Yes | Pooled::No => Some(
            "Projections: they take a mean before their convolution (ResNet-D), because that is the second in \
             its sequence."
                .to_owned(),
        ),
    }
}

fn head(network: &Network) -> String {
    match &network.head.linear {
        None => "Head: there is no classifier, so the result is the mean of the last stage's map.".to_owned(),
        Some(_) if network.has_imagenet_classes() => {
            "Labels: 1000 classes are taken for ImageNet's, in the usual order.".to_owned()
        }
        Some(linear) => {
            format!(
                "Labels: the names of the {} classes are not known; `labels` gives them.",
                linear.features
            )
        }
    }
}
