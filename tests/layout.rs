//! Where things live: unsafe code, panics, and crates that only one file may know.

#[path = "layout/unsafe_code.rs"]
mod unsafe_code;

use std::fs;
use std::path::{Path, PathBuf};

/// Rust below a folder, but for what cargo has built there.
fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                sources(&path, into);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Paths relative to the workspace, and texts without their unit tests and comments.
fn code(folder: &str) -> Vec<(String, String)> {
    let root = resnetc_tests::path("..");
    let mut files = Vec::new();
    sources(&root.join(folder), &mut files);
    assert!(!files.is_empty(), "{folder} has sources");
    let strip = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let body = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines = body.lines().filter(|l| !l.trim_start().starts_with("//"));
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        (name, lines.collect::<Vec<_>>().join("\n"))
    };
    let is_test = |name: &str| name.ends_with("tests.rs") || name.contains("/tests/");
    files.into_iter().map(strip).filter(|(name, _)| !is_test(name)).collect()
}

#[test]
fn unsafe_code_is_where_and_as_often_as_it_is_written_down() {
    let path = resnetc_tests::path("unsafe.txt");
    let found = unsafe_code::table();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(found, written, "tests/unsafe.txt differs; UPDATE_EXPECTED=1 writes what is here");
    let lib = fs::read_to_string(resnetc_tests::path("../compiler/src/lib.rs")).unwrap();
    assert!(lib.contains("#![forbid(unsafe_code)]"));
    // Where the page for users says how many blocks there are, it says this number.
    let page = fs::read_to_string(resnetc_tests::path("../SECURITY.md")).unwrap();
    let blocks = unsafe_code::shipped().blocks;
    let told = format!("The runtime has {blocks} `unsafe` blocks");
    assert!(page.contains(&told), "SECURITY.md: {told}");
}

#[test]
fn unsafe_code_says_what_it_rests_on() {
    let wrong: Vec<String> = unsafe_code::files().iter().flat_map(|file| file.unfounded()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_that_says_too_little_is_found() {
    // The word is another here, so that this is no unsafe code itself.
    let unfounded = |text: &str| {
        let text = text.replace("daring", "unsafe");
        unsafe_code::File { name: "a.rs".into(), text }.unfounded().len()
    };
    let block = "// SAFETY: the slice has so many values.\nlet v = daring { *p };\n";
    assert_eq!(unfounded(block), 0);
    assert_eq!(unfounded(&block.replace("// SAFETY: the", "// The")), 1);
    assert_eq!(unfounded(&block.replace("the slice has so many values", "as above")), 1);
    assert_eq!(unfounded(&block.replace("the slice has so many values", "trivial")), 1);
    // What a statement further up rests on is that statement's.
    assert_eq!(unfounded(&block.replace("let v", "let w = 1;\nlet v")), 1);
    let function = "/// # Safety\n///\n/// The pointer can be read.\n#[inline]\ndaring fn f() {}\n";
    assert_eq!(unfounded(function), 0);
    assert_eq!(unfounded(&function.replace("# Safety", "It")), 1);
    // The trait says it.
    assert_eq!(unfounded("impl Trait for X {\n    daring fn f() {}\n}\n"), 0);
    assert_eq!(unfounded("impl X {\n    daring fn f() {}\n}\n"), 1);
    assert_eq!(unfounded("daring impl Send for X {}\n"), 1);
}

#[test]
fn nothing_panics_on_purpose() {
    for folder in ["compiler/src", "runtime/src"] {
        for (name, text) in code(folder) {
            for word in [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!("] {
                assert!(!text.contains(word), "{name} has {word}");
            }
        }
    }
}

#[test]
fn one_file_knows_petgraph() {
    for (name, text) in code("compiler/src") {
        assert!(name == "compiler/src/graph/graph.rs" || !text.contains("petgraph"), "{name} uses petgraph");
    }
}
