//! Which algorithm a convolution runs: what was timed, or else the cheapest by a cost model.
//!
//! In: a convolution's attributes and its maps. Out: its [`Algorithm`]. Costs are in multiply-accumulates
//! that a core could make meanwhile: those of the products, or of streaming the weights from beyond the
//! near caches if that takes longer (the kernels do both at once), and those of the transforms.

use resnetc_runtime::plan::winograd::Form;
use resnetc_runtime::plan::{Algorithm, Conv, Element, View};

use crate::model::network;

use super::tuning::{Shape, Tuning};

/// Multiply-accumulates in the time that one weight takes to arrive from memory.
const FROM_MEMORY: f64 = 20.0;
/// As many, if it comes from the last cache: where the whole network is, if it has few parameters.
const FROM_CACHE: f64 = 7.0;
/// The most parameters of a network that stays in the last cache from one run to the next.
const FEW_PARAMETERS: u64 = 500_000;
/// What beginning and storing a sum costs, beside its products.
const SUM: f64 = 4.0;
/// What transforming a channel of a tile costs, there and back, for each point of the tile.
const TRANSFORM: f64 = 6.0;
/// Values of the transformed inputs of a block: with their products they stay in a second-level cache.
const BLOCK_VALUES: usize = 48 << 10;
/// The least tiles of a block where there are as many: they share the weights that are streamed, and
/// divide evenly among the kernels' shapes.
const LEAST_TILES: usize = 24;

/// How the algorithms of convolutions are chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Algorithms {
    /// By the cost model.
    #[default]
    Estimated,
    /// Direct sums only.
    Exact,
    /// As they were timed; by the cost model where they were not.
    Tuned(Tuning),
    /// This one wherever it can be: a candidate to be timed.
    Always(Algorithm),
}

/// What the choice depends on besides the convolution.
#[derive(Clone, Copy, Debug)]
pub struct Chooser<'a> {
    /// How many images go through the network together.
    pub images: usize,
    /// Parameters of the network as specified.
    pub params: u64,
    /// How to choose.
    pub algorithms: &'a Algorithms,
}

impl Chooser<'_> {
    /// The algorithm for a convolution from `input` to `output`.
    pub fn algorithm(&self, conv: &network::Conv, input: &View, output: &View) -> Algorithm {
        let plain = (conv.kernel, conv.stride, conv.dilation, conv.groups) == ([3, 3], [1, 1], [1, 1], 1);
        if !plain || input.element != Element::F32 {
            return Algorithm::Direct;
        }
        let cost = Cost::new(input, output, self.images, self.params);
        let chosen = match self.algorithms {
            Algorithms::Estimated => None,
            Algorithms::Exact => Some(Algorithm::Direct),
            Algorithms::Tuned(tuning) => tuning.choices.get(&Shape::new(input, output)).copied(),
            Algorithms::Always(algorithm) => Some(*algorithm),
        };
        match chosen.unwrap_or_else(|| cost.cheapest(input)) {
            Algorithm::Direct => Algorithm::Direct,
            Algorithm::Winograd { form, block } => {
                Algorithm::Winograd { form, block: block.min(cost.tiles(form)) }
            }
        }
    }
}

/// The estimated costs of a convolution's algorithms: by direct sums, and by Winograd's in each form;
/// `None` if there is no choice.
pub fn costs(conv: &Conv, images: usize, params: u64) -> Option<(f64, [f64; Form::ALL.len()])> {
    let cost = Cost::new(&conv.input, &conv.output, images, params);
    (conv.suits_winograd() && conv.input.element == Element::F32)
        .then(|| (cost.direct(), Form::ALL.map(|form| cost.winograd(form))))
}

/// What the costs of a 3 x 3 convolution of stride 1 depend on.
struct Cost {
    images: usize,
    height: usize,
    width: usize,
    inputs: f64,
    outputs: f64,
    /// Multiply-accumulates in the time that one weight takes to arrive.
    stream: f64,
}

impl Cost {
    fn new(input: &View, output: &View, images: usize, params: u64) -> Self {
        let (inputs, outputs) = (input.pixel as f64, output.pixel as f64);
        let stream = if params <= FEW_PARAMETERS { FROM_CACHE } else { FROM_MEMORY };
        Self { images, height: output.height, width: output.width, inputs, outputs, stream }
    }

    fn cheapest(&self, input: &View) -> Algorithm {
        let best = Form::ALL.into_iter().min_by(|a, b| self.winograd(*a).total_cmp(&self.winograd(*b)));
        match best {
            Some(form) if self.winograd(form) < self.direct() => {
                let whole = BLOCK_VALUES / (form.points() * input.pixel) / LEAST_TILES * LEAST_TILES;
                Algorithm::Winograd { form, block: whole.max(LEAST_TILES) }
            }
            _ => Algorithm::Direct,
        }
    }

    /// Tiles of all images.
    fn tiles(&self, form: Form) -> usize {
        let size = form.outputs();
        self.images * self.height.div_ceil(size) * self.width.div_ceil(size)
    }

    fn direct(&self) -> f64 {
        let pixels = (self.images * self.height * self.width) as f64;
        let products = pixels * (9.0 * self.inputs + SUM) * self.outputs;
        products.max(9.0 * self.inputs * self.outputs * self.stream)
    }

    fn winograd(&self, form: Form) -> f64 {
        let (tiles, points) = (self.tiles(form) as f64, form.points() as f64);
        let products = tiles * points * (self.inputs + SUM) * self.outputs;
        let stream = points * self.inputs * self.outputs * self.stream;
        products.max(stream) + tiles * points * (self.inputs + self.outputs) * TRANSFORM
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: u64 = 25_000_000;

    fn choose(params: u64, images: usize, [channels, height, width]: [usize; 3]) -> Algorithm {
        let view = View::new(0, [channels, height, width]);
        let conv = network::Conv {
            channels,
            kernel: [3, 3],
            stride: [1, 1],
            pad: network::Pad::default(),
            dilation: [1, 1],
            groups: 1,
            bias: false,
        };
        Chooser { images, params, algorithms: &Algorithms::Estimated }.algorithm(&conv, &view, &view)
    }

    #[test]
    fn small_maps_with_many_channels_take_the_form_with_fewer_weights() {
        assert!(matches!(choose(LARGE, 1, [512, 7, 7]), Algorithm::Winograd { form: Form::F2x2, .. }));
        assert!(matches!(choose(LARGE, 8, [512, 7, 7]), Algorithm::Winograd { form: Form::F4x4, .. }));
        assert!(matches!(choose(LARGE, 1, [64, 56, 56]), Algorithm::Winograd { form: Form::F4x4, .. }));
    }

    #[test]
    fn weights_that_stay_in_a_cache_may_be_more() {
        let map = [64, 8, 8];
        assert!(matches!(choose(LARGE, 1, map), Algorithm::Winograd { form: Form::F2x2, .. }));
        assert!(matches!(choose(FEW_PARAMETERS, 1, map), Algorithm::Winograd { form: Form::F4x4, .. }));
    }

    #[test]
    fn a_single_pixel_is_summed_directly() {
        assert_eq!(choose(LARGE, 1, [64, 1, 1]), Algorithm::Direct);
    }
}
