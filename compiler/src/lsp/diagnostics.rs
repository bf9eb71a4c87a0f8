//! The compiler's diagnostics as the editor shows them.

use lsp_types::{
    CodeDescription, Diagnostic as Shown, DiagnosticRelatedInformation, DiagnosticSeverity, Location,
    NumberOrString, PublishDiagnosticsParams, Range,
};

use crate::diagnostics::{Diagnostic, Label, Severity, Span};

use super::State;
use super::analysis::OWN;
use super::documents::Document;
use super::text::Text;

/// What is wrong with a document. The compiler's own files are right, and not the user's to change.
pub fn publish(state: &State, document: &Document) -> PublishDiagnosticsParams {
    let all: &[Diagnostic] = match state.library.owns(&document.uri) {
        true => &[],
        false => &document.analysis().report().diagnostics,
    };
    let diagnostics = all.iter().map(|d| show(state, document, d)).collect();
    PublishDiagnosticsParams { uri: document.uri.clone(), diagnostics, version: Some(document.version) }
}

/// One of them.
pub fn show(state: &State, document: &Document, diagnostic: &Diagnostic) -> Shown {
    let page = state.library.explanation(diagnostic.code);
    let mut message = text(diagnostic);
    if page.is_none() {
        message += &format!("\n`resnetc explain {}` says more", diagnostic.code);
    }
    let places = || diagnostic.secondary.iter().chain([&diagnostic.primary]);
    let place = places().map(|l| l.span).rfind(|s| s.file == OWN).unwrap_or_default();
    let beside = places().filter(|l| l.span != place && !l.text.is_empty());
    let related: Vec<_> = beside.filter_map(|l| related(state, document, l)).collect();
    Shown {
        range: document.range(place),
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(diagnostic.code.to_string())),
        code_description: page.map(|href| CodeDescription { href }),
        source: Some("resnetc".to_owned()),
        message,
        related_information: (state.related && !related.is_empty()).then_some(related),
        tags: None,
        data: None,
    }
}

/// What the terminal shows around the source, a line each.
fn text(diagnostic: &Diagnostic) -> String {
    let label = (!diagnostic.primary.text.is_empty()).then(|| diagnostic.primary.text.clone());
    let help = diagnostic.help.iter().map(|help| format!("help: {}", help.text));
    let lines = [diagnostic.message.clone()].into_iter().chain(label);
    lines.chain(diagnostic.notes.iter().cloned()).chain(help).collect::<Vec<_>>().join("\n")
}

fn related(state: &State, document: &Document, label: &Label) -> Option<DiagnosticRelatedInformation> {
    let location = location(state, document, label.span)?;
    Some(DiagnosticRelatedInformation { location, message: label.text.clone() })
}

/// A place in the document, or in a file of the compiler's.
pub fn location(state: &State, document: &Document, span: Span) -> Option<Location> {
    if span.file == OWN {
        return Some(Location { uri: document.uri.clone(), range: document.range(span) });
    }
    let sources = document.analysis().sources();
    let uri = state.library.shipped(sources.name(span.file))?;
    let range: Range = Text::new(sources.text(span.file).to_owned()).range(span.range());
    Some(Location { uri, range })
}
