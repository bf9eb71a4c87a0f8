//! Reports: what a page and its pictures show, and that both are well-formed whatever a network's names are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use resnetc::report::{Figure, Profile, Report, Subject, figures, to_html};
use resnetc::{Network, Options, Spec, compile, shipped_models};
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Value, json};

fn network(spec: &str, settings: &[&str]) -> Network {
    let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
    Spec::open(spec).and_then(|spec| spec.check(&settings)).unwrap_or_else(|e| panic!("{spec}: {e}")).network
}

fn subject(name: &str, network: Network) -> Subject {
    let compiled = compile(&network, None, &Options::default()).unwrap();
    Subject::new(name, network, &compiled)
}

fn report(spec: &str) -> Report {
    Report { main: subject(spec, network(spec, &[])), other: None }
}

/// A profile of a network's plan, each step slower than the one before and as far from its floor.
fn profile(subject: &Subject) -> Value {
    let layers: Vec<Value> = subject
        .schedule
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            json!({
                "name": step.name, "kernel": step.kernel, "tile": null, "ms": index as f64 / 100.0 + 0.01,
                "share_percent": 1.0, "macs": step.macs, "gmacs_per_s": 1.0, "bytes": step.bytes,
                "limit_percent": 50.0, "bound": if step.macs > 0 { "compute" } else { "memory" },
            })
        })
        .collect();
    json!({
        "model": subject.network.name, "precision": "f32", "batch": 1, "threads": 2, "isa": "avx2", "runs": 7,
        "limits": {
            "gmacs_per_s": 100.0, "bf16_gmacs_per_s": 0.0, "int8_gmacs_per_s": 0.0, "gbytes_per_s": 20.0
        },
        "layers": layers, "total": {},
    })
}

fn profiled(spec: &str) -> Subject {
    let subject = subject(spec, network(spec, &[]));
    let profile = Profile::parse(&profile(&subject).to_string()).unwrap();
    subject.profiled(profile).unwrap()
}

/// A text as a tree; a page is XML as well as HTML.
fn parse(text: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn classes<'a>(node: Node<'a, '_>) -> Vec<&'a str> {
    node.attribute("class").unwrap_or_default().split(' ').collect()
}

/// How many elements of a tree have a class.
fn count(document: &Document, class: &str) -> usize {
    document.descendants().filter(|node| classes(*node).contains(&class)).count()
}

fn figure(figures: &[Figure], name: &str) -> String {
    let found = figures.iter().find(|figure| figure.name == name);
    found
        .unwrap_or_else(|| {
            panic!("no {name} among {:?}", figures.iter().map(|f| &f.name).collect::<Vec<_>>())
        })
        .to_svg()
}

fn check_figure(figure: &Figure) {
    let svg = figure.to_svg();
    let document = parse(&svg);
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("role")), ("svg", Some("img")), "{}", figure.name);
    assert!(root.attribute("aria-label").is_some_and(|label| label.len() > 40), "{}", figure.name);
    for told in ["title", "desc"] {
        let element = root.children().find(|node| node.has_tag_name(("http://www.w3.org/2000/svg", told)));
        assert!(
            element.and_then(|e| e.text()).is_some_and(|text| !text.is_empty()),
            "{}: {told}",
            figure.name
        );
    }
    for node in document.descendants() {
        for attribute in node.attributes().filter(|a| a.name() != "aria-label") {
            let odd = ["NaN", "inf"].iter().any(|word| attribute.value().contains(word));
            assert!(!odd, "{}: {attribute:?}", figure.name);
        }
        for length in ["width", "height", "r"] {
            let value = node.attribute(length).map_or(0.0, |value| value.parse::<f64>().unwrap());
            assert!(value >= 0.0, "{}: {length} {value}", figure.name);
        }
    }
}

