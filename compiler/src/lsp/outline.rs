//! The symbols of a document: models and blocks, with their parameters, constants and parts.

use lsp_types::{DocumentSymbol, DocumentSymbolParams, DocumentSymbolResponse, SymbolKind};

use crate::diagnostics::Span;
use crate::model::catalogue::{self, Family};
use crate::syntax::ast::{Body, Command, ExprKind, Item, ItemKind, Param, StatementKind};

use super::documents::Document;
use super::{Answer, State};

/// The outline of a document.
pub fn outline(state: &State, params: DocumentSymbolParams) -> Answer<Option<DocumentSymbolResponse>> {
    let document = state.documents.get(&params.text_document.uri)?;
    let items = document.analysis().file().items.iter();
    Ok(Some(DocumentSymbolResponse::Nested(items.map(|i| item(document, i)).collect())))
}

fn item(document: &Document, item: &Item) -> DocumentSymbol {
    let (kind, detail, children) = match &item.kind {
        ItemKind::Model { params, body } => (SymbolKind::CLASS, "model", within(document, params, body)),
        ItemKind::Alias { .. } => (SymbolKind::CLASS, "model", Vec::new()),
        ItemKind::Block { params, body } => (SymbolKind::FUNCTION, "block", within(document, params, body)),
    };
    DocumentSymbol {
        children: Some(children),
        ..symbol(document, &item.name.text, kind, detail, (item.span, item.name.span))
    }
}

fn within(document: &Document, params: &[Param], body: &Body) -> Vec<DocumentSymbol> {
    let param = |p: &Param| {
        let all = p.default.as_ref().map_or(p.name.span, |default| p.name.span.to(default.span));
        symbol(document, &p.name.text, SymbolKind::VARIABLE, "parameter", (all, p.name.span))
    };
    let mut symbols: Vec<_> = params.iter().map(param).collect();
    for statement in &body.statements {
        match &statement.kind {
            StatementKind::Let { name, .. } => {
                let places = (statement.span, name.span);
                symbols.push(symbol(document, &name.text, SymbolKind::CONSTANT, "let", places));
            }
            StatementKind::Command(command) => {
                symbols.extend(part(document, command, statement.span));
            }
            StatementKind::Require { .. }
            | StatementKind::Rename { .. }
            | StatementKind::Repeat { .. }
            | StatementKind::Error => {}
        }
    }
    symbols
}

fn part(document: &Document, command: &Command, span: Span) -> Option<DocumentSymbol> {
    let spec = catalogue::find(&command.word.text).filter(|s| s.family == Family::Part)?;
    let name = command.args.first().and_then(|arg| match &arg.value.kind {
        ExprKind::Path(path) => Some((path.text.as_str(), path.span)),
        _ => None,
    });
    let (name, place) = name.unwrap_or((spec.word, command.word.span));
    Some(symbol(document, name, SymbolKind::NAMESPACE, spec.word, (span, place)))
}

#[allow(deprecated, reason = "the type has a field that must be filled, in the newer way with `tags`")]
fn symbol(
    document: &Document,
    name: &str,
    kind: SymbolKind,
    detail: &str,
    (all, place): (Span, Span),
) -> DocumentSymbol {
    DocumentSymbol {
        name: name.to_owned(),
        detail: Some(detail.to_owned()),
        kind,
        tags: None,
        deprecated: None,
        range: document.range(all),
        selection_range: document.range(place),
        children: None,
    }
}
