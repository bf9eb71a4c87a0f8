//! Everything that can go wrong between a plan and its results, as one enum.

use std::io;
use std::path::PathBuf;

use crate::isa::Level;
use crate::verify::Invalid;

/// Why a model could not be made, or a session could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The weights file could not be opened or mapped.
    #[error("cannot read the weights from {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes do not begin as packed weights do.
    #[error("these are not packed weights: the magic `resnetcw` is missing")]
    Magic,
    /// Packed weights of another format.
    #[error("the packed weights have version {found}, this program reads version {expected}")]
    Version {
        /// What the file says.
        found: u32,
        /// What is read here.
        expected: u32,
    },
    /// Packed weights that are whole, and were made for another plan.
    #[error(
        "the packed weights belong to another network, checkpoint, precision or layout (the digests differ): \
         use those that were built with this program"
    )]
    Digest,
    /// Packed weights of which bytes have changed since they were written.
    #[error("the packed weights are damaged: build or copy them again")]
    Damaged,
    /// Packed weights that are cut off, or too long.
    #[error("the packed weights have {found} bytes, {expected} are needed: they are cut off, or not alone")]
    Length {
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// The plan breaks a rule that the kernels rely on.
    #[error(transparent)]
    Plan(#[from] Invalid),
    /// The input is no whole number of images, or none, or more than were planned for.
    #[error("got {found} values; a run takes 1 to {batch} images of {image} values each")]
    Input {
        /// Values given.
        found: usize,
        /// Values in one image.
        image: usize,
        /// The largest number of images.
        batch: usize,
    },
    /// An instruction set that this machine does not have.
    #[error("this machine cannot run {} code; it can run {}", .0.name(), Level::list_available())]
    Unavailable(Level),
    /// `RESNETC_ISA` names nothing that is known.
    #[error("RESNETC_ISA is `{0}`; it may be avx512, avx2, neon or portable")]
    UnknownIsa(String),
    /// No memory for the arena.
    #[error("cannot allocate {0} bytes")]
    Memory(usize),
    /// A session wants at least one thread, and no more than 1024.
    #[error("a session takes 1 to 1024 threads, not {0}")]
    Threads(usize),
    /// The system gave no thread.
    #[error("cannot start a thread")]
    Spawn(#[source] io::Error),
    /// A kernel panicked, which is a defect of the runtime. The session can be used again.
    #[error("a kernel panicked; this is a defect of resnetc")]
    Panicked,
}
