//! Trained weights: .safetensors files and PyTorch checkpoints.
//!
//! In: a path. Out: a [`Checkpoint`], whose tensors stay in the mapped file, and with [`join()`] the
//! values that a network wants, as float32.
//!
//! A checkpoint is hostile input. The form is told by content, never by the file's name. Nothing in a
//! file is executed, every length and offset is checked before it is used, and memory is bounded by a
//! multiple of the file's size (see [`read()`]). Tensors are only converted when they are joined, so values
//! that no network wants cost nothing. What is not promised: a file that another process changes while it
//! is mapped can end the process or change the values.

mod cursor;
mod error;
mod globals;
mod hints;
mod join;
mod mismatch;
mod names;
mod object;
mod pickle;
mod pytorch;
mod rebuild;
mod safetensors;
mod tensor;
mod wrapper;
mod zip;

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub(crate) use error::quote;
pub use error::{Problem, ValueProblem, WeightsError};
pub(crate) use join::find;
pub use join::{Rename, Wanted, fit, join};
pub use mismatch::{Extra, Mismatch, Misshaped, Missing};
pub(crate) use names::without_prefix;

use tensor::{Dtype, Tensor};

/// How many tensors a file can have. ResNet-1202 has 7,213, an optimiser twice as many again.
const MAX_TENSORS: usize = 100_000;
/// The longest name of a tensor in bytes.
const MAX_NAME: usize = 1024;

/// The named tensors of a file.
pub struct Checkpoint {
    path: PathBuf,
    bytes: Box<dyn Deref<Target = [u8]> + Send + Sync>,
    digest: [u8; 32],
    tensors: Vec<(String, Tensor)>,
    index: HashMap<String, usize>,
}

/// Reads the names and shapes of a checkpoint's tensors; the values stay where they are.
///
/// In a PyTorch checkpoint the state dict is looked for under the usual keys (`state_dict`,
/// `model_state_dict`, `model`, ... in this order), up to three dicts deep.
///
/// However the file was made, memory is bounded by its size: names, places and structure take at most 128
/// bytes for each byte of the file, and 256 KiB; the tensors together have at most four elements for each
/// byte, of four bytes each when they are [joined](join()), as often as a network wants one. From there to
/// packed weights the bound is the network's: [`Limits`](crate::Limits). A file of half floats whose channels
/// fill their panels takes at most 32 bytes for each of its own in all, Winograd's weights included.
///
/// # Errors
///
/// [`WeightsError::Open`], [`WeightsError::NotAFile`], or [`WeightsError::Content`] if the content is in
/// no form that is read, contradicts itself or exceeds a limit.
pub fn read(path: &Path) -> Result<Checkpoint, WeightsError> {
    let open = |source| WeightsError::Open { path: path.to_path_buf(), source };
    let metadata = std::fs::metadata(path).map_err(open)?;
    if !metadata.is_file() {
        return Err(WeightsError::NotAFile { path: path.to_path_buf() });
    }
    if metadata.len() == 0 {
        return Err(WeightsError::Content { path: path.to_path_buf(), problem: Problem::Empty });
    }
    let bytes = resnetc_runtime::map_file(path).map_err(open)?;
    Checkpoint::new(path.to_path_buf(), Box::new(bytes))
}

fn read_tensors(file: &[u8]) -> Result<Vec<(String, Tensor)>, Problem> {
    if zip::is_zip(file) {
        pytorch::read_archive(file)
    } else if pytorch::is_pickle(file) {
        pytorch::read_legacy(file)
    } else if safetensors::is_safetensors(file) {
        safetensors::read(file)
    } else {
        Err(Problem::Unrecognised(describe(file).into()))
    }
}

/// What a file seems to be, by how it begins.
fn describe(file: &[u8]) -> &'static str {
    const KNOWN: [(&[u8], &str); 9] = [
        (b"\x1f\x8b", "is compressed with gzip: unpack it first"),
        (b"\x28\xb5\x2f\xfd", "is compressed with zstd: unpack it first"),
        (b"BZh", "is compressed with bzip2: unpack it first"),
        (b"\xfd7zXZ", "is compressed with xz: unpack it first"),
        (b"version https://git-lfs", "is a Git LFS pointer, not the file itself: run `git lfs pull`"),
        (b"\x89HDF\r\n", "is an HDF5 file (Keras)"),
        (b"\x93NUMPY", "is a numpy .npy file"),
        (b"GGUF", "is a GGUF file"),
        (b"<", "is a web page or XML, perhaps the error page of a download"),
    ];
    let known = KNOWN.iter().find(|(magic, _)| file.starts_with(magic));
    // An ONNX file is a protocol buffer that begins with its version, field 1, then text, field 2.
    let is_onnx = matches!(file, [0x08, 1..=32, 0x12, ..] | [0x08, 1..=32, 0x3a, ..]);
    let is_tar = file.get(257..262) == Some(b"ustar");
    match known {
        Some((_, what)) => what,
        None if is_onnx => "is an ONNX file",
        None if is_tar => "is a tar archive (or a PyTorch checkpoint from before 0.1.10)",
        None if file.iter().take(512).all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')) => {
            "is a text file"
        }
        None => "is in no known form",
    }
}

