//! Spans, sources, and everything that is said to a user about a spec.
//!
//! The only place that renders an error. A stage reports into a [`Sink`] and goes on; whoever drives
//! the stages asks the sink whether to stop.

mod codes;

use std::fmt;

use codespan_reporting::diagnostic as codespan;
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term;

pub use codes::{Code, explain};

/// A file of a compilation, by its place in [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A run of bytes in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Which file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One behind the last byte.
    pub end: u32,
}

impl Span {
    /// From the begin of `self` to the end of `other`, which is in the same file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { end: other.end.max(self.end), ..self }
    }

    /// Right before its first byte.
    #[must_use]
    pub fn before(self) -> Self {
        Self { end: self.start, ..self }
    }

    /// Right behind its last byte.
    #[must_use]
    pub fn behind(self) -> Self {
        Self { start: self.end, ..self }
    }

    /// The same, as a range of bytes.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The texts that spans point into.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<(String, String)>,
}

impl Sources {
    /// Adds a file under the name that diagnostics show.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        self.files.push((name.into(), text.into()));
        FileId(self.files.len() as u32 - 1)
    }

    /// The whole text of a file.
    pub fn text(&self, file: FileId) -> &str {
        &self.files[file.0 as usize].1
    }

    /// The name of a file.
    pub fn name(&self, file: FileId) -> &str {
        &self.files[file.0 as usize].0
    }

    /// The text that a span covers.
    pub fn slice(&self, span: Span) -> &str {
        &self.text(span.file)[span.range()]
    }

    /// Line and column, both from 1, of a span's first byte.
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let before = &self.text(span.file)[..span.start as usize];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        (line, column)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The spec means nothing as it stands.
    Error,
    /// The spec means something, but probably not what was meant.
    Warning,
}

/// A place and what is to be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is said; may be empty.
    pub text: String,
}

/// One thing said to the user: what, where, why, and the way out.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Its number, which `resnetc explain` takes.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The place that is at fault.
    pub primary: Label,
    /// Places that explain it.
    pub secondary: Vec<Label>,
    /// Why, a paragraph each.
    pub notes: Vec<String>,
    /// The way out.
    pub help: Option<Help>,
}

/// A way out: in words and, where it is certain, as edits.
#[derive(Clone, Debug, PartialEq)]
pub struct Help {
    /// For a person.
    pub text: String,
    /// For an editor: each alone does what the text says.
    pub edits: Vec<Edit>,
}

/// A text in place of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// What stands there then.
    pub text: String,
}

impl Diagnostic {
    /// An error at a place; `label` is said there.
    pub fn error(code: Code, span: Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Label { span, text: label.into() },
            secondary: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// A warning at a place; `label` is said there.
    pub fn warning(code: Code, span: Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message, label) }
    }

    /// Adds a place that explains.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets the way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(Help { text: help.into(), edits: Vec::new() });
        self
    }

    /// Sets the way out, which is to replace the text of a span.
    #[must_use]
    pub fn with_fix(self, help: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.with_fixes(help, [Edit { span, text: text.into() }])
    }

    /// Sets the way out, which is one of some edits.
    #[must_use]
    pub fn with_fixes(mut self, help: impl Into<String>, edits: impl IntoIterator<Item = Edit>) -> Self {
        self.help = Some(Help { text: help.into(), edits: edits.into_iter().collect() });
        self
    }

    /// Names what was most likely meant by the word of a span.
    #[must_use]
    pub fn with_nearest(self, span: Span, near: &str) -> Self {
        self.with_fix(format!("there is `{near}`"), span, near)
    }
}

/// Places that one diagnostic shows besides its own.
const MOST_LABELS: usize = 6;

/// How many mistakes are shown of a spec.
pub(crate) const MOST_DIAGNOSTICS: usize = 100;

/// The longest word that others are held against, in characters: no slip of the finger is longer.
const LONGEST_WORD: usize = 64;

/// Where stages report to.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    diagnostics: Vec<Diagnostic>,
    /// Errors behind those that are kept.
    more: usize,
}

