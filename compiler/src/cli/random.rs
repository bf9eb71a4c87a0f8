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
    let tensors = wanted(network);
    let count = |shape: &[usize]| shape.iter().product::<usize>();
    let mut bytes = room(tensors.iter().map(|tensor| count(&tensor.shape)).sum())?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut uniform = move || {
        // xorshift64*, its upper half as -1..1
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        bits as f32 / (1u64 << 23) as f32 - 1.0
    };
    for tensor in &tensors {
        let fan_in: usize = tensor.shape.iter().skip(1).product();
        let (centre, spread) = match tensor.name.rsplit('.').next() {
            Some("weight") if tensor.shape.len() > 1 => (0.0, (6.0 / fan_in as f32).sqrt()),
            Some("weight") => (0.5, 0.2),
            Some("running_var") => (1.0, 0.2),
            _ => (0.0, 0.1),
        };
        for _ in 0..count(&tensor.shape) {
            bytes.extend_from_slice(&(centre + spread * uniform()).to_le_bytes());
        }
    }
    Ok(Checkpoint::from_bytes(tensors.into_iter().map(|tensor| (tensor.name, tensor.shape)), bytes))
}

/// Room for so many values: no file bounds what is invented.
fn room(values: usize) -> Result<Vec<u8>, Error> {
    let bytes = values.saturating_mul(size_of::<f32>());
    let mut room = Vec::new();
    room.try_reserve_exact(bytes)
        .map_err(|_| Error::Usage(format!("cannot allocate {bytes} bytes for the invented weights")))?;
    Ok(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_past_all_memory_are_an_error() {
        assert!(room(1000).is_ok_and(|room| room.capacity() >= 4000));
        let told = room(usize::MAX / 8).expect_err("half of all addresses").to_string();
        assert!(told.ends_with(" bytes for the invented weights"), "{told}");
    }
}
