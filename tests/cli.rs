//! The command and the programs that it makes, as a user has them: processes, files, exit codes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

const CLASSES: &[&str] =
    &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// `resnetc` away from its checkout, with a cache of its own that the tests share.
fn resnetc(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resnetc"));
    command
        .current_dir(folder)
        .env("RESNETC_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
        .env("NO_COLOR", "1");
    command
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn good(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn bad(command: &mut Command, code: i32) -> String {
    let output = run(command);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{told}");
    assert!(!told.contains("panicked"), "{told}");
    told
}

/// The default model, its weights embedded, for up to 4 images.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = scratch("program");
        let spec = root().join("examples/cifar10/cifar10.resnet");
        good(resnetc(&folder).arg("build").arg(spec).args(["--batch", "4", "-o", "cifar10"]));
        folder.join("cifar10")
    })
}

fn pictures() -> Vec<PathBuf> {
    let folder = root().join("examples/cifar10/pictures");
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

/// `ship-2.jpg`: ship
fn class_of(picture: &Path) -> String {
    let stem = picture.file_stem().unwrap().to_string_lossy().into_owned();
    stem.split('-').next().unwrap_or_default().to_owned()
}

#[test]
fn the_default_model_classifies_the_drawn_pictures() {
    let pictures = pictures();
    assert!(pictures.len() >= 15);
    let out = good(Command::new(program()).arg("classify").arg("--json").args(&pictures));
    let answers: Value = serde_json::from_str(&out).unwrap();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), pictures.len());
    for (picture, answer) in pictures.iter().zip(answers) {
        let text = answer.to_string();
        let first = CLASSES.iter().min_by_key(|c| text.find(&format!("\"{c}\"")).unwrap_or(usize::MAX));
        assert_eq!(first.copied(), Some(class_of(picture).as_str()), "{}: {text}", picture.display());
    }
}

#[test]
fn a_picture_that_is_none_is_named_and_the_others_are_answered() {
    let folder = scratch("none");
    fs::write(folder.join("notes.jpg"), "not a picture").unwrap();
    let ship = root().join("examples/cifar10/pictures/ship-1.jpg");
    let output = run(Command::new(program()).arg("classify").arg(folder.join("notes.jpg")).arg(ship));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("notes.jpg"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("ship"), "{}", text(&output.stdout));
}

#[test]
fn eval_counts_a_folder_of_folders() {
    let folder = scratch("eval");
    for picture in pictures() {
        let class = folder.join(class_of(&picture));
        fs::create_dir_all(&class).unwrap();
        fs::copy(&picture, class.join(picture.file_name().unwrap())).unwrap();
    }
    let out = good(Command::new(program()).arg("eval").arg(&folder).arg("--json"));
    let result: Value = serde_json::from_str(out.trim().lines().last().unwrap()).unwrap();
    assert_eq!(result["images"].as_u64(), Some(pictures().len() as u64));
    assert_eq!(result["top1"].as_f64(), Some(1.0));
    assert_eq!(result["top5"].as_f64(), Some(1.0));
    assert!(result["images_per_s"].as_f64().unwrap() > 0.0);
}

/// A `.npy` of f32 values, written by hand: the programs' reader is what is tested.
fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    header += &" ".repeat((64 - (header.len() + 11) % 64) % 64);
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.bytes());
    out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    out
}

#[test]
fn infer_takes_any_number_of_images() {
    let folder = scratch("infer");
    let image: Vec<f32> = (0..3 * 32 * 32).map(|i| ((i * 37 % 101) as f32 - 50.0) / 40.0).collect();
    fs::write(folder.join("x.npy"), npy("(9, 3, 32, 32)", &image.repeat(9))).unwrap();
    good(
        Command::new(program()).current_dir(&folder).args(["infer", "--input", "x.npy", "--output", "y.npy"]),
    );
    let out = fs::read(folder.join("y.npy")).unwrap();
    assert!(text(&out[..128]).contains("(9, 10)"));
    let values: Vec<&[u8]> = out[out.len() - 9 * 10 * 4..].chunks(40).collect();
    assert!(values.iter().all(|v| *v == values[0]), "equal images have equal logits, whatever their batch");

    fs::write(folder.join("bad.npy"), npy("(1, 3, 8, 8)", &image[..192])).unwrap();
    let mut infer = Command::new(program());
    let told = bad(infer.current_dir(&folder).args(["infer", "--input", "bad.npy", "--output", "z.npy"]), 1);
    assert!(told.contains("32"), "the shape that is wanted is told: {told}");
    assert!(!folder.join("z.npy").exists());
}

