//! What compiled programs do.

use super::*;

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

/// A `.npy` of these values.
fn npy(shape: [usize; 4], values: &[f32]) -> Vec<u8> {
    let mut out = npy_header(shape);
    out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    out
}

#[test]
fn infer_takes_any_number_of_images() {
    let folder = scratch("infer");
    let image: Vec<f32> = (0..3 * 32 * 32).map(|i| ((i * 37 % 101) as f32 - 50.0) / 40.0).collect();
    fs::write(folder.join("x.npy"), npy([9, 3, 32, 32], &image.repeat(9))).unwrap();
    good(
        Command::new(program()).current_dir(&folder).args(["infer", "--input", "x.npy", "--output", "y.npy"]),
    );
    let out = fs::read(folder.join("y.npy")).unwrap();
    assert!(text(&out[..128]).contains("(9, 10)"));
    let values: Vec<&[u8]> = out[out.len() - 9 * 10 * 4..].chunks(40).collect();
    assert!(values.iter().all(|v| *v == values[0]), "equal images have equal logits, whatever their batch");

    fs::write(folder.join("bad.npy"), npy([1, 3, 8, 8], &image[..192])).unwrap();
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
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let other = |arguments: &[&str]| {
        good(resnetc(&folder).arg("build").arg(&spec).args(["--no-embed", "-o", "other"]).args(arguments));
        fs::read(folder.join("other.weights")).unwrap()
    };
    for (bytes, reason) in [
        (whole[..whole.len() - 4].to_vec(), "are needed"),
        ([&whole[..], &[0]].concat(), "are needed"),
        (changed(0), "`resnetcw` is missing"),
        (changed(8), "reads version 2"),
        (changed(12), "damaged"),
        (changed(whole.len() / 2), "damaged"),
        (changed(whole.len() - 1), "damaged"),
        (other(&["--precision", "bf16"]), "another network, checkpoint, precision or layout"),
        (other(&["--random-weights"]), "another network, checkpoint, precision or layout"),
    ] {
        fs::write(&weights, bytes).unwrap();
        let told = bad(&mut classify(), 1);
        assert!(told.contains("net.weights") && told.contains(reason), "{reason}: {told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    fs::remove_file(&weights).unwrap();
    assert!(bad(&mut classify(), 1).contains("net.weights"));
}

#[test]
fn weights_in_the_program_are_checked() {
    let folder = scratch("within");
    let ship = root().join("examples/cifar10/pictures/ship-1.jpg");
    let whole = fs::read(program()).unwrap();
    let told = |bytes: &[u8]| {
        fs::write(folder.join("bytes"), bytes).unwrap();
        copy_program(&folder.join("bytes"), &folder.join("damaged"));
        bad(Command::new(folder.join("damaged")).arg("classify").arg(&ship), 1)
    };
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert!(told(&flipped).contains("weights are damaged"));
    assert!(told(&whole[..whole.len() - 1]).contains("was it stripped"));
    assert!(told(&[&whole[..], &[0]].concat()).contains("was it stripped"));
}

#[test]
fn code_and_weights_of_the_same_inputs_are_the_same_bytes() {
    let example = root().join("examples/cifar10");
    // Another folder, other times of files, another environment, and tables that are seeded anew.
    let build = |place: &str, (locale, zone): (&str, &str)| {
        let folder = scratch(place);
        for name in ["cifar10.resnet", "resnet20-cifar10.safetensors"] {
            fs::write(folder.join(name), fs::read(example.join(name)).unwrap()).unwrap();
        }
        let run = |arguments: &[&str]| {
            let mut command = resnetc(&folder);
            command.env("LANG", locale).env("TZ", zone);
            good(command.args(arguments).args(["--batch", "2"]))
        };
        let rust = run(&["emit", "cifar10.resnet", "--stage", "rust"]);
        let plan = run(&["emit", "cifar10.resnet", "--stage", "plan"]);
        run(&["build", "cifar10.resnet", "--no-embed", "-o", "net"]);
        (rust, plan, fs::read(folder.join("net.weights")).unwrap())
    };
    let first = build("reproducible/here", ("C", "UTC"));
    assert!(first.0.contains("digest") && first.2.len() > 1 << 20);
    assert!(build("reproducible/there/and/deeper", ("tr_TR.UTF-8", "Asia/Kathmandu")) == first);
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
