//! From a name to its definition and its other uses.

use lsp_types::{
    DocumentHighlight, DocumentHighlightParams, GotoDefinitionParams, GotoDefinitionResponse, Location,
    ReferenceParams, TextDocumentPositionParams,
};

use super::diagnostics::location;
use super::documents::Document;
use super::names::{Symbol, Use};
use super::{Answer, State};

/// Where what is named here is defined; a standard block in a file of the compiler's.
pub fn definition(state: &State, params: GotoDefinitionParams) -> Answer<Option<GotoDefinitionResponse>> {
    let Some((document, _, symbol)) = named(state, &params.text_document_position_params)? else {
        return Ok(None);
    };
    Ok(location(state, document, symbol.place).map(GotoDefinitionResponse::Scalar))
}

/// Every place in the document that names what is named here.
pub fn references(state: &State, params: ReferenceParams) -> Answer<Option<Vec<Location>>> {
    let Some((document, used, symbol)) = named(state, &params.text_document_position)? else {
        return Ok(None);
    };
    let definition = (!params.context.include_declaration).then_some(symbol.place);
    let uses = document.analysis().names().uses_of(used.symbol);
    let shown = uses.filter(|u| Some(u.span) != definition);
    Ok(Some(shown.map(|u| Location { uri: document.uri.clone(), range: document.range(u.span) }).collect()))
}

/// The same places, to be marked.
pub fn highlights(state: &State, params: DocumentHighlightParams) -> Answer<Option<Vec<DocumentHighlight>>> {
    let Some((document, used, _)) = named(state, &params.text_document_position_params)? else {
        return Ok(None);
    };
    let uses = document.analysis().names().uses_of(used.symbol);
    Ok(Some(uses.map(|u| DocumentHighlight { range: document.range(u.span), kind: None }).collect()))
}

/// What is named at a position.
pub fn named<'a>(
    state: &'a State,
    place: &TextDocumentPositionParams,
) -> Answer<Option<(&'a Document, &'a Use, &'a Symbol)>> {
    let document = state.documents.get(&place.text_document.uri)?;
    let offset = document.offset(place.position);
    Ok(document.analysis().names().at(offset).map(|(used, symbol)| (document, used, symbol)))
}
