//! What goes wrong around a program: each fault is provoked, and is to be told clearly and lose nothing.
//!
//! | fault | where it is provoked |
//! |---|---|
//! | disk full | `faults/disk_full.rs`: a small file system, a limit on files, `/dev/full` |
//! | read-only folder | `faults/read_only.rs` |
//! | file replaced while mapped | `faults/replaced.rs`: by renaming, and cut in place |
//! | killed during build | `faults/killed.rs`: at any moment, and asked to end (an interrupt while weights are written: `cli/mistakes.rs`) |
//! | cache corrupted | `faults/cache.rs` |
//! | out of memory at the arena's allocation | `faults/memory.rs`; also where weights and inputs are allocated |
//! | thread creation refused | `faults/threads.rs` |
//! | AMX permission refused | `runtime/tests/refused.rs`, in a process of its own |
//! | stdout closed | `faults/stdout.rs`; also full |
//!
//! Faults of the command (`resnetc`) and of the programs that it makes, both as processes. What a machine has no
//! means to provoke is skipped aloud.

#![cfg(target_os = "linux")]

#[path = "faults/cache.rs"]
mod cache;
#[path = "faults/disk_full.rs"]
mod disk_full;
#[path = "faults/killed.rs"]
mod killed;
#[path = "faults/memory.rs"]
mod memory;
#[path = "cli/processes.rs"]
mod processes;
#[path = "faults/read_only.rs"]
mod read_only;
#[path = "faults/replaced.rs"]
mod replaced;
#[path = "faults/stdout.rs"]
mod stdout;
#[path = "faults/threads.rs"]
mod threads;
#[path = "faults/writers.rs"]
mod writers;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use processes::{bad, copy_program, good, resnetc, root, run, scratch, text};
use serde_json::{Value, json};

/// A network whose arena is much larger than all else that its program has in memory.
const SPEC: &str = "\
model wide {
    input image(3, 512, 512)
    stem { conv 1x1, 16; relu }
    head { global_avg_pool; linear 10 }
}
";

/// The program of [`SPEC`], its weights in a file beside it.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = scratch("program");
        fs::write(folder.join("wide.resnet"), SPEC).unwrap();
        good(resnetc(&folder).args(["build", "wide.resnet", "--random-weights", "--no-embed", "-o", "wide"]));
        folder.join("wide")
    })
}

/// A picture of 32 x 32.
fn picture() -> PathBuf {
    root().join("examples/cifar10/pictures/ship-1.jpg")
}

/// A `.npy` of one image of [`SPEC`], without the image.
fn npy_header() -> Vec<u8> {
    processes::npy_header([1, 3, 512, 512])
}

/// The bytes of one image of [`SPEC`].
fn image() -> Vec<u8> {
    (0..3 * 512 * 512).flat_map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0).to_le_bytes()).collect()
}

/// Writes a checkpoint of zeros, which take no room on the disk: tensors of these names and shapes.
fn sparse_checkpoint(path: &Path, tensors: &[(&str, &[u64])]) -> fs::File {
    let (mut header, mut end) = (serde_json::Map::new(), 0);
    for &(name, shape) in tensors {
        let begin = end;
        end += 4 * shape.iter().product::<u64>();
        let tensor = json!({ "dtype": "F32", "shape": shape, "data_offsets": [begin, end] });
        header.insert(name.into(), tensor);
    }
    let header = Value::from(header).to_string();
    let mut file = fs::File::create(path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.set_len(8 + header.len() as u64 + end).unwrap();
    file
}

/// A command that another starts: `prlimit --fsize=0` and its like. Where its input and output are is the caller's to
/// say: a command does not tell.
fn under(starter: &[impl AsRef<OsStr>], command: &Command) -> Command {
    let mut outer = Command::new(&starter[0]);
    outer.args(&starter[1..]).arg(command.get_program()).args(command.get_args());
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}

/// Whether a starter of [`under`] works here; told if not.
fn can(starter: &[impl AsRef<OsStr>], what: &str) -> bool {
    can_start(starter, &Command::new("true"), what)
}

/// Whether it works with this command.
fn can_start(starter: &[impl AsRef<OsStr>], command: &Command, what: &str) -> bool {
    let mut tried = under(starter, command);
    let output = tried.output();
    let can = output.is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("skipped: {what}, as this is refused here: {tried:?}");
    }
    can
}

/// Looks until `seen` gives something.
fn wait_for<T>(what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = seen() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(300), "no {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a process has a file of this name mapped.
fn maps(process: u32, name: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/maps")).is_ok_and(|maps| maps.contains(name))
}

/// The names of what is in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
