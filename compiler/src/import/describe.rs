//! A checkpoint to the description of its network.
//!
//! Which strides a network has no shape tells. What does tell: a projection, as there is one only where
//! shapes differ. So a stage whose first block projects without more channels has a stride, and one that
//! keeps its channels without a projection has none.

use crate::weights::Checkpoint;

use super::block::{Gathered, check_places, fail, gather};
use super::description::{Block, Network, Order, Pooled, Shortcut, Stage};
use super::ends::begin;
use super::error::ImportError;
use super::layers::{Layer, layers};
use super::scopes::{Members, Scopes, divide};

/// Describes the network that a checkpoint is of.
///
/// # Errors
///
/// Every tensor without a place, or those that contradict each other.
pub fn describe(checkpoint: &Checkpoint) -> Result<Network, ImportError> {
    let mut layers = layers(checkpoint)?;
    let prefix = take_prefix(&mut layers);
    let Scopes { outside, stages: scopes } = divide(layers)?;
    check_places(&scopes)?;
    let ends = begin(&outside)?;
    let mut channels = ends.stem.convs.last().map_or(ends.image, |conv| conv.channels);
    let mut stages: Vec<(&str, Vec<Gathered>)> = Vec::new();
    for (path, scope) in &scopes {
        let mut blocks = Vec::with_capacity(scope.len());
        for members in scope {
            let gathered = gather(members, channels)?;
            channels = gathered.block.outputs();
            blocks.push(gathered);
        }
        stages.push((path, blocks));
    }
    let head = ends.head(channels)?;
    let order = find_order(&scopes, &stages, head.norm.is_some())?;
    let stages: Vec<(&str, Vec<Block>)> = stages
        .into_iter()
        .map(|(path, blocks)| (path, blocks.into_iter().map(|g| g.block).collect()))
        .collect();
    let shortcut = find_shortcut(&stages);
    let mut stages = stages
        .into_iter()
        .enumerate()
        .map(|(at, (path, blocks))| {
            let stride = find_stride(at, &blocks[0], shortcut);
            Stage { path: path.to_owned(), stride, blocks }
        })
        .collect::<Vec<_>>();
    check_shortcuts(&scopes, &stages, shortcut)?;
    if order == Order::Pre && ends.stem.convs.len() > 1 {
        pool_projections(&mut stages);
    }
    let ported = scopes.iter().flat_map(|(_, blocks)| blocks.iter().flatten()).any(is_ported);
    Ok(Network { image: ends.image, stem: ends.stem, stages, head, shortcut, order, ported, prefix })
}

/// Whether a layer has the name that the SENets ported from Caffe have.
fn is_ported(layer: &Layer) -> bool {
    layer.path.starts_with("se_module.")
}

/// Takes off what all paths begin with, if that is a word and each has more behind it.
fn take_prefix(layers: &mut [Layer]) -> String {
    let first =
        layers.first().and_then(|layer| layer.path.split_once('.')).map(|(first, _)| first.to_owned());
    let Some(prefix) = first.map(|first| first + ".") else { return String::new() };
    if !layers.iter().all(|layer| layer.path.starts_with(&prefix)) {
        return String::new();
    }
    for layer in layers.iter_mut() {
        layer.path.drain(..prefix.len());
    }
    prefix + &take_prefix(layers)
}

/// Where all norms can stand; if that is either place, a norm in the head is a pre-activated network's.
fn find_order(
    scopes: &[(String, Vec<Members>)],
    stages: &[(&str, Vec<Gathered>)],
    head_norm: bool,
) -> Result<Order, ImportError> {
    let all = |order| stages.iter().flat_map(|(_, blocks)| blocks).all(|block| block.is(order));
    match (all(Order::Post), all(Order::Pre)) {
        (true, true) if head_norm => Ok(Order::Pre),
        (true, _) => Ok(Order::Post),
        (false, true) => Ok(Order::Pre),
        (false, false) => {
            let blocks = scopes.iter().flat_map(|(_, scope)| scope);
            let wrong = blocks
                .zip(stages.iter().flat_map(|(_, blocks)| blocks))
                .find(|(_, block)| !block.is(Order::Post));
            let layers: Vec<&Layer> = wrong.into_iter().flat_map(|(members, _)| members).collect();
            fail("norms that stand neither behind all convolutions nor before all of them, as in", &layers)
        }
    }
}

/// The mode that says where there are projections.
fn find_shortcut(stages: &[(&str, Vec<Block>)]) -> Shortcut {
    let blocks = stages.iter().flat_map(|(_, blocks)| blocks).map(|block| block.projection.is_some());
    let (all, any) = blocks.fold((true, false), |(all, any), one| (all && one, any || one));
    match (all, any) {
        (true, true) => Shortcut::ProjectionAll,
        (false, true) => Shortcut::Projection,
        (_, false) => Shortcut::ZeroPad,
    }
}

/// The stride of a stage's first block.
fn find_stride(stage: usize, first: &Block, shortcut: Shortcut) -> usize {
    let widens = first.inputs != first.outputs();
    match shortcut {
        Shortcut::ProjectionAll => 1 + usize::from(stage > 0),
        _ if widens => 1 + usize::from(stage > 0),
        Shortcut::Projection | Shortcut::ZeroPad => 1 + usize::from(first.projection.is_some()),
    }
}

/// Refuses blocks whose projection is where the mode has none, or the other way round.
fn check_shortcuts(
    scopes: &[(String, Vec<Members>)],
    stages: &[Stage],
    shortcut: Shortcut,
) -> Result<(), ImportError> {
    for ((_, scope), stage) in scopes.iter().zip(stages) {
        for (at, (members, block)) in scope.iter().zip(&stage.blocks).enumerate() {
            let differs = block.inputs != block.outputs() || (at == 0 && stage.stride > 1);
            let layers: Vec<&Layer> = members.iter().collect();
            match (shortcut, block.projection.is_some()) {
                (Shortcut::Projection, true) if !differs => {
                    let why =
                        "a block that projects though its shape stays, in a network where others do not";
                    return fail(why, &layers);
                }
                (Shortcut::Projection, false) if differs => {
                    let why = "a block without a projection though its shape changes, where others have one";
                    return fail(why, &layers);
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// timm's pre-activated networks with a deep stem are ResNet-D, and their names do not tell it.
fn pool_projections(stages: &mut [Stage]) {
    let blocks = stages.iter_mut().flat_map(|stage| &mut stage.blocks);
    for projection in blocks.filter_map(|block| block.projection.as_mut()) {
        let named = projection.conv.path.rsplit('.').next().is_some_and(|last| last == "conv");
        if named {
            projection.pooled = Pooled::Assumed;
        }
    }
}
