//! The likely cause of a mismatch.
//!
//! In: what differs. Out: sentences, each for a pattern that the differences show and that a line of
//! the spec would mend; none if there is no pattern.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::error::quote;
use super::mismatch::{Extra, Mismatch};
use super::{Checkpoint, Wanted};

/// Longer lists are not searched for patterns.
const MAX_COMPARED: usize = 16_384;
/// How many rename rules are proposed.
const MAX_RENAMES: usize = 4;

/// Sentences on why the checkpoint does not fit.
pub(super) fn find_hints(mismatch: &Mismatch, wanted: &[Wanted], checkpoint: &Checkpoint) -> Vec<String> {
    let mut hints = Vec::new();
    hints.extend(class_count(mismatch));
    if mismatch.missing.len().max(mismatch.extra.len()) > MAX_COMPARED {
        return hints;
    }
    match foreign_prefix(mismatch, checkpoint) {
        Some(hint) => hints.push(hint),
        None => hints.extend(renamed_layers(mismatch)),
    }
    hints.extend(shortcut_mode(mismatch));
    hints.extend(depth(wanted, checkpoint));
    hints
}

/// Every misshaped tensor is of one layer and differs in its first size only.
fn class_count(mismatch: &Mismatch) -> Option<String> {
    let first = mismatch.misshaped.first()?;
    let layer = first.name.rsplit_once('.')?.0;
    let (found, wanted) = (*first.found.first()?, *first.wanted.first()?);
    let is_class_count = mismatch.misshaped.iter().all(|tensor| {
        let same_rest = tensor.found.get(1..) == tensor.wanted.get(1..);
        let sizes = tensor.found.first() == Some(&found) && tensor.wanted.first() == Some(&wanted);
        same_rest && sizes && tensor.name.rsplit_once('.').is_some_and(|(other, _)| other == layer)
    });
    let is_vector = |shape: &[usize]| shape.len() < 4 || shape[2..] == [1, 1];
    let is_linear = is_class_count && mismatch.misshaped.iter().all(|tensor| is_vector(&tensor.wanted));
    is_linear.then(|| format!("the checkpoint was trained for {found} classes, the network has {wanted}"))
}

/// Most of the missing names are in the file behind one and the same prefix.
fn foreign_prefix(mismatch: &Mismatch, checkpoint: &Checkpoint) -> Option<String> {
    let first = &mismatch.missing.first()?.looked_for;
    let fits = |prefix: &&str| {
        let is_there = |name: &str| checkpoint.find_name(&format!("{prefix}{name}")).is_some();
        let found = mismatch.missing.iter().filter(|missing| is_there(&missing.looked_for)).count();
        2 * found > mismatch.missing.len()
    };
    let prefixes = mismatch.extra.iter().filter_map(|extra| extra.name.strip_suffix(&**first));
    let mut prefixes = prefixes.filter(|prefix| prefix.ends_with('.')).take(16);
    let prefix = quote(prefixes.find(fits)?);
    Some(format!(
        "the names in the file begin with `{prefix}`: add `rename \"*\" -> \"{prefix}*\"` to the model"
    ))
}

/// Missing and left-over tensors of the same shape whose names differ in one part only.
fn renamed_layers(mismatch: &Mismatch) -> Vec<String> {
    let mut by_hole: HashMap<(String, &[usize]), Vec<&str>> = HashMap::new();
    for Extra { name, shape } in &mismatch.extra {
        for (hole, part) in holes(name) {
            by_hole.entry((hole, shape)).or_default().push(part);
        }
    }
    // Parts of the two names, and whether something stands before them, to how many tensors agree.
    let mut rules: BTreeMap<(&str, &str, bool), usize> = BTreeMap::new();
    for missing in &mismatch.missing {
        for (hole, part) in holes(&missing.looked_for) {
            let inner = !hole.starts_with('*');
            if let Some([other]) = by_hole.get(&(hole, &missing.shape)).map(|parts| &parts[..]) {
                *rules.entry((part, other, inner)).or_default() += 1;
            }
        }
    }
    let is_only = |&(part, _, inner): &(&str, &str, bool)| {
        rules.keys().filter(|(other, _, place)| *other == part && *place == inner).count() == 1
    };
    let is_name = |part: &str| !part.bytes().all(|byte| byte.is_ascii_digit());
    let clear = rules.keys().filter(|rule| is_only(rule) && is_name(rule.0));
    let text = clear.take(MAX_RENAMES).map(|&(from, to, inner)| {
        let front = if inner { "*." } else { "" };
        let to = quote(to);
        format!(
            "to take `{to}` for `{from}`, add `rename \"{front}{from}.*\" -> \"{front}{to}.*\"` to the model"
        )
    });
    text.collect()
}

/// A name with each of its parts but the last taken out in turn, and that part.
fn holes(name: &str) -> impl Iterator<Item = (String, &str)> {
    let parts: Vec<&str> = name.split('.').take(16).collect();
    (0..parts.len().saturating_sub(1)).map(move |i| {
        let mut rest = parts.clone();
        let part = std::mem::replace(&mut rest[i], "*");
        (rest.join("."), part)
    })
}

/// All that is left over, or all that is missing, belongs to projections.
fn shortcut_mode(mismatch: &Mismatch) -> Option<String> {
    let is_projection = |name: &str| {
        let mut parts = name.split('.');
        parts.any(|part| part.starts_with("downsample") || part.starts_with("shortcut"))
    };
    let (missing, extra) = (&mismatch.missing, &mismatch.extra);
    if missing.is_empty() && !extra.is_empty() && extra.iter().all(|extra| is_projection(&extra.name)) {
        let what =
            "all that is left over belongs to projection shortcuts: the network wants `shortcut projection`";
        return Some(format!("{what}, in the spec or with `--set shortcut=projection`"));
    }
    if extra.is_empty() && !missing.is_empty() && missing.iter().all(|missing| is_projection(&missing.name)) {
        let what = "all that is missing belongs to projection shortcuts: the checkpoint has none, try";
        return Some(format!("{what} `shortcut zero_pad`, or `shortcut none` for a plain network"));
    }
    None
}

/// Stages with different numbers of blocks.
fn depth(wanted: &[Wanted], checkpoint: &Checkpoint) -> Option<String> {
    let network = count_blocks(wanted.iter().map(|wanted| &*wanted.name));
    let file = count_blocks(checkpoint.names());
    let differing = network.iter().filter_map(|(stage, blocks)| {
        let other = file.get(stage).filter(|other| *other != blocks)?;
        Some(format!("{stage} has {other} blocks in the checkpoint and {blocks} in the network"))
    });
    let differing: Vec<String> = differing.take(4).collect();
    (!differing.is_empty()).then(|| format!("the depths differ: {}", differing.join(", ")))
}

/// How many blocks each stage has, by names such as `layer1.0.conv1.weight`, whatever stands before.
fn count_blocks<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut blocks: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    for name in names {
        let mut parts = name.split('.').peekable();
        while let Some(part) = parts.next() {
            let is_number = |next: &&str| !next.is_empty() && next.bytes().all(|byte| byte.is_ascii_digit());
            let is_stage = part.ends_with(|last: char| last.is_ascii_digit()) && !is_number(&part);
            if let Some(block) = parts.peek().filter(|next| is_stage && is_number(next)) {
                blocks.entry(part).or_default().insert(block);
                break;
            }
        }
    }
    blocks.into_iter().map(|(stage, blocks)| (stage, blocks.len())).collect()
}
