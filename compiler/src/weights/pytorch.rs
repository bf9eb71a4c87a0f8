//! Tensors of a PyTorch checkpoint, in either of its forms.
//!
//! In: the whole file. Out: the tensors of its state dict, where they lie. An archive (since 1.6) has
//! the pickle in `data.pkl` and each storage in `data/KEY`. The older form is a row of pickles: a magic
//! number, a version, facts of the machine, the object, the storages' keys; then each storage as a
//! `u64` length and its elements. Tensors can share elements (a stride of 0 repeats one), so what they
//! amount to together is bounded by the file's size.

use std::collections::HashMap;
use std::ops::Range;

use super::cursor::Cursor;
use super::error::{Problem, quote};
use super::object::{Object, Value, View};
use super::tensor::{Dtype, Tensor, count_elements, row_major};
use super::{pickle, wrapper, zip};

/// 0x1950a86a20f9469cfc6c, little-endian.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const VERSION: i64 = 1001;
/// How many elements the tensors of a state dict can have together, per byte of the file. float32
/// that is not shared has a quarter.
const MAX_ELEMENTS_PER_BYTE: usize = 4;

/// Whether a file begins with a pickle of protocol 2 or later.
pub(super) fn is_pickle(file: &[u8]) -> bool {
    matches!(file, [0x80, 2..=5, ..])
}

/// The state dict of an archive.
pub(super) fn read_archive(file: &[u8]) -> Result<Vec<(String, Tensor)>, Problem> {
    let members = zip::read(file)?;
    let compressed = members.iter().find(|member| member.is_compressed).map(|member| member.name);
    let members: HashMap<&str, Range<usize>> =
        members.into_iter().map(|member| (member.name, member.data)).collect();
    let root = find_root(&members)?;
    if let Some(name) = compressed {
        let why =
            "is compressed, and PyTorch stores its members as they are: unpack it, and pack it with `zip -0`";
        return Err(Problem::Archive(format!("member `{}` {why}", quote(name))));
    }
    if let Some(order) = members.get(&*format!("{root}byteorder"))
        && &file[order.clone()] != b"little"
    {
        return Err(Problem::Archive("is of a big-endian machine, which is not read".into()));
    }

    let data = members[&*format!("{root}data.pkl")].clone();
    let (object, end) = pickle::run(&file[data.clone()], 0)?;
    if end != data.len() {
        return Err(Problem::Pickle { at: end, what: "ends before its member does".into() });
    }
    let mut places = Vec::with_capacity(object.storages.len());
    for storage in &object.storages {
        let name = format!("{root}data/{}", storage.key);
        let place = members.get(&*name);
        let place = place.ok_or_else(|| Problem::Archive(format!("has no member `{}`", quote(&name))))?;
        check_size(&storage.key, &storage.dtype, storage.len, place.len())?;
        places.push(place.start);
    }
    collect(file, &object, &places)
}

/// The folder, with its slash, that has `data.pkl`.
fn find_root(members: &HashMap<&str, Range<usize>>) -> Result<String, Problem> {
    let roots = |file: &str| -> Vec<&str> {
        let roots = members.keys().filter_map(|name| name.strip_suffix(file));
        roots.filter(|root| root.find('/').is_none_or(|at| at + 1 == root.len())).collect()
    };
    match roots("data.pkl")[..] {
        [root] if members.contains_key(&*format!("{root}constants.pkl")) => Err(Problem::Archive(
            "is a TorchScript program; save the state dict instead, `torch.save(model.state_dict(), ...)`"
                .into(),
        )),
        [root] => Ok(root.into()),
        [] if members.keys().any(|name| name.ends_with(".npy")) => {
            Err(Problem::Archive("is a numpy .npz file, not a PyTorch checkpoint".into()))
        }
        [] => Err(Problem::Archive("has no member `data.pkl`: it is not a PyTorch checkpoint".into())),
        _ => Err(Problem::Archive("has more than one member `data.pkl`".into())),
    }
}

/// The state dict of a file in the older form.
pub(super) fn read_legacy(file: &[u8]) -> Result<Vec<(String, Tensor)>, Problem> {
    let (magic, at) = pickle::run(file, 0)?;
    match magic.value(magic.root) {
        Value::Long(span) if span.of(magic.pickle) == MAGIC => {}
        _ => return Err(Problem::Unrecognised("is a pickle, but not one of PyTorch's".into())),
    }
    let (version, at) = pickle::run(file, at)?;
    match *version.value(version.root) {
        Value::Int(VERSION) => {}
        _ => return Err(Problem::Pickle { at: 0, what: format!("the version is not {VERSION}") }),
    }
    let (machine, at) = pickle::run(file, at)?;
    check_machine(&machine)?;
    let (object, at) = pickle::run(file, at)?;
    let (keys, at) = pickle::run(file, at)?;
    let places = place_storages(file, at, &object, &keys)?;
    collect(file, &object, &places)
}

