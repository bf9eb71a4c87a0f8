//! Shapes at the ends of lines.

use std::collections::BTreeMap;

use lsp_types::{InlayHint, InlayHintLabel, InlayHintParams};

use crate::diagnostics::Span;
use crate::model::residual::show;
use crate::syntax::ast::Statement;

use super::documents::Document;
use super::{Answer, State};

/// What the last statement that ends on each line of a range gives; nothing where that is not known.
pub fn hints(state: &State, params: InlayHintParams) -> Answer<Option<Vec<InlayHint>>> {
    let document = state.documents.get(&params.text_document.uri)?;
    let mut last: BTreeMap<usize, Span> = BTreeMap::new();
    for Statement { span, .. } in document.analysis().statements() {
        if document.analysis().instances().has_run(*span) {
            let line = last_line(document, *span);
            // Braces end with or behind what is in them, and come first here.
            if last.get(&line).is_none_or(|known| known.end <= span.end) {
                last.insert(line, *span);
            }
        }
    }
    let asked = params.range.start.line as usize..=params.range.end.line as usize;
    let shown = last.into_iter().filter(|(line, _)| asked.contains(line));
    Ok(Some(shown.filter_map(|(_, span)| hint(document, span)).collect()))
}

fn hint(document: &Document, span: Span) -> Option<InlayHint> {
    let (first, is_same) = document.analysis().instances().output(span)?;
    let label = if is_same { show(first) } else { format!("{}, …", show(first)) };
    let line = document.text.line(last_line(document, span));
    Some(InlayHint {
        position: document.text.position(line.end),
        label: InlayHintLabel::String(label),
        kind: None,
        text_edits: None,
        tooltip: None,
        padding_left: Some(true),
        padding_right: None,
        data: None,
    })
}

fn last_line(document: &Document, span: Span) -> usize {
    document.text.line_of(span.end.saturating_sub(1) as usize)
}
