//! Tensors and storages from the tuples with which a pickle describes them.
//!
//! In: the values of a pickle and the arguments of a call that is not made. Out: a [`View`] whose
//! every element lies within its storage, with checked arithmetic; or what is wrong, in words.

use super::error::quote;
use super::globals::Global;
use super::object::{Id, Span, StorageView, Value, View};
use super::tensor::{Dtype, MAX_RANK, count_elements};

/// Of a storage's key, in bytes.
const MAX_KEY: usize = 128;

/// A storage's announcement, its key still in the pickle.
pub(super) struct Announced<'a> {
    pub key: &'a [u8],
    pub dtype: Dtype,
    pub len: usize,
}

/// First element and number of elements of a part of a storage.
type Part = (usize, usize);

/// `("storage", type, key, place, length)` or with a sixth element: none, or the part that is meant,
/// `(key, first element, number of elements)`.
pub(super) fn storage<'a>(
    values: &[Value],
    pickle: &'a [u8],
    id: Id,
) -> Result<(Announced<'a>, Option<Part>), String> {
    let Value::Tuple(items) = &values[id as usize] else {
        return Err("a persistent id is no tuple".into());
    };
    let (&[kind, dtype, key, _place, len], part) = (match &**items {
        [first @ .., part] if first.len() == 5 => (first, Some(*part)),
        all => (all, None),
    }) else {
        return Err(format!("a persistent id has {} elements", items.len()));
    };
    let kind = text(values, pickle, kind)?;
    if kind != b"storage" {
        return Err(format!("a persistent id is a `{}`", quote(&String::from_utf8_lossy(kind))));
    }
    let dtype = match &values[dtype as usize] {
        Value::Global(global) => match &**global {
            Global::Storage(dtype) => dtype.clone(),
            other => return Err(format!("a storage's type is {other:?}")),
        },
        _ => return Err("a storage's type is no type".into()),
    };
    let key = text(values, pickle, key)?;
    if key.len() > MAX_KEY {
        return Err(format!("a storage's key has {} bytes", key.len()));
    }
    let len = size(values, len, "a storage's length")?;
    let part = part.map(|part| part_of(values, part, len)).transpose()?.flatten();
    Ok((Announced { key, dtype, len }, part))
}

fn part_of(values: &[Value], part: Id, whole: usize) -> Result<Option<Part>, String> {
    let &[_key, start, len] = (match &values[part as usize] {
        Value::None => return Ok(None),
        Value::Tuple(items) => &**items,
        _ => &[],
    }) else {
        return Err("the part of a storage is no triple".into());
    };
    let start = size(values, start, "the start of a storage's part")?;
    let len = size(values, len, "the length of a storage's part")?;
    match start.checked_add(len) {
        Some(end) if end <= whole => Ok(Some((start, len))),
        _ => Err(format!("elements {start} to {start} + {len} of a storage of {whole}")),
    }
}

/// `(storage, offset, size, stride, ...)`.
pub(super) fn tensor(values: &[Value], arguments: &[Id]) -> Result<View, String> {
    let &[storage, offset, shape, strides, ..] = arguments else {
        return Err(format!("a tensor is made of {} arguments", arguments.len()));
    };
    let Value::Storage(storage) = &values[storage as usize] else {
        return Err("a tensor is made of what is no storage".into());
    };
    let offset = size(values, offset, "a tensor's offset")?;
    let shape = sizes(values, shape, "a tensor's size")?;
    let strides = sizes(values, strides, "a tensor's stride")?;
    if shape.len() != strides.len() {
        return Err(format!("a tensor of size {shape:?} has strides {strides:?}"));
    }
    check_extent(storage, offset, &shape, &strides)?;
    Ok(View { storage: storage.storage, start: storage.start + offset, shape, strides })
}