impl Sink {
    /// Reports. The same thing said twice of the same place (a block's body, instantiated again) is
    /// kept once.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.diagnostics.contains(&diagnostic) {
            self.add(diagnostic);
        }
    }

    /// Keeps the first [`MOST_DIAGNOSTICS`], and an error even behind as many warnings.
    fn add(&mut self, diagnostic: Diagnostic) {
        let is_error = diagnostic.severity == Severity::Error;
        if self.diagnostics.len() < MOST_DIAGNOSTICS || (is_error && !self.has_errors()) {
            self.diagnostics.push(diagnostic);
        } else {
            self.more += usize::from(is_error);
        }
    }

    /// Reports; of the same code at the same place, only the first is kept, with the labels of all.
    /// For what is expanded many times, and may be wrong in another way each time.
    pub fn push_once(&mut self, diagnostic: Diagnostic) {
        let (code, place) = (diagnostic.code, diagnostic.primary.span);
        match self.diagnostics.iter_mut().find(|d| d.code == code && d.primary.span == place) {
            None => self.add(diagnostic),
            Some(first) => {
                for label in diagnostic.secondary {
                    let known = first.secondary.iter().any(|l| l.span == label.span);
                    if !known && first.secondary.len() < MOST_LABELS {
                        first.secondary.push(label);
                    }
                }
            }
        }
    }

    /// Everything reported so far.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter()
    }

    /// Whether any error was reported.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }

    /// How many errors were reported.
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == Severity::Error).count() + self.more
    }

    /// Everything reported, in the order of the text.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|d| (d.primary.span.file, d.primary.span.start));
        if let (Some(last), 1..) = (self.diagnostics.last_mut(), self.more) {
            let note = format!("there are more mistakes; the first {MOST_DIAGNOSTICS} found are shown");
            last.notes.push(note);
        }
        self.diagnostics
    }
}

/// Diagnostics with the sources that they point into: what a failed stage gives its caller.
#[derive(Clone)]
pub struct Report {
    /// The texts.
    pub sources: Sources,
    /// What is said of them, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// As text; with terminal colours if `color`.
    pub fn render(&self, color: bool) -> String {
        let mut files = SimpleFiles::new();
        for (name, text) in &self.sources.files {
            files.add(name.as_str(), text.as_str());
        }
        let config = term::Config::default();
        let mut out = String::new();
        for diagnostic in &self.diagnostics {
            let shown = to_codespan(diagnostic);
            // Rendering fails only on a span outside its file; say at least the message then.
            let rendered = if color {
                let mut buffer = term::termcolor::Buffer::ansi();
                term::emit_to_write_style(&mut buffer, &config, &files, &shown)
                    .map(|()| String::from_utf8_lossy(buffer.as_slice()).into_owned())
            } else {
                term::emit_into_string(&config, &files, &shown)
            };
            out.push_str(&rendered.unwrap_or_else(|_| format!("{}\n", diagnostic.message)));
        }
        out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

// As it is shown: the sources alone would fill pages.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

fn to_codespan(d: &Diagnostic) -> codespan::Diagnostic<usize> {
    let severity = match d.severity {
        Severity::Error => codespan::Severity::Error,
        Severity::Warning => codespan::Severity::Warning,
    };
    let label = |style, l: &Label| {
        codespan::Label::new(style, l.span.file.0 as usize, l.span.range()).with_message(l.text.clone())
    };
    let mut labels = vec![label(codespan::LabelStyle::Primary, &d.primary)];
    labels.extend(d.secondary.iter().map(|l| label(codespan::LabelStyle::Secondary, l)));
    let mut notes = d.notes.clone();
    notes.extend(d.help.iter().map(|h| format!("help: {}", h.text)));
    codespan::Diagnostic::new(severity)
        .with_code(d.code.to_string())
        .with_message(&d.message)
        .with_labels(labels)
        .with_notes(notes)
}

/// The candidate nearest to `word`, if one is near enough to be a slip of the finger.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let limit = (length / 3).max(1);
    let alike = |c: &&str| length <= LONGEST_WORD && c.chars().count().abs_diff(length) <= limit;
    candidates
        .into_iter()
        .filter(alike)
        .map(|c| (strsim::damerau_levenshtein(word, c), c))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_not_compared() {
        assert_eq!(nearest("widht", ["width", "height"]), Some("width"));
        let long = "a".repeat(1 << 20);
        // Their distances would take a terabyte.
        assert_eq!(nearest(&long, [&*format!("{long}b")]), None);
        assert_eq!(nearest("a", [&*long]), None);
    }

    #[test]
    fn the_first_mistakes_are_kept_and_never_warnings_alone() {
        let place = |start| Span { file: FileId(0), start, end: start + 1 };
        let mut sink = Sink::default();
        for start in 500..1000 {
            sink.push(Diagnostic::warning(Code::R0303, place(start), "of no weight", "here"));
        }
        // Behind all warnings, though they stand before them in the text.
        for start in (0..500).rev() {
            sink.push_once(Diagnostic::error(Code::R0102, place(start), "an error", "here"));
        }
        assert!(sink.has_errors());
        let said = sink.into_sorted();
        assert_eq!(said.len(), MOST_DIAGNOSTICS + 1);
        assert!(said[MOST_DIAGNOSTICS].notes[0].starts_with("there are more mistakes"));
    }
}
