//! Threads that the system does not give.

use super::*;

/// A user who runs nothing else, and copies of the command, the program and pictures in a folder of theirs.
struct Other {
    user: u32,
    folder: tempfile::TempDir,
}

impl Other {
    /// None if no other user can be had, or can run what is in the folder. Tests run side by side, and all that a user
    /// runs counts for the limit: each test has a `number`, and each process of tests most likely other users.
    fn new(number: u32) -> Option<Self> {
        let user = 20_000 + std::process::id() % 10_000 * 4 + number;
        let folder = tempfile::tempdir().unwrap();
        for program in [Path::new(env!("CARGO_BIN_EXE_resnetc")), program()] {
            copy_program(program, &folder.path().join(program.file_name().unwrap()));
        }
        fs::copy(program().with_extension("weights"), folder.path().join("wide.weights")).unwrap();
        // A class's folder.
        let pictures = folder.path().join("pictures/8");
        fs::create_dir_all(&pictures).unwrap();
        for name in ["a.jpg", "b.jpg", "c.jpg", "d.jpg"] {
            fs::copy(picture(), pictures.join(name)).unwrap();
        }
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(folder.path(), open).unwrap();
        let other = Self { user, folder };
        let all =
            "cd \"$PWD\" && ./resnetc --version && ./wide info && cat wide.weights pictures/8/* && touch new";
        let probe = other.command("/bin/sh", &["-c", all]);
        can_start(&other.limit(8), &probe, "threads that are refused").then_some(other)
    }

    /// May run so many threads. Root is bound by no such limit.
    fn limit(&self, threads: usize) -> [String; 6] {
        let user = self.user;
        let (user, group) = (format!("--reuid={user}"), format!("--regid={user}"));
        let limit = format!("--nproc={threads}");
        ["setpriv", &user, &group, "--clear-groups", "prlimit", &limit].map(str::to_owned)
    }

    /// A command in the folder.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).args(arguments);
        command
    }

    /// What a command says that fails with code 1 where the user may have so many threads, and that leaves no `out`.
    #[track_caller]
    fn told_within(&self, threads: usize, command: &Command) -> String {
        let told = bad(&mut under(&self.limit(threads), command), 1);
        assert!(!self.folder.path().join("out").exists());
        told
    }
}

fn calibrate(threads: &str) -> Vec<&str> {
    let calibrate = "calibrate cifar_resnet --random-weights --images pictures -o out --threads";
    calibrate.split(' ').chain([threads]).collect()
}

#[test]
fn a_sessions_threads_are_all_there_or_an_error_is() {
    let Some(other) = Other::new(0) else { return };
    let refused = "error: cannot start a thread: Resource temporarily unavailable";
    for threads in ["8", "1024"] {
        let bench = ["bench", "--seconds", "0", "--threads", threads];
        let told = other.told_within(4, &other.command("./wide", &bench));
        assert!(told.starts_with(refused), "{told}");
    }
    let told = other.told_within(8, &other.command("./resnetc", &calibrate("64")));
    assert!(told.contains(refused), "{told}");
}

#[test]
fn decoding_is_told_too_that_it_has_no_threads() {
    let Some(other) = Other::new(1) else { return };
    let refused = "error: cannot start a thread: Resource temporarily unavailable";
    // As many as the session has, and none for the pictures.
    let told = other.told_within(4, &other.command("./wide", &["eval", "pictures", "--threads", "4"]));
    assert!(told.starts_with(refused), "{told}");
    // The command has one for interrupts besides.
    let told = other.told_within(5, &other.command("./resnetc", &calibrate("4")));
    assert!(told.contains(refused), "{told}");
}

#[test]
fn a_toolchain_that_cannot_be_started_is_told() {
    let Some(other) = Other::new(2) else { return };
    let mut build = other.command("./resnetc", &["build", "cifar_resnet", "--random-weights", "-o", "out"]);
    build.env("RESNETC_CACHE", other.folder.path().join("cache"));
    // The command's two, and none for rustc or cargo.
    let told = other.told_within(2, &build);
    assert!(told.contains("cannot run cargo (Resource temporarily unavailable"), "{told}");
}
