//! Tensors of a .safetensors file.
//!
//! In: the whole file. Out: where each tensor lies, in the order of the data. The `safetensors` crate
//! checks the header's size (100 MB), each tensor's size against its shape and type, and that the
//! tensors cover the data without hole or overlap. Three promises it does not check, and these are
//! checked here before it runs: no name twice (its map keeps the last), bounded nesting and lists (it
//! buffers each entry whole), and a bounded number of tensors.

use ::safetensors::{Dtype as Type, SafeTensors};

use super::error::{Problem, quote};
use super::tensor::{Dtype, MAX_RANK, Tensor};
use super::{MAX_NAME, MAX_TENSORS};

/// How many values an entry of the header can have: type, rank sizes, two offsets, and room for more.
const MAX_VALUES: usize = 64;
/// Header, entry, list.
const MAX_DEPTH: usize = 3;
const METADATA: &[u8] = b"__metadata__";

/// Whether a file begins as the format wants: eight bytes of length, then an object.
pub(super) fn is_safetensors(file: &[u8]) -> bool {
    file.get(8) == Some(&b'{')
}

/// The tensors, in the order of their data.
pub(super) fn read(file: &[u8]) -> Result<Vec<(String, Tensor)>, Problem> {
    let wrong = |error: ::safetensors::SafeTensorError| Problem::Safetensors(quote(&error.to_string()));
    let length = file.first_chunk().map(|length| u64::from_le_bytes(*length));
    let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    // Whatever the header's length is wrong about, the crate says.
    let entries = file[8..].get(..length).map(count_entries).transpose()?;
    let (header, metadata) = SafeTensors::read_metadata(file).map_err(wrong)?;

    let infos = metadata.tensors();
    if entries != Some(infos.len() + usize::from(metadata.metadata().is_some())) {
        return Err(Problem::Safetensors("an entry is written twice, or is no tensor".into()));
    }
    let mut tensors = Vec::with_capacity(infos.len());
    for (name, info) in infos {
        if name.len() > MAX_NAME {
            return Err(Problem::Limit { what: "bytes in a tensor's name", limit: MAX_NAME });
        }
        if info.shape.len() > MAX_RANK {
            return Err(Problem::Tensor {
                name: quote(&name),
                what: format!("has rank {}", info.shape.len()),
            });
        }
        let start = 8 + header + info.data_offsets.0;
        let tensor = Tensor { dtype: convert(info.dtype), shape: info.shape.clone(), strides: None, start };
        tensors.push((name, tensor));
    }
    tensors.sort_by(|(name, tensor), (other, next)| (tensor.start, name).cmp(&(next.start, other)));
    Ok(tensors)
}

fn convert(dtype: Type) -> Dtype {
    match dtype {
        Type::F16 => Dtype::F16,
        Type::BF16 => Dtype::Bf16,
        Type::F32 => Dtype::F32,
        Type::F64 => Dtype::F64,
        Type::BOOL | Type::U8 | Type::I8 => Dtype::Integer(1),
        Type::U16 | Type::I16 => Dtype::Integer(2),
        Type::U32 | Type::I32 => Dtype::Integer(4),
        Type::U64 | Type::I64 => Dtype::Integer(8),
        other => Dtype::Other(other.to_string()),
    }
}

/// How many entries the header's object has, `__metadata__` among them, each as often as it is
/// written. Assumes that the header is JSON; what is not is left to the crate.
fn count_entries(header: &[u8]) -> Result<usize, Problem> {
    let (mut depth, mut entries, mut values) = (0_usize, 0, 0);
    let mut in_metadata = false;
    let mut rest = header;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth > 1 && !in_metadata => values += 1,
            b'"' => {
                let text = skip_string(&mut rest);
                // At depth 1 every string is a name: an entry's value is an object.
                if depth == 1 {
                    entries += 1;
                    values = 0;
                    in_metadata = text == METADATA;
                }
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Problem::Safetensors(format!("is nested deeper than {MAX_DEPTH}")));
        }
        if values > MAX_VALUES {
            return Err(Problem::Limit { what: "values in an entry of the header", limit: MAX_VALUES });
        }
        if entries > MAX_TENSORS {
            return Err(Problem::Limit { what: "tensors", limit: MAX_TENSORS });
        }
    }
    Ok(entries)
}

/// The text of a string, escapes as they are; `rest` begins behind the opening quote and then behind
/// the closing one.
fn skip_string<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let from = *rest;
    let mut at = 0;
    while let Some(&byte) = from.get(at) {
        match byte {
            b'"' => {
                *rest = &from[at + 1..];
                return &from[..at];
            }
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    *rest = &[];
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_as_often_as_they_are_written() {
        let header = br#"{"__metadata__":{"a":"x,{\""},"w":{"shape":[1,2]},"\u0077":{"shape":[]}}  "#;
        assert_eq!(count_entries(header), Ok(3));
    }

    #[test]
    fn deep_and_long_entries_are_refused_before_parsing() {
        assert!(count_entries(br#"{"a":{"shape":[[1]]}}"#).is_err());
        let long = format!(r#"{{"a":{{"shape":[{}1]}}}}"#, "1,".repeat(MAX_VALUES + 1));
        assert!(matches!(count_entries(long.as_bytes()), Err(Problem::Limit { .. })));
    }
}
