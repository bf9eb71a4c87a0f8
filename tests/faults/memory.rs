//! Memory that the system does not give: limits on what a process may address.

use super::*;

/// A limit of so many bytes.
fn limit(bytes: u64) -> [String; 2] {
    ["prlimit".to_owned(), format!("--as={bytes}")]
}

/// What a command says that fails with code 1 under a limit.
#[track_caller]
fn told_within(bytes: u64, command: &Command) -> String {
    bad(&mut under(&limit(bytes), command), 1)
}

/// Whether there are such limits here.
fn can_limit() -> bool {
    can(&limit(1 << 30), "memory that is refused")
}

#[test]
fn an_arena_that_cannot_be_had_is_told_with_its_size() {
    if !can_limit() {
        return;
    }
    let summary = good(resnetc(program().parent().unwrap()).args(["summary", "wide.resnet", "--json"]));
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let arena = summary["arena_bytes"].as_u64().unwrap();
    assert!(arena > 16 << 20, "{arena} bytes are more than all else");
    for arguments in [&["bench", "--seconds", "0"][..], &["profile", "--runs", "1"]] {
        let mut run = Command::new(program());
        let told = told_within(arena, run.args(arguments).args(["--threads", "1"]));
        assert_eq!(told, format!("error: cannot allocate {arena} bytes\n"));
    }
    let folder = scratch("arena");
    fs::write(folder.join("x.npy"), [npy_header(), image()].concat()).unwrap();
    fs::write(folder.join("y.npy"), "old").unwrap();
    let mut infer = Command::new(program());
    infer.current_dir(&folder).args(["infer", "--threads", "1", "--input", "x.npy", "--output", "y.npy"]);
    assert_eq!(told_within(arena, &infer), format!("error: cannot allocate {arena} bytes\n"));
    assert_eq!(fs::read(folder.join("y.npy")).unwrap(), b"old");
    assert_eq!(names(&folder), ["x.npy", "y.npy"]);
}

#[test]
fn weights_that_have_no_room_are_told() {
    /// Of one layer: 128 MiB of values.
    const VALUES: u64 = 32 << 20;
    const BYTES: u64 = 4 * VALUES;
    /// Of packed weights.
    const HEADER: u64 = 128;
    if !can_limit() {
        return;
    }
    let folder = scratch("joining");
    let classes = VALUES / 1024;
    let spec = format!("model m {{ input image(1024, 1, 1); stem {{ linear {classes} as fc }} }}\n");
    fs::write(folder.join("m.resnet"), spec).unwrap();
    let end = BYTES + 4 * classes;
    let tensors = [("fc.weight", &[classes, 1024][..]), ("fc.bias", &[classes])];
    sparse_checkpoint(&folder.join("m.safetensors"), &tensors);

    let before = names(&folder);
    let mut build = resnetc(&folder);
    build.args(["build", "m.resnet", "--weights", "m.safetensors", "-o", "m"]);
    // The file has room; so have then the values that are read from it, and then those that are packed. What else
    // a process has is not the same everywhere, and so is not which of them a limit leaves no room for.
    let stages = [
        format!("cannot allocate {BYTES} bytes\n"),
        format!("cannot allocate {end} bytes for the packed weights\n"),
        format!("cannot allocate {} bytes\n", HEADER + end),
    ];
    let mut seen = [false; 3];
    // From where the file has no room either.
    for tenths in (11..100).step_by(3) {
        let told = told_within(BYTES * tenths / 10, &build);
        assert_eq!(names(&folder), before);
        match stages.iter().position(|stage| told.ends_with(stage)) {
            Some(stage) => seen[stage] = true,
            None => assert_eq!(seen, [false; 3], "at {tenths} tenths: {told}"),
        }
        if seen[2] {
            break;
        }
    }
    assert_eq!(seen, [true; 3], "each of {stages:?} is told");
}

#[test]
fn stacks_of_threads_that_have_no_room_are_told() {
    if !can_limit() {
        return;
    }
    let mut bench = Command::new(program());
    bench.args(["bench", "--seconds", "0", "--threads", "1024"]);
    let told = told_within(512 << 20, &bench);
    assert!(told.starts_with("error: cannot start a thread: "), "{told}");
}
