//! The one format, as an edit.

use lsp_types::{DocumentFormattingParams, TextEdit};

use crate::syntax;

use super::{Answer, State};

/// What brings a document into the one format; nothing if not all of it can be read.
pub fn format(state: &State, params: DocumentFormattingParams) -> Answer<Option<Vec<TextEdit>>> {
    let document = state.documents.get(&params.text_document.uri)?;
    let analysis = document.analysis();
    if !analysis.is_well_formed() || state.library.owns(&document.uri) {
        return Ok(None);
    }
    let formatted = syntax::format(analysis.file());
    Ok(Some(document.text.edit_to(&formatted).into_iter().collect()))
}