#[test]
fn pictures_of_every_shipped_model_are_well_formed() {
    for name in shipped_models().keys() {
        let figures = figures(&report(name));
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        assert_eq!(names, ["network", "roofline", "memory", "passes"], "{name}");
        figures.iter().for_each(check_figure);
    }
    let both = Report { main: profiled("resnet18"), other: Some(profiled("plain18")) };
    let figures = figures(&both);
    assert_eq!(figures.len(), 5 + 5 + 1);
    figures.iter().for_each(check_figure);
}

#[test]
fn a_page_shows_each_run_of_blocks_once() {
    for (spec, runs, blocks) in [
        ("resnet50", 8, 16),
        ("resnet18", 7, 8),
        ("resnet18_a", 7, 8),
        ("plain18", 7, 8),
        ("cifar_resnet", 5, 9),
    ] {
        let html = to_html(&report(spec));
        let document = parse(&html);
        let times = document.descendants().filter(|node| classes(*node).contains(&"run"));
        let times: Vec<usize> =
            times.map(|run| run.attribute("data-times").unwrap().parse().unwrap()).collect();
        assert_eq!((times.len(), times.iter().sum::<usize>()), (runs, blocks), "{spec}: {times:?}");
    }
}

#[test]
fn shortcuts_are_drawn_in_their_styles() {
    let shortcuts = |spec: &str| {
        let svg = figure(&figures(&report(spec)), "network");
        let document = parse(&svg);
        let of = |class: &str| count(&document, class);
        [of("shortcut"), of("dotted"), of("gate")]
    };
    assert_eq!(shortcuts("resnet18_a"), [7, 3, 0]);
    assert_eq!(shortcuts("resnet18"), [7, 0, 0]);
    assert_eq!(shortcuts("plain18"), [0, 0, 0]);
    assert_eq!(shortcuts("seresnet50"), [16, 0, 8], "a gate and a shortcut each");
}

#[test]
fn every_layer_that_multiplies_is_a_dot_and_every_buffer_a_rectangle() {
    for spec in ["resnet50", "seresnet50", "cifar_resnet", "resnext50_32x4d"] {
        let report = report(spec);
        let figures = figures(&report);
        let multiplying = report.main.schedule.steps.iter().filter(|step| step.macs > 0).count();
        let layers = report.main.network.nodes.iter().filter(|n| report.main.network.macs(n) > 0).count();
        assert_eq!(multiplying, layers, "{spec}");
        assert_eq!(count(&parse(&figure(&figures, "roofline")), "dot"), layers, "{spec}");
        let buffers = report.main.schedule.buffers.len();
        assert_eq!(count(&parse(&figure(&figures, "memory")), "buffer"), buffers, "{spec}");
    }
}

#[test]
fn a_profile_adds_a_roof_and_the_times() {
    let main = profiled("resnet50");
    let steps = main.schedule.steps.len();
    let report = Report { main, other: None };
    let figures = figures(&report);
    let roofline = figure(&figures, "roofline");
    assert_eq!(count(&parse(&roofline), "roof"), 1);
    assert_eq!(count(&parse(&roofline), "dot"), 54);
    assert!(roofline.contains("200 GFLOP/s of f32, 20 GB/s"), "{roofline}");
    let times = figure(&figures, "times");
    let bars = parse(&times)
        .descendants()
        .filter(|n| n.has_attribute("width") && classes(*n).contains(&"bar"))
        .count();
    assert_eq!(bars, steps + 2, "and two keys");
    assert!(times.contains("The slowest is output.logits"), "{times}");
    assert!(!self::figures(&self::report("resnet50")).iter().any(|figure| figure.name == "times"));
}

#[test]
fn the_table_has_every_layer_and_its_counts() {
    let html = to_html(&report("resnet50"));
    let document = parse(&html);
    let section = document.descendants().find(|node| node.attribute("id") == Some("layers")).unwrap();
    let rows: Vec<Vec<String>> = section
        .descendants()
        .filter(|node| node.has_tag_name("tr"))
        .map(|row| {
            row.children().filter(Node::is_element).map(|cell| cell.text().unwrap_or("").to_owned()).collect()
        })
        .collect();
    assert_eq!(rows.len() - 1, 174, "all but the input, below a head");
    let first = ["conv1", "7×7 conv, 64, /2", "64×112×112", "9,408", "118,013,952", "3.1 MiB", "7×7"];
    assert_eq!(rows[1], first);
    assert_eq!(rows[174][3..5], ["2,049,000", "2,048,000"]);
}

