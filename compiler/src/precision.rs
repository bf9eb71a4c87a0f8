//! In which precision a network computes: how that is said, and what 8 bits need to know of it.
//!
//! A [`Deployment`] says which layers compute in which [`Precision`]; it belongs to a place where a network
//! runs, not to its architecture. 8 bits need a [`Calibration`]: the ranges of the activations, as they
//! were observed on pictures.

pub mod calibration;
pub mod deployment;
pub mod histogram;
pub mod probe;

use std::path::Path;

use resnetc_runtime::plan::{Element, Scale};

use crate::{Error, files};

pub use calibration::Calibration;
pub use deployment::Deployment;

/// What the products of a convolution or a linear layer are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// IEEE single.
    #[default]
    F32,
    /// Singles as sums of two halves: three products of halves each.
    F32Fast,
    /// Singles as sums of three halves: six products each, which is as exact as single.
    F32Fast3,
    /// Halves with the exponent of singles; sums are singles.
    Bf16,
    /// 8 bits, of scales that a calibration gives; sums are integers.
    Int8,
}

impl Precision {
    /// Every precision, the most exact first.
    pub const ALL: [Self; 5] = [Self::F32, Self::F32Fast3, Self::F32Fast, Self::Bf16, Self::Int8];

    /// The name in commands, files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F32Fast => "f32-fast",
            Self::F32Fast3 => "f32-fast3",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }

    /// The precision of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.name() == name)
    }

    /// How the activations are stored that it multiplies, if their scale is that one.
    pub(crate) fn element(self, scale: Scale) -> Element {
        match self {
            Self::F32 => Element::F32,
            Self::F32Fast => Element::Split { parts: 2 },
            Self::F32Fast3 => Element::Split { parts: 3 },
            Self::Bf16 => Element::Bf16,
            Self::Int8 => Element::U8(scale),
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Which precision each layer has, and what 8 bits need.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Precisions {
    /// What was asked for.
    pub deployment: Deployment,
    /// The ranges of the activations.
    pub calibration: Option<Calibration>,
}

impl Precisions {
    /// All layers in one precision.
    pub fn all(precision: Precision) -> Self {
        Self { deployment: Deployment::all(precision), calibration: None }
    }

    /// Adds a deployment file's rules, which go before those that are there.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is none.
    pub fn read_deployment(&mut self, path: &Path) -> Result<(), Error> {
        let read = Deployment::parse(&files::read_text(path, files::MOST_TEXT)?);
        self.deployment.extend(read.map_err(|error| unfit(path, &error))?);
        Ok(())
    }

    /// Takes the ranges of a calibration file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is none.
    pub fn read_calibration(&mut self, path: &Path) -> Result<(), Error> {
        let read = Calibration::parse(&files::read_text(path, files::MOST_TEXT)?);
        self.calibration = Some(read.map_err(|error| unfit(path, &error))?);
        Ok(())
    }
}

fn unfit(path: &Path, reason: &impl ToString) -> Error {
    Error::Precision { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_plans_elements() {
        for precision in Precision::ALL {
            assert_eq!(Precision::from_name(precision.name()), Some(precision));
            assert_eq!(precision.element(Scale::new(1.0, 0)).precision(), precision.name());
        }
        assert_eq!(Precision::from_name("fp16"), None);
    }
}