fn check_machine(machine: &Object<'_>) -> Result<(), Problem> {
    let big = |&(key, value)| machine.text(key) == Some("little_endian") && !machine.is_true(value);
    match machine.value(machine.root) {
        Value::Dict(items) if items.iter().any(big) => {
            Err(Problem::Archive("is of a big-endian machine, which is not read".into()))
        }
        Value::Dict(_) => Ok(()),
        _ => Err(Problem::Pickle { at: 0, what: "the facts of the machine are no dict".into() }),
    }
}

/// Where the elements of each storage begin; `at` is the first one's length.
fn place_storages(
    file: &[u8],
    at: usize,
    object: &Object<'_>,
    keys: &Object<'_>,
) -> Result<Vec<usize>, Problem> {
    let wrong = |what: String| Problem::Pickle { at: 0, what };
    let Value::List(list) = keys.value(keys.root) else {
        return Err(wrong("the storages' keys are no list".into()));
    };
    let indices = object.storages.iter().enumerate().map(|(index, storage)| (&*storage.key, index));
    let indices: HashMap<&str, usize> = indices.collect();
    let mut places = vec![None; object.storages.len()];
    let mut cursor = Cursor::new(file, at);
    for &key in list {
        let key = keys.text(key).ok_or_else(|| wrong("a storage's key is no text".into()))?;
        let index = indices.get(key).copied().filter(|&index| places[index].is_none());
        let index =
            index.ok_or_else(|| wrong(format!("storage `{}` is unknown or twice there", quote(key))))?;
        let storage = &object.storages[index];
        let len = cursor.size("a storage's length")?;
        if len != storage.len {
            return Err(wrong(format!(
                "storage `{}` has {len} elements in place of {}",
                quote(key),
                storage.len
            )));
        }
        places[index] = Some(cursor.position());
        let size = len.saturating_mul(width(&storage.dtype));
        cursor.take(size, "a storage")?;
    }
    let missing =
        |index: usize| wrong(format!("storage `{}` is missing", quote(&object.storages[index].key)));
    places.into_iter().enumerate().map(|(index, place)| place.ok_or_else(|| missing(index))).collect()
}

/// Size of an element in bytes.
fn width(dtype: &Dtype) -> usize {
    match dtype {
        Dtype::F16 | Dtype::Bf16 => 2,
        Dtype::F32 => 4,
        Dtype::F64 => 8,
        Dtype::Integer(size) => *size,
        // No storage is of such a type.
        Dtype::Other(_) => 1,
    }
}

fn check_size(key: &str, dtype: &Dtype, len: usize, bytes: usize) -> Result<(), Problem> {
    if len.checked_mul(width(dtype)) == Some(bytes) {
        return Ok(());
    }
    let size = width(dtype);
    let what = format!("storage `{}` of {len} elements of {size} bytes has {bytes} bytes", quote(key));
    Err(Problem::Archive(what))
}

/// The tensors of the object's state dict; `places` has where each storage begins.
fn collect(file: &[u8], object: &Object<'_>, places: &[usize]) -> Result<Vec<(String, Tensor)>, Problem> {
    let views = wrapper::find_tensors(object)?;
    let limit = file.len().saturating_mul(MAX_ELEMENTS_PER_BYTE);
    let mut elements = 0_usize;
    let mut tensors = Vec::with_capacity(views.len());
    for (name, view) in views {
        elements = elements.saturating_add(count_elements(&view.shape).unwrap_or(usize::MAX));
        if elements > limit {
            let what = format!(
                "the tensors up to this one have {elements} elements, in a file of {} bytes",
                file.len()
            );
            return Err(Problem::Tensor { name: quote(name), what });
        }
        let dtype = object.storages[view.storage].dtype.clone();
        tensors.push((name.to_owned(), place(view, dtype, places[view.storage])));
    }
    Ok(tensors)
}

fn place(view: &View, dtype: Dtype, storage: usize) -> Tensor {
    let contiguous = view.strides == row_major(&view.shape);
    let start = storage + view.start * width(&dtype);
    Tensor { dtype, shape: view.shape.clone(), strides: (!contiguous).then(|| view.strides.clone()), start }
}
