//! Renaming: every use of a name at once, if the new one means the same everywhere.

use lsp_types::{PrepareRenameResponse, RenameParams, TextDocumentPositionParams, TextEdit, WorkspaceEdit};

use crate::model::catalogue::COMMANDS;

use super::analysis::{Analysis, OWN};
use super::names::{Kind, Names, Symbol};
use super::navigation::named;
use super::{Answer, Refusal, State};

/// Whether there is something to rename here.
pub fn prepare(state: &State, params: TextDocumentPositionParams) -> Answer<Option<PrepareRenameResponse>> {
    let Some((document, used, symbol)) = named(state, &params)? else { return Ok(None) };
    check_owner(state, &document.uri, symbol)?;
    let range = document.range(used.span);
    Ok(Some(PrepareRenameResponse::RangeWithPlaceholder { range, placeholder: symbol.name.clone() }))
}

/// The edits of a renaming.
pub fn rename(state: &State, params: RenameParams) -> Answer<Option<WorkspaceEdit>> {
    let Some((document, used, symbol)) = named(state, &params.text_document_position)? else {
        return Err(Refusal("nothing is named here".to_owned()));
    };
    check_owner(state, &document.uri, symbol)?;
    let analysis = document.analysis();
    let new = params.new_name;
    check_name(analysis, symbol, &new)?;
    let edits = analysis.names().uses_of(used.symbol).map(|u| TextEdit {
        range: document.range(u.span),
        // A bare `groups` is the option's name too, which stays.
        new_text: if u.is_option { format!("{} {new}", symbol.name) } else { new.clone() },
    });
    Ok(Some(document.change(edits.collect())))
}

fn check_owner(state: &State, uri: &lsp_types::Uri, symbol: &Symbol) -> Answer<()> {
    if symbol.place.file != OWN || state.library.owns(uri) {
        return Err(Refusal(format!("`{}` is the compiler's own", symbol.name)));
    }
    Ok(())
}

/// Refuses a name that is none, or that already means something where this one is used.
fn check_name(analysis: &Analysis, symbol: &Symbol, new: &str) -> Answer<()> {
    let mut letters = new.chars();
    let is_word = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_word {
        return Err(Refusal(format!("`{new}` is no name: names are letters, digits and `_`")));
    }
    if matches!(new, "as" | "of" | "true" | "false") {
        return Err(Refusal(format!("`{new}` is a word of the language")));
    }
    if new != symbol.name && is_taken(analysis.names(), symbol, new) {
        return Err(Refusal(format!("`{new}` is taken")));
    }
    Ok(())
}

/// Whether a word that stands alone can be an option: a variable of that name would be taken for it.
fn is_option(word: &str) -> bool {
    let args = COMMANDS.iter().flat_map(|command| command.args);
    args.filter(|arg| !arg.positional).any(|arg| arg.name == word)
}

/// Whether a name of the document is already called so, and could be meant in place of the symbol.
fn is_taken(names: &Names, symbol: &Symbol, new: &str) -> bool {
    let kinds: &[Kind] = match symbol.kind {
        Kind::Model | Kind::Block => &[Kind::Model, Kind::Block],
        Kind::Param | Kind::Let => &[Kind::Param, Kind::Let],
        Kind::Part => &[Kind::Part],
    };
    let implied =
        kinds.contains(&Kind::Let) && (matches!(new, "stride" | "channels" | "same") || is_option(new));
    let item = |s: &Symbol| names.item_of(s.place);
    let clashes = |s: &Symbol| {
        let near = matches!(symbol.kind, Kind::Model | Kind::Block) || item(s) == item(symbol);
        s.name == new && kinds.contains(&s.kind) && near
    };
    implied || names.symbols.iter().any(clashes)
}
