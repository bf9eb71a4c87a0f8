//! Invented weights, for measuring speed: He's initialisation, and norms that keep activations
//! near unit variance. The same for every run.

use crate::Error;
use crate::graph::wanted;
use crate::model::Network;
use crate::weights::Checkpoint;

/// A checkpoint with every tensor that a network wants.
///
/// # Errors
///
/// If there is no memory for so many.
pub fn checkpoint(network: &Network) -> Result<Checkpoint, Error> {
    has_memory(wanted(network).iter().map(|tensor| tensor.shape.iter().product::<usize>()).sum())?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut uniform = move || {
        // xorshift64*, its upper half as -1..1
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        bits as f32 / (1u64 << 23) as f32 - 1.0
    };
    Ok(Checkpoint::from_tensors(wanted(network).into_iter().map(|tensor| {
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
    })))
}

/// Whether so many values can be had: no file bounds what is invented.
fn has_memory(values: usize) -> Result<(), Error> {
    let room = Vec::<f32>::new().try_reserve_exact(values);
    room.map_err(|_| Error::Usage(format!("there is no memory for {values} invented weights")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_past_all_memory_are_an_error() {
        assert!(has_memory(1000).is_ok());
        let told = has_memory(usize::MAX / 8).expect_err("half of all addresses").to_string();
        assert!(told.contains("no memory for"), "{told}");
    }
}