#[test]
fn bench_ends_with_a_line_of_json() {
    let out =
        good(Command::new(program()).args(["bench", "--seconds", "0.2", "--batch", "2", "--threads", "1"]));
    let last: Value = serde_json::from_str(out.trim().lines().last().unwrap()).unwrap();
    for key in ["median_ms", "p05_ms", "p95_ms", "images_per_s", "gmacs_per_s"] {
        assert!(last[key].as_f64().is_some_and(|v| v > 0.0), "{key}: {last}");
    }
}

#[test]
fn profile_tells_each_layers_share_and_traces_a_run() {
    let folder = scratch("profile");
    let out = good(Command::new(program()).current_dir(&folder).args([
        "profile",
        "--batch",
        "2",
        "--threads",
        "2",
        "--runs",
        "3",
        "--json",
        "--trace",
        "run.json",
    ]));
    let profile: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((profile["batch"].as_u64(), profile["runs"].as_u64()), (Some(2), Some(3)));
    assert_eq!(profile["total"]["macs"].as_u64(), Some(2 * 40_551_040), "those of the network");
    let layers = profile["layers"].as_array().unwrap();
    let shares: f64 = layers.iter().map(|layer| layer["share_percent"].as_f64().unwrap()).sum();
    assert!((shares - 100.0).abs() < 0.1, "{shares}");
    let names: Vec<&str> = layers.iter().map(|layer| layer["name"].as_str().unwrap()).collect();
    assert!(names.iter().all(|name| !name.contains('*')), "{names:?}");
    let convolutions = layers.iter().filter(|layer| layer["macs"].as_u64() > Some(0));
    assert_eq!(convolutions.count(), 20, "{names:?}");

    let trace: Value = serde_json::from_slice(&fs::read(folder.join("run.json")).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    for thread in 0..2 {
        let own = events.iter().filter(|event| event["ph"] == "X" && event["tid"] == thread);
        let own: Vec<&str> = own.map(|event| event["name"].as_str().unwrap()).collect();
        assert_eq!(own, names, "a row for each thread, an event for each step");
    }
    let alone = good(Command::new(program()).args(["profile", "--runs", "1", "--trace", "-"]));
    assert!(serde_json::from_str::<Value>(&alone).unwrap()["traceEvents"].is_array());
    let table = good(Command::new(program()).args(["profile", "--runs", "1", "--sort", "time"]));
    assert_eq!(table.lines().count(), layers.len() + 3, "a title, a header, a total: {table}");
    assert!(table.contains("% of limit") && table.contains("direct 3x3"), "{table}");
    bad(Command::new(program()).args(["profile", "--runs", "1", "--seconds", "1"]), 2);
    bad(Command::new(program()).args(["profile", "--batch", "5"]), 1);
}

#[test]
fn a_program_tells_of_itself() {
    let out = good(Command::new(program()).args(["info", "--json"]));
    let info: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(info["params"].as_u64(), Some(269_722));
    assert_eq!(info["macs"].as_u64(), Some(40_551_040));
    assert!(info.to_string().contains("f32"), "{info}");
    for command in ["classify", "infer", "eval", "bench", "profile", "info"] {
        let help = good(Command::new(program()).args([command, "--help"]));
        assert!(help.contains("Usage"), "{help}");
    }
    bad(Command::new(program()).arg("nonsense"), 2);
    bad(Command::new(program()).args(["eval", "no/such/folder"]), 1);
}

#[test]
fn weights_beside_the_program_are_checked() {
    let folder = scratch("beside");
    let spec = root().join("examples/cifar10/cifar10.resnet");
    good(resnetc(&folder).arg("build").arg(&spec).args(["--no-embed", "-o", "net"]));
    let weights = folder.join("net.weights");
    let ship = root().join("examples/cifar10/pictures/ship-1.jpg");
    let classify = || {
        let mut command = Command::new(folder.join("net"));
        command.arg("classify").arg(&ship);
        command
    };
    assert!(good(&mut classify()).contains("ship"));
    let whole = fs::read(&weights).unwrap();
    fs::write(&weights, &whole[..whole.len() - 4]).unwrap();
    assert!(bad(&mut classify(), 1).contains("net.weights"));
    let mut other = whole.clone();
    other[12] ^= 1;
    fs::write(&weights, &other).unwrap();
    bad(&mut classify(), 1);
    fs::remove_file(&weights).unwrap();
    assert!(bad(&mut classify(), 1).contains("net.weights"));
}

#[test]
fn run_builds_once_and_executes() {
    let folder = scratch("run");
    let spec = root().join("examples/cifar10/cifar10.resnet");
    let mut command = resnetc(&folder);
    command.arg("run").arg(&spec).args(["--", "info"]);
    assert!(good(&mut command).contains("269"));
    let again = run(&mut command);
    assert!(again.status.success() && again.stderr.is_empty(), "the second time there is nothing to build");
    let mut fails = resnetc(&folder);
    bad(fails.arg("run").arg(&spec).args(["--", "classify", "no-such.jpg"]), 1);
}

#[test]
fn a_new_project_checks_and_is_formatted() {
    let folder = scratch("new");
    good(resnetc(&folder).args(["new", "mine"]));
    assert!(good(resnetc(&folder).args(["check", "mine/mine.resnet"])).contains("269722"));
    good(resnetc(&folder).args(["fmt", "--check", "mine/mine.resnet"]));
    good(resnetc(&folder).args(["new", "unit"]));
    good(resnetc(&folder).args(["check", "unit/unit.resnet"]));
    assert!(bad(resnetc(&folder).args(["new", "mine"]), 1).contains("there already"));
    assert!(bad(resnetc(&folder).args(["new", "1x"]), 1).contains("name"));
}

#[test]
fn shipped_specs_are_formatted() {
    for folder in
        ["specs/imagenet", "specs/cifar", "specs/mlperf_tiny", "compiler/src/std", "examples/cifar10"]
    {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "resnet") {
                good(resnetc(&root()).arg("fmt").arg("--check").arg(path));
            }
        }
    }
}

