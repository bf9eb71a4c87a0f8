//! Files that are changed while a program has them mapped.
//!
//! Replaced by renaming, which is how a file is to be replaced, nothing happens: the old one is there until it is
//! no longer mapped. Cut in place it ends the process, with a line that says so: the system then has no bytes for
//! an address, and to keep all programs safe from that they would have to copy their weights. What else is written
//! into a mapped file changes values, as it would have before the program began; the file of an executable that
//! runs cannot be written to on most kernels, so embedded weights are safe from both.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Output};

use super::*;

/// A program's weights in a folder of the test's own.
struct Copied {
    folder: PathBuf,
    program: PathBuf,
    weights: PathBuf,
}

fn copied(name: &str) -> Copied {
    let folder = scratch(name);
    let (program, weights) = (folder.join("wide"), folder.join("wide.weights"));
    copy_program(super::program(), &program);
    fs::copy(super::program().with_extension("weights"), &weights).unwrap();
    Copied { folder, program, weights }
}

/// An `infer` that has its weights mapped and waits for its image.
fn waiting(copied: &Copied) -> Child {
    let mut infer = Command::new(&copied.program);
    infer.current_dir(&copied.folder).args(["infer", "--threads", "1", "--input", "-", "--output", "y.npy"]);
    infer.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = infer.spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(&npy_header()).unwrap();
    wait_for("map of the weights", || maps(child.id(), "wide.weights").then_some(()));
    child
}

/// Gives it the image, and waits for its end.
fn finish(mut child: Child) -> Output {
    // A process that has ended reads no more.
    let _ = child.stdin.take().unwrap().write_all(&image());
    child.wait_with_output().unwrap()
}

#[test]
fn a_weights_file_that_is_replaced_by_renaming_is_used_to_the_end() {
    let copied = copied("renamed");
    assert!(finish(waiting(&copied)).status.success());
    let expected = fs::read(copied.folder.join("y.npy")).unwrap();
    fs::remove_file(copied.folder.join("y.npy")).unwrap();

    let child = waiting(&copied);
    fs::write(copied.folder.join("other"), vec![0; 1 << 16]).unwrap();
    fs::rename(copied.folder.join("other"), &copied.weights).unwrap();
    let output = finish(child);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(fs::read(copied.folder.join("y.npy")).unwrap() == expected, "other results");
    // The next start meets the other file, and says so.
    let told = bad(Command::new(&copied.program).args(["bench", "--seconds", "0"]), 1);
    assert!(told.contains("wide.weights") && told.contains("not packed weights"), "{told}");
}

#[test]
fn a_weights_file_that_is_cut_in_place_is_told() {
    let copied = copied("cut");
    let child = waiting(&copied);
    fs::File::options().write(true).open(&copied.weights).unwrap().set_len(0).unwrap();
    let output = finish(child);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("error: a file of weights was cut"), "{told}");
    assert_eq!(names(&copied.folder), ["wide", "wide.weights"], "no half answer is left");
}

#[test]
fn a_bus_error_that_another_process_sends_ends_a_program_as_ever() {
    let child = waiting(&copied("sent"));
    assert!(Command::new("kill").args(["-BUS", &child.id().to_string()]).status().unwrap().success());
    let output = finish(child);
    assert_eq!(output.status.signal(), Some(nix::libc::SIGBUS), "{}", text(&output.stderr));
}

/// Whether this kernel lets nobody write to the file of a program that runs, as most do: seen with another program.
fn files_of_programs_are_kept() -> bool {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("sleep");
    copy_program(Path::new("/bin/sleep"), &path);
    let mut sleep = Command::new(&path).arg("60").spawn().unwrap();
    let opened = fs::File::options().write(true).open(&path);
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    opened.is_err()
}

#[test]
fn the_file_of_a_program_that_runs_cannot_be_written_to() {
    if !files_of_programs_are_kept() {
        eprintln!("skipped: the files of programs that run, as this kernel lets them be written to");
        return;
    }
    let copied = copied("running");
    let child = waiting(&copied);
    let opened = fs::File::options().write(true).open(&copied.program);
    assert_eq!(opened.unwrap_err().kind(), std::io::ErrorKind::ExecutableFileBusy);
    assert!(finish(child).status.success());
}

#[test]
fn a_checkpoint_that_is_cut_while_it_is_read_is_told() {
    /// Enough that reading it takes a moment.
    const VALUES: u64 = 64 << 20;
    let folder = scratch("checkpoint");
    let path = folder.join("large.safetensors");
    let file = sparse_checkpoint(&path, &[("conv1.weight", &[VALUES])]);

    let mut import = resnetc(&folder);
    import.args(["import", "large.safetensors", "-o", "out"]).stderr(Stdio::piped());
    let child = import.spawn().unwrap();
    wait_for("map of the checkpoint", || maps(child.id(), "large.safetensors").then_some(()));
    file.set_len(0).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("error: a file of weights was cut"), "{told}");
    assert_eq!(names(&folder), ["large.safetensors"]);
}
