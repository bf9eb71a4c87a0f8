//! The command and the programs that it makes, as a user has them: processes, files, exit codes.

#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/mistakes.rs"]
mod mistakes;
#[path = "cli/processes.rs"]
mod processes;
#[path = "cli/programs.rs"]
mod programs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use processes::{bad, copy_program, good, npy_header, resnetc, root, run, scratch, text};
use serde_json::Value;

const CLASSES: &[&str] =
    &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// The default model, its weights embedded, for up to 4 images.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = scratch("program");
        let spec = root().join("examples/cifar10/cifar10.resnet");
        good(resnetc(&folder).arg("build").arg(spec).args(["--batch", "4", "-o", "cifar10"]));
        folder.join("cifar10")
    })
}

fn pictures() -> Vec<PathBuf> {
    let folder = root().join("examples/cifar10/pictures");
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

/// `ship-2.jpg`: ship
fn class_of(picture: &Path) -> String {
    let stem = picture.file_stem().unwrap().to_string_lossy().into_owned();
    stem.split('-').next().unwrap_or_default().to_owned()
}
