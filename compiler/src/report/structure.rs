//! A network as papers draw it: parts, runs of equal blocks, and in each block its main path and what leaves it.
//!
//! In: a [`Network`], whose nodes are in order. Out: plain data. The main path of a block is what leads to its last
//! node by first operands; whatever else the block has joins it at a sum (a shortcut) or a product (a gate).

use crate::model::network::{Conv, Window};
use crate::model::{Layer, Network, Node, NodeId, Shape};

/// A network, part by part.
#[derive(Clone, Debug, PartialEq)]
pub struct Structure {
    /// Stem, stages and head, those that have layers.
    pub parts: Vec<Part>,
}

/// A part that the spec names.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Runs of equal blocks, in order; layers that are in no block are one run.
    pub runs: Vec<Run>,
    /// What the part gives.
    pub shape: Shape,
    /// Trained values.
    pub params: u64,
    /// Multiply-accumulates for one image.
    pub macs: u64,
}

/// Blocks that differ in nothing but their weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// How many.
    pub times: usize,
    /// The number of the first; none if the layers are in no block.
    pub block: Option<usize>,
    /// The first of them.
    pub body: Body,
    /// What each gives.
    pub shape: Shape,
    /// Trained values of each.
    pub params: u64,
    /// Multiply-accumulates of each for one image.
    pub macs: u64,
}

/// What a block computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The main path.
    pub main: Vec<Item>,
    /// What joins it, in the order of the joins.
    pub sides: Vec<Side>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its name.
    pub path: String,
    /// As a figure says it: `3×3 conv, 64, /2`.
    pub title: String,
    /// What sort of layer.
    pub kind: Kind,
    /// What it gives.
    pub shape: Shape,
}

/// Sorts of layers that are drawn differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The image.
    Input,
    /// Convolution.
    Conv,
    /// Batch normalisation.
    Norm,
    /// An activation.
    Activation,
    /// A sum or a product of two paths.
    Join,
    /// Pooling and blurring.
    Pool,
    /// Fully connected.
    Linear,
    /// Zero padding, softmax, dropout.
    Other,
}

/// A path beside the main one.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// What it is.
    pub kind: SideKind,
    /// Where it leaves.
    pub from: Source,
    /// Where it joins: a place in [`Body::main`].
    pub to: usize,
    /// The layers on it.
    pub items: Vec<Item>,
}

/// Paths beside the main one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideKind {
    /// A shortcut that changes nothing.
    Identity,
    /// A shortcut that is subsampled and padded with zero channels: option A.
    ZeroPad,
    /// A shortcut with layers of its own.
    Projection,
    /// What the main path is multiplied by.
    Gate,
}

/// Where a side path begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// What the block reads.
    Entry,
    /// A layer of the main path.
    Main(usize),
    /// A layer of an earlier block.
    Elsewhere(String),
}

impl SideKind {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity shortcut",
            Self::ZeroPad => "zero-padded shortcut",
            Self::Projection => "projection shortcut",
            Self::Gate => "gate",
        }
    }
}

impl Structure {
    /// That of a network.
    pub fn of(network: &Network) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        let mut last: Option<(usize, Option<usize>)> = None;
        let same = |a: &Node, b: &Node| (a.part, a.block) == (b.part, b.block);
        let mut first = 0;
        for nodes in network.nodes.chunk_by(same) {
            let run = run(network, first..first + nodes.len());
            let part = nodes[0].part;
            if last.is_none_or(|(p, _)| p != part) {
                let name = network.parts.get(part).cloned().unwrap_or_default();
                parts.push(Part { name, runs: Vec::new(), shape: run.shape, params: 0, macs: 0 });
            }
            if let Some(current) = parts.last_mut() {
                current.add(run);
            }
            last = Some((part, nodes[0].block));
            first += nodes.len();
        }
        Self { parts }
    }
}

impl Part {
    fn add(&mut self, run: Run) {
        self.shape = run.shape;
        self.params += run.params;
        self.macs = self.macs.saturating_add(run.macs);
        match self.runs.last_mut() {
            Some(before) if run.block.is_some() && before.block.is_some() && before.is_like(&run) => {
                before.times += 1;
            }
            _ => self.runs.push(run),
        }
    }
}

