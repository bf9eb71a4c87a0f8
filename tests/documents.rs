//! What the README and the guide tell to type: subcommands and options that there are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Every indented line of the documents that begins with the command, with its document.
fn lines() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let guide = fs::read_dir(root.join("compiler/guide")).unwrap().map(|entry| entry.unwrap().path());
    let documents =
        [root.join("README.md"), root.join("compiler/editors/README.md")].into_iter().chain(guide);
    let mut lines = Vec::new();
    for path in documents {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for line in fs::read_to_string(&path).unwrap().lines() {
            // Another line that begins so is a dependency.
            if let Some(rest) = line.strip_prefix("    resnetc ").filter(|rest| !rest.starts_with('=')) {
                let told = rest.split(" #").next().unwrap_or(rest);
                lines.push((name.clone(), told.to_owned()));
            }
        }
    }
    lines
}

fn help(subcommand: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_resnetc")).args([subcommand, "--help"]).output().unwrap();
    assert!(output.status.success(), "there is no `resnetc {subcommand}`");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn commands_that_are_told_have_these_options() {
    let lines = lines();
    assert!(lines.len() > 15, "{lines:?}");
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    for (document, line) in lines {
        // What stands behind `--` is the program's.
        let words: Vec<&str> = line.split_whitespace().take_while(|word| *word != "--").collect();
        let help = helps.entry(words[0].to_owned()).or_insert_with(|| help(words[0]));
        let known: Vec<&str> = help.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
        for option in words[1..].iter().filter(|word| word.starts_with('-')) {
            assert!(known.contains(option), "{document}: `resnetc {line}`: no {option} in\n{help}");
        }
    }
}
