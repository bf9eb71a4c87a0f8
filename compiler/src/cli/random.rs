//! Invented weights, for measuring speed: He's initialisation, and norms that keep activations
//! near unit variance. The same for every run.

use crate::graph::wanted;
use crate::model::Network;
use crate::weights::Checkpoint;

/// A checkpoint with every tensor that a network wants.
pub fn checkpoint(network: &Network) -> Checkpoint {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut uniform = move || {
        // xorshift64*, its upper half as -1..1
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        bits as f32 / (1u64 << 23) as f32 - 1.0
    };
    Checkpoint::from_tensors(wanted(network).into_iter().map(|tensor| {
        let fan_in: usize = tensor.shape.iter().skip(1).product();
        let (centre, spread) = match tensor.name.rsplit('.').next() {
            Some("weight") if tensor.shape.len() > 1 => (0.0, (6.0 / fan_in as f32).sqrt()),
            Some("weight") => (0.5, 0.2),
            Some("running_var") => (1.0, 0.2),
            _ => (0.0, 0.1),
        };
        let count = tensor.shape.iter().product();
        let values = (0..count).map(|_| centre + spread * uniform()).collect();
        (tensor.name, tensor.shape, values)
    }))
}
