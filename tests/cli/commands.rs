//! What the command does with what is right.

use super::*;

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
fn a_network_past_the_usual_limits_is_taken_if_that_is_said() {
    let folder = scratch("large");
    let spec = folder.join("large.resnet");
    fs::write(
        &spec,
        "model m {\n    input image(1, 8, 8)\n    stage s { 30000 of one }\n    stage t { 30000 of one }\n}\n\
         block one { relu }\n",
    )
    .unwrap();
    for arguments in
        [&["check", "large.resnet"][..], &["emit", "large.resnet", "--stage", "network", "-o", "network.txt"]]
    {
        let told = bad(resnetc(&folder).args(arguments), 1);
        assert!(told.contains("R0401") && told.contains("--allow-large"), "{told}");
        good(resnetc(&folder).args(arguments).arg("--allow-large"));
    }
    // Checked before weights are asked for.
    let build = resnetc::build_script::Build::new(spec.display().to_string());
    let error = |build: resnetc::build_script::Build| build.write_to(&folder).unwrap_err().to_string();
    assert!(error(build.clone()).contains("R0401"));
    assert!(error(build.allow_large()).contains("no weights are given"));
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
