//! What users are told of broken specs: the exact set of diagnostics, and how they look.
//!
//! Each `bad/*.resnet` says at the end of a line what is wrong there: `//~ R0204 part of the message`,
//! more than once if need be. `//~ model: NAME` and `//~ set: NAME=VALUE` at the top say what is
//! checked; what is wrong with a setting stands behind the setting. Annotations are blanked before
//! the text is read, so that every offset stays. Primary places in other files match no line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use resnetc::diagnostics::{Code, Diagnostic, FileId, Report};
use resnetc::{Error, Spec};

/// The cases whose whole rendering is kept, beside them as `NAME.expected`.
const RENDERED: [&str; 16] = [
    "alias_settings",
    "blocks_in_blocks",
    "broken_block_that_is_used",
    "channels_of_zero_in_a_standard_block",
    "dilation_past_the_map",
    "labels_of_another_number",
    "many_at_once",
    "many_blocks_at_once",
    "missing_everything",
    "projection_without_stride",
    "requirement_of_a_block",
    "requirement_of_a_shipped_model",
    "setting_of_another_kind",
    "syntax_and_meaning_at_once",
    "unclosed_brace",
    "zero_padding_to_fewer_channels",
];

/// A broken spec and what its annotations say.
struct Case {
    name: String,
    /// The text without annotations.
    text: String,
    model: Option<String>,
    /// Settings, each with its line.
    settings: Vec<(usize, String)>,
    /// Line, code and a part of the message of each diagnostic.
    expected: Vec<(usize, String, String)>,
}

impl Case {
    fn read(path: PathBuf) -> Self {
        let annotated = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut case =
            Self { name, text: String::new(), model: None, settings: Vec::new(), expected: Vec::new() };
        for (index, line) in annotated.lines().enumerate() {
            let (text, annotations) = line.split_at(line.find("//~").unwrap_or(line.len()));
            case.text += &format!("{text}{}\n", " ".repeat(annotations.len()));
            for annotation in annotations.split("//~").skip(1).map(str::trim) {
                case.annotate(index + 1, annotation);
            }
        }
        case
    }

    fn annotate(&mut self, line: usize, annotation: &str) {
        if let Some(model) = annotation.strip_prefix("model: ") {
            self.model = Some(model.to_owned());
        } else if let Some(setting) = annotation.strip_prefix("set: ") {
            self.settings.push((line, setting.to_owned()));
        } else {
            let (code, part) = annotation.split_once(' ').unwrap_or((annotation, ""));
            assert!(!part.is_empty(), "{}:{line}: no part of a message behind {code}", self.name);
            self.expected.push((line, code.to_owned(), part.to_owned()));
        }
    }

    fn check(&self) -> Report {
        let spec = Spec::from_text(&format!("{}.resnet", self.name), &self.text, self.model.as_deref());
        let settings: Vec<_> = self.settings.iter().map(|(_, setting)| setting.clone()).collect();
        match spec.check(&settings) {
            Ok(checked) => checked.warnings,
            Err(Error::Spec(report)) => *report,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    /// What the annotations lack and what they have too much; empty if they are right.
    fn difference(&self) -> Vec<String> {
        let report = self.check();
        let mut expected = self.expected.clone();
        let mut wrong = Vec::new();
        for found in &report.diagnostics {
            let (span, sources) = (found.primary.span, &report.sources);
            let text = sources.text(span.file);
            let line = match self.settings.iter().rfind(|(_, setting)| setting == text) {
                Some((line, _)) => *line,
                None if span.file == FileId(0) => sources.line_column(span).0,
                None => 0,
            };
            let fits = |(at, code, part): &(usize, String, String)| {
                *at == line && *code == found.code.to_string() && found.message.contains(part.as_str())
            };
            match expected.iter().position(fits) {
                Some(place) => _ = expected.swap_remove(place),
                None => {
                    wrong.push(format!("{}:{line}: unexpected {}: {}", self.name, found.code, found.message))
                }
            }
        }
        let missing = expected.into_iter();
        wrong.extend(
            missing.map(|(line, code, part)| format!("{}:{line}: missing {code}: {part}", self.name)),
        );
        wrong
    }
}

fn cases() -> Vec<Case> {
    let files = fs::read_dir(resnetc_tests::path("bad")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = files.filter(|p| p.extension().is_some_and(|e| e == "resnet")).collect();
    paths.sort();
    paths.into_iter().map(Case::read).collect()
}

#[test]
fn every_mistake_is_told_where_it_is_and_nothing_else_is() {
    let cases = cases();
    assert!(cases.len() >= 120, "only {} cases were found", cases.len());
    let wrong: Vec<_> = cases.iter().flat_map(Case::difference).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_is_told_by_some_case() {
    let cases = cases();
    let told: BTreeSet<_> =
        cases.iter().flat_map(|c| &c.expected).map(|(_, code, _)| code.as_str()).collect();
    let all = Code::ALL.iter().map(Code::to_string);
    let untold: Vec<_> = all.filter(|code| !told.contains(code.as_str())).collect();
    assert!(untold.is_empty(), "no case has {untold:?}");
}

#[test]
fn every_mistake_has_words_at_its_place() {
    for case in cases() {
        for found in case.check().diagnostics {
            assert!(!found.primary.text.is_empty(), "{}: {}", case.name, found.message);
            assert!(found.primary.span.start < found.primary.span.end || found.code < Code::R0101);
        }
    }
}

#[test]
fn edits_mend_what_they_are_offered_for() {
    let mut mended = BTreeSet::new();
    for mut case in cases() {
        let (text, report) = (case.text.clone(), case.check());
        for found in &report.diagnostics {
            let edits = found.help.iter().flat_map(|help| &help.edits);
            for edit in edits.filter(|edit| edit.span.file == FileId(0)) {
                case.text = text.clone();
                case.text.replace_range(edit.span.range(), &edit.text);
                let again = |d: &Diagnostic| d.code == found.code && d.message == found.message;
                let left = case.check().diagnostics;
                let same = report.diagnostics.iter().filter(|d| again(d)).count();
                let still = left.iter().filter(|d| again(d)).count();
                assert!(still < same, "{}: {} with {edit:?}: {left:?}", case.name, found.message);
                mended.insert(case.name.clone());
            }
        }
    }
    // A cross-section of those that know their mend.
    for name in [
        "block_misspelt",
        "comment_of_another_language",
        "groups_of_input",
        "linear_over_a_map",
        "missing_comma",
        "option_with_equals",
        "option_without_variable",
        "projection_without_stride",
        "size_with_spaces",
        "word_for_a_string",
    ] {
        assert!(mended.contains(name), "{name} has no edit: {mended:?}");
    }
}

#[test]
fn renderings_are_as_they_were() {
    let mut cases: BTreeMap<_, _> = cases().into_iter().map(|case| (case.name.clone(), case)).collect();
    for name in RENDERED {
        let rendered = cases.remove(name).unwrap_or_else(|| panic!("no case {name}")).check().render(false);
        // Blanked annotations leave space behind.
        let found: String = rendered.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        let path = resnetc_tests::path(&format!("bad/{name}.expected"));
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, expected, "{name}: run with UPDATE_EXPECTED=1 if the change is meant");
    }
}