impl Run {
    /// Whether blocks differ in their layers' names alone.
    fn is_like(&self, other: &Self) -> bool {
        let items = |a: &[Item], b: &[Item]| {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| (&a.title, a.shape, a.kind) == (&b.title, b.shape, b.kind))
        };
        let side = |(a, b): (&Side, &Side)| {
            (a.kind, a.to, &a.from) == (b.kind, b.to, &b.from) && items(&a.items, &b.items)
        };
        items(&self.body.main, &other.body.main)
            && self.body.sides.len() == other.body.sides.len()
            && self.body.sides.iter().zip(&other.body.sides).all(side)
            && (self.params, self.macs) == (other.params, other.macs)
    }
}

fn run(network: &Network, range: std::ops::Range<usize>) -> Run {
    let nodes = &network.nodes[range.clone()];
    Run {
        times: 1,
        block: nodes[0].block,
        body: body(network, &range),
        shape: nodes[nodes.len() - 1].shape,
        params: nodes.iter().map(|node| network.params(node)).sum(),
        macs: nodes.iter().fold(0, |sum: u64, node| sum.saturating_add(network.macs(node))),
    }
}

fn body(network: &Network, range: &std::ops::Range<usize>) -> Body {
    let inside = |id: NodeId| range.contains(&(id.0 as usize));
    let mut main = Vec::new();
    let mut next = Some(NodeId((range.end - 1) as u32));
    while let Some(id) = next.filter(|&id| inside(id)) {
        main.push(id);
        next = network.node(id).inputs.first().copied();
    }
    main.reverse();
    // What an ensemble averages are answers, and no shortcuts.
    let joins = main.iter().enumerate().filter(|(_, id)| network.node(**id).layer != Layer::Average);
    let sides = joins.flat_map(|(to, &id)| {
        let others = network.node(id).inputs.iter().skip(1);
        others.map(|&from| side(network, range, &main, (from, to))).collect::<Vec<_>>()
    });
    Body { sides: sides.collect(), main: main.iter().map(|&id| item(network, id)).collect() }
}

/// The path that ends with a node and joins the main one at a place of it.
fn side(
    network: &Network,
    range: &std::ops::Range<usize>,
    main: &[NodeId],
    (last, to): (NodeId, usize),
) -> Side {
    let inside = |id: NodeId| range.contains(&(id.0 as usize));
    let place = |id: NodeId| main.iter().position(|&m| m == id);
    let mut own: Vec<NodeId> = Vec::new();
    let mut sources: Vec<NodeId> = Vec::new();
    let mut waiting = vec![last];
    while let Some(id) = waiting.pop() {
        if !inside(id) || place(id).is_some() {
            sources.push(id);
        } else if !own.contains(&id) {
            own.push(id);
            waiting.extend(&network.node(id).inputs);
        }
    }
    own.sort_unstable();
    let latest = sources.iter().copied().max().unwrap_or(last);
    let entry = main.first().and_then(|&first| network.node(first).inputs.first().copied());
    let from = match place(latest) {
        Some(place) => Source::Main(place),
        None if Some(latest) == entry => Source::Entry,
        None => Source::Elsewhere(network.node(latest).path.clone()),
    };
    let padded = own.iter().any(|&id| matches!(network.node(id).layer, Layer::ZeroPad { .. }));
    let kind = match network.node(main[to]).layer {
        Layer::Mul => SideKind::Gate,
        _ if own.is_empty() => SideKind::Identity,
        _ if padded && own.len() == 1 => SideKind::ZeroPad,
        _ => SideKind::Projection,
    };
    Side { kind, from, to, items: own.iter().map(|&id| item(network, id)).collect() }
}

fn item(network: &Network, id: NodeId) -> Item {
    let node = network.node(id);
    Item { path: node.path.clone(), title: title(network, node), kind: kind(&node.layer), shape: node.shape }
}

fn kind(layer: &Layer) -> Kind {
    match layer {
        Layer::Input => Kind::Input,
        Layer::Conv(_) => Kind::Conv,
        Layer::BatchNorm { .. } => Kind::Norm,
        Layer::Activation(_) => Kind::Activation,
        Layer::Add | Layer::Mul => Kind::Join,
        Layer::MaxPool(_) | Layer::AvgPool { .. } | Layer::GlobalAvgPool | Layer::BlurPool { .. } => {
            Kind::Pool
        }
        Layer::Linear { .. } => Kind::Linear,
        Layer::ZeroPad { .. } | Layer::Softmax | Layer::Average | Layer::Dropout => Kind::Other,
    }
}

