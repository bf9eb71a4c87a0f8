//! `rename` lines: from the names of the spec's network to the checkpoint's.
//!
//! The layers of the described network and of the checked one are the same in the same order, which the
//! shapes confirm, so each pair of names gives a rule. What all blocks have in common is one rule.

use crate::model;

use super::description::{Block, Conv, Network, Order};
use super::error::{ImportError, Unplaced};

/// The rules, in an order in which the first that fits is right.
///
/// # Errors
///
/// If the networks differ.
pub fn renames(
    description: &Network,
    network: &model::Network,
) -> Result<Vec<(String, String)>, ImportError> {
    let theirs = paths(description);
    let ours: Vec<&str> = network
        .nodes
        .iter()
        .filter(|node| !network.tensors(node).is_empty())
        .map(|node| &*node.path)
        .collect();
    if ours.len() != theirs.len() {
        let counts = format!("the spec has {} layers and the checkpoint {}", ours.len(), theirs.len());
        return Unplaced::because(counts, Vec::new());
    }
    let mut inner: Vec<(String, String)> = Vec::new();
    let mut kept: Vec<String> = Vec::new();
    let mut outer = Vec::new();
    for (ours, Place { scope, path }) in ours.iter().zip(&theirs) {
        let own = ours.strip_prefix(&**scope).unwrap_or(ours);
        if own == path {
            kept.extend((!scope.is_empty()).then(|| own.to_owned()));
        } else if scope.is_empty() {
            outer.push((format!("{own}.*"), format!("{path}.*")));
        } else if !inner.contains(&(own.to_owned(), path.clone())) {
            inner.push((own.to_owned(), path.clone()));
        }
    }
    let inner = shorten(inner, &kept);
    let inner = inner.into_iter().map(|(from, to)| (format!("*.{from}.*"), format!("*.{to}.*")));
    let mut rules: Vec<(String, String)> = outer.into_iter().chain(inner).collect();
    if !description.prefix.is_empty() {
        rules.iter_mut().for_each(|(_, to)| to.insert_str(0, &description.prefix));
        rules.push(("*".to_owned(), format!("{}*", description.prefix)));
    }
    Ok(rules)
}

/// Takes the last parts off where two rules then become one, and none of the names that are right already
/// is touched.
fn shorten(rules: Vec<(String, String)>, kept: &[String]) -> Vec<(String, String)> {
    let short = |rule: &(String, String)| {
        let (from, to) = (rule.0.rsplit_once('.')?, rule.1.rsplit_once('.')?);
        (from.1 == to.1).then(|| (from.0.to_owned(), to.0.to_owned()))
    };
    let shortened: Vec<Option<(String, String)>> = rules.iter().map(short).collect();
    let mut out: Vec<(String, String)> = Vec::new();
    for (rule, short) in rules.iter().zip(&shortened) {
        let useful = short.as_ref().filter(|(from, _)| {
            let scope = format!("{from}.");
            let alone =
                rules.iter().zip(&shortened).all(|(other, s)| !other.0.starts_with(&scope) || s == short);
            alone && !kept.iter().any(|name| name.starts_with(&scope))
        });
        let rule = useful.unwrap_or(rule);
        if !out.contains(rule) {
            out.push(rule.clone());
        }
    }
    out
}

/// Where a layer is: its block's name with a dot behind it, if it is in one, and the rest.
struct Place {
    scope: String,
    path: String,
}

/// The checkpoint's layers in the order in which a network has them.
fn paths(network: &Network) -> Vec<Place> {
    let outside = |path: &String| Place { scope: String::new(), path: path.clone() };
    let mut places: Vec<Place> = network
        .stem
        .convs
        .iter()
        .flat_map(|conv| ordered(conv, Order::Post))
        .map(|path| outside(&path))
        .collect();
    for stage in &network.stages {
        for (at, block) in stage.blocks.iter().enumerate() {
            let scope = format!("{}.{at}.", stage.path);
            let inside = |path| Place { scope: scope.clone(), path };
            places.extend(block_paths(block, network.order).into_iter().map(inside));
        }
    }
    places.extend(network.head.norm.iter().map(outside));
    places.extend(network.head.linear.iter().map(|linear| outside(&linear.path)));
    places
}

fn block_paths(block: &Block, order: Order) -> Vec<String> {
    let branch = block.convs.iter().flat_map(|conv| ordered(conv, order));
    let gate = block.gate.iter().flat_map(|gate| gate.paths.clone());
    let projection = block.projection.iter().flat_map(|projection| ordered(&projection.conv, Order::Post));
    branch.chain(gate).chain(projection).collect()
}

/// A convolution and its norm.
fn ordered(conv: &Conv, order: Order) -> Vec<String> {
    let (path, norm) = (Some(conv.path.clone()), conv.norm.clone());
    let both = if order == Order::Post { [path, norm] } else { [norm, path] };
    both.into_iter().flatten().collect()
}
