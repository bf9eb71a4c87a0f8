//! Threads that the system does not give.

use super::*;

/// A user who runs nothing else, and may run so many threads. Root is bound by no such limit.
fn limit(threads: usize) -> Vec<String> {
    let user = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "prlimit"];
    let mut limit: Vec<String> = user.map(str::to_owned).to_vec();
    limit.push(format!("--nproc={threads}"));
    limit
}

/// What a command says that fails with code 1 where it may have so many threads.
#[track_caller]
fn told_within(threads: usize, command: &Command) -> String {
    let limit = limit(threads);
    let limit: Vec<&str> = limit.iter().map(String::as_str).collect();
    bad(&mut under(&limit, command), 1)
}

/// Copies of the command, the program and a picture, where another user can read them; none if there is no other.
fn copies() -> Option<tempfile::TempDir> {
    let limit = limit(8);
    let limit: Vec<&str> = limit.iter().map(String::as_str).collect();
    if !can(&limit, "threads that are refused") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let weights = program().with_extension("weights");
    for file in [Path::new(env!("CARGO_BIN_EXE_resnetc")), program(), &weights] {
        fs::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    // A class's folder.
    let pictures = folder.path().join("pictures/8");
    fs::create_dir_all(&pictures).unwrap();
    for name in ["a.jpg", "b.jpg", "c.jpg", "d.jpg"] {
        fs::copy(picture(), pictures.join(name)).unwrap();
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(folder.path(), open).unwrap();
    Some(folder)
}

/// A command in a folder of [`copies`].
fn command(folder: &Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(folder.join(program));
    command.current_dir(folder).args(arguments);
    command
}

fn calibrate(threads: &str) -> Vec<&str> {
    let calibrate = "calibrate cifar_resnet --random-weights --images pictures -o out --threads";
    calibrate.split(' ').chain([threads]).collect()
}

#[test]
fn a_sessions_threads_are_all_there_or_an_error_is() {
    let Some(folder) = copies() else { return };
    let refused = "error: cannot start a thread: Resource temporarily unavailable";
    for threads in ["8", "1024"] {
        let bench = ["bench", "--seconds", "0", "--threads", threads];
        let told = told_within(4, &command(folder.path(), "wide", &bench));
        assert!(told.starts_with(refused), "{told}");
    }
    let told = told_within(8, &command(folder.path(), "resnetc", &calibrate("64")));
    assert!(told.contains(refused), "{told}");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn decoding_is_told_too_that_it_has_no_threads() {
    let Some(folder) = copies() else { return };
    let refused = "error: cannot start a thread: Resource temporarily unavailable";
    // As many as the session has, and none for the pictures.
    let told = told_within(4, &command(folder.path(), "wide", &["eval", "pictures", "--threads", "4"]));
    assert!(told.starts_with(refused), "{told}");
    // The command has one for interrupts besides.
    let told = told_within(5, &command(folder.path(), "resnetc", &calibrate("4")));
    assert!(told.contains(refused), "{told}");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn cargo_that_cannot_be_started_is_told() {
    let Some(folder) = copies() else { return };
    let mut build =
        command(folder.path(), "resnetc", &["build", "cifar_resnet", "--random-weights", "-o", "out"]);
    build.env("RESNETC_CACHE", folder.path().join("cache"));
    let told = told_within(2, &build);
    assert!(told.contains("cannot run cargo (Resource temporarily unavailable"), "{told}");
    assert!(!folder.path().join("out").exists());
}
