//! A standard output that nobody reads, that is full, or that is not there.

use super::*;

/// What prints much, and the code that it ends with.
type Printer = (Command, i32);

/// Of the command and of a program. Each is to be given [`input`].
fn printers(folder: &Path) -> Vec<Printer> {
    let of_command = [
        "--help",
        "help build",
        "--version",
        "list",
        "summary resnet152",
        "summary resnet50 --json",
        "check cifar_resnet",
        "emit resnet18 --stage ast",
        "emit resnet18 --stage network",
        "emit resnet18 --stage graph",
        "emit resnet18 --stage fused",
        "emit resnet18 --stage dot",
        "emit resnet18 --stage plan",
        "emit resnet18 --stage rust",
        "explain R0202",
        "explain conv",
        "completions bash",
        "fmt -",
        "import resnet20-cifar10.safetensors",
        "manual pages",
        "compare network.resnet --weights network.safetensors --reference activations.safetensors",
        "compare network.resnet --weights network.safetensors --reference activations.safetensors --json",
    ];
    let of_program = [
        "--help",
        "bench --seconds 0",
        "bench --seconds 0 --json",
        "classify ship-1.jpg ship-1.jpg",
        "classify --json ship-1.jpg",
        "completions zsh",
        "eval pictures",
        "eval pictures --json",
        "infer --input x.npy --output -",
        "infer --input x.npy --output /dev/stdout",
        "info",
        "info --json",
        "profile --runs 1",
        "profile --runs 1 --json",
        "profile --runs 1 --trace -",
    ];
    let examples = root().join("examples");
    for file in [
        "cifar10/resnet20-cifar10.safetensors",
        "compare/network.resnet",
        "compare/network.safetensors",
        "compare/activations.safetensors",
        "cifar10/pictures/ship-1.jpg",
    ] {
        fs::copy(examples.join(file), folder.join(Path::new(file).file_name().unwrap())).unwrap();
    }
    fs::create_dir_all(folder.join("pictures/8")).unwrap();
    fs::copy(picture(), folder.join("pictures/8/ship.jpg")).unwrap();
    fs::write(folder.join("x.npy"), [npy_header(), image()].concat()).unwrap();
    fs::write(folder.join("spec.resnet"), SPEC).unwrap();
    let commands = of_command.iter().map(|line| (resnetc(folder), line));
    let programs = of_program.iter().map(|line| (Command::new(program()), line));
    let all = commands.chain(programs).map(|(mut command, line)| {
        command.current_dir(folder).args(line.split(' '));
        // The example has mistakes to be found.
        (command, i32::from(line.starts_with("compare")))
    });
    all.collect()
}

/// What `fmt -` is to format.
fn input(folder: &Path) -> fs::File {
    fs::File::open(folder.join("spec.resnet")).unwrap()
}

/// What the program says of itself whether or not its results are seen.
fn without_notes(told: &str) -> String {
    told.lines().filter(|line| !line.starts_with("note: ")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let folder = scratch("gone");
    for (mut command, _) in printers(&folder) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = run(command.stdin(input(&folder)).stdout(writer));
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), without_notes(&told)), (Some(0), String::new()), "{command:?}");
    }
}

#[test]
fn a_full_standard_output_is_told() {
    let folder = scratch("full_stdout");
    for (mut command, _) in printers(&folder) {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = run(command.stdin(input(&folder)).stdout(full));
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {told}");
        assert!(
            told.contains("No space left on device") && !told.contains("panicked"),
            "{command:?}: {told}"
        );
    }
}

#[test]
fn a_standard_output_that_is_not_there_swallows_what_is_printed() {
    let folder = scratch("no_stdout");
    for (command, code) in printers(&folder) {
        let output = run(under(&["sh", "-c", "exec \"$@\" >&-", "sh"], &command).stdin(input(&folder)));
        let told = without_notes(&text(&output.stderr));
        assert_eq!((output.status.code(), told), (Some(code), String::new()), "{command:?}");
    }
}
