//! A spec out of a checkpoint.
//!
//! In: the names and shapes of a state dict; no value is read. Out: the text of a spec that fits it, in
//! stages and blocks, and a note on each thing that shapes cannot tell. The way is
//! `layers` (tensors to convolutions, norms, linear layers), `scopes` (those to stem, blocks and head),
//! `block`, `ends` and `describe` (to a description), `blocks` (which block of the language
//! each is), `tree` (to a syntax tree), and then the formatter, the checker and the join that every spec
//! goes through. What has no place is refused with its reason: a spec that is written fits.

mod block;
mod blocks;
mod describe;
mod description;
mod ends;
mod error;
mod layers;
mod names;
mod notes;
mod renames;
mod scopes;
mod tree;
mod words;

use crate::graph::wanted;
use crate::model::{Limits, Network};
use crate::weights::{Checkpoint, fit};
use crate::{Spec, syntax as language};

pub use error::{ImportError, Unplaced};

/// A spec that fits a checkpoint.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The spec, as `resnetc fmt` would have it.
    pub text: String,
    /// What shapes cannot tell, and how it was decided; also comments of the spec.
    pub notes: Vec<String>,
    /// The network that the spec describes.
    pub network: Network,
}

/// Writes the spec of the model `name` that fits a checkpoint's names and shapes.
///
/// # Errors
///
/// [`ImportError::Unplaced`] if tensors are of no residual network that the language has, and the others of
/// [`ImportError`] if what would be written did not fit.
pub fn import(checkpoint: &Checkpoint, name: &str) -> Result<Imported, ImportError> {
    let description = describe::describe(checkpoint)?;
    let notes = notes::notes(&description);
    let mut file = tree::tree(&description, &names::identifier(name), &notes);
    let network = check(name, &language::format(&file))?;
    let renames = renames::renames(&description, &network)?;
    tree::add_renames(&mut file, &renames);
    let text = language::format(&file);
    let network = check(name, &text)?;
    fit(&wanted(&network), checkpoint, &network.rules(&[])).map_err(ImportError::Mismatch)?;
    Ok(Imported { text, notes, network })
}

fn check(name: &str, text: &str) -> Result<Network, ImportError> {
    // As large as the checkpoint is: that was read within limits of its own.
    let spec = Spec::from_text(&format!("{name}.resnet"), text, None).with_limits(Limits::LARGE);
    let checked = spec.check(&[]);
    Ok(checked.map_err(|error| ImportError::Check(Box::new(error)))?.network)
}
