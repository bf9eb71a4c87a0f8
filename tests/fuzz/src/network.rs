//! A network that is compiled in the process: small, with what plans have.

use resnetc::model::Network;
use resnetc::{Options, Spec, graph};

const SPEC: &str = "model small {
    input image(3, 9, 7)
    shortcut projection
    stem { conv 3x3, 4; norm; relu }
    stage layer1 { 2 of basic(4) }
    stage layer2 { 1 of basic(6), stride 2 }
    head { global_avg_pool; linear 5 }
}";

/// Images in one run of it.
const BATCH: usize = 2;

/// A network, its values, and its images.
pub struct Small {
    /// As the spec has it.
    pub network: Network,
    /// With values, after all passes.
    pub graph: graph::Graph,
}

impl Small {
    /// The one that there is.
    pub fn new() -> Self {
        let network = Spec::from_text("small.resnet", SPEC, None).check(&[]).expect("a spec").network;
        let wanted = graph::wanted(&network);
        let values = wanted.iter().map(|tensor| numbers(tensor.shape.iter().product())).collect();
        let graph = resnetc::fuse(&network, Some(values));
        Self { network, graph }
    }

    /// What it is compiled with if nothing else is said.
    pub fn options() -> Options {
        Options { batch: BATCH, ..Options::default() }
    }

    /// A full batch.
    pub fn images() -> Vec<f32> {
        numbers(BATCH * 3 * 9 * 7)
    }
}

impl Default for Small {
    fn default() -> Self {
        Self::new()
    }
}

/// Above zero, so that they can be variances, and below one.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 + 0.5) / (1 << 24) as f32
    };
    (0..count).map(|_| next()).collect()
}
