//! Recorded activations: which tensor of a dump is which node's.
//!
//! A convolution, norm or linear layer is recorded under the name that its tensors have in the checkpoint, a
//! block and a stage under theirs (`layer1.0`, `layer1`), poolings under their paths. Activations are not
//! looked for: modules share them, so their names tell nothing. What training tools put before names is
//! ignored.

use std::collections::{HashMap, HashSet};

use ndarray::Array4;

use crate::graph::{Graph, NodeId, Op, wanted};
use crate::model::Network;
use crate::weights::{self, Checkpoint, Rename, quote, without_prefix};

use super::error::CompareError;

/// What the images are called.
const INPUT: &str = "input";

/// A dump, by node.
pub struct Dump<'a> {
    file: &'a Checkpoint,
    names: HashMap<NodeId, &'a str>,
    shapes: HashMap<NodeId, [usize; 4]>,
    layers: Vec<NodeId>,
    /// Tensors that are of no layer.
    pub unused: Vec<String>,
}

impl<'a> Dump<'a> {
    /// Finds the tensors of a network's layers.
    ///
    /// # Errors
    ///
    /// If a layer with weights, or the input, is missing, or a shape cannot be its layer's.
    pub fn new(
        network: &Network,
        graph: &Graph,
        checkpoint: &Checkpoint,
        file: &'a Checkpoint,
        renames: &[Rename],
    ) -> Result<Self, CompareError> {
        let expected = expected_names(network, graph, checkpoint, renames)?;
        let by_name: HashMap<&str, &str> = file.names().map(|name| (without_prefix(name), name)).collect();
        let mut dump = Self {
            file,
            names: HashMap::new(),
            shapes: HashMap::new(),
            layers: Vec::new(),
            unused: Vec::new(),
        };
        let mut missing = Vec::new();
        for (id, names) in &expected {
            let found = names.iter().find_map(|name| by_name.get(without_prefix(name)));
            match found {
                Some(name) => _ = dump.names.insert(*id, name),
                None if matches!(graph.node(*id).op, Op::Input) => {
                    return Err(CompareError::NoInput { path: file.path().into() });
                }
                None if has_weights(&graph.node(*id).op) => missing.push(names[0].clone()),
                None => {}
            }
        }
        if !missing.is_empty() {
            return Err(CompareError::Missing { path: file.path().into(), names: missing });
        }
        let known: HashSet<&str> =
            expected.iter().flat_map(|(_, names)| names).map(|n| without_prefix(n)).collect();
        dump.unused =
            file.names().filter(|name| !known.contains(without_prefix(name))).map(str::to_owned).collect();
        dump.check_shapes(graph)?;
        Ok(dump)
    }

    /// The recorded nodes but the input, in the order in which they are computed.
    pub fn layers(&self) -> Vec<NodeId> {
        self.layers.clone()
    }

    /// Takes what is recorded of a node for another's of the same shape.
    pub fn reassign(&mut self, from: NodeId, to: NodeId) {
        if let (Some(name), Some(shape)) = (self.names.remove(&from), self.shapes.remove(&from)) {
            self.names.insert(to, name);
            self.shapes.insert(to, shape);
        }
    }

