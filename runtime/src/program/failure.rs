//! What stops a subcommand: the cause, and the way out, in one line.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use super::folder::MAX_DEPTH;
use super::terminal::shown;
use crate::npy::NpyError;

/// Why a subcommand could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Model(#[from] crate::Error),
    #[error(
        "the weights file `{name}` is not in {}; put it there, or name it with --weights-file FILE",
        directory.display()
    )]
    NoWeights { name: &'static str, directory: PathBuf },
    #[error("cannot find this program's own file, which holds its weights")]
    Executable(#[source] io::Error),
    #[error("{} does not end with this program's weights; was it stripped or repacked?", shown(path))]
    Appended { path: PathBuf, source: crate::Error },
    #[error("cannot use {}", shown(path))]
    Weights { path: PathBuf, source: crate::Error },
    #[error("cannot read {}", shown(path))]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}", shown(path))]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {} as an array", shown(path))]
    Array { path: PathBuf, source: NpyError },
    #[error("{} has shape {found}; the network takes {expected}, n being any number", shown(path))]
    ArrayShape { path: PathBuf, found: String, expected: String },
    #[error("there is no output `{name}`; the network has {known}")]
    NoOutput { name: String, known: String },
    #[error("`{0}` names no output and file; write NAME=FILE, such as c3=c3.npy")]
    NoAssignment(String),
    #[error("{} is to be written twice; give each output a file of its own", shown(.0))]
    WrittenTwice(PathBuf),
    #[error("the network takes {0} channels, and a picture gives 1 or 3; use infer with an array")]
    NoPictures(usize),
    #[error("the main output has shape {0}, not one value for each class; use infer to get it")]
    NoClasses(String),
    #[error("{failed} of {all} pictures could not be classified (named above); the others are answered")]
    Unreadable { failed: usize, all: usize },
    #[error("none of the {0} files in the class folders is a picture that can be read (named above)")]
    NothingRead(usize),
    #[error("{} has no subfolders; eval wants one for each class, with pictures in it", shown(.0))]
    NoFolders(PathBuf),
    #[error("{} lies in more than {MAX_DEPTH} folders, or a link makes a circle of them", shown(.0))]
    Deep(PathBuf),
    #[error("there are no files in {}", shown(.0))]
    Empty(PathBuf),
    #[error("the class folders of {} hold no files", shown(.0))]
    NoFiles(PathBuf),
    #[error("{folders} cannot be matched with the network's {classes} classes; {way_out}")]
    NoMatch { folders: String, classes: usize, way_out: &'static str },
    #[error("this program runs at most {most} images together, not {asked}; compile it with a larger batch")]
    Batch { most: usize, asked: usize },
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
}

impl Failure {
    /// Whether the reader of the standard output has gone, which is no failure of ours.
    pub(super) fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The message with all its causes, in one line.
    pub(super) fn line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            // Writing to a string does not fail.
            let _ = write!(line, ": {error}");
            cause = error.source();
        }
        line.replace('\n', " ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_file_and_every_cause() {
        let source = NpyError::Io(io::Error::other("the disk is gone"));
        let failure = Failure::Array { path: "x.npy".into(), source };
        assert_eq!(failure.line(), "cannot read x.npy as an array: the disk is gone");
    }

    #[test]
    fn only_a_closed_standard_output_is_quiet() {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(Failure::Output(closed()).is_closed_output());
        assert!(!Failure::Write { path: "y.npy".into(), source: closed() }.is_closed_output());
    }
}
