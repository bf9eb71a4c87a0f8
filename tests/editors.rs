//! The words in the editors' grammars are the compiler's: its commands, their arguments and their values, and its
//! keywords. What the grammars make of them, `compiler/editors/test.sh` tests.

use std::collections::BTreeSet;
use std::fs;

use resnetc::model::catalogue::{ArgKind, COMMANDS, Family};

type Words = BTreeSet<String>;

const GRAMMARS: [&str; 2] = [
    "compiler/editors/tree-sitter-resnet/queries/highlights.scm",
    "compiler/editors/vscode/syntaxes/resnet.tmLanguage.json",
];

fn read(path: &str) -> String {
    let path = resnetc_tests::path(&format!("../{path}"));
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Words {
    words.into_iter().map(str::to_owned).collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The lists of words in a grammar: `"a" "b"` in brackets of a query, and `(a|b)` in a regular expression.
fn lists(grammar: &str) -> Vec<Words> {
    let text = read(grammar);
    let groups = text.split(['(', '[']).filter_map(|rest| rest.split([')', ']']).next());
    let list = |group: &str| -> Words {
        let split: Vec<_> = match grammar.ends_with(".json") {
            true => group.split('|').collect(),
            false => group.split('"').skip(1).step_by(2).collect(),
        };
        if split.iter().all(|word| is_word(word)) { words(split) } else { Words::new() }
    };
    groups.map(list).collect()
}

#[track_caller]
fn assert_listed(what: &str, wanted: &Words) {
    for grammar in GRAMMARS {
        let lists = lists(grammar);
        let nearest = lists.iter().max_by_key(|list| list.intersection(wanted).count());
        assert_eq!(nearest, Some(wanted), "{what} in {grammar}");
    }
}

#[test]
fn commands_are_listed_by_family() {
    for family in [Family::Setting, Family::Part, Family::Container, Family::Operation] {
        let of_family = COMMANDS.iter().filter(|command| command.family == family);
        assert_listed(&format!("{family:?}"), &of_family.map(|command| command.word.to_owned()).collect());
    }
}

#[test]
fn arguments_are_listed() {
    let all = COMMANDS.iter().flat_map(|command| command.args).map(|arg| arg.name);
    // `of` is a keyword, so it never names an argument.
    assert_listed("arguments", &words(all.filter(|name| *name != "of")));
}

#[test]
fn values_are_listed() {
    let of_kind = |kind| match kind {
        ArgKind::Word(words) => words.iter().map(|choice| choice.word).collect(),
        ArgKind::Pad => vec!["same"],
        ArgKind::Pair
        | ArgKind::Count
        | ArgKind::Number
        | ArgKind::Colours
        | ArgKind::Dims
        | ArgKind::Flag
        | ArgKind::Name
        | ArgKind::Text
        | ArgKind::Texts => vec![],
    };
    let args = COMMANDS.iter().flat_map(|command| command.args);
    assert_listed("values", &words(args.flat_map(|arg| of_kind(arg.kind))));
}

/// The words that the parser asks for by `keyword("…")` and `item_keyword("…")`.
fn keywords() -> Words {
    let mut found = Words::new();
    for file in ["parse", "statement", "expr"] {
        let text = read(&format!("compiler/src/syntax/{file}.rs"));
        let asked = text.split("keyword(\"").skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(words(asked));
    }
    found
}

#[test]
fn keywords_are_those_of_the_parser() {
    let keywords = keywords();
    assert!(keywords.len() > 4, "{keywords:?}");
    let [queries, expressions] = GRAMMARS.map(lists);
    assert!(queries.contains(&keywords), "{keywords:?}");
    let grammar = read("compiler/editors/tree-sitter-resnet/grammar.js");
    for word in &keywords {
        assert!(grammar.contains(&format!("\"{word}\"")), "{word}");
        assert!(expressions.iter().any(|list| list.contains(word)), "{word}");
    }
}
