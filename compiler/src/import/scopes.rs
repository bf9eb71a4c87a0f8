//! Which layers make up the blocks, and which stand before and behind them.
//!
//! A block is a number in a path with more behind it: `layer1.0.conv1` is `conv1` of block 0 of the
//! stage `layer1`. The last such number counts, so `stages.0.blocks.1.conv1` is of `stages.0.blocks`, and
//! `conv1.0` is of no block.

use std::collections::BTreeMap;

use super::error::{ImportError, Unplaced};
use super::layers::Layer;
use super::names::{Natural, is_path, number};

/// The layers of one block, their paths being those within the block.
pub type Members = Vec<Layer>;

/// Layers by where they stand.
#[derive(Debug)]
pub struct Scopes {
    /// Stem and head, not yet told apart; natural order.
    pub outside: Vec<Layer>,
    /// Stages in natural order of their paths, with their blocks.
    pub stages: Vec<(String, Vec<Members>)>,
}

/// Divides layers by their paths.
///
/// # Errors
///
/// If there are no blocks, a stage's are not numbered from 0 without gaps, or a name cannot stand in a spec.
pub fn divide(layers: Vec<Layer>) -> Result<Scopes, ImportError> {
    let mut outside = Vec::new();
    let mut stages: BTreeMap<Natural, BTreeMap<usize, Members>> = BTreeMap::new();
    for layer in layers {
        if !is_path(&layer.path) {
            return Unplaced::because("a name that cannot stand in a spec", layer.tensors);
        }
        match block_of(&layer.path) {
            None => outside.push(layer),
            Some((stage, block, rest)) => {
                let member = Layer { path: rest.to_owned(), ..layer.clone() };
                stages.entry(Natural::new(stage)).or_default().entry(block).or_default().push(member);
            }
        }
    }
    if stages.is_empty() {
        let all = outside.into_iter().flat_map(|layer| layer.tensors).collect();
        return Unplaced::because("there are no numbered blocks, as in `layer1.0.conv1.weight`", all);
    }
    let mut whole = Vec::with_capacity(stages.len());
    for (stage, blocks) in stages {
        if let Some((at, (_, members))) = blocks.iter().enumerate().find(|(at, (number, _))| at != *number) {
            let tensors = members.iter().flat_map(|layer| layer.tensors.clone()).collect();
            return Unplaced::because(format!("`{}` has no block {at}, but later ones", stage.text), tensors);
        }
        whole.push((stage.text, blocks.into_values().collect()));
    }
    Ok(Scopes { outside, stages: whole })
}

/// The stage, the block's number and the path within the block.
fn block_of(path: &str) -> Option<(&str, usize, &str)> {
    let ends = path.match_indices('.').map(|(at, _)| at);
    let ends: Vec<usize> = ends.collect();
    ends.windows(2).rev().find_map(|pair| {
        let [before, behind] = *pair else { return None };
        Some((&path[..before], number(&path[before + 1..behind])?, &path[behind + 1..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_with_more_behind_it_is_the_block() {
        assert_eq!(block_of("layer1.0.downsample.1"), Some(("layer1", 0, "downsample.1")));
        assert_eq!(block_of("stages.0.blocks.12.conv1"), Some(("stages.0.blocks", 12, "conv1")));
        assert_eq!(block_of("conv1.0"), None);
        assert_eq!(block_of("layer0.conv1"), None);
    }
}
