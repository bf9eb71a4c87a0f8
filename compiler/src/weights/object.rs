//! What a pickle describes, as data.
//!
//! Values lie in one list and refer to each other by index, so that sharing and cycles cost nothing,
//! nothing recurses, and dropping a deeply nested object is flat. Text stays in the pickle's bytes.

use super::globals::Global;
use super::tensor::Dtype;

/// Index of a value.
pub(super) type Id = u32;

/// A range of the pickle's bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub start: u32,
    pub len: u32,
}

/// A value. Floats, sets and whatever else no state dict needs are [`Value::Inert`].
#[derive(Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than eight bytes, little-endian.
    Long(Span),
    /// A string; valid UTF-8 only if asked.
    Text(Span),
    Tuple(Box<[Id]>),
    List(Vec<Id>),
    /// In the order of insertion; a key can occur twice.
    Dict(Vec<(Id, Id)>),
    Global(Box<Global>),
    Storage(Box<StorageView>),
    Tensor(Box<View>),
    Inert,
}

/// A storage as the pickle announces it; its bytes lie elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Storage {
    pub key: String,
    pub dtype: Dtype,
    /// In elements.
    pub len: usize,
}

/// A part of a storage: all of it, but for files from before PyTorch 0.4.
#[derive(Debug, Clone, Copy)]
pub(super) struct StorageView {
    /// Index into [`Object::storages`].
    pub storage: usize,
    /// First element.
    pub start: usize,
    /// Number of elements.
    pub len: usize,
}

/// A tensor over a storage, every element of which lies within it.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// Index into [`Object::storages`].
    pub storage: usize,
    /// The storage's element that is the tensor's first.
    pub start: usize,
    pub shape: Vec<usize>,
    /// In elements, as many as sizes.
    pub strides: Vec<usize>,
}

/// A pickle's result.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub pickle: &'a [u8],
    pub values: Vec<Value>,
    pub root: Id,
    pub storages: Vec<Storage>,
}

impl<'a> Object<'a> {
    /// A value.
    pub(super) fn value(&self, id: Id) -> &Value {
        &self.values[id as usize]
    }

    /// Whether a value is `True`.
    pub(super) fn is_true(&self, id: Id) -> bool {
        matches!(self.value(id), Value::Bool(true))
    }

    /// A value as text.
    pub(super) fn text(&self, id: Id) -> Option<&'a str> {
        match self.value(id) {
            Value::Text(span) => std::str::from_utf8(span.of(self.pickle)).ok(),
            _ => None,
        }
    }
}

impl Span {
    /// The bytes; a span is only made of bytes that were read.
    pub(super) fn of(self, pickle: &[u8]) -> &[u8] {
        &pickle[self.start as usize..][..self.len as usize]
    }
}
