//! Disks without room.

use super::writers::{can_mount, fails_and_leaves_the_old, in_namespace, writers};
use super::*;

/// A small file system.
const SMALL: &str = "mount -t tmpfs -o size=64k none \"$folder\" || exit 9; cd \"$folder\"";
/// Copies the old file to it, and fills it with another.
const FILLED: &str =
    "echo \"$old\" >out; cat /dev/zero >filler 2>/dev/null; ls() { command ls -A | grep -v filler; }";

#[test]
fn a_full_disk_leaves_the_old_file() {
    if !can_mount(SMALL, "full disks") {
        return;
    }
    let folder = scratch("full");
    let full = format!("old=$(cat \"$folder/out\"); {SMALL}; {FILLED}");
    for writer in writers(&folder) {
        fails_and_leaves_the_old(&writer, &folder, &full, "No space left on device");
    }
}

#[test]
fn a_limit_on_files_is_an_error_and_no_sudden_end() {
    let limit = ["prlimit", "--fsize=100"];
    if !can(&limit, "limits on the size of files") {
        return;
    }
    let folder = scratch("limited");
    let before = names(&folder);
    for arguments in [&["emit", "cifar_resnet", "-o", "out"][..], &["report", "cifar_resnet", "-o", "out"]] {
        let told = bad(&mut under(&limit, resnetc(&folder).args(arguments)), 1);
        assert!(told.contains("cannot write out: File too large"), "{told}");
    }
    let profile = ["profile", "--runs", "1", "--threads", "1", "--trace", "out"];
    let told = bad(&mut under(&limit, Command::new(program()).current_dir(&folder).args(profile)), 1);
    assert!(told.contains("cannot write out: File too large"), "{told}");
    assert_eq!(names(&folder), before);
}

#[test]
fn a_full_device_is_told_and_stays_a_device() {
    let folder = scratch("device");
    let told = bad(resnetc(&folder).args(["emit", "cifar_resnet", "-o", "/dev/full"]), 1);
    assert!(told.contains("cannot write /dev/full: No space left on device"), "{told}");
    let profile = ["profile", "--runs", "1", "--threads", "1", "--trace", "/dev/full"];
    let told = bad(Command::new(program()).args(profile), 1);
    assert!(told.contains("cannot write /dev/full: No space left on device"), "{told}");
    let kind = fs::metadata("/dev/full").unwrap().file_type();
    assert!(std::os::unix::fs::FileTypeExt::is_char_device(&kind));
}

#[test]
fn a_program_that_has_no_room_leaves_the_old_one_and_its_weights() {
    if !can_mount(SMALL, "full disks") {
        return;
    }
    let _ = program();
    let folder = scratch("pair");
    fs::write(folder.join("wide.resnet"), SPEC).unwrap();
    // Room for the weights, and none for the program.
    let script = SMALL.replace("64k", "256k")
        + "; echo old >out; echo old >out.weights; \"$@\" >/dev/null; echo $?; cat out out.weights; ls -A";
    let place = folder.join("place");
    fs::create_dir(&place).unwrap();
    let spec = folder.join("wide.resnet").display().to_string();
    let mut build = resnetc(&folder);
    build.args(["build", &spec, "--random-weights", "--no-embed", "-o", "out"]);
    let output = run(&mut under(&in_namespace(&script, &place), &build));
    let told = text(&output.stderr);
    assert!(told.contains("cannot write out: No space left on device"), "{told}");
    assert_eq!(text(&output.stdout), "1\nold\nold\nout\nout.weights\n");
}

#[test]
fn a_project_that_has_no_room_can_be_begun_again() {
    if !can_mount(SMALL, "full disks") {
        return;
    }
    let folder = scratch("project");
    let script = format!(
        "{SMALL}; cat /dev/zero >filler; \"$@\"; echo $?; rm filler; \"$@\" >/dev/null; echo $?; ls mine"
    );
    let mut new = resnetc(&folder);
    new.args(["new", "mine"]);
    let output = run(&mut under(&in_namespace(&script, &folder), &new));
    assert!(text(&output.stderr).contains("cannot write mine/mine.resnet: No space left on device"));
    assert_eq!(text(&output.stdout), "1\n0\nREADME.md\nmine.resnet\n");
}

#[test]
fn a_cache_on_a_full_disk_is_told() {
    if !can_mount(SMALL, "full disks") {
        return;
    }
    let folder = scratch("full_cache");
    let place = folder.join("place");
    fs::create_dir_all(&place).unwrap();
    let mut build = resnetc(&folder);
    build.env("RESNETC_CACHE", &place).args(["build", "cifar_resnet", "--random-weights", "-o", "out"]);
    let script = format!("{SMALL}; cd ..; \"$@\"");
    let told = bad(&mut under(&in_namespace(&script, &place), &build), 1);
    assert!(told.contains("No space left on device") && told.contains("place"), "{told}");
    assert_eq!(names(&folder), ["place"]);
}
