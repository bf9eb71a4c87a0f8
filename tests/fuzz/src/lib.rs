//! What fuzz targets share: memory that is counted, files that readers can map, and a small network.

#[path = "../../hostile/allocations.rs"]
mod allocations;
mod checkpoints;
#[path = "../../hostile/memory.rs"]
mod memory;
mod network;
mod scratch;

pub use checkpoints::{read_checkpoint, use_checkpoint};
pub use network::Small;
pub use scratch::with_file;

/// What `f` returns, and the most bytes that this thread had allocated at once in it.
pub fn peak<T>(f: impl FnOnce() -> T) -> (T, usize) {
    allocations::peak(f)
}