/// A layer as figures say it.
pub fn title(network: &Network, node: &Node) -> String {
    match &node.layer {
        Layer::Input => {
            let [c, h, w] = node.shape;
            format!("image, {c}×{h}×{w}")
        }
        Layer::Conv(conv) => conv_title(conv, network.input_shape(node)[0]),
        Layer::MaxPool(window) => window_title("max pool", window),
        Layer::AvgPool { window, .. } => window_title("avg pool", window),
        Layer::GlobalAvgPool => "global avg pool".to_owned(),
        Layer::BlurPool { size, stride, .. } => format!("{size}×{size} blur{}", by([*stride; 2])),
        Layer::Linear { features, .. } => format!("fc, {features}"),
        Layer::ZeroPad { stride, .. } => format!("zero pad{}", by([*stride; 2])),
        Layer::Add => "add".to_owned(),
        Layer::Average => format!("average of {} answers", node.inputs.len()),
        Layer::Mul => "multiply".to_owned(),
        Layer::BatchNorm { .. } | Layer::Activation(_) | Layer::Softmax | Layer::Dropout => {
            node.layer.word().replace('_', " ")
        }
    }
}

fn conv_title(conv: &Conv, channels_in: usize) -> String {
    let [h, w] = conv.kernel;
    let mut title = format!("{h}×{w} conv, {}{}", conv.channels, by(conv.stride));
    if conv.groups > 1 && conv.groups == channels_in {
        title += ", depthwise";
    } else if conv.groups > 1 {
        title += &format!(", {} groups", conv.groups);
    }
    if conv.dilation != [1, 1] {
        title += &format!(", dilation {}", conv.dilation[0].max(conv.dilation[1]));
    }
    title
}

fn window_title(word: &str, window: &Window) -> String {
    let [h, w] = window.kernel;
    format!("{h}×{w} {word}{}", by(window.stride))
}

/// A stride, as the papers write it.
fn by(stride: [usize; 2]) -> String {
    match stride {
        [1, 1] => String::new(),
        [a, b] if a == b => format!(", /{a}"),
        [a, b] => format!(", /{a}×{b}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spec;

    fn structure(spec: &str) -> Structure {
        Structure::of(&Spec::open(spec).and_then(|spec| spec.check(&[])).unwrap().network)
    }

    fn sides(run: &Run) -> Vec<SideKind> {
        run.body.sides.iter().map(|side| side.kind).collect()
    }

    #[test]
    fn equal_blocks_are_one_run() {
        let resnet50 = structure("resnet50");
        let times: Vec<Vec<usize>> =
            resnet50.parts.iter().map(|part| part.runs.iter().map(|run| run.times).collect()).collect();
        assert_eq!(times, [vec![1], vec![1, 2], vec![1, 3], vec![1, 5], vec![1, 2], vec![1]]);
        let resnet18 = structure("resnet18");
        assert_eq!(resnet18.parts[1].runs[0].times, 2, "no projection, so both blocks are equal");
    }

    #[test]
    fn shortcuts_are_what_their_mode_says() {
        let second = |spec| sides(&structure(spec).parts[2].runs[0]);
        assert_eq!(second("resnet18"), [SideKind::Projection]);
        assert_eq!(second("resnet18_a"), [SideKind::ZeroPad]);
        assert_eq!(second("plain18"), []);
        assert_eq!(sides(&structure("resnet18").parts[2].runs[1]), [SideKind::Identity]);
    }

    #[test]
    fn gates_stand_beside_what_they_weigh() {
        let block = structure("seresnet50").parts[1].runs[1].clone();
        assert_eq!(sides(&block), [SideKind::Gate, SideKind::Identity]);
        let gate = &block.body.sides[0];
        assert_eq!(gate.from, Source::Main(gate.to - 1));
        assert_eq!(gate.items.len(), 5);
        assert_eq!(block.body.sides[1].from, Source::Entry);
    }

    #[test]
    fn preactivated_projections_leave_behind_the_first_activation() {
        let blocks = structure("resnetv2_50").parts[1].runs.clone();
        assert_eq!(blocks[0].body.sides[0].from, Source::Main(1));
        assert_eq!(blocks[1].body.sides[0].from, Source::Entry);
    }

    #[test]
    fn every_layer_is_drawn_once() {
        for spec in ["resnet50", "resnet50d", "seresnet50", "cifar_preact", "wrn", "cifar_plain"] {
            let network = Spec::open(spec).and_then(|spec| spec.check(&[])).unwrap().network;
            let of = |run: &Run| {
                let sides: usize = run.body.sides.iter().map(|side| side.items.len()).sum();
                run.times * (run.body.main.len() + sides)
            };
            let drawn: usize = structure(spec).parts.iter().flat_map(|part| &part.runs).map(of).sum();
            assert_eq!(drawn, network.nodes.len(), "{spec}");
        }
    }
}
