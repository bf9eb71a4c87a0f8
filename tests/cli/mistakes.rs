//! What is told of mistakes, and what they leave as it was.

use super::*;

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
