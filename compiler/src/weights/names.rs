//! From the network's names to the checkpoint's.
//!
//! Two steps. [`Rules`] are the spec's `rename "fc.*" -> "linear.*"`: the first rule whose pattern fits
//! gives the name. [`Prefix`] is what training tools put in front of every name (`module.`, `_orig_mod.`,
//! `backbone.`, or several of them): of all such prefixes in the file, the one with which most names
//! are found, the shortest of equals. A tensor outside of the wrapped part (`backbone.conv1.weight` but
//! `fc.weight`) is found with less of the prefix, or none.

use super::{Checkpoint, Rename, WeightsError};

/// What wrappers of a network put in front of its names.
const KNOWN: [&str; 9] = [
    "module.",
    "_orig_mod.",
    "model.",
    "backbone.",
    "net.",
    "network.",
    "encoder.",
    "resnet.",
    "base_model.",
];
/// How many of them can follow each other.
const MAX_NESTED: usize = 3;
/// How many `*` a rename's side can have.
const MAX_STARS: usize = 8;

/// A name without what is known to stand before it.
pub(crate) fn without_prefix(name: &str) -> &str {
    (0..MAX_NESTED)
        .fold(name, |rest, _| KNOWN.iter().find_map(|piece| rest.strip_prefix(piece)).unwrap_or(rest))
}

/// The spec's rename rules.
pub(super) struct Rules<'a>(&'a [Rename]);

impl<'a> Rules<'a> {
    /// Checks that both sides of each rule have as many `*`.
    pub(super) fn new(renames: &'a [Rename]) -> Result<Self, WeightsError> {
        let stars = |side: &str| side.matches('*').count();
        for Rename { from, to } in renames {
            if stars(from) != stars(to) || stars(from) > MAX_STARS {
                return Err(WeightsError::Rename { from: from.clone(), to: to.clone(), limit: MAX_STARS });
            }
        }
        Ok(Self(renames))
    }

    /// The name that the checkpoint should have for the network's.
    pub(super) fn apply(&self, name: &str) -> String {
        let renamed = self.0.iter().find_map(|rule| rename(&rule.from, &rule.to, name));
        renamed.unwrap_or_else(|| name.to_owned())
    }

    /// The rules whose patterns fit none of the names.
    pub(super) fn idle<'n>(&self, names: impl Iterator<Item = &'n str> + Clone) -> Vec<&'a Rename> {
        let idle = |rule: &&Rename| !names.clone().any(|name| rename(&rule.from, &rule.to, name).is_some());
        self.0.iter().filter(idle).collect()
    }
}

/// The name with which `to` answers, if `from` fits. Each `*` stands for as little as it can, the last
/// for the rest.
fn rename(from: &str, to: &str, name: &str) -> Option<String> {
    let Some((first, pattern)) = from.split_once('*') else {
        return (from == name).then(|| to.to_owned());
    };
    let mut rest = name.strip_prefix(first)?;
    let mut matched = Vec::new();
    let mut pieces = pattern.split('*').peekable();
    while let Some(piece) = pieces.next() {
        let end = match pieces.peek() {
            Some(_) => rest.find(piece)?,
            None => rest.ends_with(piece).then(|| rest.len() - piece.len())?,
        };
        matched.push(&rest[..end]);
        rest = &rest[end + piece.len()..];
    }
    let mut stars = matched.into_iter();
    let answer = to.split_inclusive('*').map(|piece| match piece.strip_suffix('*') {
        Some(text) => format!("{text}{}", stars.next().unwrap_or_default()),
        None => piece.to_owned(),
    });
    Some(answer.collect())
}

/// Pieces that stand in front of the checkpoint's names.
#[derive(Debug, Clone, Default)]
pub(super) struct Prefix(Vec<&'static str>);

impl Prefix {
    /// The prefix with which most of `names` are in the checkpoint.
    pub(super) fn choose(names: &[String], checkpoint: &Checkpoint) -> Self {
        let mut candidates = vec![Self::default()];
        let mut begin = 0;
        for _ in 0..MAX_NESTED {
            let longer: Vec<Self> =
                candidates[begin..].iter().flat_map(|prefix| prefix.extensions(checkpoint)).collect();
            begin = candidates.len();
            candidates.extend(longer);
        }
        let found =
            |prefix: &Self| names.iter().filter(|name| prefix.find(name, checkpoint).is_some()).count();
        let mut best = (0, Self::default());
        for prefix in candidates {
            let score = found(&prefix);
            if score > best.0 {
                best = (score, prefix);
            }
        }
        best.1
    }

    fn extensions(&self, checkpoint: &Checkpoint) -> Vec<Self> {
        let text = self.0.concat();
        let begins = |piece: &str| {
            checkpoint
                .names()
                .any(|name| name.strip_prefix(&*text).is_some_and(|rest| rest.starts_with(piece)))
        };
        let pieces = KNOWN.into_iter().filter(|piece| begins(piece));
        pieces.map(|piece| Self([&*self.0, &[piece]].concat())).collect()
    }

    /// The checkpoint's name for `name`: with the whole prefix, or with less of it.
    pub(super) fn find<'c>(&self, name: &str, checkpoint: &'c Checkpoint) -> Option<&'c str> {
        let prefixes = (0..=self.0.len()).rev().map(|len| self.0[..len].concat());
        prefixes.into_iter().find_map(|prefix| checkpoint.find_name(&format!("{prefix}{name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything_and_keep_their_order() {
        let cases = [
            ("fc.*", "linear.*", "fc.weight", Some("linear.weight")),
            ("fc.*", "linear.*", "xfc.weight", None),
            (
                "*.downsample.*",
                "*.shortcut.*",
                "layer2.0.downsample.1.bias",
                Some("layer2.0.shortcut.1.bias"),
            ),
            ("layer*.*.conv1.*", "block*_*/c1.*", "layer3.11.conv1.weight", Some("block3_11/c1.weight")),
            ("*", "encoder_q.*", "fc.bias", Some("encoder_q.fc.bias")),
            ("fc.weight", "w", "fc.weight", Some("w")),
            ("fc.*t", "*", "fc.bias", None),
            ("a*a", "*", "a", None),
        ];
        for (from, to, name, answer) in cases {
            assert_eq!(rename(from, to, name).as_deref(), answer, "{from} {to} {name}");
        }
    }

    #[test]
    fn sides_with_different_numbers_of_stars_are_refused() {
        let rule = |from: &str, to: &str| [Rename { from: from.into(), to: to.into() }];
        assert!(Rules::new(&rule("a.*", "b.*")).is_ok());
        assert!(Rules::new(&rule("a.*", "b")).is_err());
        assert!(Rules::new(&rule("*********", "*********")).is_err());
    }

    #[test]
    fn the_prefix_that_finds_most_wins_and_the_rest_is_found_with_less_of_it() {
        let names =
            ["module.backbone.conv1.weight", "module.backbone.bn1.bias", "module.fc.bias", "conv1.weight"];
        let checkpoint = Checkpoint::from_tensors(names.map(|name| (name.to_owned(), vec![1], vec![0.0])));
        let wanted = ["conv1.weight", "bn1.bias", "fc.bias"].map(str::to_owned);
        let prefix = Prefix::choose(&wanted, &checkpoint);
        assert_eq!(prefix.0, ["module.", "backbone."]);
        assert_eq!(prefix.find("fc.bias", &checkpoint), Some("module.fc.bias"));
        assert_eq!(prefix.find("conv1.weight", &checkpoint), Some("module.backbone.conv1.weight"));
    }
}
