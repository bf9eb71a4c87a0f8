//! What is under the cursor: its documentation, and what its line computes.

use lsp_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};

use crate::diagnostics::Span;
use crate::model::bind::{Role, roles};
use crate::model::catalogue::{self, ArgKind, Choice, GRAMMAR, SHORTCUT_MODES};
use crate::model::eval::Value;
use crate::model::reference;
use crate::numbers::grouped;
use crate::syntax::ast::{Arg, Call, Expr, ExprKind, Ident, ItemKind, Statement, StatementKind};
use crate::syntax::context::context;

use super::analysis::{Analysis, OWN};
use super::documents::Document;
use super::names::{Kind, Symbol};
use super::{Answer, State, docs};

/// What is to be said of a place; nothing of one where nothing stands.
pub fn hover(state: &State, params: HoverParams) -> Answer<Option<Hover>> {
    let place = params.text_document_position_params;
    let document = state.documents.get(&place.text_document.uri)?;
    let offset = document.offset(place.position);
    let analysis = document.analysis();
    let statement = statement_at(document, offset);
    let mut paragraphs = Vec::new();
    let mut span = statement.map(|s| s.span);
    let known = analysis.names().at(offset);
    if let Some((word, text)) = word_at(document, statement, offset) {
        span = Some(word);
        paragraphs.push(text);
    }
    if let Some((used, symbol)) = known {
        span = Some(used.span);
        paragraphs.push(describe(analysis, symbol));
    }
    if let Some(statement) = statement {
        paragraphs.extend(analysis.instances().describe(analysis.models(), statement.span));
    }
    let contents = MarkupContent { kind: MarkupKind::Markdown, value: paragraphs.join("\n\n") };
    let range = span.map(|span| document.range(span));
    let found = Hover { contents: HoverContents::Markup(contents), range };
    Ok((!paragraphs.is_empty()).then_some(found))
}

fn holds(span: Span, offset: u32) -> bool {
    span.start <= offset && offset <= span.end
}

/// The innermost statement around a byte; else the last one that begins before it on its line.
fn statement_at(document: &Document, offset: u32) -> Option<&Statement> {
    let all = document.analysis().statements();
    let line = document.text.line(document.text.line_of(offset as usize));
    let on_line = |s: &&&Statement| line.contains(&(s.span.start as usize)) && s.span.start <= offset;
    let inside = all.iter().rfind(|s| holds(s.span, offset));
    // Between the braces of a stage and the statements in them, the stage is what stands on the line.
    let found = inside.filter(|s| line.start <= s.span.start as usize || s.span.end as usize <= line.end);
    found.or_else(|| all.iter().rfind(on_line)).copied()
}

/// A word with a meaning of its own at a byte, and that.
fn word_at(document: &Document, statement: Option<&Statement>, offset: u32) -> Option<(Span, String)> {
    let of_command = match statement.map(|s| &s.kind) {
        Some(StatementKind::Command(command)) => {
            let spec = catalogue::find(&command.word.text)?;
            if holds(command.word.span, offset) {
                return Some((command.word.span, reference::command(spec)));
            }
            argument_at(spec, &command.args, offset)
        }
        Some(StatementKind::Repeat { args, .. }) => argument_at(&catalogue::REPEAT, args, offset),
        _ => None,
    };
    of_command.or_else(|| mode_of_alias(document.analysis(), offset)).or_else(|| grammar_at(document, offset))
}

fn argument_at(spec: &'static catalogue::CommandSpec, args: &[Arg], offset: u32) -> Option<(Span, String)> {
    let (arg, role) = args.iter().zip(roles(spec, args)).find(|(arg, _)| holds(arg.span, offset))?;
    let (Role::Value(option, _) | Role::Bare(option)) = role else { return None };
    let about = format!("{} of `{}`", reference::argument(option), spec.word);
    match (role, option.kind, &arg.name) {
        (Role::Bare(_), ..) => Some((arg.span, about)),
        (_, _, Some(name)) if holds(name.span, offset) => Some((name.span, about)),
        (Role::Value(_, value), ArgKind::Word(words), _) => chosen(words, value).or(Some((arg.span, about))),
        _ => Some((arg.span, about)),
    }
}

fn chosen(words: &[Choice], value: &Expr) -> Option<(Span, String)> {
    let ExprKind::Path(path) = &value.kind else { return None };
    let choice = words.iter().find(|w| w.word == path.text)?;
    Some((path.span, reference::choice(choice)))
}

/// `model a = b(shortcut = none)`
fn mode_of_alias(analysis: &Analysis, offset: u32) -> Option<(Span, String)> {
    let calls = analysis.file().items.iter().filter_map(|item| match &item.kind {
        ItemKind::Alias { base } => Some(base),
        ItemKind::Model { .. } | ItemKind::Block { .. } => None,
    });
    let is_mode = |name: &Option<Ident>| name.as_ref().is_some_and(|n| n.text == "shortcut");
    let values =
        calls.flat_map(|call: &Call| &call.args).filter(|arg| is_mode(&arg.name)).map(|arg| &arg.value);
    values.filter(|value| holds(value.span, offset)).find_map(|value| chosen(SHORTCUT_MODES, value))
}

fn grammar_at(document: &Document, offset: u32) -> Option<(Span, String)> {
    let word = document.text.word(offset as usize);
    let choice = GRAMMAR.iter().find(|choice| choice.word == &document.text.as_str()[word.clone()])?;
    // What a comment says is only words.
    context(document.text.as_str(), word.end)?;
    let span = Span { file: OWN, start: word.start as u32, end: word.end as u32 };
    Some((span, reference::choice(choice)))
}

fn describe(analysis: &Analysis, symbol: &Symbol) -> String {
    let values = || values(analysis, symbol);
    match symbol.kind {
        Kind::Model => model(analysis, &symbol.name),
        Kind::Block => analysis.block(&symbol.name).map(docs::item).unwrap_or_default(),
        Kind::Param => format!("parameter `{}`{}", symbol.name, values()),
        Kind::Let => format!("constant `{}`{}", symbol.name, values()),
        Kind::Part => format!("stage `{}`", symbol.name),
    }
}

fn model(analysis: &Analysis, name: &str) -> String {
    let docs = analysis.model(name).map(docs::item).unwrap_or_default();
    let network = analysis.models().iter().map(|m| &m.network).find(|n| n.name == name);
    match network.filter(|n| !n.outputs.is_empty()) {
        Some(n) => {
            let (params, macs) = (grouped(n.total_params()), grouped(n.total_macs()));
            format!("{docs}\n\n{params} parameters, {macs} MACs")
        }
        None => docs,
    }
}

/// What a name stands for in the models of the file: each value once, in order.
fn values(analysis: &Analysis, symbol: &Symbol) -> String {
    const MOST: usize = 6;
    let all = analysis.models().iter().flat_map(|m| &m.trace.values);
    let mut shown: Vec<String> = Vec::new();
    for (_, value) in all.filter(|(place, _)| *place == symbol.place) {
        let text = match value {
            Value::Int(i) => i.to_string(),
            Value::Bool(b) => b.to_string(),
            Value::Float(_) | Value::Text(_) | Value::Size(_) | Value::Tuple(_) | Value::Unknown => continue,
        };
        if !shown.contains(&text) {
            shown.push(text);
        }
    }
    match shown.len() {
        0 => String::new(),
        n if n > MOST => format!(": {}, …", shown[..MOST].join(", ")),
        _ => format!(": {}", shown.join(", ")),
    }
}