#[test]
fn fmt_rewrites_a_file_and_leaves_a_broken_one() {
    let folder = scratch("fmt");
    fs::write(folder.join("a.resnet"), "model   a{input image( 3,8,8 );stem{conv 3x3,8}}").unwrap();
    good(resnetc(&folder).args(["fmt", "a.resnet"]));
    let formatted = fs::read_to_string(folder.join("a.resnet")).unwrap();
    good(resnetc(&folder).args(["fmt", "--check", "a.resnet"]));
    assert!(formatted.contains("input image(3, 8, 8)"), "{formatted}");
    fs::write(folder.join("b.resnet"), "model b { conv 3x3,").unwrap();
    bad(resnetc(&folder).args(["fmt", "b.resnet"]), 1);
    assert_eq!(fs::read_to_string(folder.join("b.resnet")).unwrap(), "model b { conv 3x3,");
}

#[test]
fn summary_gives_totals_and_layers() {
    let folder = scratch("summary");
    let out = good(resnetc(&folder).args(["summary", "resnet50", "--json"]));
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(summary["model"], "resnet50");
    assert_eq!(summary["params"], 25_557_032);
    assert_eq!(summary["macs"].as_u64(), Some(4_089_184_256));
    assert!(summary["arena_bytes"].as_u64().unwrap() >= summary["live_bytes"].as_u64().unwrap());
    let layers = summary["layers"].as_array().unwrap();
    assert_eq!(layers.iter().map(|l| l["params"].as_u64().unwrap()).sum::<u64>(), 25_557_032);
    let table = good(resnetc(&folder).args(["summary", "resnet50"]));
    assert!(table.contains("layer4.2.conv3") && table.contains("25,557,032"), "{table}");
}

#[test]
fn a_large_batch_of_small_images_is_told_in_rounds() {
    let folder = scratch("rounds");
    let of = |command: &[&str]| good(resnetc(&folder).args(command).args(["cifar_resnet", "--batch", "64"]));
    let summary: Value = serde_json::from_str(&of(&["summary", "--json"])).unwrap();
    let images = summary["images_at_once"].as_u64().unwrap();
    assert!((1..64).contains(&images), "{images}");
    let words = format!("a batch of 64, {images} at once");
    assert!(of(&["summary"]).contains(&words), "{words}");
    assert!(of(&["emit", "--stage", "plan"]).contains(&format!("batch 64, {images} at once, arena")));
}

#[test]
fn stages_print_the_same_twice() {
    let folder = scratch("stages");
    for stage in ["ast", "network", "graph", "fused", "plan", "rust"] {
        let print = || good(resnetc(&folder).args(["emit", "resnet18", "--stage", stage]));
        let first = print();
        assert!(first.lines().count() > 20, "{stage}: {first}");
        assert_eq!(first, print(), "{stage}");
    }
}