#[test]
fn a_page_loads_nothing_and_its_headings_are_in_order() {
    let both = Report { main: profiled("resnet18"), other: Some(profiled("resnet18_a")) };
    for report in [report("cifar_resnet"), both] {
        let html = to_html(&report);
        let document = parse(&html);
        let mut level = 0;
        for node in document.descendants().filter(Node::is_element) {
            for link in
                ["src", "href", "data", "poster", "action"].iter().filter_map(|name| node.attribute(*name))
            {
                assert!(link.starts_with('#') || link == "data:,", "{link}");
            }
            if let Some(found) =
                node.tag_name().name().strip_prefix('h').and_then(|n| n.parse::<usize>().ok())
            {
                assert!(found <= level + 1, "h{found} behind h{level}");
                level = found;
            }
        }
        assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("@import"));
        let ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), ids.len(), "an id is one element's: {ids:?}");
    }
}

#[test]
fn a_report_is_the_same_twice() {
    let both = || Report { main: profiled("resnet18"), other: Some(profiled("seresnet50")) };
    assert_eq!(to_html(&both()), to_html(&both()));
}

#[test]
fn a_profile_of_extreme_numbers_is_drawn() {
    let main = subject("resnet18", network("resnet18", &[]));
    for (ms, limit) in [(0.0, 1.0), (5e-324, 1e-300), (1e300, 1e300)] {
        let mut extreme = profile(&main);
        extreme["limits"]["gbytes_per_s"] = json!(limit);
        extreme["limits"]["gmacs_per_s"] = json!(limit);
        extreme["layers"].as_array_mut().unwrap().iter_mut().for_each(|layer| layer["ms"] = json!(ms));
        let profile = Profile::parse(&extreme.to_string()).unwrap();
        let main = main.clone().profiled(profile).unwrap();
        figures(&Report { main: main.clone(), other: Some(main) }).iter().for_each(check_figure);
    }
}

#[test]
fn odd_names_are_text() {
    const ODD: &str = "<script>alert(\"1\")</script> & ]]> '\u{1}";
    let mut network = network("resnet18_a", &[]);
    network.name = ODD.to_owned();
    network.parts.iter_mut().for_each(|part| part.insert_str(0, ODD));
    network.nodes.iter_mut().for_each(|node| node.path.insert_str(0, ODD));
    let odd = || subject(ODD, network.clone());
    let report = Report { main: odd(), other: Some(odd()) };
    figures(&report).iter().for_each(check_figure);
    let html = to_html(&report);
    let document = parse(&html);
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("script")).count(), 1);
    let title = document.descendants().find(|node| node.has_tag_name("h1")).unwrap();
    let shown = ODD.replace('\u{1}', "\u{fffd}");
    assert_eq!(title.text(), Some(format!("{shown} against {shown}").as_str()));
}

#[test]
fn a_deep_network_has_a_page_of_a_bearable_size() {
    let deep = Report { main: subject("deep", network("cifar_resnet", &["depth=1202"])), other: None };
    let html = to_html(&deep);
    assert!(html.len() < 8 << 20, "{}", html.len());
    assert_eq!(count(&parse(&html), "run"), 5);
}