    /// The dump's name of a recorded node.
    pub fn name(&self, id: NodeId) -> &'a str {
        self.names.get(&id).copied().unwrap_or_default()
    }

    /// A recorded value.
    ///
    /// # Errors
    ///
    /// If it is not of floats, or not finite.
    pub fn read(&self, id: NodeId) -> Result<Array4<f64>, CompareError> {
        let name = self.name(id);
        let values: Vec<f64> = self.file.read(name)?.into_iter().map(f64::from).collect();
        let shape = self.shapes.get(&id).copied().unwrap_or_default();
        Array4::from_shape_vec(shape, values).map_err(|error| self.wrong(name, error.to_string()))
    }

    /// A recorded value, if there is one. What cannot be read has been told when its own layer was compared.
    pub fn get(&self, id: NodeId) -> Option<Array4<f64>> {
        self.names.contains_key(&id).then(|| self.read(id).ok())?
    }

    fn wrong(&self, name: &str, what: String) -> CompareError {
        CompareError::Shape { path: self.file.path().into(), name: quote(name), what }
    }

    /// Checks all but height and width, which a wrong stride changes too, and those of the input.
    fn check_shapes(&mut self, graph: &Graph) -> Result<(), CompareError> {
        let mut images = None;
        for id in graph.order() {
            let Some(name) = self.names.get(&id).copied() else { continue };
            let node = graph.node(id);
            let found = self.file.shape(name).unwrap_or_default();
            let shape = match *found {
                [n, c] => [n, c, 1, 1],
                [n, c, h, w] => [n, c, h, w],
                _ => return Err(self.wrong(name, format!("{found:?} is neither [n, c, h, w] nor [n, c]"))),
            };
            let [c, h, w] = node.shape;
            let count = *images.get_or_insert(shape[0]);
            let is_input = matches!(node.op, Op::Input);
            if shape.contains(&0) {
                return Err(self.wrong(name, format!("{found:?} has no elements")));
            }
            if is_input && shape[1..] != node.shape {
                let what = format!("the spec's input is {:?}, the dump's {:?}", node.shape, &found[1..]);
                let help = format!("{what}: give `--set input={}x{}`", shape[2], shape[3]);
                return Err(self.wrong(name, if shape[1] == c { help } else { what }));
            }
            if shape[..2] != [count, c] {
                let wanted = format!("the layer gives [{count}, {c}, {h}, {w}]");
                return Err(self.wrong(name, format!("{wanted}, the dump has {found:?}")));
            }
            self.shapes.insert(id, shape);
            if is_input {
                // No layer's comparison reads it for its own sake, and would tell what is wrong with it.
                self.read(id)?;
            } else {
                self.layers.push(id);
            }
        }
        Ok(())
    }
}

fn has_weights(op: &Op) -> bool {
    matches!(op, Op::Conv(_) | Op::Linear(_) | Op::BatchNorm { .. })
}

/// For each node the names under which it may be recorded, the usual one first.
fn expected_names(
    network: &Network,
    graph: &Graph,
    checkpoint: &Checkpoint,
    renames: &[Rename],
) -> Result<Vec<(NodeId, Vec<String>)>, CompareError> {
    let wanted = wanted(network);
    let found = weights::find(&wanted, checkpoint, &network.rules(renames))?;
    let of_tensor: HashMap<&str, &str> =
        wanted.iter().zip(&found).filter_map(|(w, found)| Some((&*w.name, (*found)?))).collect();
    let order: Vec<NodeId> =
        graph.order().into_iter().filter(|id| !matches!(graph.node(*id).op, Op::Output { .. })).collect();
    // The last node of each block, and of each stage, is what the module of that name gives.
    let mut ends: HashMap<String, NodeId> = HashMap::new();
    for &id in &order {
        let node = graph.node(id);
        if let (Some(part), Some(block)) = (graph.parts.get(node.part), node.block) {
            ends.insert(format!("{part}.{block}"), id);
            ends.insert(part.clone(), id);
        }
    }
    let mut all = Vec::new();
    for id in order {
        let node = graph.node(id);
        let mut names = match node.op {
            Op::Input => vec![INPUT.to_owned()],
            Op::MaxPool(_) | Op::AvgPool { .. } | Op::GlobalAvgPool => vec![node.path.clone()],
            ref op if has_weights(op) => {
                let tensor = of_tensor.get(&*format!("{}.weight", node.path));
                let layer = tensor.and_then(|name| name.strip_suffix(".weight"));
                vec![layer.unwrap_or(&node.path).to_owned(), node.path.clone()]
            }
            _ => Vec::new(),
        };
        let mut own: Vec<&String> =
            ends.iter().filter(|(_, end)| **end == id).map(|(name, _)| name).collect();
        own.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.extend(own.into_iter().cloned());
        if !names.is_empty() {
            all.push((id, names));
        }
    }
    Ok(all)
}
