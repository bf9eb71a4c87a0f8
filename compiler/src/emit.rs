//! A plan as Rust: constants against the runtime, and a program around them.
//!
//! Prints, decides nothing. The code's length follows the plan's, which is as long as the spec has
//! stages; maps that several steps share are named once.

mod network;
mod ops;
mod program;

pub use network::{Weights, labels_file, module_name, network};
pub use program::program;
