//! Folders that nothing can be written to: mounted so, since root may write whatever the mode says.

use std::os::unix::fs::PermissionsExt;

use super::writers::{can_mount, fails_and_leaves_the_old, in_namespace, writers};
use super::*;

const READ_ONLY: &str =
    "mount --bind \"$folder\" \"$folder\" && mount -o remount,bind,ro \"$folder\" || exit 9";

#[test]
fn a_read_only_folder_keeps_what_it_has() {
    if !can_mount(READ_ONLY, "read-only folders") {
        return;
    }
    let folder = scratch("read_only");
    for writer in writers(&folder) {
        fails_and_leaves_the_old(&writer, &folder, READ_ONLY, "Read-only file system");
    }
}

#[test]
fn a_folder_without_the_permission_is_told() {
    // As the user of this test, or as another if that is root.
    let user: &[&str] = match run(Command::new("id").arg("-u")).stdout.as_slice() {
        b"0\n" => &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
        _ => &["env"],
    };
    let folder = tempfile::tempdir().unwrap();
    copy_program(Path::new(env!("CARGO_BIN_EXE_resnetc")), &folder.path().join("resnetc"));
    let mode = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    let command = |arguments: &[&str]| {
        let mut command = Command::new("./resnetc");
        command.current_dir(folder.path()).args(arguments);
        command
    };
    // Another user can't be had everywhere, or be let in.
    if can_start(user, &command(&["--version"]), "folders without the permission to write") {
        let told = bad(&mut under(user, &command(&["emit", "cifar_resnet", "-o", "out"])), 1);
        assert!(told.contains("cannot write out: Permission denied"), "{told}");
        assert_eq!(names(folder.path()), ["resnetc"]);
    }
    mode(0o755);
}

/// Runs a command with this folder read-only.
fn with_read_only(folder: &Path, command: &Command) -> Command {
    under(&in_namespace(&format!("{READ_ONLY}\n\"$@\""), folder), command)
}

#[test]
fn a_read_only_cache_is_told_before_anything_is_written() {
    if !can_mount(READ_ONLY, "read-only folders") {
        return;
    }
    let folder = scratch("read_only_cache");
    let cache = folder.join("cache");
    fs::create_dir_all(&cache).unwrap();
    let mut build = resnetc(&folder);
    build.env("RESNETC_CACHE", &cache).args(["build", "cifar_resnet", "--random-weights", "-o", "out"]);
    let told = bad(&mut with_read_only(&cache, &build), 1);
    assert!(told.contains("cannot write") && told.contains("Read-only file system"), "{told}");
    assert!(told.contains(&cache.display().to_string()), "{told}");
    assert_eq!(names(&folder), ["cache"]);
}

#[test]
fn a_program_that_is_cached_runs_from_a_read_only_cache() {
    if !can_mount(READ_ONLY, "read-only folders") {
        return;
    }
    let folder = scratch("filled_cache");
    let _ = program();
    let mut info = resnetc(&folder);
    info.args(["run", "cifar_resnet", "--random-weights", "--", "info"]);
    let first = good(&mut info);
    let cache = info.get_envs().find(|(name, _)| *name == "RESNETC_CACHE").and_then(|(_, value)| value);
    assert_eq!(good(&mut with_read_only(Path::new(cache.unwrap()), &info)), first);
}
