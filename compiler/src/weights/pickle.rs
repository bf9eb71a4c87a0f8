//! A machine for pickles that builds data and calls nothing.
//!
//! In: bytes in which a pickle of protocol 2 to 5 begins. Out: an [`Object`], and where the pickle
//! ends. Only the opcodes that a state dict needs are known; a name that is not on the allow-list
//! ([`globals`]) ends the run where it is named. The number of opcodes is bounded, each
//! makes at most one value of 24 bytes and moves what lies on the stack at most once, so memory is at
//! most about 100 bytes an opcode whatever the pickle says.

use std::collections::HashMap;

use super::MAX_TENSORS;
use super::cursor::Cursor;
use super::error::{Problem, quote};
use super::globals::{self, Global};
use super::object::{Id, Object, Span, Storage, StorageView, Value, View};
use super::rebuild;

/// The largest pickle, in bytes; spans are `u32`.
const MAX_BYTES: usize = 64 << 20;
/// ResNet-1202 with two moments an optimiser keeps has about a third of a million.
const MAX_OPCODES: usize = 2_000_000;
const MAX_STACK: usize = 1_000_000;
const MAX_MARKS: usize = 1_000;
const MAX_MEMO: usize = 1_000_000;
/// Of a name of a Python object, in bytes.
const MAX_GLOBAL: usize = 256;
/// Of an integer, in bytes.
const MAX_LONG: usize = 64;

const NONE: Id = 0;
const TRUE: Id = 1;
const FALSE: Id = 2;
const INERT: Id = 3;
const EMPTY: Id = 4;

/// Runs the pickle that begins at byte `at`; also returns where it ends.
pub(super) fn run(bytes: &[u8], at: usize) -> Result<(Object<'_>, usize), Problem> {
    let rest = bytes.get(at..).unwrap_or_default();
    let pickle = &rest[..rest.len().min(MAX_BYTES)];
    let mut machine = Machine {
        cursor: Cursor::new(pickle, 0),
        at: 0,
        values: vec![
            Value::None,
            Value::Bool(true),
            Value::Bool(false),
            Value::Inert,
            Value::Tuple(Box::default()),
        ],
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        storages: Vec::new(),
        by_key: HashMap::new(),
        tensors: 0,
        copied: 0,
        pickle,
    };
    for _ in 0..MAX_OPCODES {
        if let Some(root) = machine.step()? {
            let end = at + machine.cursor.position();
            let Machine { values, storages, .. } = machine;
            return Ok((Object { pickle, values, root, storages }, end));
        }
    }
    Err(Problem::Limit { what: "opcodes in its pickle", limit: MAX_OPCODES })
}

struct Machine<'a> {
    cursor: Cursor<'a>,
    pickle: &'a [u8],
    /// Where the current opcode lies.
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack; what lies below the last cannot be popped.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    storages: Vec<Storage>,
    by_key: HashMap<&'a [u8], usize>,
    tensors: usize,
    /// Pairs that calls of `OrderedDict` took out of lists.
    copied: usize,
}

