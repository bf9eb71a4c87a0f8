//! Arrays of floats in NumPy's `.npy` format, versions 1 to 3.
//!
//! In: a stream that begins with a header. Out: its shape, then values as `f32`, as many at a time
//! as the caller has room for. Read are `<f4` and `<f8` in C order, written is `<f4`. The header is
//! a Python dictionary literal of three known keys, which is all that is parsed here; nothing that
//! it says makes this file take memory.

use std::io::{self, Read, Write};

use crate::weights::each_part;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The longest header that is read, in bytes; NumPy writes 118 or so.
const MAX_HEADER: usize = 1 << 16;

/// The most dimensions that an array may have, as in NumPy.
const MAX_DIMENSIONS: usize = 64;

/// Values that are converted at once: memory does not grow with the array.
const PART: usize = 1 << 14;

/// Why a stream is not an array that is read here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The first bytes are not those of an array.
    #[error("this is not a .npy file")]
    Magic,
    /// A format version from the future.
    #[error("version {0}.{1} of the .npy format is not read, only 1 to 3")]
    Version(u8, u8),
    /// A header that is no dictionary of descr, fortran_order and shape.
    #[error("the .npy header is damaged: {0}")]
    Header(&'static str),
    /// Another element type.
    #[error(
        "the array has dtype `{0}`; float32 and float64, little-endian, are read: save it with .astype('<f4')"
    )]
    Dtype(String),
    /// Columns first.
    #[error("the array is in Fortran order; save it with numpy.ascontiguousarray")]
    FortranOrder,
    /// More elements than a machine can address.
    #[error("the array's shape is beyond any memory")]
    Shape,
    /// Fewer values than the shape says.
    #[error("the array is cut short")]
    Truncated,
}

/// An array that is being read.
#[derive(Debug)]
pub struct NpyReader<R> {
    source: R,
    shape: Vec<usize>,
    width: Width,
    /// Values not yet read.
    left: usize,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Width {
    F4,
    F8,
}

impl<R: Read> NpyReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// Any [`NpyError`].
    pub fn new(mut source: R) -> Result<Self, NpyError> {
        let mut lead = [0; 8];
        read_all(&mut source, &mut lead).map_err(|error| match error {
            NpyError::Truncated => NpyError::Magic,
            other => other,
        })?;
        if lead[..6] != *MAGIC {
            return Err(NpyError::Magic);
        }
        let length = match lead[6] {
            1 => {
                let mut length = [0; 2];
                read_all(&mut source, &mut length)?;
                usize::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                read_all(&mut source, &mut length)?;
                u32::from_le_bytes(length) as usize
            }
            major => return Err(NpyError::Version(major, lead[7])),
        };
        if length > MAX_HEADER {
            return Err(NpyError::Header("it is too long"));
        }
        let mut text = vec![0; length];
        read_all(&mut source, &mut text)?;
        let text = str::from_utf8(&text).map_err(|_| NpyError::Header("it is not text"))?;
        let Header { descr, fortran, shape } = Header::parse(text)?;
        let width = match descr.as_str() {
            "<f4" => Width::F4,
            "<f8" => Width::F8,
            _ => return Err(NpyError::Dtype(descr)),
        };
        if fortran && shape.iter().filter(|&&length| length > 1).count() > 1 {
            return Err(NpyError::FortranOrder);
        }
        let values = shape.iter().try_fold(8_usize, |product, &length| product.checked_mul(length));
        let left = values.ok_or(NpyError::Shape)? / 8;
        Ok(Self { source, shape, width, left, bytes: Vec::new() })
    }

    /// The array's dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Fills `out` with the next values, `f64` rounded to `f32`.
    ///
    /// # Errors
    ///
    /// [`NpyError::Truncated`] if the array has fewer left, and errors of the stream.
    pub fn read(&mut self, out: &mut [f32]) -> Result<(), NpyError> {
        self.left = self.left.checked_sub(out.len()).ok_or(NpyError::Truncated)?;
        let width = match self.width {
            Width::F4 => 4,
            Width::F8 => 8,
        };
        for out in out.chunks_mut(PART) {
            self.bytes.resize(out.len() * width, 0);
            read_all(&mut self.source, &mut self.bytes)?;
            match self.width {
                Width::F4 => {
                    for (out, &bytes) in out.iter_mut().zip(self.bytes.as_chunks().0) {
                        *out = f32::from_le_bytes(bytes);
                    }
                }
                Width::F8 => {
                    for (out, &bytes) in out.iter_mut().zip(self.bytes.as_chunks().0) {
                        *out = f64::from_le_bytes(bytes) as f32;
                    }
                }
            }
        }
        Ok(())
    }
}

