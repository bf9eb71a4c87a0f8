//! The generator leaves out nothing of the language that computes.

use std::cell::RefCell;

use proptest::test_runner::TestCaseResult;
use resnetc::model::catalogue::{ArgKind, COMMANDS, CommandSpec, Family};

use super::runner::first_failure;
use super::subject::network;

/// Networks that have every word among them.
const NETWORKS: u64 = 400;

/// The specs of some networks, which are all valid.
fn specs() -> String {
    let specs = RefCell::new(String::new());
    let write = |text: &str| -> TestCaseResult {
        network(text);
        *specs.borrow_mut() += text;
        Ok(())
    };
    first_failure(0, NETWORKS, |case| write(&case.network.spec()))
        .unwrap_or_else(|failure| panic!("{failure}"));
    specs.into_inner()
}

/// What is written of a command: its word, the arguments that have no place, and the words that one can be.
fn words(command: &CommandSpec) -> Vec<&'static str> {
    let named = command.args.iter().filter(|arg| !arg.positional).map(|arg| arg.name);
    let choices = command.args.iter().filter_map(|arg| match arg.kind {
        ArgKind::Word(choices) => Some(choices.iter().map(|choice| choice.word)),
        _ => None,
    });
    std::iter::once(command.word).chain(named).chain(choices.flatten()).collect()
}

#[test]
fn every_operation_and_every_shortcut_is_in_some_network() {
    let specs = specs();
    let has = |word: &str| specs.split(|c: char| !c.is_alphanumeric() && c != '_').any(|other| other == word);
    let computes = |command: &&CommandSpec| {
        command.family == Family::Operation
            || ["shortcut", "ensemble", "residual", "gate", "preactivate"].contains(&command.word)
    };
    let missing: Vec<&str> =
        COMMANDS.iter().filter(computes).flat_map(words).filter(|word| !has(word)).collect();
    assert!(missing.is_empty(), "no network has {missing:?}");
}
