//! Why a network and a dump could not be compared.

use std::path::PathBuf;

use crate::graph::eval::EvalError;
use crate::weights::WeightsError;

/// How many layers a message names.
const SHOWN: usize = 8;

/// Why a network and a dump could not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The checkpoint does not fit, or a value of the dump cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The dump lacks the network's input.
    #[error("{}: has no tensor `input`, the images that the network took", path.display())]
    NoInput {
        /// The dump.
        path: PathBuf,
    },
    /// The dump lacks layers.
    #[error("{}: lacks {} of the network's layers: {}", path.display(), names.len(), list(names))]
    Missing {
        /// The dump.
        path: PathBuf,
        /// The layers, by the names that the dump should have.
        names: Vec<String>,
    },
    /// A recorded tensor is not of the layer of its name.
    #[error("{}: tensor `{name}`: {what}", path.display())]
    Shape {
        /// The dump.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong with its shape.
        what: String,
    },
    /// A layer cannot be computed.
    #[error(transparent)]
    Eval(#[from] EvalError),
}

fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = names.len().checked_sub(SHOWN).filter(|rest| *rest > 0);
    shown.join(", ") + &more.map_or_else(String::new, |rest| format!(" and {rest} more"))
}