/// `read_exact`, with a stream's early end told apart from its failure.
fn read_all(source: &mut impl Read, bytes: &mut [u8]) -> Result<(), NpyError> {
    source.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => NpyError::Truncated,
        _ => NpyError::Io(error),
    })
}

/// Writes the header of an `<f4` array in C order; the values follow with [`write_values`].
///
/// # Errors
///
/// Those of the stream.
pub fn write_header(out: &mut impl Write, shape: &[usize]) -> io::Result<()> {
    let mut lengths: Vec<_> = shape.iter().map(usize::to_string).collect();
    if lengths.len() == 1 {
        lengths.push(String::new());
    }
    let lengths = lengths.join(", ");
    let lengths = lengths.trim_end_matches(' ');
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({lengths}), }}");
    // Magic, version, length and text fill a multiple of 64 bytes; the text ends with a newline.
    let whole = (10 + text.len() + 1).next_multiple_of(64);
    text.push_str(&" ".repeat(whole - 11 - text.len()));
    text.push('\n');
    let length = u16::try_from(text.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "too many dimensions for .npy"))?;
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0])?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(text.as_bytes())
}

/// Writes values behind a header.
///
/// # Errors
///
/// Those of the stream.
pub fn write_values(out: &mut impl Write, values: &[f32]) -> io::Result<()> {
    each_part(values, |bytes| out.write_all(bytes))
}

struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }`, keys in any order.
    fn parse(text: &str) -> Result<Self, NpyError> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        let mut rest = Cursor(text);
        rest.take("{")?;
        while !rest.accept("}") {
            match rest.quoted()? {
                "descr" => {
                    rest.take(":")?;
                    if rest.accept("[") {
                        return Err(NpyError::Dtype("structured".into()));
                    }
                    descr = Some(rest.quoted()?.to_owned());
                }
                "fortran_order" => {
                    rest.take(":")?;
                    fortran = Some(rest.accept("True") || !rest.take("False").map(|()| true)?);
                }
                "shape" => {
                    rest.take(":")?;
                    shape = Some(rest.tuple()?);
                }
                _ => return Err(NpyError::Header("it has an unknown key")),
            }
            if !rest.accept(",") {
                rest.take("}")?;
                break;
            }
        }
        match (descr, fortran, shape) {
            (Some(descr), Some(fortran), Some(shape)) => Ok(Self { descr, fortran, shape }),
            _ => Err(NpyError::Header("descr, fortran_order or shape is missing")),
        }
    }
}

/// What is left of the header's text.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn accept(&mut self, token: &str) -> bool {
        match self.0.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn take(&mut self, token: &'static str) -> Result<(), NpyError> {
        match self.accept(token) {
            true => Ok(()),
            false => Err(NpyError::Header("it is no dictionary as NumPy writes it")),
        }
    }

    /// A string in either quotation mark, without escapes.
    fn quoted(&mut self) -> Result<&'a str, NpyError> {
        let mark = if self.accept("\"") { '"' } else { '\'' };
        if mark == '\'' {
            self.take("'")?;
        }
        let (text, rest) = self.0.split_once(mark).ok_or(NpyError::Header("a string has no end"))?;
        self.0 = rest;
        Ok(text)
    }

    /// A tuple of non-negative integers.
    fn tuple(&mut self) -> Result<Vec<usize>, NpyError> {
        let mut lengths = Vec::new();
        self.take("(")?;
        while !self.accept(")") {
            if lengths.len() == MAX_DIMENSIONS {
                return Err(NpyError::Header("it has too many dimensions"));
            }
            let text = self.0.trim_start();
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let (digits, rest) = text.split_at(end);
            if digits.is_empty() {
                return Err(NpyError::Header("its shape is no tuple of lengths"));
            }
            lengths.push(digits.parse().map_err(|_| NpyError::Shape)?);
            self.0 = rest;
            if !self.accept(",") {
                self.take(")")?;
                break;
            }
        }
        Ok(lengths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((header.len() as u16).to_le_bytes()),
            _ => bytes.extend((header.len() as u32).to_le_bytes()),
        }
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn open(descr: &str, order: &str, shape: &str) -> Result<Vec<usize>, NpyError> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        NpyReader::new(file(1, &header, &[]).as_slice()).map(|reader| reader.shape().to_vec())
    }

    #[test]
    fn what_is_written_is_read_back() {
        for shape in [&[][..], &[3], &[2, 3], &[0, 5], &[1, 2, 3, 4]] {
            let values: Vec<f32> = (0..shape.iter().product()).map(|at| at as f32 - 1.5).collect();
            let mut bytes = Vec::new();
            write_header(&mut bytes, shape).expect("a vector takes all");
            assert_eq!(bytes.len() % 64, 0, "NumPy aligns the values");
            write_values(&mut bytes, &values).expect("a vector takes all");
            let mut reader = NpyReader::new(bytes.as_slice()).expect("reads back");
            assert_eq!(reader.shape(), shape);
            let mut back = vec![0.0; values.len()];
            reader.read(&mut back).expect("all values");
            assert_eq!(back, values);
            assert!(matches!(reader.read(&mut [0.0]), Err(NpyError::Truncated)));
        }
    }

    #[test]
    fn the_header_is_as_numpy_writes_it() {
        let mut bytes = Vec::new();
        write_header(&mut bytes, &[3]).expect("a vector takes all");
        let text = b"\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
        assert_eq!(bytes[..text.len()], *text);
        assert_eq!(bytes.last(), Some(&b'\n'));
    }

    #[test]
    fn doubles_and_all_versions_are_read() {
        for version in 1..=3 {
            let header = "{\"shape\": (1,), \"descr\": \"<f8\", \"fortran_order\": True}";
            let bytes = file(version, header, &0.1_f64.to_le_bytes());
            let mut value = [0.0];
            NpyReader::new(bytes.as_slice()).and_then(|mut reader| reader.read(&mut value)).expect("reads");
            assert_eq!(value, [0.1]);
        }
    }

    #[test]
    fn other_arrays_are_refused_by_name() {
        assert!(matches!(open(">f4", "False", "(1,)"), Err(NpyError::Dtype(_))));
        assert!(matches!(open("|u1", "False", "(1,)"), Err(NpyError::Dtype(_))));
        assert!(matches!(open("<f4", "True", "(2, 2)"), Err(NpyError::FortranOrder)));
        assert!(matches!(NpyReader::new(&b"PK\x03\x04 a zip file"[..]), Err(NpyError::Magic)));
        assert!(matches!(NpyReader::new(file(9, "", &[]).as_slice()), Err(NpyError::Version(9, 0))));
    }

    #[test]
    fn absurd_shapes_take_no_memory() {
        let largest = usize::MAX;
        assert!(matches!(open("<f4", "False", &format!("({largest}, 2)")), Err(NpyError::Shape)));
        assert!(matches!(open("<f4", "False", "(99999999999999999999999,)"), Err(NpyError::Shape)));
        assert!(matches!(open("<f4", "False", "(-1,)"), Err(NpyError::Header(_))));
        assert!(matches!(open("<f4", "False", &format!("({})", "1,".repeat(65))), Err(NpyError::Header(_))));
    }

    #[test]
    fn every_cut_of_a_file_is_an_error() {
        let mut bytes = Vec::new();
        write_header(&mut bytes, &[2]).expect("a vector takes all");
        write_values(&mut bytes, &[1.0, 2.0]).expect("a vector takes all");
        for length in 0..bytes.len() {
            let read = NpyReader::new(&bytes[..length]).and_then(|mut reader| reader.read(&mut [0.0; 2]));
            assert!(read.is_err(), "{length} of {}", bytes.len());
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(text in "[{}'(), :a-z0-9<TF]{0,80}", version in 0..5_u8) {
            let _ = NpyReader::new(file(version, &text, &[]).as_slice());
        }
    }
}
