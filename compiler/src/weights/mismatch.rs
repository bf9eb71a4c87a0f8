//! How a checkpoint differs from a network, and how that is told.
//!
//! Lists are whole and in the network's or the file's order; the message shows the first few of each
//! with a count of the rest, so that a wrong file does not fill the screen.

use std::fmt;

use super::error::quote;

/// How many entries of a list a message shows.
const SHOWN: usize = 8;
/// How many tensors that are left over are compared with a missing name.
const MAX_COMPARED: usize = 4096;
/// Longer names are not compared.
const MAX_COMPARED_NAME: usize = 128;

/// All that differs between a network and a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// How many tensors the network wants.
    pub wanted: usize,
    /// Wanted, and not in the file.
    pub missing: Vec<Missing>,
    /// In the file, and not wanted.
    pub extra: Vec<Extra>,
    /// In both, with different shapes.
    pub misshaped: Vec<Misshaped>,
    /// The likely causes, in sentences.
    pub hints: Vec<String>,
}

/// A tensor that the checkpoint does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The network's name.
    pub name: String,
    /// The name after the rename rules.
    pub looked_for: String,
    /// The shape that is wanted.
    pub shape: Vec<usize>,
    /// Similar names among those that are left over; found for the first few missing ones only.
    pub nearest: Vec<String>,
}

/// A tensor that the network does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// The checkpoint's name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// A tensor whose shapes differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshaped {
    /// The network's name.
    pub name: String,
    /// The checkpoint's name.
    pub found_name: String,
    /// The checkpoint's shape.
    pub found: Vec<usize>,
    /// The network's shape.
    pub wanted: Vec<usize>,
}

impl Mismatch {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.misshaped.is_empty()
    }
}

/// Finds the nearest names for the missing tensors that a message shows.
pub(super) fn list_nearest(mismatch: &mut Mismatch) {
    let extra =
        mismatch.extra.iter().filter(|extra| extra.name.len() <= MAX_COMPARED_NAME).take(MAX_COMPARED);
    let extra: Vec<&Extra> = extra.collect();
    for missing in mismatch.missing.iter_mut().take(SHOWN) {
        if missing.looked_for.len() > MAX_COMPARED_NAME {
            continue;
        }
        let likeness = |extra: &Extra| {
            let shape = if extra.shape == missing.shape { 0.2 } else { 0.0 };
            shape + strsim::normalized_levenshtein(&missing.looked_for, &extra.name)
        };
        let mut near: Vec<(f64, &str)> = extra.iter().map(|extra| (likeness(extra), &*extra.name)).collect();
        near.retain(|(likeness, _)| *likeness > 0.6);
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        missing.nearest = near.iter().take(2).map(|(_, name)| (*name).to_owned()).collect();
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, missing, extra, misshaped, hints } = self;
        write!(f, "does not fit the network: of the {wanted} tensors that it wants ")?;
        write!(
            f,
            "{} are missing and {} of another shape; {} left over",
            missing.len(),
            misshaped.len(),
            extra.len()
        )?;
        list(f, "missing", missing, |f, missing| {
            write!(f, "{} {:?}", missing.name, missing.shape)?;
            if missing.looked_for != missing.name {
                write!(f, ", looked for as `{}`", missing.looked_for)?;
            }
            match &missing.nearest[..] {
                [] => Ok(()),
                names => {
                    let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
                    write!(f, "; nearest: `{}`", names.join("`, `"))
                }
            }
        })?;
        list(f, "misshaped", misshaped, |f, misshaped| {
            let Misshaped { name, found_name, found, wanted } = misshaped;
            write!(f, "{name}: the checkpoint has {found:?}, the network wants {wanted:?}")?;
            if found_name == name { Ok(()) } else { write!(f, " (`{}` in the file)", quote(found_name)) }
        })?;
        list(f, "left over", extra, |f, extra| write!(f, "{} {:?}", quote(&extra.name), extra.shape))?;
        hints.iter().try_for_each(|hint| write!(f, "\n  hint: {hint}"))
    }
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    entries: &[T],
    show: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if entries.is_empty() {
        return Ok(());
    }
    write!(f, "\n  {title}:")?;
    for entry in entries.iter().take(SHOWN) {
        write!(f, "\n    ")?;
        show(f, entry)?;
    }
    match entries.len().checked_sub(SHOWN) {
        None | Some(0) => Ok(()),
        Some(rest) => write!(f, "\n    ... and {rest} more"),
    }
}
