//! A checkpoint's tensors, gathered to layers.
//!
//! A layer is what a name without its last part is: `layer1.0.conv1` has `weight`. Which kind it is
//! follows from the shapes; what is of no kind that the language has is told with its reason.

use std::collections::BTreeMap;

use crate::weights::{Checkpoint, without_prefix};

use super::error::{ImportError, Unplaced};
use super::names::Natural;

/// A layer of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its tensors' name without the last part, and without prefixes such as `module.`.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// The checkpoint's own names and shapes.
    pub tensors: Vec<(String, Vec<usize>)>,
}

/// What shapes tell of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Weights of four dimensions.
    Conv(Conv),
    /// A batch norm.
    Norm {
        /// Over so many channels.
        channels: usize,
    },
    /// Weights of two dimensions.
    Linear {
        /// Features in.
        inputs: usize,
        /// Features out.
        features: usize,
        /// Whether a bias is added.
        bias: bool,
    },
}

/// What shapes tell of a convolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Channels out.
    pub channels: usize,
    /// Input channels of a group.
    pub group_input: usize,
    /// Height and width.
    pub kernel: [usize; 2],
    /// Whether a bias is added.
    pub bias: bool,
}

/// Every layer, in natural order of their paths.
///
/// # Errors
///
/// All tensors that belong to no layer of the language.
pub fn layers(checkpoint: &Checkpoint) -> Result<Vec<Layer>, ImportError> {
    let mut groups: BTreeMap<Natural, Fields> = BTreeMap::new();
    for name in checkpoint.weight_names() {
        let (path, field) = without_prefix(name).rsplit_once('.').unwrap_or(("", name));
        let shape = checkpoint.shape(name).unwrap_or_default().to_vec();
        let fields = groups.entry(Natural::new(path)).or_default();
        fields.0.push((field.to_owned(), name.to_owned(), shape));
    }
    let mut found = Vec::new();
    let mut unplaced: Vec<Unplaced> = Vec::new();
    for (path, fields) in groups {
        let tensors: Vec<_> = fields.0.iter().map(|(_, name, shape)| (name.clone(), shape.clone())).collect();
        match fields.kind() {
            Ok(kind) => found.push(Layer { path: path.text, kind, tensors }),
            Err(reason) => match unplaced.iter_mut().find(|u| u.reason == reason) {
                Some(known) => known.tensors.extend(tensors),
                None => unplaced.push(Unplaced { reason: reason.to_owned(), tensors }),
            },
        }
    }
    if unplaced.is_empty() { Ok(found) } else { Err(ImportError::Unplaced(unplaced)) }
}

/// Fields of one path: each field's name, the tensor's whole name, and its shape.
#[derive(Default)]
struct Fields(Vec<(String, String, Vec<usize>)>);

impl Fields {
    fn get(&self, field: &str) -> Option<&[usize]> {
        self.0.iter().find(|(name, _, _)| name == field).map(|(_, _, shape)| &**shape)
    }

    /// What the layer is, or why it is none.
    fn kind(&self) -> Result<Kind, &'static str> {
        const FIELDS: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];
        if self.0.iter().any(|(field, _, _)| !FIELDS.contains(&&**field)) {
            return Err("the language has no layer with such tensors");
        }
        let Some(weight) = self.get("weight") else {
            return Err("a layer without weights: the language's norms have a weight and a bias");
        };
        if weight.contains(&0) {
            return Err("a tensor without elements");
        }
        let bias = self.get("bias");
        let vector = |field: &str| self.get(field).is_none_or(|shape| shape == [weight[0]]);
        let measured = self.get("running_mean").is_some();
        match *weight {
            [] => Err("a layer with a single value"),
            [_] if measured != self.get("running_var").is_some() || (measured && bias.is_none()) => {
                Err("a norm that lacks a tensor")
            }
            [_] if !measured => Err(
                "a norm without running statistics (a group or layer norm), or an activation with weights \
                 (PReLU), which the language lacks",
            ),
            _ if !["bias", "running_mean", "running_var"].into_iter().all(vector) => {
                Err("tensors of one layer that do not fit each other")
            }
            [channels] => Ok(Kind::Norm { channels }),
            _ if measured => Err("a layer with weights and statistics"),
            [features, inputs] => Ok(Kind::Linear { inputs, features, bias: bias.is_some() }),
            [channels, group_input, height, width] => {
                let kernel = [height, width];
                Ok(Kind::Conv(Conv { channels, group_input, kernel, bias: bias.is_some() }))
            }
            [_, _, _] => Err("a convolution over one dimension, which the language lacks"),
            _ => Err("weights of more than four dimensions, which the language lacks"),
        }
    }
}
