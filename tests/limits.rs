//! Specs that would cost hours or all memory: each is refused at a stated limit, quickly, and in little memory.

#[path = "hostile/allocations.rs"]
mod allocations;

use std::time::{Duration, Instant};

use resnetc::diagnostics::Code;
use resnetc::plan::PlanError;
use resnetc::{Error, Limits, Options, Spec, compile, shipped_models};

/// What the check of any spec of 1 MiB may take; the time is for builds with little optimisation on busy machines.
const MEMORY: usize = 256 << 20;
const TIME: Duration = Duration::from_secs(120);

fn model(body: &str) -> String {
    format!("model m {{\n    input image(3, 32, 32)\n{body}\n}}\n")
}

/// What is told of a spec, and that it took neither long nor much memory.
#[track_caller]
fn told(text: &str) -> Vec<(Code, String)> {
    let begin = Instant::now();
    let (checked, peak) = allocations::peak(|| Spec::from_text("m.resnet", text, Some("m")).check(&[]));
    let took = begin.elapsed();
    println!("{} bytes of text: {took:?}, {} KiB", text.len(), peak >> 10);
    assert!(took < TIME, "{took:?}");
    assert!(peak < MEMORY, "{peak} bytes");
    match checked {
        Ok(_) => Vec::new(),
        Err(Error::Spec(report)) => report.diagnostics.iter().map(|d| (d.code, d.message.clone())).collect(),
        Err(error) => panic!("{error}"),
    }
}

/// A spec that is refused at a limit, which is told once.
#[track_caller]
fn refused(text: &str, limit: &str) {
    let told = told(text);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0 == Code::R0401 && told[0].1.contains(limit), "{told:?}");
}

/// As many repetitions of `line` as a spec may have bytes.
fn repeated(line: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for index in 0.. {
        let line = line(index);
        if text.len() + line.len() > (1 << 20) - 200 {
            break;
        }
        text += &line;
    }
    text
}

#[test]
fn a_text_longer_than_a_spec_is_not_looked_at() {
    let told = told(&format!("{}\n// {}", model("    stem { conv 3x3, 8 }"), "x".repeat(1 << 20)));
    assert_eq!(told[0], (Code::R0401, "the spec is longer than 1 MiB".to_owned()), "{told:?}");
}

#[test]
fn repetitions_within_repetitions_end() {
    let nested = |inner: &str| {
        let blocks = (0..30).map(|i| format!("block b{i} {{ 50000 of b{} }}\n", i + 1));
        format!(
            "{}{}block b30 {{ {inner} }}\n",
            model("    stage s { 50000 of b0 }"),
            blocks.collect::<String>()
        )
    };
    refused(&nested("relu"), "blocks");
    refused(&nested(""), "blocks");
    refused(&nested("let a = 1"), "blocks");
    refused(&nested("relu; relu; relu; relu"), "operations");
}

#[test]
fn statements_that_are_run_often_end() {
    let lets = repeated(|i| format!("let a{i} = 1\n"));
    refused(&format!("{}block b {{\n{lets}}}\n", model("    stage s { 50000 of b }")), "written out");
    let long = format!("block b {{\nlet a = \"{}\"\nlet b = a\n}}\n", "x".repeat(4000));
    refused(&format!("{}{long}", model("    stage s { 50000 of b }")), "written out");
    let many: String = (0..20_000).map(|i| format!("a{i} = 1, ")).collect();
    refused(&format!("{}block b({many}z = 1) {{ }}\n", model("    stage s { 50000 of b }")), "written out");
}

#[test]
fn names_that_are_looked_for_among_many_end() {
    refused(
        &model(&repeated(|i| format!("let a{i} = {}\n", if i == 0 { "1" } else { "a0" }))),
        "written out",
    );
}

#[test]
fn tuples_of_tuples_do_not_double_without_end() {
    let lines = (1..60).map(|i| format!("let a{i} = (a{0}, a{0})\n", i - 1));
    let told = told(&model(&format!("let a0 = (1, 2)\n{}stem {{ relu }}", lines.collect::<String>())));
    assert!(told.iter().all(|(code, _)| *code == Code::R0401) && !told.is_empty(), "{told:?}");
}

#[test]
fn a_text_of_one_mebibyte_is_checked_whatever_it_repeats() {
    for line in [
        "conv 1x1, 3\n",
        "relu;",
        "norm;",
        "residual { relu };",
        "scope a { };",
        "{",
        "let a = 1;",
        "((",
        "😀",
    ] {
        told(&model(&format!("stem {{ {} }}", repeated(|_| line.to_owned()))));
    }
    refused(&model(&repeated(|i| format!("stage s{i} {{ relu }}\n"))), "parts, outputs and members");
    let outputs: String = (0..4000).map(|i| format!("output s as o{i}\n")).collect();
    told(&format!("{}block b {{ relu }}\n", model(&format!("stage s {{ 40000 of b }}\n{outputs}"))));
    told(&format!("{}{}", model("stem { relu }"), repeated(|i| format!("block b{i} {{ relu }}\n"))));
}

