//! What is said while one file is read.
//!
//! Parsers are functions of their input and may be tried in vain, so they report through this
//! shared log instead of a `&mut Sink`. It bounds what a hostile text can make resnetc say.

use std::cell::{Cell, RefCell};

use crate::diagnostics::{Diagnostic, FileId, MOST_DIAGNOSTICS, Sink, Span};

/// Operators and parentheses that one value may have; what walks a tree recurses this deep at most.
const MOST_TERMS: u32 = 256;

#[derive(Debug)]
pub(super) struct Log {
    file: FileId,
    said: RefCell<Vec<Diagnostic>>,
    terms: Cell<u32>,
    /// A brace whose partner stands at another indentation, and that partner.
    pub crooked: Cell<Option<(Span, Span)>>,
    /// The place up to which openings are known to be unclosed.
    pub unclosed_at: Cell<Option<usize>>,
}

impl Log {
    pub fn new(file: FileId) -> Self {
        Self {
            file,
            said: RefCell::default(),
            terms: Cell::new(0),
            crooked: Cell::new(None),
            unclosed_at: Cell::new(None),
        }
    }

    pub fn span(&self, start: u32, end: u32) -> Span {
        Span { file: self.file, start, end }
    }

    pub fn say(&self, diagnostic: Diagnostic) {
        let mut said = self.said.borrow_mut();
        // One more than are shown, so that it is known that there are more.
        if said.len() <= MOST_DIAGNOSTICS {
            said.push(diagnostic);
        }
    }

    /// Begins to count the operators and parentheses of a value.
    pub fn begin_value(&self) {
        self.terms.set(0);
    }

    /// Counts one; false if that is too many.
    pub fn count_term(&self) -> bool {
        self.terms.update(|n| n + 1);
        self.terms.get() <= MOST_TERMS
    }

    pub fn give(self, sink: &mut Sink) {
        self.said.into_inner().into_iter().for_each(|d| sink.push(d));
    }
}