impl Checkpoint {
    fn new(path: PathBuf, bytes: Box<dyn Deref<Target = [u8]> + Send + Sync>) -> Result<Self, WeightsError> {
        let content = |problem| WeightsError::Content { path: path.clone(), problem };
        let tensors = read_tensors(&bytes).map_err(content)?;
        let digest = Sha256::digest(&**bytes).into();
        Ok(Self::assemble(path, bytes, digest, tensors))
    }

    fn assemble(
        path: PathBuf,
        bytes: Box<dyn Deref<Target = [u8]> + Send + Sync>,
        digest: [u8; 32],
        tensors: Vec<(String, Tensor)>,
    ) -> Self {
        let index = tensors.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)).collect();
        Self { path, bytes, digest, tensors, index }
    }

    /// A checkpoint of given names, shapes and row-major values, as tests want it. Of two tensors of the
    /// same name the last counts.
    pub fn from_tensors(tensors: impl IntoIterator<Item = (String, Vec<usize>, Vec<f32>)>) -> Self {
        let mut bytes = Vec::new();
        let mut shapes = Vec::new();
        for (name, shape, values) in tensors {
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            shapes.push((name, shape));
        }
        Self::from_bytes(shapes, bytes)
    }

    /// The same, of tensors whose little-endian singles lie one behind the other.
    pub(crate) fn from_bytes(shapes: impl IntoIterator<Item = (String, Vec<usize>)>, bytes: Vec<u8>) -> Self {
        let mut hash = Sha256::new();
        let mut start = 0;
        let mut placed = Vec::new();
        for (name, shape) in shapes {
            hash.update(format!("{name:?} {shape:?}"));
            let end = start + size_of::<f32>() * shape.iter().product::<usize>();
            placed.push((name, Tensor { dtype: Dtype::F32, shape, strides: None, start }));
            start = end;
        }
        hash.update(&bytes);
        Self::assemble("tensors in memory".into(), Box::new(bytes), hash.finalize().into(), placed)
    }

    /// A checkpoint of names and shapes alone, whose values cannot be read: enough for [`fit`] and for
    /// [`crate::import`].
    pub fn from_shapes(tensors: impl IntoIterator<Item = (String, Vec<usize>)>) -> Self {
        let beyond = |shape| Tensor { dtype: Dtype::F32, shape, strides: None, start: 1 };
        let placed: Vec<_> = tensors.into_iter().map(|(name, shape)| (name, beyond(shape))).collect();
        let digest = Sha256::digest(format!("{:?}", placed.iter().map(|t| &t.0).collect::<Vec<_>>()));
        Self::assemble("shapes in memory".into(), Box::new(Vec::new()), digest.into(), placed)
    }

    /// The names, in the file's order. Prefixes such as `module.` are part of them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.iter().map(|(name, _)| &**name)
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.get(name).map(|tensor| &*tensor.shape)
    }

    /// The values of a tensor, row-major.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Values`] if there is no such tensor, it is of a type that is not read, or a value is not
    /// finite.
    pub fn read(&self, name: &str) -> Result<Vec<f32>, WeightsError> {
        self.values(name).map_err(|problem| WeightsError::Values {
            path: self.path.clone(),
            tensor: quote(name),
            problem,
        })
    }

    /// SHA-256 of the file's bytes.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of weights, in the file's order: no counts such as `num_batches_tracked`, which
    /// [`join()`] may leave over.
    pub(crate) fn weight_names(&self) -> impl Iterator<Item = &str> {
        self.names().filter(|name| !join::is_harmless(name, self))
    }

    fn get(&self, name: &str) -> Option<&Tensor> {
        self.index.get(name).map(|&index| &self.tensors[index].1)
    }

    fn find_name(&self, name: &str) -> Option<&str> {
        self.index.get_key_value(name).map(|(name, _)| &**name)
    }

    fn is_float(&self, name: &str) -> bool {
        self.get(name).is_some_and(Tensor::is_float)
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ValueProblem> {
        self.get(name).ok_or(ValueProblem::Outside)?.read(&self.bytes)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint").field("path", &self.path).field("tensors", &self.tensors.len()).finish()
    }
}