#[test]
fn members_share_one_budget() {
    let members: String = (0..4000).map(|i| format!("    member n as a{i}\n")).collect();
    let ensemble =
        |body: &str| format!("model m {{\n{members}}}\n{}", model(body).replace("model m", "model n"));
    refused(&ensemble("stage s { 20 of basic(3) }\nhead { global_avg_pool; linear 10 }"), "operations");
    let lets: String = (0..100).map(|i| format!("let a{i} = (1, 2, 3, 4, 5, 6, 7, 8)\n")).collect();
    let head = "head { global_avg_pool; linear 10 }";
    let busy = format!("stage s {{ 100 of busy }}\n{head}\n}}\nblock busy {{\n{lets}");
    refused(&ensemble(&busy), "written out");
}

#[test]
fn sizes_past_the_usual_are_taken_if_that_is_said_and_then_have_limits_too() {
    let check = |text: &str, limits| {
        Spec::from_text("m.resnet", text, Some("m")).with_limits(limits).check(&[]).map(|c| c.network)
    };
    let wide = "block wide { conv 3x3, 64 }\n";
    for (body, limit) in [
        ("stage s { 30000 of one }\n stage t { 30000 of one }", "operations"),
        ("head { global_avg_pool; linear 1048576; linear 8192 }", "bytes of weights"),
        ("stem { conv 1x1, 1048576 }", "bytes an image"),
    ] {
        let text = format!("{}block one {{ relu }}\n{wide}", model(body));
        let Err(Error::Spec(report)) = check(&text, Limits::USUAL) else { panic!("{body}") };
        let told = &report.diagnostics[0];
        assert!(told.message.contains(limit), "{body}: {}", told.message);
        assert!(told.help.iter().any(|help| help.text.contains("--allow-large")), "{body}");
        let network = check(&text, Limits::LARGE).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(network.limits, Limits::LARGE);
    }
    let macs = format!("{}{wide}", model("stem { 300 of wide }").replace("(3, 32, 32)", "(64, 2048, 2048)"));
    assert!(check(&macs, Limits::USUAL).is_err());
    assert_eq!(check(&macs, Limits::LARGE).unwrap().total_macs(), 300 * 64 * 64 * 9 * 2048 * 2048);
    for body in [
        "head { global_avg_pool; linear 1048576; linear 1048576 }",
        "stem { conv 1048576x1048576, 1048576, pad 1048576 }",
        "stem { conv 1x1, 1048576, pad 1048576 }",
        "stem { conv 1x1, 1048576; conv 1048576x1048576, 1048576, pad 1048576, stride 1048576 }",
    ] {
        let Err(Error::Spec(report)) = check(&model(body), Limits::LARGE) else { panic!("{body}") };
        assert!(report.diagnostics.iter().all(|d| d.code == Code::R0401), "{body}: {report}");
        let way_out = report.diagnostics.iter().flat_map(|d| &d.help);
        assert_eq!(way_out.filter(|help| help.text.contains("--allow-large")).count(), 0, "{report}");
    }
}

#[test]
fn names_that_each_operation_repeats_are_counted() {
    let within = |inside: &str| {
        let scope = format!("scope {} {{ ", "x".repeat(250));
        let body = format!("stage s {{ {}{inside}{} }}", scope.repeat(60), "}".repeat(60));
        format!("{}block empty {{ }}\n", model(&body))
    };
    refused(&within(&"relu;".repeat(2000)), "written out");
    refused(&within("2000 of empty"), "written out");
    refused(&within(&"scope a { };".repeat(2000)), "written out");
}

#[test]
fn a_members_name_is_counted_wherever_it_stands() {
    let long = "x".repeat(250);
    let head = "head { global_avg_pool; linear 10 }";
    let stages: String = (0..4000).map(|i| format!("stage a{i} {{ }}\n")).collect();
    for network in [format!("{}{head}", "rename \"a\" -> \"b\"\n".repeat(36_000)), format!("{stages}{head}")]
    {
        let members: String = (0..20).map(|i| format!("    member n as {long}{i}\n")).collect();
        let text = format!("model m {{\n{members}}}\n{}", model(&network).replace("model m", "model n"));
        refused(&text, "written out");
    }
}

