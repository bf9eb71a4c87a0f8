//! All that writes a file: each is to write `out`, in the folder where it is started.

use super::*;

/// What writes, and its name.
pub type Writer = (String, Command);

/// Of the command and of a program. `tune` writes as `calibrate` does, and takes long.
pub fn writers(folder: &Path) -> Vec<Writer> {
    let example = |name: &str| root().join("examples").join(name).display().to_string();
    let weights = example("cifar10/resnet20-cifar10.safetensors");
    let spec = example("cifar10/cifar10.resnet");
    let pictures = example("cifar10/pictures");
    let x = folder.join("x.npy").display().to_string();
    fs::write(&x, [npy_header(), image()].concat()).unwrap();
    let of_command = [
        vec!["emit", "cifar_resnet", "-o", "out"],
        vec!["report", "cifar_resnet", "-o", "out"],
        vec!["import", &weights, "-o", "out"],
        vec!["calibrate", &spec, "--images", &pictures, "--count", "4", "-o", "out"],
        vec!["build", &spec, "-o", "out"],
        vec!["build", &spec, "--no-embed", "-o", "out"],
        vec!["fmt", "out"],
    ];
    let of_program = [
        vec!["infer", "--input", &x, "--output", "out"],
        vec!["profile", "--runs", "1", "--threads", "1", "--trace", "out"],
    ];
    let named = |kind: &str, arguments: &[&str], mut command: Command| {
        command.args(arguments);
        (format!("{kind} {}", arguments.join(" ")), command)
    };
    let commands = of_command.iter().map(|arguments| named("resnetc", arguments, resnetc(folder)));
    let programs = of_program.iter().map(|arguments| named("program", arguments, Command::new(program())));
    commands.chain(programs).collect()
}

/// Runs a writer in a mount namespace, on a folder that `mount` prepares, where an `out` is there already. It is
/// to fail with code 1 and these words, and to leave that `out` and nothing else.
pub fn fails_and_leaves_the_old((name, writer): &Writer, folder: &Path, mount: &str, words: &str) {
    // What is left is shown by the same shell: nobody else sees the mount.
    let script = format!("{mount}\ncd \"$folder\" && \"$@\" >/dev/null; echo \"code $?\"; cat out; ls -A");
    let place = folder.join("place");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("out"), OLD).unwrap();
    let output = run(&mut under(&in_namespace(&script, &place), writer));
    let (left, told) = (text(&output.stdout), text(&output.stderr));
    assert!(told.contains(words) && told.contains("out") && !told.contains("panicked"), "{name}: {told}");
    assert_eq!(left, format!("code 1\n{OLD}out\n"), "{name}: {told}");
}

/// A spec, so that `fmt` has something to do.
const OLD: &str = "model  old { input image(3, 8, 8); stem { relu } }\n";

/// A starter in a mount namespace: a script that has a folder as `$folder`, and the command as `"$@"`.
pub fn in_namespace(script: &str, folder: &Path) -> [String; 7] {
    let script = format!("folder=$1; shift; {script}");
    ["unshare", "-rm", "sh", "-c", &script, "sh", &folder.display().to_string()].map(str::to_owned)
}

/// Whether `mount` works here on a folder: a namespace may be allowed, and what is mounted in it not. Told if not.
pub fn can_mount(mount: &str, what: &str) -> bool {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    can(&in_namespace(&format!("{mount}\n\"$@\""), folder.path()), what)
}
