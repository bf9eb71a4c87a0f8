//! What resnetc depends on: crates of the one registry, under licences that `.deny.toml` allows, and as many as
//! `SECURITY.md` states.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What cargo answers, of what is on this machine.
fn cargo(args: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(args).args(["--locked", "--offline"]).current_dir(resnetc_tests::path(".."));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn packages() -> Vec<Value> {
    let metadata =
        cargo(&["metadata", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// The licences that may be: those of `cargo deny`.
fn allowed() -> Vec<String> {
    let text = fs::read_to_string(resnetc_tests::path("../.deny.toml")).unwrap();
    let (_, list) = text.split_once("\nallow = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect()
}

fn permits(allowed: &[String], licence: &str) -> bool {
    let expression = Expression::parse_mode(licence, ParseMode::LAX).unwrap();
    expression.evaluate(|requirement| {
        requirement.license.id().is_some_and(|id| allowed.iter().any(|name| name == id.name))
    })
}

#[test]
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), ignore = "of the crates of x86-64 Linux")]
fn licences_are_permissive() {
    let allowed = allowed();
    assert!(permits(&allowed, "MIT/Apache-2.0") && permits(&allowed, "GPL-3.0-only OR MIT"));
    assert!(!permits(&allowed, "GPL-3.0-only") && !permits(&allowed, "MIT AND LGPL-2.1-only"));
    for package in packages() {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(permits(&allowed, licence), "{} is under `{licence}`", package["name"]);
    }
}

#[test]
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), ignore = "of the crates of x86-64 Linux")]
fn crates_are_of_this_workspace_or_the_registry() {
    for package in packages() {
        let source = package["source"].as_str();
        let ours = package["name"].as_str().is_some_and(|name| name.starts_with("resnetc"));
        assert!(
            if ours { source.is_none() } else { source == Some(REGISTRY) },
            "{}: {source:?}",
            package["name"]
        );
    }
}

/// Crates that are compiled into `package`, itself not among them.
fn crates(package: &str, features: &str) -> usize {
    let mut args = vec!["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    args.extend(["--target", "x86_64-unknown-linux-gnu", "--no-default-features"]);
    args.extend(["--package", package, "--features", features]);
    let tree = cargo(&args);
    let crates: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    crates.len() - 1
}

#[test]
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), ignore = "of the crates of x86-64 Linux")]
fn there_are_as_many_crates_as_are_stated() {
    let text = fs::read_to_string(resnetc_tests::path("../SECURITY.md")).unwrap();
    let cells = |line: &str| -> Vec<String> {
        line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let mut rows = 0;
    for row in text.lines().filter(|line| line.starts_with("| `resnetc")).map(cells) {
        let [_, package, features, count, ..] = &row[..] else { panic!("{row:?}") };
        let features = if features == "none" { "" } else { features };
        let found = crates(package, features);
        assert_eq!(
            found.to_string(),
            *count,
            "SECURITY.md states the crates of `{package}` with `{features}`"
        );
        rows += 1;
    }
    assert_eq!(rows, 5, "packages and features in the table");
}
