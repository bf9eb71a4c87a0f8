//! Where things live: unsafe code, panics, and crates that only one file may know.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
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
fn unsafe_code_lives_where_it_may() {
    const ALLOWED: &[&str] = &[
        "runtime/src/buffer.rs",
        "runtime/src/isa",
        "runtime/src/kernels/",
        "runtime/src/mapping.rs",
        "runtime/src/program/signals.rs",
        "runtime/src/reference/gemm.rs",
        "runtime/src/session.rs",
        "runtime/src/threads",
        "runtime/src/weights.rs",
    ];
    for (name, text) in code("runtime/src") {
        let allowed = ALLOWED.iter().any(|a| name.starts_with(a));
        let found = text.contains("unsafe {") || text.contains("unsafe fn") || text.contains("unsafe impl");
        assert!(allowed || !found, "{name} has unsafe code");
    }
    for (name, text) in code("compiler/src") {
        assert!(!text.contains("unsafe {") && !text.contains("unsafe fn"), "{name} has unsafe code");
    }
    let lib = fs::read_to_string(resnetc_tests::path("../compiler/src/lib.rs")).unwrap();
    assert!(lib.contains("#![forbid(unsafe_code)]"));
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