/// The last element must lie in the storage.
fn check_extent(
    storage: &StorageView,
    offset: usize,
    shape: &[usize],
    strides: &[usize],
) -> Result<(), String> {
    let count = count_elements(shape).ok_or_else(|| format!("a tensor of size {shape:?} is too large"))?;
    let end = if count == 0 {
        Some(offset)
    } else {
        let steps = shape.iter().zip(strides);
        let mut last = steps.map(|(size, stride)| (size - 1).checked_mul(*stride));
        last.try_fold(offset, |last, step| last.checked_add(step?)).and_then(|last| last.checked_add(1))
    };
    match end {
        Some(end) if end <= storage.len => Ok(()),
        _ => Err(format!(
            "a tensor of size {shape:?}, strides {strides:?} and offset {offset} exceeds its storage of {}",
            storage.len
        )),
    }
}

/// `()` or `([(key, value), ...],)`, of at most `limit` pairs.
pub(super) fn pairs(values: &[Value], arguments: &[Id], limit: usize) -> Result<Vec<(Id, Id)>, String> {
    let &[list] = arguments else {
        return if arguments.is_empty() {
            Ok(Vec::new())
        } else {
            Err("a dict is made of two things".into())
        };
    };
    let list: &[Id] = match &values[list as usize] {
        Value::List(list) => list,
        Value::Tuple(tuple) => tuple,
        _ => return Err("a dict is made of what is no list".into()),
    };
    if list.len() > limit {
        return Err("dicts are made of too many pairs".into());
    }
    let pair = |&item: &Id| match &values[item as usize] {
        Value::List(pair) => <[Id; 2]>::try_from(&pair[..]).ok(),
        Value::Tuple(pair) => <[Id; 2]>::try_from(&pair[..]).ok(),
        _ => None,
    };
    let pairs: Option<Vec<_>> = list.iter().map(|item| pair(item).map(|[key, value]| (key, value))).collect();
    pairs.ok_or_else(|| "a dict is made of a list of what are no pairs".into())
}

fn text<'a>(values: &[Value], pickle: &'a [u8], id: Id) -> Result<&'a [u8], String> {
    match &values[id as usize] {
        Value::Text(span) => Ok(Span::of(*span, pickle)),
        _ => Err("a persistent id has something else in place of text".into()),
    }
}

fn size(values: &[Value], id: Id, what: &str) -> Result<usize, String> {
    match values[id as usize] {
        Value::Int(int) => usize::try_from(int).map_err(|_| format!("{what} is {int}")),
        Value::Long(_) => Err(format!("{what} is beyond 64 bits")),
        _ => Err(format!("{what} is no integer")),
    }
}

fn sizes(values: &[Value], id: Id, what: &str) -> Result<Vec<usize>, String> {
    match &values[id as usize] {
        Value::Tuple(items) if items.len() <= MAX_RANK => {
            items.iter().map(|&item| size(values, item, what)).collect()
        }
        Value::Tuple(items) => Err(format!("{what} has rank {}", items.len())),
        _ => Err(format!("{what} is no tuple")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORAGE: StorageView = StorageView { storage: 0, start: 0, len: 6 };

    #[test]
    fn the_last_element_must_lie_in_the_storage() {
        assert!(check_extent(&STORAGE, 0, &[2, 3], &[3, 1]).is_ok());
        assert!(check_extent(&STORAGE, 1, &[2, 3], &[3, 1]).is_err());
        assert!(check_extent(&STORAGE, 0, &[2, 3], &[4, 1]).is_err());
        assert!(check_extent(&STORAGE, 5, &[9], &[0]).is_ok());
        assert!(check_extent(&STORAGE, 6, &[9], &[0]).is_err());
        assert!(check_extent(&STORAGE, 6, &[0], &[1]).is_ok());
    }

    #[test]
    fn overflow_is_outside() {
        assert!(check_extent(&STORAGE, usize::MAX, &[1], &[1]).is_err());
        assert!(check_extent(&STORAGE, 0, &[2], &[usize::MAX]).is_err());
        assert!(check_extent(&STORAGE, 0, &[usize::MAX, 3], &[0, 0]).is_err());
    }
}
