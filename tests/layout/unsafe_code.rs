//! Unsafe code, counted and held against what is said of it.
//!
//! In: all of the project's Rust, which `cargo fmt` has formatted, so that lines show what there is. Out: how
//! many unsafe blocks, functions and implementations each file has, and those that do not say what they rest
//! on.

use std::fmt::Write;
use std::fs;
use std::ops::AddAssign;

/// A file's Rust.
pub struct File {
    /// Relative to the workspace.
    pub name: String,
    pub text: String,
}

/// How often each kind of unsafe code occurs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub blocks: usize,
    pub functions: usize,
    pub impls: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.functions += other.functions;
        self.impls += other.impls;
    }
}

/// The kinds, as they begin.
const BLOCK: &str = concat!("unsafe", " {");
const FUNCTION: &str = concat!("unsafe", " fn ");
const IMPL: &str = concat!("unsafe", " impl");

/// All files of the project.
pub fn files() -> Vec<File> {
    let root = resnetc_tests::path("..");
    let mut paths = Vec::new();
    for folder in ["compiler", "examples", "runtime", "tests"] {
        super::sources(&root.join(folder), &mut paths);
    }
    paths.sort();
    let file = |path: std::path::PathBuf| File {
        name: path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/"),
        text: fs::read_to_string(&path).unwrap(),
    };
    paths.into_iter().map(file).collect()
}

/// What there is in code that users run.
pub fn shipped() -> Counts {
    let mut total = Counts::default();
    files().iter().filter(|file| file.is_shipped()).for_each(|file| total += count(file.split().0));
    total
}

/// How often each file has unsafe code: code that users run, then tests.
pub fn table() -> String {
    let mut out = String::from(
        "Unsafe code by file: blocks, functions, implementations of traits. A change of this table is to be\n\
         meant; tests/layout.rs holds it, and `UPDATE_EXPECTED=1 cargo test -p resnetc-tests --test layout`\n\
         writes it.\n",
    );
    let files = files();
    for (title, shipped) in [("What users run", true), ("Tests and benchmarks", false)] {
        let (mut rows, mut total) = (String::new(), Counts::default());
        for file in &files {
            let (code, tests) = file.split();
            let counts = match (file.is_shipped(), shipped) {
                (true, true) => count(code),
                (true, false) => count(tests),
                (false, true) => Counts::default(),
                (false, false) => count(&file.text),
            };
            if counts != Counts::default() {
                row(&mut rows, &file.name, counts);
            }
            total += counts;
        }
        let _ = write!(out, "\n{title}\n");
        row(&mut out, "all", total);
        out += &rows;
    }
    out
}

fn row(out: &mut String, name: &str, counts: Counts) {
    let Counts { blocks, functions, impls } = counts;
    let _ = writeln!(out, "{name:<42}{blocks:>4}{functions:>4}{impls:>4}");
}

fn count(text: &str) -> Counts {
    let of = |kind| code_lines(text).map(|(_, line)| line.matches(kind).count()).sum();
    Counts { blocks: of(BLOCK), functions: of(FUNCTION), impls: of(IMPL) }
}

/// Lines that are no comments, with their numbers from 0 on.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

impl File {
    /// Whether users run it, but for the tests at its foot.
    fn is_shipped(&self) -> bool {
        let source = ["compiler/src/", "runtime/src/"].iter().any(|folder| self.name.starts_with(folder));
        // That file is built for tests alone.
        source
            && self.name != "runtime/src/guarded.rs"
            && !self.name.ends_with("tests.rs")
            && !self.name.contains("/tests/")
    }

    /// The code, and the unit tests at its foot.
    fn split(&self) -> (&str, &str) {
        let at = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        self.text.split_at(at)
    }

    /// Where unsafe code does not say what it rests on, or too little.
    pub fn unfounded(&self) -> Vec<String> {
        let lines: Vec<&str> = self.text.lines().collect();
        let mut wrong = Vec::new();
        for (at, line) in code_lines(&self.text) {
            let complaint = if line.contains(BLOCK) || line.contains(IMPL) {
                unfounded_block(&lines[..at])
            } else if line.contains(FUNCTION) && !in_trait_impl(&lines[..at]) && !documented(&lines[..at]) {
                Some("has no section `# Safety`")
            } else {
                None
            };
            wrong.extend(complaint.map(|text| format!("{}:{}: {text}: {}", self.name, at + 1, line.trim())));
        }
        wrong
    }
}

/// What is wrong with the comment of unsafe code that these lines come before.
fn unfounded_block(before: &[&str]) -> Option<&'static str> {
    let Some(comment) = safety_comment(before) else { return Some("has no `// SAFETY:`") };
    let words = comment.split_whitespace().count();
    let refers = ["as above", "as below", "see above"].iter().any(|words| comment.starts_with(words));
    (words < 3 || refers).then_some("says nothing that can be checked")
}

/// The comment above the statement that goes on behind these lines, from what follows `SAFETY:` on.
fn safety_comment(before: &[&str]) -> Option<String> {
    let ends = |line: &str| line.ends_with(';') || line.ends_with('}') || line.is_empty();
    for (at, line) in before.iter().enumerate().rev() {
        let line = line.trim();
        if line.starts_with("// SAFETY:") {
            let comment = before[at..].iter().map(|line| line.trim());
            let comment: Vec<&str> = comment.map_while(|line| line.strip_prefix("//")).collect();
            return Some(comment.concat().replacen(" SAFETY: ", "", 1));
        }
        if ends(line) && !line.starts_with("//") {
            return None;
        }
    }
    None
}

/// Whether the item that comes behind these lines has a section on safety in its documentation.
fn documented(before: &[&str]) -> bool {
    let above = before.iter().rev().map(|line| line.trim());
    above
        .take_while(|line| line.starts_with("///") || line.starts_with("#["))
        .any(|line| line == "/// # Safety")
}

/// Whether what comes behind these lines is in the implementation of a trait, which says what is promised.
fn in_trait_impl(before: &[&str]) -> bool {
    let top = before.iter().rev().find(|line| line.starts_with(|c: char| !c.is_whitespace()));
    let heads = before.iter().rev().take_while(|line| **line != "}").filter(|line| line.contains(" for "));
    top.is_some_and(|line| *line != "}") && heads.into_iter().any(|line| line.contains("impl"))
}
