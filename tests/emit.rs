//! Emitted code: short, formatted, safe, and compiled without a warning, for every shipped spec.

use std::path::Path;
use std::process::Command;

use resnetc::emit::{Weights, labels_file, module_name, network};
use resnetc::{Options, Spec, compile, shipped_models};
use resnetc_runtime::plan::{Plan, Stage};

fn plan(name: &str, settings: &[&str]) -> Plan {
    let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
    let checked = Spec::open(name).unwrap().check(&settings).unwrap();
    compile(&checked.network, None, &Options { batch: 2, ..Options::default() }).unwrap().plan
}

/// Every shipped model, and the deepest ones of the parameterised families.
fn plans() -> Vec<Plan> {
    let mut plans: Vec<Plan> = shipped_models().keys().map(|name| plan(name, &[])).collect();
    for (spec, depth) in [("cifar_resnet", 1202), ("cifar_plain", 56), ("cifar_preact", 1001)] {
        let mut deep = plan(spec, &[&format!("depth={depth}")]);
        deep.name = format!("{spec}_{depth}").into();
        plans.push(deep);
    }
    plans
}

#[test]
fn emitted_code_grows_with_stages_not_with_tensors() {
    for plan in plans() {
        let code = network(&plan, &Weights::File);
        let lines = code.lines().count();
        assert!(lines < 1500, "{} has {lines} lines", plan.name);
    }
    let lines = |depth: &str| network(&plan("cifar_resnet", &[depth]), &Weights::File).lines().count();
    assert_eq!(lines("depth=1202"), lines("depth=20"));
    let lines = |spec: &str| network(&plan(spec, &[]), &Weights::File).lines().count();
    assert_eq!([lines("resnet101"), lines("resnet152")], [lines("resnet50"); 2]);
}

#[test]
fn emission_is_deterministic_and_safe() {
    let code = network(&plan("resnet50", &[]), &Weights::File);
    assert_eq!(code, network(&plan("resnet50", &[]), &Weights::File));
    assert!(code.contains("#[forbid(unsafe_code)]"));
    assert!(!code.contains("unsafe "));
}

#[test]
fn a_block_that_is_like_no_other_keeps_its_number() {
    let plan = plan("resnet18", &[]);
    let alone = |stage: &Stage| stage.sections.iter().filter(|s| (s.times, s.first) == (1, 1)).count();
    assert_eq!(plan.stages.iter().map(alone).sum::<usize>(), 3, "the second of layer2, layer3 and layer4");
    assert_eq!(network(&plan, &Weights::File).matches("Section::repeat(1, 1, 0, ").count(), 3);
}

/// Names that emitted code has for things of its own.
fn awkward() -> Plan {
    let text = "model std {\n    input image(3, 8, 8)\n    stage outputs { conv 1x1, 4 }\n    \
                stage stages { conv 1x1, 4 }\n    stage plan { conv 1x1, 4 }\n    stage m0 { conv 1x1, 4 }\n    \
                stage a_2 { conv 1x1, 4 }\n    stage a { conv 1x1, 4 }\n    stage A { conv 1x1, 4 }\n    \
                stage a_steps { conv 1x1, 4 }\n    output a as fn\n}\n";
    let checked = Spec::from_text("awkward.resnet", text, None).check(&[]).unwrap_or_else(|e| panic!("{e}"));
    compile(&checked.network, None, &Options::default()).unwrap().plan
}

#[test]
fn code_of_every_shipped_spec_compiles_without_warnings() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("emitted");
    let src = folder.join("src");
    std::fs::create_dir_all(&src).unwrap();
    let runtime = resnetc_tests::path("../runtime");
    std::fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[package]\nname = \"emitted\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             resnetc-runtime = {{ path = {:?} }}\n\n[workspace]\n",
            runtime.display().to_string()
        ),
    )
    .unwrap();
    std::fs::copy(resnetc_tests::path("../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let mut main = String::from("#![forbid(unsafe_code)]\n#![deny(warnings)]\n\n");
    for plan in plans().into_iter().chain([awkward()]) {
        let name = module_name(&plan.name);
        std::fs::write(src.join(format!("{name}.rs")), network(&plan, &Weights::File)).unwrap();
        std::fs::write(src.join(labels_file(&plan)), plan.labels.join("\n")).unwrap();
        main += &format!("include!(\"{name}.rs\");\n");
    }
    std::fs::write(src.join("lib.rs"), main).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_emitted_is_what_was_planned() {
    // A small plan as emitted, for people to read; update it on purpose.
    let code = network(&plan("cifar_resnet", &["depth=8"]), &Weights::File);
    let expected = resnetc_tests::path("goldens/cifar_resnet8.rs");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&expected, &code).unwrap();
    }
    let golden = std::fs::read_to_string(&expected).unwrap_or_default();
    // The digest covers the plan itself and changes with the compiler's version.
    assert_eq!(code, golden, "run with UPDATE_EXPECTED=1 if the change is meant");
}