#[test]
fn tuning_chooses_the_algorithms_of_a_plan() {
    let folder = scratch("tuning");
    good(resnetc(&folder).args(["tune", "cifar_resnet", "--seconds", "1", "--threads", "1", "-o", "t"]));
    let plan =
        |more: &[&str]| good(resnetc(&folder).args(["emit", "cifar_resnet", "--stage", "plan"]).args(more));
    let tuned = fs::read_to_string(folder.join("t")).unwrap();
    let choices = tuned.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(choices, 1 + 4, "a title, the stem, and the three sizes of maps:\n{tuned}");
    plan(&["--tuning", "t"]);

    fs::write(folder.join("mine"), "resnetc tuning 1, batch 1\n16x32x32 -> 16x32x32: winograd 2x2 by 7\n")
        .unwrap();
    assert!(plan(&["--tuning", "mine"]).contains("winograd 2x2 by 7 tiles"));
    assert!(!plan(&["--exact"]).contains("winograd 2x2 by"));
    let told = bad(resnetc(&folder).args(["emit", "cifar_resnet", "--tuning", "mine", "--batch", "2"]), 1);
    assert!(told.contains("made for a batch of 1, not of 2"), "{told}");
    fs::write(folder.join("none"), "hello\n").unwrap();
    let told = bad(resnetc(&folder).args(["emit", "cifar_resnet", "--tuning", "none"]), 1);
    assert!(told.contains("line 1: this is no tuning file"), "{told}");
}

#[test]
fn bytes_want_a_calibration_of_the_same_weights() {
    let folder = scratch("precisions");
    let spec = "cifar_resnet";
    let weights = root().join("examples/cifar10/resnet20-cifar10.safetensors");
    let weights = weights.to_str().unwrap();
    let pictures = root().join("examples/cifar10/pictures");
    let pictures = pictures.to_str().unwrap();
    let told = bad(resnetc(&folder).args(["summary", spec, "--precision", "int8"]), 1);
    assert!(told.contains("`resnetc calibrate` makes"), "{told}");

    let calibrate = ["calibrate", spec, "--weights", weights, "--images", pictures];
    good(resnetc(&folder).args(calibrate).args(["-o", "c"]));
    good(resnetc(&folder).args(calibrate).args(["-o", "again"]));
    let text = fs::read_to_string(folder.join("c")).unwrap();
    assert_eq!(text, fs::read_to_string(folder.join("again")).unwrap(), "the same each time");
    assert!(text.lines().filter(|line| line.starts_with("range layer")).count() >= 18, "{text}");

    let int8 = ["--precision", "int8", "--calibration", "c"];
    let plan = good(resnetc(&folder).args(["emit", spec, "--stage", "plan"]).args(int8));
    assert!(plan.contains("[16x32x32 u8 "), "{plan}");
    fs::write(folder.join("deployment"), "precision bf16 layer3 # the last\nprecision f32 linear\n").unwrap();
    let mixed = ["--deployment", "deployment"];
    let summary = good(resnetc(&folder).args(["summary", spec]).args(int8).args(mixed));
    assert!(summary.contains("int8 (13 layers), bf16 (6 layers), f32 (1 layer)"), "{summary}");

    let accuracy = ["accuracy", spec, "--weights", weights, "--images", pictures, "--json"];
    let out = good(resnetc(&folder).args(accuracy).args(int8));
    let report: Value = serde_json::from_str(&out).unwrap();
    let ratios = report["layers"].as_array().unwrap();
    assert!(
        ratios.len() >= 20 && ratios.iter().all(|layer| layer["snr_db"].as_f64().unwrap() > 15.0),
        "{out}"
    );
    let out = good(resnetc(&folder).args(accuracy));
    let same: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&same["agreement"], &same["logits_error"]), (&Value::from(1.0), &Value::from(0.0)));

    let random = ["build", spec, "--random-weights"];
    let told = bad(resnetc(&folder).args(random).args(int8), 1);
    assert!(told.contains("the calibration is of the weights"), "{told}");
    fs::write(folder.join("typo"), "precision bf16 layer9\n").unwrap();
    let told = bad(resnetc(&folder).args(["summary", spec, "--deployment", "typo"]), 1);
    assert!(told.contains("`layer9` fits no layer"), "{told}");
    let told = bad(resnetc(&folder).args(["summary", spec, "--calibration", "deployment"]), 1);
    assert!(told.contains("line 1: not a calibration"), "{told}");
    let none = ["calibrate", spec, "--weights", weights, "--images", "nowhere"];
    let told = bad(resnetc(&folder).args(none), 1);
    assert!(told.contains("cannot read nowhere"), "{told}");
}

