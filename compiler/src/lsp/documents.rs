//! The open documents, as the editor has them.

use std::cell::OnceCell;
use std::collections::HashMap;

use lsp_types::{
    Position, Range, TextDocumentContentChangeEvent, TextDocumentItem, TextEdit, Uri, WorkspaceEdit,
};

use super::analysis::Analysis;
use super::text::Text;
use super::uri;
use super::{Answer, Refusal};

/// Every open document, by its address.
#[derive(Default)]
pub struct Documents {
    open: HashMap<String, Document>,
}

/// A document as it stands.
pub struct Document {
    /// Its address.
    pub uri: Uri,
    /// The editor's number of this state.
    pub version: i32,
    /// What it says.
    pub text: Text,
    /// Whether its diagnostics are still those of a state before.
    pub is_new: bool,
    analysis: OnceCell<Analysis>,
}

impl Document {
    fn new(uri: Uri, version: i32, text: Text) -> Self {
        Self { uri, version, text, is_new: true, analysis: OnceCell::new() }
    }

    /// What is known of it; worked out once.
    pub fn analysis(&self) -> &Analysis {
        self.analysis.get_or_init(|| {
            let path = uri::to_path(&self.uri);
            let folder = path.as_deref().and_then(|p| p.parent()).unwrap_or("".as_ref());
            Analysis::new(self.text.as_str().to_owned(), folder.to_owned())
        })
    }

    /// Edits of this document.
    #[allow(clippy::mutable_key_type, reason = "the protocol's type has addresses for keys")]
    pub fn change(&self, edits: Vec<TextEdit>) -> WorkspaceEdit {
        let changes = HashMap::from([(self.uri.clone(), edits)]);
        WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
    }

    /// The byte of a position.
    pub fn offset(&self, position: Position) -> u32 {
        self.text.offset(position) as u32
    }

    /// A span of this document as the protocol has it.
    pub fn range(&self, span: crate::diagnostics::Span) -> Range {
        self.text.range(span.range())
    }
}

impl Documents {
    /// An open document.
    pub fn get(&self, uri: &Uri) -> Answer<&Document> {
        self.open.get(uri.as_str()).ok_or_else(|| Refusal(format!("{} is not open", uri.as_str())))
    }

    /// Takes in a document.
    pub fn open(&mut self, item: TextDocumentItem) {
        let document = Document::new(item.uri.clone(), item.version, Text::new(item.text));
        self.open.insert(item.uri.as_str().to_owned(), document);
    }

    /// Changes a document, one change after the other.
    pub fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
    ) -> Answer<()> {
        let mut text = self.get(uri)?.text.clone();
        for change in changes {
            text = match change.range {
                Some(range) => text.replaced(range, &change.text),
                None => Text::new(change.text),
            };
        }
        self.open.insert(uri.as_str().to_owned(), Document::new(uri.clone(), version, text));
        Ok(())
    }

    /// Forgets a document.
    pub fn close(&mut self, uri: &Uri) {
        self.open.remove(uri.as_str());
    }

    /// Documents whose diagnostics are to be told, which then are no longer new.
    pub fn take_new(&mut self) -> Vec<Uri> {
        let mut new = Vec::new();
        for document in self.open.values_mut() {
            if std::mem::take(&mut document.is_new) {
                new.push(document.uri.clone());
            }
        }
        new
    }
}
