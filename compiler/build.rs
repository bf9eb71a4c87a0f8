//! Packs the runtime's source into the command, so that it can build programs anywhere.
//!
//! Writes `runtime_source.rs` to `OUT_DIR`: a constant of (path, text) pairs, sorted by path.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CLI").is_none() {
        return Ok(());
    }
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = manifest.parent().map_or_else(|| manifest.clone(), Path::to_owned);
    let mut files = vec![root.join("Cargo.toml"), root.join("Cargo.lock"), root.join("runtime/Cargo.toml")];
    collect(&root.join("runtime/src"), &mut files)?;
    files.sort();
    let mut out = String::from("&[\n");
    for file in files.iter().filter(|f| f.exists()) {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy().replace('\\', "/");
        // Writing to a string cannot fail.
        let _ = writeln!(out, "    ({name:?}, include_str!({:?})),", file.display().to_string());
    }
    out.push(']');
    println!("cargo::rerun-if-changed={}", root.join("runtime/src").display());
    let target = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("runtime_source.rs");
    fs::write(target, out)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
