//! The command and the programs that it makes, as a user has them: processes, files, exit codes.

#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/mistakes.rs"]
mod mistakes;
#[path = "cli/programs.rs"]
mod programs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

const CLASSES: &[&str] =
    &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// `resnetc` away from its checkout, with a cache of its own that the tests share.
fn resnetc(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resnetc"));
    command
        .current_dir(folder)
        .env("RESNETC_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
        .env("NO_COLOR", "1");
    command
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn good(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn bad(command: &mut Command, code: i32) -> String {
    let output = run(command);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{told}");
    assert!(!told.contains("panicked"), "{told}");
    told
}

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
