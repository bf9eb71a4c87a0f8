//! How much memory the readers of checkpoints may take.

/// Bytes that a reader can take for each byte of the file.
pub(crate) const PER_BYTE: usize = 128;
/// Bytes beyond that.
pub(crate) const BEYOND: usize = 256 << 10;
