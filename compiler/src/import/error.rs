//! Why no spec was written.

use std::collections::BTreeMap;
use std::fmt;

use crate::Error;
use crate::weights::{WeightsError, quote};

/// Why a checkpoint gives no spec.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Tensors that have no place in a network of the language.
    #[error("no spec fits this checkpoint:{}", show(.0))]
    Unplaced(Vec<Unplaced>),
    /// The spec that would be written breaks a rule of the language, such as its limits.
    #[error("the spec that would fit is not one of the language: {0}")]
    Check(Box<Error>),
    /// The spec that would be written does not take the checkpoint.
    #[error("{0}")]
    Mismatch(WeightsError),
}

/// Tensors without a place, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// Why; a sentence without its full stop.
    pub reason: String,
    /// The checkpoint's names and shapes; none if the reason is what is not there.
    pub tensors: Vec<(String, Vec<usize>)>,
}

impl Unplaced {
    /// One reason alone.
    pub(super) fn because<T>(
        reason: impl Into<String>,
        tensors: Vec<(String, Vec<usize>)>,
    ) -> Result<T, ImportError> {
        Err(ImportError::Unplaced(vec![Self { reason: reason.into(), tensors }]))
    }
}

fn show(unplaced: &[Unplaced]) -> String {
    unplaced.iter().map(|one| format!("\n  {one}")).collect()
}

/// How many tensors are told one by one.
const SHOWN: usize = 24;

/// More tensors than can be shown are told once for each name but for its numbers.
impl fmt::Display for Unplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if self.tensors.len() <= SHOWN {
            return self.tensors.iter().try_for_each(|(name, shape)| tell(f, name, shape));
        }
        let mut alike: BTreeMap<String, (&[usize], usize)> = BTreeMap::new();
        for (name, shape) in &self.tensors {
            alike.entry(pattern(name)).or_insert((shape, 0)).1 += 1;
        }
        for (pattern, (shape, count)) in alike {
            tell(f, &pattern, shape)?;
            if count > 1 {
                write!(f, " and {} more like it", count - 1)?;
            }
        }
        Ok(())
    }
}

fn tell(f: &mut fmt::Formatter<'_>, name: &str, shape: &[usize]) -> fmt::Result {
    write!(f, "\n    {} {shape:?}", quote(name))
}

/// A name with a `*` for each of its parts that is a number, and for the numbers at parts' ends.
fn pattern(name: &str) -> String {
    let part = |part: &str| match part.trim_end_matches(|c: char| c.is_ascii_digit()) {
        word if word.len() < part.len() => format!("{word}*"),
        word => word.to_owned(),
    };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}