impl<'a> Machine<'a> {
    /// Runs an opcode; the result, if it was the last.
    fn step(&mut self) -> Result<Option<Id>, Problem> {
        self.at = self.cursor.position();
        let what = "a pickle";
        match self.cursor.u8(what)? {
            b'.' => return self.pop().map(Some),
            0x80 => self.check_protocol()?,
            // FRAME: a length that only a buffered reader needs.
            0x95 => drop(self.cursor.take(8, what)?),
            b'(' => self.mark()?,
            b'0' => self.discard()?,
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.push(top)?;
            }

            b'N' => self.push(NONE)?,
            0x88 => self.push(TRUE)?,
            0x89 => self.push(FALSE)?,
            b'J' => {
                let int = i32::from_le_bytes(self.cursor.array(what)?);
                self.make(Value::Int(int.into()))?;
            }
            b'K' => {
                let int = self.cursor.u8(what)?;
                self.make(Value::Int(int.into()))?;
            }
            b'M' => {
                let int = self.cursor.u16(what)?;
                self.make(Value::Int(int.into()))?;
            }
            0x8a => {
                let len = self.cursor.u8(what)?;
                self.make_long(len.into())?;
            }
            0x8b => {
                let len = self.cursor.u32(what)?;
                self.make_long(len as usize)?;
            }
            b'G' => {
                self.cursor.take(8, what)?;
                self.push(INERT)?;
            }

            b'U' | 0x8c => {
                let len = self.cursor.u8(what)?;
                self.make_text(len.into())?;
            }
            b'T' | b'X' => {
                let len = self.cursor.u32(what)?;
                self.make_text(len as usize)?;
            }
            0x8d => {
                let len = self.cursor.size(what)?;
                self.make_text(len)?;
            }
            b'C' => {
                let len = self.cursor.u8(what)?;
                self.skip_bytes(len.into())?;
            }
            b'B' => {
                let len = self.cursor.u32(what)?;
                self.skip_bytes(len as usize)?;
            }
            0x8e => {
                let len = self.cursor.size(what)?;
                self.skip_bytes(len)?;
            }

            b')' => self.push(EMPTY)?,
            0x85 => self.make_tuple(1)?,
            0x86 => self.make_tuple(2)?,
            0x87 => self.make_tuple(3)?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.make(Value::Tuple(items.into()))?;
            }
            b']' => self.make(Value::List(Vec::new()))?,
            b'l' => {
                let items = self.pop_to_mark()?;
                self.make(Value::List(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            b'}' => self.make(Value::Dict(Vec::new()))?,
            b'd' => {
                let items = self.pop_to_mark()?;
                self.make(Value::Dict(Vec::new()))?;
                self.insert(&items)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.insert(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.insert(&items)?;
            }
            // EMPTY_SET, ADDITEMS, FROZENSET: their elements are of no use here.
            0x8f => self.push(INERT)?,
            0x90 => drop(self.pop_to_mark()?),
            0x91 => {
                self.pop_to_mark()?;
                self.push(INERT)?;
            }

            b'q' => {
                let index = self.cursor.u8(what)?;
                self.memoize(index.into())?;
            }
            b'r' => {
                let index = self.cursor.u32(what)?;
                self.memoize(index)?;
            }
            0x94 => self.memoize(self.memo.len() as u32)?,
            b'h' => {
                let index = self.cursor.u8(what)?;
                self.recall(index.into())?;
            }
            b'j' => {
                let index = self.cursor.u32(what)?;
                self.recall(index)?;
            }

            b'c' => {
                let module = self.cursor.line(MAX_GLOBAL, "bytes in a name of a Python object")?;
                let name = self.cursor.line(MAX_GLOBAL, "bytes in a name of a Python object")?;
                self.make_global(module, name)?;
            }
            0x93 => {
                let name = self.pop()?;
                let module = self.pop()?;
                self.make_stack_global(module, name)?;
            }
            b'Q' => {
                let id = self.pop()?;
                self.make_storage(id)?;
            }
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let callable = self.pop()?;
                self.build(callable, arguments)?;
            }
            b'b' => self.set_state()?,
            opcode => {
                return Err(self.wrong(format!("opcode {opcode:#04x} is not one that a state dict needs")));
            }
        }
        Ok(None)
    }

    fn wrong(&self, what: impl Into<String>) -> Problem {
        Problem::Pickle { at: self.at, what: what.into() }
    }

    fn check_protocol(&mut self) -> Result<(), Problem> {
        match self.cursor.u8("a pickle")? {
            2..=5 => Ok(()),
            other => Err(self.wrong(format!("protocol {other} is not read, 2 to 5 are"))),
        }
    }

    fn push(&mut self, id: Id) -> Result<(), Problem> {
        if self.stack.len() == MAX_STACK {
            return Err(Problem::Limit { what: "values on its pickle's stack", limit: MAX_STACK });
        }
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, Problem> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn top(&self) -> Result<Id, Problem> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&top) if self.stack.len() > floor => Ok(top),
            _ => Err(self.wrong("takes from an empty stack")),
        }
    }

    fn mark(&mut self) -> Result<(), Problem> {
        if self.marks.len() == MAX_MARKS {
            return Err(Problem::Limit { what: "levels of nesting in its pickle", limit: MAX_MARKS });
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Problem> {
        let floor = self.marks.pop().ok_or_else(|| self.wrong("takes up to a mark that was not made"))?;
        Ok(self.stack.split_off(floor))
    }

    /// POP, which takes a mark if that is what lies on top.
    fn discard(&mut self) -> Result<(), Problem> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn make(&mut self, value: Value) -> Result<(), Problem> {
        let id = self.values.len() as Id;
        self.values.push(value);
        self.push(id)
    }

    fn make_tuple(&mut self, len: usize) -> Result<(), Problem> {
        let mut items = vec![NONE; len];
        for item in items.iter_mut().rev() {
            *item = self.pop()?;
        }
        self.make(Value::Tuple(items.into()))
    }

    fn span(&mut self, len: usize) -> Result<Span, Problem> {
        let start = self.cursor.position();
        self.cursor.take(len, "a string of its pickle")?;
        Ok(Span { start: start as u32, len: len as u32 })
    }

    fn make_text(&mut self, len: usize) -> Result<(), Problem> {
        let span = self.span(len)?;
        self.make(Value::Text(span))
    }

    fn skip_bytes(&mut self, len: usize) -> Result<(), Problem> {
        self.span(len)?;
        self.push(INERT)
    }

    fn make_long(&mut self, len: usize) -> Result<(), Problem> {
        if len > MAX_LONG {
            return Err(Problem::Limit { what: "bytes in an integer", limit: MAX_LONG });
        }
        let span = self.span(len)?;
        let bytes = span.of(self.pickle);
        if len > 8 {
            return self.make(Value::Long(span));
        }
        let sign = if bytes.last().is_some_and(|&byte| byte >= 0x80) { 0xff } else { 0 };
        let mut wide = [sign; 8];
        wide[..len].copy_from_slice(bytes);
        self.make(Value::Int(i64::from_le_bytes(wide)))
    }

    fn append(&mut self, items: &[Id]) -> Result<(), Problem> {
        let list = self.top()?;
        match &mut self.values[list as usize] {
            Value::List(list) => list.extend_from_slice(items),
            Value::Inert => {}
            _ => return Err(self.wrong("appends to what is no list")),
        }
        Ok(())
    }

    fn insert(&mut self, items: &[Id]) -> Result<(), Problem> {
        let dict = self.top()?;
        let (pairs, odd) = items.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(self.wrong("sets a key without a value"));
        }
        match &mut self.values[dict as usize] {
            Value::Dict(dict) => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            Value::Inert => {}
            _ => return Err(self.wrong("sets a key of what is no dict")),
        }
        Ok(())
    }

    fn memoize(&mut self, index: u32) -> Result<(), Problem> {
        let top = self.top()?;
        if self.memo.len() == MAX_MEMO {
            return Err(Problem::Limit { what: "entries in its pickle's memo", limit: MAX_MEMO });
        }
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Result<(), Problem> {
        match self.memo.get(&index) {
            Some(&id) => self.push(id),
            None => Err(self.wrong(format!("memo {index} was not set"))),
        }
    }

    fn make_global(&mut self, module: &[u8], name: &[u8]) -> Result<(), Problem> {
        let (module, name) = (String::from_utf8_lossy(module), String::from_utf8_lossy(name));
        match globals::find(&module, &name) {
            Some(global) => self.make(Value::Global(Box::new(global))),
            None => Err(Problem::Global { name: quote(&format!("{module}.{name}")) }),
        }
    }

    fn make_stack_global(&mut self, module: Id, name: Id) -> Result<(), Problem> {
        match (&self.values[module as usize], &self.values[name as usize]) {
            (&Value::Text(module), &Value::Text(name)) => {
                if module.len.max(name.len) as usize > MAX_GLOBAL {
                    return Err(Problem::Limit {
                        what: "bytes in a name of a Python object",
                        limit: MAX_GLOBAL,
                    });
                }
                self.make_global(module.of(self.pickle), name.of(self.pickle))
            }
            _ => Err(self.wrong("names a Python object by what is no text")),
        }
    }

    /// BINPERSID: `("storage", type, key, place, length)`, in files without an archive with a sixth
    /// element, the part of the storage that is meant.
    fn make_storage(&mut self, id: Id) -> Result<(), Problem> {
        let (storage, part) =
            rebuild::storage(&self.values, self.pickle, id).map_err(|what| self.wrong(what))?;
        let key = storage.key;
        let found = self.by_key.get(key).copied();
        let index = match found {
            Some(index) => {
                let known = &self.storages[index];
                if known.dtype != storage.dtype || known.len != storage.len {
                    return Err(self.wrong(format!("storage `{}` is of two kinds", quote(&known.key))));
                }
                index
            }
            None => {
                if self.storages.len() == MAX_TENSORS {
                    return Err(Problem::Limit { what: "storages", limit: MAX_TENSORS });
                }
                let text =
                    std::str::from_utf8(key).map_err(|_| self.wrong("a storage's key is not UTF-8"))?;
                self.storages.push(Storage { key: text.into(), dtype: storage.dtype, len: storage.len });
                self.by_key.insert(key, self.storages.len() - 1);
                self.storages.len() - 1
            }
        };
        let (start, len) = part.unwrap_or((0, storage.len));
        self.make(Value::Storage(Box::new(StorageView { storage: index, start, len })))
    }

    /// REDUCE and NEWOBJ, without calling anything.
    fn build(&mut self, callable: Id, arguments: Id) -> Result<(), Problem> {
        let global = match &self.values[callable as usize] {
            Value::Global(global) => (**global).clone(),
            Value::Inert => Global::Inert,
            _ => return Err(self.wrong("calls what cannot be called")),
        };
        let Value::Tuple(arguments) = &self.values[arguments as usize] else {
            return Err(self.wrong("calls without a tuple of arguments"));
        };
        match (global, &**arguments) {
            (Global::Inert, _) => self.push(INERT),
            (Global::OrderedDict, arguments) => {
                // Lists can be shared, so that each call copies the same one; an honest pickle has
                // bytes for every pair.
                let room = self.at.saturating_sub(self.copied);
                let pairs = rebuild::pairs(&self.values, arguments, room).map_err(|what| self.wrong(what))?;
                self.copied += pairs.len();
                self.make(Value::Dict(pairs))
            }
            (Global::RebuildTensor, _) if self.tensors == MAX_TENSORS => {
                Err(Problem::Limit { what: "tensors", limit: MAX_TENSORS })
            }
            (Global::RebuildTensor, arguments) => {
                self.tensors += 1;
                let view: View = rebuild::tensor(&self.values, arguments).map_err(|what| self.wrong(what))?;
                self.make(Value::Tensor(Box::new(view)))
            }
            (Global::RebuildParameter, &[tensor, ..])
                if matches!(self.values[tensor as usize], Value::Tensor(_)) =>
            {
                self.push(tensor)
            }
            (Global::Size, &[size]) if matches!(self.values[size as usize], Value::Tuple(_)) => {
                self.push(size)
            }
            (Global::RebuildParameter, _) => Err(self.wrong("a parameter is made of what is no tensor")),
            (Global::Size, _) => Err(self.wrong("a size is made of what is no tuple")),
            (Global::Storage(_), _) => Err(self.wrong("a storage lies in the pickle itself")),
        }
    }

    /// BUILD: attributes of an object, such as a state dict's `_metadata`; none is needed.
    fn set_state(&mut self) -> Result<(), Problem> {
        self.pop()?;
        let object = self.top()?;
        match self.values[object as usize] {
            Value::Dict(_) | Value::Inert => Ok(()),
            _ => Err(self.wrong("sets attributes of what has none")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(pickle: &[u8]) -> Result<Value, Problem> {
        let (object, _) = run(pickle, 0)?;
        let Object { mut values, root, .. } = object;
        Ok(values.swap_remove(root as usize))
    }

    #[test]
    fn integers_of_all_widths_keep_their_sign() {
        let cases: [(&[u8], i64); 6] = [
            (b"K\xff.", 255),
            (b"M\xff\xff.", 65535),
            (b"J\xfe\xff\xff\xff.", -2),
            (b"\x8a\x00.", 0),
            (b"\x8a\x02\x00\x80.", -32768),
            (b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.", i64::MAX),
        ];
        for (pickle, int) in cases {
            assert!(matches!(root(pickle), Ok(Value::Int(found)) if found == int), "{int}");
        }
    }

    #[test]
    fn a_dict_filled_after_it_was_put_in_the_memo_is_the_same_dict() {
        let (object, end) = run(b"\x80\x02}q\0X\x01\0\0\0aK\x01s0h\0.rest", 0).unwrap();
        assert!(matches!(object.value(object.root), Value::Dict(items) if items.len() == 1));
        assert_eq!(end, 18);
    }

    #[test]
    fn an_ordered_dict_of_python_2_is_a_dict() {
        let pickle = b"ccollections\nOrderedDict\n](](U\x01aK\x01e]U\x01baK\x02ae\x85R.";
        assert!(matches!(root(pickle), Ok(Value::Dict(items)) if items.len() == 2));
    }

    #[test]
    fn what_a_training_script_adds_becomes_a_placeholder() {
        let pickle = b"cargparse\nNamespace\n)\x81}X\x02\0\0\0lrG\x3f\xf0\0\0\0\0\0\0sb.";
        assert!(matches!(root(pickle), Ok(Value::Inert)));
    }
}