fn resnetc(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resnetc"));
    command.current_dir(folder).env("NO_COLOR", "1");
    command
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

fn good(command: &mut Command) {
    let output = run(command);
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn bad(command: &mut Command) -> String {
    let output = run(command);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{command:?}\n{told}");
    told
}

#[test]
fn the_command_writes_a_page_and_its_pictures() {
    let folder = scratch("command");
    let mut command = resnetc(&folder);
    good(command.args([
        "report",
        "cifar_resnet",
        "--against-set",
        "shortcut=none",
        "-o",
        "r.html",
        "--svg",
        "svg",
    ]));
    let html = fs::read_to_string(folder.join("r.html")).unwrap();
    let document = parse(&html);
    let title = document.descendants().find(|node| node.has_tag_name("h1")).unwrap();
    assert_eq!(title.text(), Some("cifar_resnet against cifar_resnet, shortcut=none"));
    let mut pictures: Vec<String> = fs::read_dir(folder.join("svg"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pictures.sort();
    let expected = ["memory", "network", "passes", "roofline"];
    let expected: Vec<String> =
        expected.iter().flat_map(|name| [format!("{name}-other.svg"), format!("{name}.svg")]).collect();
    assert_eq!(pictures, expected);
    for picture in pictures {
        parse(&fs::read_to_string(folder.join("svg").join(picture)).unwrap());
    }
    good(resnetc(&folder).args(["report", "cifar_resnet", "--svg", "alone"]));
    assert!(folder.join("alone/network.svg").exists());
    let nothing = run(resnetc(&folder).args(["report", "cifar_resnet"]));
    assert_eq!(nothing.status.code(), Some(2), "neither a page nor pictures are asked for");
}

#[test]
fn weights_are_joined_and_weighed() {
    let folder = scratch("weights");
    let weights =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/cifar10/resnet20-cifar10.safetensors");
    let report = |spec: &str| {
        let mut command = resnetc(&folder);
        command.args(["report", spec, "-o", "w.html", "--weights"]).arg(&weights);
        command
    };
    good(&mut report("cifar_resnet"));
    let html = fs::read_to_string(folder.join("w.html")).unwrap();
    let table = html.split("id=\"layers\"").nth(1).unwrap();
    // The root of the mean of the squares of what the file has, rounded to three digits.
    for (layer, weight) in [("conv1", "2.33e-1"), ("bn1", "1.47e0"), ("layer3.2.conv2", "3.07e-2")] {
        let row = table.split("<tr").find(|row| row.contains(&format!(">{layer}<"))).unwrap();
        assert!(row.contains(weight), "{layer}: {row}");
    }
    fs::remove_file(folder.join("w.html")).unwrap();
    bad(&mut report("resnet18"));
    assert!(!folder.join("w.html").exists());
}

#[test]
fn what_is_no_profile_of_the_network_is_refused() {
    let folder = scratch("profiles");
    let whole = profile(&subject("cifar_resnet", network("cifar_resnet", &[])));
    let refused = |text: &str| {
        fs::write(folder.join("p.json"), text).unwrap();
        bad(resnetc(&folder).args(["report", "cifar_resnet", "--profile", "p.json", "-o", "p.html"]))
    };
    assert!(refused("not JSON").contains("p.json: no profile, which `PROGRAM profile --json` writes"));
    assert!(refused("{\"layers\": []}").contains("has no `limits`"));
    let mut other = whole.clone();
    other["model"] = json!("resnet18");
    assert!(refused(&other.to_string()).contains("one of `resnet18`, not of `cifar_resnet`"));
    let deeper = profile(&subject("deeper", network("cifar_resnet", &["depth=32"])));
    assert!(refused(&deeper.to_string()).contains("one of another `cifar_resnet`"));
    assert!(!folder.join("p.html").exists());

    fs::write(folder.join("p.json"), whole.to_string()).unwrap();
    let mut missing = resnetc(&folder);
    assert!(
        bad(missing.args(["report", "cifar_resnet", "--profile", "q.json", "-o", "p.html"]))
            .contains("q.json")
    );
    let mut two = resnetc(&folder);
    let twice = ["report", "cifar_resnet", "--against", "p.json", "--against", "p.json", "-o", "p.html"];
    assert!(bad(two.args(twice)).contains("one profile at most"));
    let mut both = resnetc(&folder);
    good(both.args(["report", "cifar_resnet", "--profile", "p.json", "--against", "p.json", "-o", "p.html"]));
    let html = fs::read_to_string(folder.join("p.html")).unwrap();
    assert!(html.contains("cifar_resnet (first) against cifar_resnet (second)"));
    assert_eq!(html.matches("data-figure=\"times-against\"").count(), 1);
}

#[test]
fn a_second_profile_is_planned_in_its_own_precision() {
    let folder = scratch("precisions");
    let fixture = |precision: &str| {
        let name = format!("../tests/report/cifar_resnet.{precision}.json");
        Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
    };
    let against = |other: &Path| {
        let mut command = resnetc(&folder);
        command.args(["report", "cifar_resnet", "-o", "r.html", "--profile"]).arg(fixture("f32"));
        good(command.arg("--against").arg(other));
        fs::read_to_string(folder.join("r.html")).unwrap()
    };
    // Bytes need ranges, which a profile has not.
    let html = against(&fixture("int8"));
    assert!(html.contains("cifar_resnet (f32) against cifar_resnet (int8)"));
    assert!(html.contains("planned in f32 for one image; timed in int8"));
    assert!(html.contains("its memory is left out"));

    let mut halves: Value = serde_json::from_str(&fs::read_to_string(fixture("f32")).unwrap()).unwrap();
    halves["precision"] = json!("bf16");
    fs::write(folder.join("bf16.json"), halves.to_string()).unwrap();
    let html = against(&folder.join("bf16.json"));
    assert!(html.contains("planned in bf16 for one image; timed in bf16"));
    assert!(!html.contains("its memory is left out"));
}

#[test]
fn graphviz_draws_the_graph_of_every_shipped_model() {
    let folder = scratch("dot");
    if Command::new("dot").arg("-V").output().is_err() {
        eprintln!("skipped: Graphviz is not installed");
        return;
    }
    for name in shipped_models().keys() {
        good(resnetc(&folder).args(["emit", name, "--stage", "dot", "-o", "g.dot"]));
        let output = run(Command::new("dot").current_dir(&folder).args(["-Tsvg", "g.dot"]));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("syntax"), "{name}: {said}");
        let svg = String::from_utf8_lossy(&output.stdout).into_owned();
        let nodes = fs::read_to_string(folder.join("g.dot")).unwrap().matches(" [label=").count();
        assert_eq!(count(&parse(&svg), "node"), nodes, "{name}");
    }
}

/// The names of parts below a figure's columns.
fn parts(figure: &str) -> Vec<String> {
    let is_part = |node: &Node| node.has_tag_name("text") && node.attribute("text-anchor") == Some("middle");
    let tree = parse(figure);
    tree.descendants().filter(is_part).filter_map(|node| node.text().map(str::to_owned)).collect()
}

#[test]
fn times_of_one_and_of_two_subjects_are_of_the_same_parts() {
    let twins = "../examples/ensemble/imagenet.resnet";
    for spec in ["cifar_resnet", &Path::new(env!("CARGO_MANIFEST_DIR")).join(twins).to_string_lossy()] {
        let figures = figures(&Report { main: profiled(spec), other: Some(profiled(spec)) });
        let [one, both] = ["times", "times-against"].map(|name| parts(&figure(&figures, name)));
        assert_eq!(one, both);
        assert!(one.len() > 3 && one.iter().any(|part| part.ends_with("layer2")), "{one:?}");
    }
}

#[test]
fn a_roof_is_what_the_networks_own_products_allow() {
    let subject = subject("cifar_resnet", network("cifar_resnet", &[]));
    let mut told = profile(&subject);
    told["precision"] = json!("f32-fast (20 layers), f32 (1 layer)");
    told["limits"]["bf16_gmacs_per_s"] = json!(600.0);
    let profile = Profile::parse(&told.to_string()).unwrap();
    let figures = figures(&Report { main: subject.profiled(profile).unwrap(), other: None });
    let roofline = figure(&figures, "roofline");
    assert_eq!(count(&parse(&roofline), "roof"), 2);
    assert!(roofline.contains("200 GFLOP/s of f32, 400 GFLOP/s of f32-fast"), "{roofline}");
}
