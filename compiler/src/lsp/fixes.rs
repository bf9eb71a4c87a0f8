//! Quick fixes: the edits that diagnostics know.

use lsp_types::{CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, Range, TextEdit};

use crate::diagnostics::{Diagnostic, Edit};

use super::analysis::OWN;
use super::documents::Document;
use super::{Answer, State, diagnostics};

/// Alternatives that are offered for one mistake.
const MOST: usize = 8;

/// The edits that mend what is wrong within a range of the document.
pub fn actions(state: &State, params: CodeActionParams) -> Answer<Option<Vec<CodeActionOrCommand>>> {
    let document = state.documents.get(&params.text_document.uri)?;
    let wanted = params
        .context
        .only
        .is_none_or(|kinds| kinds.iter().any(|k| k.as_str().is_empty() || *k == CodeActionKind::QUICKFIX));
    if !wanted || state.library.owns(&document.uri) {
        return Ok(None);
    }
    let mut actions = Vec::new();
    for diagnostic in &document.analysis().report().diagnostics {
        let shown = diagnostics::show(state, document, diagnostic);
        if !overlaps(shown.range, params.range) {
            continue;
        }
        let edits = own_edits(diagnostic);
        let is_only = edits.len() == 1;
        for edit in edits.into_iter().take(MOST) {
            actions.push(CodeActionOrCommand::CodeAction(CodeAction {
                title: title(document, edit),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![shown.clone()]),
                edit: Some(document.change(vec![TextEdit {
                    range: document.range(edit.span),
                    new_text: edit.text.clone(),
                }])),
                is_preferred: Some(is_only),
                ..CodeAction::default()
            }));
        }
    }
    Ok(Some(actions))
}

fn overlaps(a: Range, b: Range) -> bool {
    a.start <= b.end && b.start <= a.end
}

fn own_edits(diagnostic: &Diagnostic) -> Vec<&Edit> {
    let edits = diagnostic.help.iter().flat_map(|help| &help.edits);
    edits.filter(|edit| edit.span.file == OWN).collect()
}

fn title(document: &Document, edit: &Edit) -> String {
    let (old, new) = (document.text.as_str()[edit.span.range()].trim(), edit.text.trim());
    match (old.is_empty(), new.is_empty()) {
        (true, _) => format!("insert `{new}`"),
        (false, true) => format!("remove `{old}`"),
        (false, false) => format!("write `{new}` instead of `{old}`"),
    }
}
