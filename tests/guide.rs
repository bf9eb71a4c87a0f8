//! The guide's examples: each compiles as it stands, in the one format, or is wrong as it says.

use std::fs;

use resnetc::diagnostics::Code;
use resnetc::model::{catalogue, reference};
use resnetc::{Error, Options, Spec, compile, syntax};

/// A fenced example: where it is, what stands behind its language, its text.
struct Example {
    place: String,
    code: Option<String>,
    text: String,
}

fn pages() -> Vec<(String, String)> {
    let folder = resnetc_tests::path("../compiler/guide");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<(String, String)> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    pages.sort();
    pages
}

fn examples(language: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    for (page, text) in pages() {
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let Some(code) = line.strip_prefix(&format!("```{language}")) else { continue };
            let code = Some(code.trim().to_owned()).filter(|code| !code.is_empty());
            let body = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let text: String = body.flat_map(|line| [line, "\n"]).collect();
            examples.push(Example { place: format!("{page}:{}", number + 1), code, text });
        }
    }
    examples
}

#[test]
fn examples_compile_or_are_wrong_as_they_say() {
    let examples = examples("resnet");
    assert!(examples.len() >= 12, "only {} examples", examples.len());
    for Example { place, code, text } in examples {
        let spec = Spec::from_text(&place, &text, None);
        let models: Vec<String> = spec.models().into_iter().map(str::to_owned).collect();
        assert!(!models.is_empty(), "{place} has no model");
        assert_eq!(syntax::format(spec.file()), text, "{place} is not in the one format");
        for model in models {
            let checked = Spec::from_text(&place, &text, Some(&model)).check(&[]);
            match (checked, &code) {
                (Ok(checked), None) => {
                    let compiled = compile(&checked.network, None, &Options::default());
                    assert!(compiled.is_ok(), "{place}, {model}: {}", compiled.unwrap_err());
                    assert_eq!(checked.warnings.diagnostics.len(), 0, "{place}, {model} has warnings");
                }
                (Err(Error::Spec(report)), Some(code)) => {
                    let codes: Vec<Code> = report.diagnostics.iter().map(|d| d.code).collect();
                    assert!(codes.iter().all(|found| found.to_string() == *code), "{place}: {codes:?}");
                }
                (Ok(_), Some(code)) => panic!("{place}: {model} is right, not {code}"),
                (Err(error), _) => panic!("{place}, {model}: {error}"),
            }
        }
    }
}

/// The crates among the examples are compiled, and tested, with all others.
#[test]
fn code_is_that_of_the_examples() {
    let files = ["build_rs/build.rs", "build_rs/src/main.rs", "features/src/main.rs"];
    let texts = files.map(|file| fs::read_to_string(resnetc_tests::path("../examples").join(file)).unwrap());
    let examples = examples("rust");
    assert!(examples.len() >= 3, "only {} examples", examples.len());
    for Example { place, text, .. } in examples {
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|l| !l.starts_with("//") && !l.is_empty()).collect();
        let is_in = |text: &String| {
            let mut rest = text.lines().map(str::trim);
            lines.iter().all(|line| rest.any(|other| other == *line))
        };
        assert!(texts.iter().any(is_in), "{place} is in no example");
    }
}

#[test]
fn the_page_of_operations_is_printed_from_the_table() {
    let path = resnetc_tests::path("../compiler/guide/operations.md");
    let page = reference::page();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert_eq!(page, kept, "run with UPDATE_EXPECTED=1 if the change is meant");
}

#[test]
fn every_word_but_operations_is_in_some_example() {
    let all: String = examples("resnet").into_iter().map(|example| example.text).collect();
    let words: Vec<&str> = all.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for command in catalogue::COMMANDS.iter().filter(|c| c.family != catalogue::Family::Operation) {
        // A checkpoint would have to lie beside the guide.
        let told = words.contains(&command.word) || command.word == "weights";
        assert!(told, "no example has `{}`", command.word);
    }
}
