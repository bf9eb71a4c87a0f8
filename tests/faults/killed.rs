//! Builds that do not come to their end.

use std::process::Child;

use super::*;

/// A mark of what a test of this process starts: another checkout may be tested meanwhile.
fn mark(name: &str) -> String {
    format!("{name}_{}", std::process::id())
}

/// Starts a build of this folder's `out`, and waits until rustc compiles the program.
fn compiling(folder: &Path, mark: &str) -> Child {
    let _ = program(); // The runtime is compiled, so that what is waited for is the program.
    // Another name each time: the cache has none of it.
    let spec = SPEC.replace("wide", mark);
    fs::write(folder.join("spec.resnet"), spec).unwrap();
    let mut build = build(folder);
    let child = build.env("RESNETC_TEST", mark).stderr(Stdio::null()).spawn().unwrap();
    wait_for("rustc", || started(mark).iter().any(|line| line.contains("main.rs")).then_some(()));
    child
}

fn build(folder: &Path) -> Command {
    let mut build = resnetc(folder);
    build.args(["build", "spec.resnet", "--random-weights", "-o", "out"]);
    build
}

/// The command lines of all processes that were started by one with this mark.
fn started(mark: &str) -> Vec<String> {
    let mark = format!("RESNETC_TEST={mark}\0");
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let marked = processes
        .filter(|process| fs::read(process.join("environ")).is_ok_and(|all| text(&all).contains(&mark)));
    // Of one that has ended, and is not waited for yet, the line is empty.
    let lines = marked.filter_map(|process| fs::read(process.join("cmdline")).ok());
    lines.map(|line| text(&line)).filter(|line| !line.is_empty()).collect()
}

#[test]
fn after_a_killed_build_the_old_file_is_there_and_the_next_build_works() {
    let folder = scratch("killed");
    fs::write(folder.join("out"), "old").unwrap();
    let mut child = compiling(&folder, &mark("killed"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(folder.join("out")).unwrap(), b"old");
    assert_eq!(names(&folder), ["out", "spec.resnet"]);
    good(&mut build(&folder));
    assert!(good(Command::new(folder.join("out")).arg("info")).contains("3 x 512 x 512"));
    assert_eq!(names(&folder), ["out", "spec.resnet"]);
}

#[test]
fn a_build_that_is_asked_to_end_ends_its_compiler_too() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let folder = scratch("asked");
        let mark = mark(&format!("asked{}", signal.replace('-', "_").to_lowercase()));
        let mut child = compiling(&folder, &mark);
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        wait_for("end of the compiler", || started(&mark).is_empty().then_some(()));
        assert_eq!(names(&folder), ["spec.resnet"]);
    }
}

#[test]
fn a_file_that_was_being_written_when_all_ended_is_in_nobodys_way() {
    let folder = scratch("writing");
    let _ = program();
    fs::write(folder.join("wide.resnet"), SPEC).unwrap();
    fs::write(folder.join("out.weights"), "old").unwrap();
    // Writing 400 MB takes longer than seeing that it has begun.
    let large = "model large { input image(1024, 1, 1); stem { linear 100000 as fc } }\n";
    fs::write(folder.join("large.resnet"), large).unwrap();
    let mut child = resnetc(&folder)
        .args(["build", "large.resnet", "--random-weights", "--no-embed", "-o", "out"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let hidden = || names(&folder).into_iter().find(|name| name.starts_with('.'));
    let left = wait_for("file that is being written", hidden);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(folder.join("out.weights")).unwrap(), b"old");
    assert!(names(&folder).contains(&left), "it was killed while it wrote");

    good(resnetc(&folder).args(["build", "wide.resnet", "--random-weights", "--no-embed", "-o", "out"]));
    assert!(good(Command::new(folder.join("out")).args(["bench", "--seconds", "0"])).contains("wide"));
}
