//! What can be wrong with a checkpoint, in words that a person can act on.
//!
//! In: the parts of the reader, which know bytes and not paths, give a [`Problem`]. Out: a
//! [`WeightsError`], which has the path in front. Names from a file are quoted: escaped and cut, so
//! that a hostile one can neither forge lines nor fill a screen.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::mismatch::Mismatch;

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file cannot be opened or mapped.
    #[error("{}: cannot be read: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path names a folder, a pipe or a device.
    #[error("{}: is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The content is in no form that is read, or contradicts itself, or exceeds a limit.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A tensor that the network wants has values that cannot be used.
    #[error("{}: tensor `{tensor}`: {problem}", path.display())]
    Values {
        /// The file.
        path: PathBuf,
        /// The tensor's name in the file, quoted.
        tensor: String,
        /// What is wrong with them.
        problem: ValueProblem,
    },
    /// A rename rule whose two sides do not have the same number of `*`, or that has too many.
    #[error("rename `{from}` -> `{to}`: both sides want the same number of `*`, at most {limit}")]
    Rename {
        /// The pattern on the network's name.
        from: String,
        /// The name in the checkpoint.
        to: String,
        /// How many `*` a side can have.
        limit: usize,
    },
    /// Neither one checkpoint, nor one for each member of an ensemble.
    #[error("{found} checkpoints for a network of {members} members: one, or one for each member")]
    Count {
        /// How many there are.
        found: usize,
        /// How many members the network has.
        members: usize,
    },
    /// The tensors of the file are not those of the network.
    #[error("{}: {mismatch}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// All that differs.
        mismatch: Box<Mismatch>,
    },
}

/// What is wrong with the content of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There are no bytes.
    #[error("is empty")]
    Empty,
    /// Neither safetensors nor PyTorch.
    #[error("{0}; what is read is .safetensors and PyTorch checkpoints (.pth, .pt, .th)")]
    Unrecognised(String),
    /// The bytes end too early.
    #[error("ends inside {what}, at byte {at}: is the file complete?")]
    Cut {
        /// What should have been there.
        what: &'static str,
        /// Where it begins: in the file, or for a pickle, in the pickle.
        at: usize,
    },
    /// Something is larger or more than any honest checkpoint has.
    #[error("has more than {limit} {what}")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// The largest number taken.
        limit: usize,
    },
    /// The header of a .safetensors file is wrong.
    #[error("safetensors header: {0}")]
    Safetensors(String),
    /// The zip archive of a PyTorch checkpoint is wrong.
    #[error("archive: {0}")]
    Archive(String),
    /// The pickle of a PyTorch checkpoint is wrong.
    #[error("pickle, byte {at}: {what}")]
    Pickle {
        /// Where, in the pickle.
        at: usize,
        /// What is wrong.
        what: String,
    },
    /// The pickle asks for a Python object that a state dict does not need.
    #[error(
        "the pickle refers to `{name}`, which is refused: a checkpoint is data and nothing in it is run; \
         save the state dict alone, `torch.save(model.state_dict(), ...)`"
    )]
    Global {
        /// Module and name, quoted.
        name: String,
    },
    /// A tensor contradicts its storage.
    #[error("tensor `{name}`: {what}")]
    Tensor {
        /// The tensor's name, quoted.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// There is no dict of tensors where one is looked for.
    #[error("has no dict of tensors; at its top {}", ListOr(.keys, "there is no dict"))]
    NoStateDict {
        /// The first keys of the top-level dict, quoted.
        keys: Vec<String>,
    },
}

/// Why the values of a tensor cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ValueProblem {
    /// NaN or infinite, or finite in float64 but beyond float32.
    #[error("element {index} is {value} as float32; {count} of its elements are not finite")]
    NotFinite {
        /// Index of the first such element, in row-major order.
        index: usize,
        /// Its value.
        value: f32,
        /// How many there are.
        count: usize,
    },
    /// Not one of float16, bfloat16, float32, float64.
    #[error("is of type {0}, which is not read as weights")]
    Dtype(String),
    /// The values do not lie within the file.
    #[error("its values lie outside of the file")]
    Outside,
    /// No memory for the values.
    #[error("cannot allocate {0} bytes")]
    Memory(usize),
}

struct ListOr<'a>(&'a [String], &'static str);

impl fmt::Display for ListOr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str(self.1) } else { write!(f, "are `{}`", self.0.join("`, `")) }
    }
}

/// The most characters of a quoted name, as it is printed.
const LONGEST_NAME: usize = 100;

/// A name from a file, made fit to print: escaped, and cut where it is too long.
pub(crate) fn quote(name: &str) -> String {
    let mut quoted = String::new();
    let mut left = LONGEST_NAME;
    for escaped in name.chars().map(char::escape_debug) {
        if escaped.len() > left {
            return quoted + "...";
        }
        left -= escaped.len();
        quoted.extend(escaped);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_names_hold_no_line_breaks_and_are_short() {
        assert_eq!(quote("a\nb\u{1b}[2J"), "a\\nb\\u{1b}[2J");
        assert_eq!(quote(&"x".repeat(100)), "x".repeat(100));
        assert_eq!(quote(&"x".repeat(5000)), "x".repeat(100) + "...");
        assert_eq!(quote(&"\u{1}".repeat(5000)), "\\u{1}".repeat(20) + "...");
    }
}