#[test]
fn texts_at_the_top_of_a_model_are_counted() {
    let text = format!("let a = \"{}\"\n", "x".repeat(4000));
    let lets: String = (0..5000).map(|i| format!("let b{i} = a\n")).collect();
    refused(&model(&format!("{text}{lets}stem {{ relu }}")), "written out");
    refused(&model(&format!("{text}labels a{}\nstem {{ relu }}", ", a".repeat(300_000))), "written out");
    let told = told(&model(&format!("{text}let b = (a{})\nstem {{ relu }}", ", a".repeat(300_000))));
    assert_eq!(told[0], (Code::R0401, "a value of more than 65536 bytes".to_owned()));
}

#[test]
fn names_and_strings_have_a_length() {
    for (name, length) in [("name", 257), ("a.name", 300), ("1x1", 400), ("\"text\"", 5000)] {
        let long = name.replace(['n', 't'], &"t".repeat(length)).replace("1x1", &"1".repeat(length));
        let told = told(&model(&format!("let a = {long}\nstem {{ relu }}")));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].0 == Code::R0401 && told[0].1.contains(" of more than "), "{told:?}");
    }
    assert_eq!(told(&model(&format!("let {0} = 16\nstem {{ conv 1x1, {0} }}", "n".repeat(256)))), []);
}

#[test]
fn a_model_has_so_many_parts_and_no_more() {
    let stages =
        |count: usize| -> String { (0..count).map(|i| format!("stage a{i} {{ relu }}\n")).collect() };
    assert_eq!(told(&model(&stages(4096))), []);
    refused(&model(&stages(4097)), "more than 4096 parts");
}

#[test]
fn labels_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("labels.txt"), "a\n".repeat(1 << 20)).unwrap();
    let spec = folder.path().join("m.resnet");
    std::fs::write(&spec, model("labels file \"labels.txt\"\nstem { relu }")).unwrap();
    let checked = Spec::open(spec.to_str().unwrap()).unwrap().check(&[]);
    let Err(Error::Spec(report)) = checked else { panic!("a million labels") };
    let told = &report.diagnostics[0];
    assert!(told.code == Code::R0401 && told.message.contains("written out"), "{report}");
}

#[test]
fn an_arena_past_the_limit_is_refused_before_it_is_asked_for() {
    let refused = |limits: Limits| {
        let spec = Spec::open("resnet18").unwrap().with_limits(limits);
        let network = spec.check(&["input=512".to_owned()]).unwrap().network;
        match compile(&network, None, &Options::default()) {
            Err(Error::Plan(PlanError::PastLimit { what, most, help })) => (what, most, help),
            other => panic!("{:?}", other.map(|compiled| compiled.plan.arena)),
        }
    };
    let (what, most, help) = refused(Limits { memory: 1 << 20, ..Limits::USUAL });
    assert_eq!((what, most), ("activations of an image", 1 << 20));
    assert!(help.contains("smaller input") && help.contains("--allow-large"), "{help}");
}

#[test]
fn groups_that_fill_no_panel_do_not_multiply_weights_without_end() {
    // A prime number of groups is merged into one, whose packed weights are mostly zeros.
    let text = model("stem { conv 1x1, 200006; conv 1x1, 300009, groups 100003 }").replace("32, 32", "8, 8");
    let network = Spec::from_text("m.resnet", &text, None).check(&[]).unwrap().network;
    let (planned, peak) = allocations::peak(|| compile(&network, None, &Options::default()));
    let error = planned.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("packed weights would take more than 68719476736 bytes"), "{error}");
    assert!(peak < 64 << 20, "{peak}");
    assert!(matches!(
        compile(&network, None, &Options::default()),
        Err(Error::Plan(PlanError::PastLimit { most: 68_719_476_736, .. }))
    ));
}

#[test]
fn every_shipped_model_has_room() {
    for name in shipped_models().keys() {
        let checked = Spec::open(name).unwrap().check(&[]).unwrap();
        let network = &checked.network;
        let limits = network.limits;
        assert_eq!(limits, Limits::USUAL);
        assert!(network.nodes.len() * 8 < limits.nodes, "{name}: {}", network.nodes.len());
        assert!(network.total_params() * 4 * 4 < limits.weights, "{name}: {}", network.total_params());
        assert!(network.total_macs() * 100 < limits.macs, "{name}: {}", network.total_macs());
        assert!(compile(network, None, &Options::default()).is_ok(), "{name}");
    }
    let deep = Spec::open("cifar_resnet").unwrap().check(&["depth=1202".to_owned()]).unwrap().network;
    assert!(deep.nodes.len() * 8 < deep.limits.nodes, "{}", deep.nodes.len());
}