#[test]
fn mistakes_are_told_with_a_way_out() {
    let folder = scratch("mistakes");
    fs::write(folder.join("two.resnet"), "model a = resnet18\n\nmodel b = resnet34\n").unwrap();
    fs::write(
        folder.join("wrong.resnet"),
        "model a {\n    input image(3, 8, 8)\n    stem { conf 3x3, 8 }\n}\n",
    )
    .unwrap();
    for (arguments, said) in [
        (&["summary", "resnet5O"][..], "resnet50"),
        (&["summary", "nothing.resnet"], "nothing.resnet"),
        (&["summary", "two.resnet"], "two.resnet:"),
        (&["summary", "two.resnet:c"], "`a`, `b`"),
        (&["check", "wrong.resnet"], "there is `conv`"),
        (&["summary", "cifar_resnet", "--set", "depth=21"], "6n + 2"),
        (&["summary", "cifar_resnet", "--set", "dept=20"], "depth"),
        (&["summary", "cifar_resnet", "--set", "depth"], "NAME=VALUE"),
        (&["summary", "resnet18", "--set", "shortcut=projektion"], "projection"),
        (&["build", "resnet18"], "--weights"),
        (&["build", "resnet18", "--weights", "none.pth"], "none.pth"),
        (&["build", "resnet18", "--weights", "two.resnet"], "two.resnet"),
        (&["explain", "R9999"], "R"),
    ] {
        let told = bad(resnetc(&folder).args(arguments), 1);
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
    bad(resnetc(&folder).args(["frobnicate"]), 2);
    bad(resnetc(&folder).args(["build", "resnet18", "--batch", "0"]), 2);
    good(resnetc(&folder).args(["check", "two.resnet"]));
    assert!(good(resnetc(&folder).args(["explain", "r0204"])).contains("shortcut"));
    assert!(good(resnetc(&folder).args(["explain", "conv"])).contains("`dilation`: step between taps; 1"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing was left behind");
}

#[test]
fn weights_of_another_network_are_told_tensor_by_tensor() {
    let folder = scratch("other");
    let weights = root().join("examples/cifar10/resnet20-cifar10.safetensors");
    let told = bad(
        resnetc(&folder).args(["build", "cifar_resnet", "--set", "depth=32", "--weights"]).arg(&weights),
        1,
    );
    assert!(told.contains("layer1.3.conv1.weight"), "{told}");
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let folder = scratch("closed");
    let mut child = resnetc(&folder)
        .args(["summary", "resnet152"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "");
}

#[cfg(unix)]
#[test]
fn what_is_written_follows_links_and_keeps_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = scratch("links");
    let (real, link) = (folder.join("real.resnet"), folder.join("link.resnet"));
    fs::write(&real, "model   a {input image(3,8,8)\nstem { relu }}").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&real, &link).unwrap();
    good(resnetc(&folder).args(["fmt", "link.resnet"]));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().starts_with("model a {"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    symlink("/dev/null", folder.join("nothing")).unwrap();
    good(resnetc(&folder).args(["emit", "resnet18", "-o", "nothing"]));
    assert!(fs::symlink_metadata(folder.join("nothing")).unwrap().is_symlink());
}

#[test]
fn a_build_does_not_write_onto_what_it_reads() {
    let folder = scratch("onto");
    let weights = folder.join("w.safetensors");
    fs::copy(root().join("examples/cifar10/resnet20-cifar10.safetensors"), &weights).unwrap();
    let before = fs::read(&weights).unwrap();
    for output in ["w.safetensors", "./w.safetensors"] {
        let mut build = resnetc(&folder);
        build.args(["build", "cifar_resnet", "--weights", "w.safetensors", "-o", output]);
        assert!(bad(&mut build, 1).contains("w.safetensors"));
    }
    assert_eq!(fs::read(&weights).unwrap(), before);
    let mut missing = resnetc(&folder);
    missing.args(["build", "cifar_resnet", "--weights", "w.safetensors", "-o", "no/such/program"]);
    assert!(bad(&mut missing, 1).contains("no/such"));
}

#[test]
fn models_may_have_names_that_cargo_has() {
    let folder = scratch("names");
    for name in ["build", "std"] {
        let text = format!(
            "model {name} {{\n    input image(3, 8, 8)\n    head {{ global_avg_pool; linear 2 }}\n}}\n"
        );
        fs::write(folder.join(format!("{name}.resnet")), text).unwrap();
        let spec = format!("{name}.resnet");
        good(resnetc(&folder).args(["build", &spec, "--random-weights", "-o", "p"]));
        assert!(good(Command::new(folder.join("p")).args(["info", "--json"])).contains(name));
    }
}

#[test]
fn a_program_in_the_folder_does_not_hide_the_shipped_model() {
    let folder = scratch("hidden");
    fs::write(folder.join("resnet18"), "a program").unwrap();
    assert!(good(resnetc(&folder).args(["check", "resnet18"])).contains("11689512"));
}

#[test]
fn other_files_are_looked_at_after_a_bad_one() {
    let folder = scratch("others");
    fs::write(folder.join("a.resnet"), "model a {").unwrap();
    fs::write(folder.join("b.resnet"), "model  b { input image(3, 8, 8); stem { relu } }\n").unwrap();
    let output = run(resnetc(&folder).args(["check", "none.resnet", "a.resnet", "b.resnet"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("b: 0 parameters"), "{}", text(&output.stdout));
    let told = bad(resnetc(&folder).args(["fmt", "a.resnet", "b.resnet"]), 1);
    assert!(told.contains("a.resnet"), "{told}");
    good(resnetc(&folder).args(["fmt", "--check", "b.resnet"]));
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_half_written() {
    let folder = scratch("interrupt");
    program(); // The runtime is compiled, so that the wait below is for the weights.
    let mut child = resnetc(&folder)
        .args(["build", "wide_resnet101_2", "--random-weights", "--no-embed", "-o", "wide"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let hidden = || fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    while hidden().is_empty() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(hidden(), Vec::<std::ffi::OsString>::new());
}

#[test]
fn manual_pages_tell_every_subcommand_and_its_options() {
    let folder = scratch("manual");
    let told = good(resnetc(&folder).args(["manual", "pages"]));
    let main = fs::read_to_string(folder.join("pages/resnetc.1")).unwrap();
    let pages = fs::read_dir(folder.join("pages")).unwrap().count();
    assert_eq!(told, format!("wrote {pages} pages to pages\n"));
    let subcommands = main.matches("resnetc\\-").count();
    assert_eq!(pages, subcommands + 1, "each subcommand that the first page names has its own");
    let build = fs::read_to_string(folder.join("pages/resnetc-build.1")).unwrap();
    for option in ["weights", "no\\-embed", "batch", "precision"] {
        assert!(build.contains(&format!("\\-\\-{option}")), "no --{option} in\n{build}");
    }
    fs::write(folder.join("file"), "").unwrap();
    assert!(bad(resnetc(&folder).args(["manual", "file"]), 1).contains("file"));
}

#[test]
fn an_ensemble_of_twins_is_as_sure_as_one_of_them() {
    let folder = scratch("twins");
    let example = root().join("examples/cifar10");
    fs::copy(example.join("resnet20-cifar10.safetensors"), folder.join("resnet20-cifar10.safetensors"))
        .unwrap();
    let text = fs::read_to_string(example.join("cifar10.resnet")).unwrap();
    let sure = text
        .replace("model cifar10", "model sure")
        .replace("linear 10 as linear", "linear 10 as linear; softmax");
    let twins = "model twins {\n    member cifar10 as a\n    member sure as b\n}\n";
    fs::write(folder.join("twins.resnet"), format!("{text}\n{sure}\n{twins}")).unwrap();
    let picture = example.join("pictures/ship-1.jpg");
    let best = |model: &str| {
        let spec = format!("twins.resnet:{model}");
        let classify = ["--", "classify", "--json", picture.to_str().unwrap()];
        let out = good(resnetc(&folder).args(["run", &spec]).args(classify));
        let told: Value = serde_json::from_str(&out).unwrap();
        let top = &told[0]["top"][0];
        (
            top["label"].as_str().unwrap_or_default().to_owned(),
            top["probability"].as_f64().unwrap_or_default(),
        )
    };
    let ((one, sure), (both, as_sure)) = (best("cifar10"), best("twins"));
    assert_eq!((one.as_str(), both.as_str()), ("ship", "ship"));
    assert!(sure > 0.5 && (sure - as_sure).abs() < 1e-4, "{sure} and {as_sure}");
}
