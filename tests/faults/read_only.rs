//! Folders that nothing can be written to: mounted so, since root may write whatever the mode says.

use super::writers::{NAMESPACE, fails_and_leaves_the_old, writers};
use super::*;

const READ_ONLY: &str =
    "mount --bind \"$folder\" \"$folder\" && mount -o remount,bind,ro \"$folder\" || exit 9";

#[test]
fn a_read_only_folder_keeps_what_it_has() {
    if !can(&NAMESPACE, "read-only folders") {
        return;
    }
    let folder = scratch("read_only");
    for writer in writers(&folder) {
        fails_and_leaves_the_old(&writer, &folder, READ_ONLY, "Read-only file system");
    }
}

#[test]
fn a_folder_without_the_permission_is_told() {
    let other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let folder = tempfile::tempdir().unwrap();
    // As the user of this test, or as another if that is root.
    let as_other = run(Command::new("id").arg("-u")).stdout == b"0\n";
    if as_other && !can(&other, "folders without the permission to write") {
        return;
    }
    let command = folder.path().join("resnetc");
    fs::copy(env!("CARGO_BIN_EXE_resnetc"), &command).unwrap();
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(folder.path(), mode(0o555)).unwrap();
    let mut emit = Command::new(&command);
    emit.current_dir(folder.path()).args(["emit", "cifar_resnet", "-o", "out"]);
    let told = bad(&mut if as_other { under(&other, &emit) } else { emit }, 1);
    assert!(told.contains("cannot write out: Permission denied"), "{told}");
    assert_eq!(names(folder.path()), ["resnetc"]);
    fs::set_permissions(folder.path(), mode(0o755)).unwrap();
}

/// Runs a command with this folder read-only.
fn with_read_only(folder: &Path, command: &Command) -> Command {
    let script = format!("folder=$1; shift; {READ_ONLY}\n\"$@\"");
    under(&["unshare", "-rm", "sh", "-c", &script, "sh", &folder.display().to_string()], command)
}

#[test]
fn a_read_only_cache_is_told_before_anything_is_written() {
    if !can(&NAMESPACE, "read-only folders") {
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
    if !can(&NAMESPACE, "read-only folders") {
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
