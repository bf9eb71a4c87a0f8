//! Random valid specs: compiled and run, they give what the oracle gives.
//!
//! The oracle interprets the graph before any pass, in f64; so this holds the passes, the plan, the
//! packing and the kernels all at once. A failure prints the spec that proptest has shrunk.

use ndarray::Array4;
use proptest::prelude::*;
use resnetc::graph::{self, eval};
use resnetc::model::Network;
use resnetc::precision::calibration::Range;
use resnetc::precision::histogram::{Histogram, Method};
use resnetc::precision::probe::{add_probes, layer};
use resnetc::precision::{Calibration, Deployment, Precision, Precisions};
use resnetc::weights::Checkpoint;
use resnetc::{Spec, passes};
use resnetc_runtime::isa::Level;
use resnetc_runtime::{Model, Options};
use resnetc_tests::golden::compile;
use resnetc_tests::synthetic::{self, Norms};

/// A stage of a random network.
#[derive(Clone, Debug)]
struct Stage {
    blocks: usize,
    width: usize,
    stride: usize,
    kind: usize,
    groups: usize,
    gate: bool,
}

#[derive(Clone, Debug)]
struct Random {
    input: [usize; 3],
    shortcut: &'static str,
    stem: usize,
    pool: bool,
    stages: Vec<Stage>,
    head: usize,
    activation: &'static str,
    batch: usize,
    threads: usize,
}

impl Random {
    fn spec(&self) -> String {
        let [c, h, w] = self.input;
        let stem = match self.stem {
            0 => "conv 3x3, 12; norm".to_owned(),
            1 => "conv 7x7, 20, stride 2; norm".to_owned(),
            _ => "conv 3x2, 8, stride(2, 1), pad same, bias".to_owned(),
        };
        let pool = if self.pool { "max_pool 3x3, stride 2, ceil_mode" } else { "dropout 0.2" };
        let mut out = format!(
            "model random {{\n    input image({c}, {h}, {w})\n    shortcut {}\n    \
             stem {{ {stem}; {}; {pool} }}\n",
            self.shortcut, self.activation
        );
        for (index, s) in self.stages.iter().enumerate() {
            let block = ["plainer", "narrow", "before", "mixed"][s.kind];
            let gate = if s.gate { "gated" } else { "" };
            out += &format!(
                "    stage layer{index} {{ {} of {block}{gate}({}, {}), stride {} }}\n",
                s.blocks, s.width, s.groups, s.stride
            );
        }
        let head = [
            "global_avg_pool; linear 7",
            "norm; relu; global_avg_pool; linear 5; softmax",
            "max_pool 3x3, stride 2",
        ];
        out += &format!("    head {{ {} }}\n", head[self.head]);
        if !self.stages.is_empty() {
            out += "    output layer0 as first\n";
        }
        out += "}\n";
        for (suffix, gate) in [
            ("", ""),
            (
                "gated",
                "gate { global_avg_pool; conv 1x1, 6, bias as squeeze; silu; conv 1x1, width, bias as excite; sigmoid }",
            ),
        ] {
            let a = self.activation;
            out += &format!(
                "block plainer{suffix}(width, groups) {{\n    residual {{ conv 3x3, width, stride; norm; {a}; \
                 conv 3x3, width; norm; {gate} }}\n    {a}\n}}\n\
                 block narrow{suffix}(width, groups) {{\n    residual {{ conv 1x1, groups * 3; norm; {a}; \
                 conv 3x3, groups * 3, stride, groups; norm; {a}; conv 1x1, width; norm; {gate} }}\n    {a}\n}}\n\
                 block before{suffix}(width, groups) {{\n    residual {{ preactivate {{ norm; {a} }}; \
                 conv 3x3, width, stride; norm; {a}; conv 3x3, width; {gate} }}\n}}\n\
                 block mixed{suffix}(width, groups) {{\n    residual {{ conv 5x5, channels, stride, groups channels; \
                 norm; conv 1x1, width, bias; {gate} }} projection {{ avg_pool size stride, stride, ceil_mode, \
                 count_include_pad false; conv 1x1, width; norm }}\n    {a}\n}}\n"
            );
        }
        // Statements that a choice left empty.
        out.replace("norm;  }", "norm }").replace("; }", " }").replace(";  }", " }")
    }
}

fn random() -> impl Strategy<Value = Random> {
    let stage = (
        1usize..4,
        prop::sample::select(vec![6usize, 16, 24, 32, 40]),
        1usize..3,
        0usize..4,
        1usize..6,
        any::<bool>(),
    )
        .prop_map(|(blocks, width, stride, kind, groups, gate)| Stage {
            blocks,
            width,
            stride,
            kind,
            groups,
            gate,
        });
    (
        (1usize..4, 9usize..34, 9usize..34),
        prop::sample::select(vec!["none", "zero_pad", "projection", "projection_all"]),
        (0usize..3, any::<bool>(), 0usize..3),
        prop::collection::vec(stage, 1..4),
        prop::sample::select(vec!["relu", "relu6", "leaky_relu 0.1", "silu", "gelu", "hard_swish", "tanh"]),
        (1usize..4, 1usize..4),
    )
        .prop_map(
            |((c, h, w), shortcut, (stem, pool, head), mut stages, activation, (batch, threads))| {
                // Option A only widens.
                if shortcut == "zero_pad" {
                    let mut width = 40;
                    stages.reverse();
                    for stage in &mut stages {
                        stage.width = stage.width.min(width);
                        width = stage.width;
                    }
                    stages.reverse();
                    stages.iter_mut().for_each(|s| s.width = s.width.max(24));
                }
                // A window of 2 x 2 needs as large a map.
                let mut side = h.min(w) >> usize::from(stem > 0) >> usize::from(pool);
                for stage in &mut stages {
                    if side < 2 {
                        stage.stride = 1;
                    }
                    side = if stage.stride == 2 { side / 2 } else { side };
                }
                Random { input: [c, h, w], shortcut, stem, pool, stages, head, activation, batch, threads }
            },
        )
}

/// Precisions of a network's layers: one for most, another for a stage.
fn deployment() -> impl Strategy<Value = Deployment> {
    let precision = || prop::sample::select(&Precision::ALL[..]);
    (precision(), prop::option::of(precision())).prop_map(|(most, other)| {
        let mut deployment = Deployment::all(most);
        if let Some(other) = other {
            deployment.add(other, vec!["layer0".to_owned()]);
        }
        deployment
    })
}

/// The ranges of all values of a network on some images.
fn calibrate(network: &Network, values: &[Vec<f32>], images: &[f32]) -> Calibration {
    let mut graph = resnetc::fuse(network, Some(values.to_vec()));
    add_probes(&mut graph);
    let size: usize = network.nodes[0].shape.iter().product();
    let options = resnetc::Options { batch: images.len() / size, ..resnetc::Options::default() };
    let compiled = resnetc::compile_graph(network, &graph, &options).unwrap();
    let model = Model::from_bytes(compiled.plan, compiled.weights.unwrap()).unwrap();
    let mut session = model.session(1).unwrap();
    let mut calibration = Calibration { model: network.name.clone(), ..Calibration::default() };
    for (output, values) in session.run(images).unwrap().iter() {
        let Some(path) = layer(&output.name) else { continue };
        let mut histogram = Histogram::default();
        histogram.add(values);
        let (low, high) = histogram.range(Method::Max);
        calibration.ranges.insert(path.to_owned(), Range { low, high, method: Method::Max });
    }
    calibration
}

/// Weights of a checkpoint that was never trained, but keeps activations of unit size.
fn values(network: &Network) -> Vec<Vec<f32>> {
    let norms = Norms {
        scales: network
            .nodes
            .iter()
            .map(|n| (n.path.clone(), (0.2, 1.0)))
            .filter(|(p, _)| network.nodes.iter().any(|n| n.path == *p && n.layer.word() == "norm"))
            .collect(),
        small: Vec::new(),
    };
    graph::wanted(network).iter().map(|t| synthetic::tensor(&t.name, &t.shape, &norms)).collect()
}

/// Holds one spec against the oracle.
fn agrees(text: &str) {
    let network =
        Spec::from_text("one.resnet", text, None).check(&[]).unwrap_or_else(|e| panic!("{e}")).network;
    let values = values(&network);
    let shape = network.nodes[0].shape;
    let images = synthetic::input([1, shape[0], shape[1], shape[2]]);
    let graph = graph::lower(&network, Some(values.clone()));
    let wide = images.iter().map(|&v| f64::from(v)).collect();
    let wide = Array4::from_shape_vec((1, shape[0], shape[1], shape[2]), wide).unwrap();
    let truth: Vec<f64> = eval::eval(&graph, &wide).unwrap()[0].iter().copied().collect();
    let model = compile(&network, values, 1);
    let mut session = model.session(1).unwrap();
    let outputs = session.run(&images).unwrap();
    let error = resnetc_tests::relative_error(outputs.main().iter().map(|&v| f64::from(v)), &truth);
    assert!(error < 2e-5, "relative L2 error {error:.1e}");
}

#[test]
fn option_a_may_widen_by_one_channel_at_stride_1() {
    // The padding is then all behind: a read without stride or offset, but of another shape.
    for block in ["conv 3x3, 16", "conv 3x3, 16; relu; conv 3x3, 16; sigmoid"] {
        agrees(&format!(
            "model one {{\n    input image(3, 9, 9)\n    shortcut zero_pad\n    \
             stem {{ conv 3x3, 15; sigmoid }}\n    stage layer {{ 1 of wider() }}\n}}\n\
             block wider() {{\n    residual {{ {block} }}\n}}\n"
        ));
    }
}

#[test]
fn a_gate_and_a_residual_may_read_their_own_input() {
    agrees(
        "model one {\n    input image(3, 9, 9)\n    stem { conv 3x3, 16; gate { sigmoid } }\n    \
         stage layer { 1 of same() }\n}\nblock same() {\n    residual { dropout 0.1 }\n    relu\n}\n",
    );
}

#[test]
fn a_norm_that_cannot_be_folded_is_named() {
    let text = "model one {\n    input image(3, 8, 8)\n    stem { conv 3x3, 16; norm }\n}\n";
    let network = Spec::from_text("one.resnet", text, None).check(&[]).unwrap().network;
    let tensors = graph::wanted(&network).into_iter().map(|t| {
        let value = if t.name == "bn1.running_var" { -1.0 } else { 0.5 };
        let count = t.shape.iter().product();
        (t.name, t.shape, vec![value; count])
    });
    let checkpoint = Checkpoint::from_tensors(tensors);
    let error = resnetc::compile(&network, Some(&checkpoint), &resnetc::Options::default()).unwrap_err();
    assert!(error.to_string().contains("`conv1`"), "{error}");
}

#[test]
fn a_fully_convolutional_network_takes_other_sizes() {
    let size = ["input=48x80".to_owned()];
    let network = Spec::open("cifar_resnet").unwrap().check(&size).unwrap().network;
    assert_eq!(network.nodes[0].shape, [3, 48, 80]);
    let values = values(&network);
    let images = synthetic::input([1, 3, 48, 80]);
    let graph = graph::lower(&network, Some(values.clone()));
    let wide = images.iter().map(|&v| f64::from(v)).collect();
    let truth = eval::eval(&graph, &Array4::from_shape_vec((1, 3, 48, 80), wide).unwrap()).unwrap();
    let model = compile(&network, values, 1);
    let mut session = model.session(2).unwrap();
    let found = session.run(&images).unwrap().main().iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    let truth: Vec<f64> = truth[0].iter().copied().collect();
    assert!(resnetc_tests::relative_error(found, &truth) < 2e-5);
}

#[test]
fn small_images_go_through_the_network_a_few_at_once() {
    let network = Spec::open("cifar_resnet").unwrap().check(&["depth=8".to_owned()]).unwrap().network;
    let values = values(&network);
    let model = compile(&network, values.clone(), 40);
    let few = model.plan().images;
    assert!((1..20).contains(&few), "{few} at once");
    let n = 2 * few + 1;
    let images = synthetic::input([n, 3, 32, 32]);
    let wide =
        Array4::from_shape_vec((n, 3, 32, 32), images.iter().map(|&v| f64::from(v)).collect()).unwrap();
    let truth = eval::eval(&graph::lower(&network, Some(values)), &wide).unwrap();
    let mut session = model.session(2).unwrap();
    let together = session.run(&images).unwrap().main().to_vec();
    let found = together.iter().map(|&v| f64::from(v));
    assert!(resnetc_tests::relative_error(found, &truth[0].iter().copied().collect::<Vec<_>>()) < 2e-5);
    for (image, expected) in images.chunks(3 * 32 * 32).zip(together.chunks(10)) {
        assert_eq!(session.run(image).unwrap().main(), expected);
    }
}

/// A network's plan in int8, any value being from -1 to 1.
fn plan_bytes(text: &str) -> Result<resnetc_runtime::plan::Plan, resnetc::Error> {
    let network = Spec::from_text("one.resnet", text, None).check(&[]).unwrap().network;
    let range = Range { low: -1.0, high: 1.0, method: Method::Max };
    let ranges = network.nodes.iter().map(|node| (node.path.clone(), range)).collect();
    let calibration = Calibration { ranges, ..Calibration::default() };
    let precisions =
        Precisions { deployment: Deployment::all(Precision::Int8), calibration: Some(calibration) };
    let options = resnetc::Options { precisions, ..resnetc::Options::default() };
    Ok(resnetc::compile(&network, None, &options)?.plan)
}

#[test]
fn a_sum_of_more_bytes_than_32_bits_hold_is_refused() {
    let text = |channels| {
        format!("model one {{\n    input image({channels}, 7, 7)\n    stem {{ conv 7x7, 16, pad 0 }}\n}}\n")
    };
    assert!(plan_bytes(&text(1300)).unwrap().verify().is_ok());
    let error = plan_bytes(&text(1344)).unwrap_err();
    assert!(error.to_string().contains("`conv1` sums more products"), "{error}");
}

#[test]
fn what_bytes_cannot_compute_is_told_and_converted() {
    let plan = plan_bytes(
        "model one {\n    input image(16, 9, 9)\n    stem { conv 3x3, 16; relu; max_pool 2x2 }\n    \
         stage layer { conv 3x3, 16, groups 16; relu; conv 1x1, 16; relu }\n    \
         head { global_avg_pool; linear 5; softmax }\n}\n",
    )
    .unwrap();
    plan.verify().unwrap();
    assert_eq!(plan.precision(), "int8 (3 layers), f32 (1 layer)");
    let steps: Vec<String> = plan.steps().map(|step| format!("{} {}", step.name, step.op.kernel())).collect();
    let expected = [
        "input load",
        "conv1 direct 3x3 int8",
        "maxpool max_pool",
        "layer.conv1 depthwise",
        "layer.conv1.int8 activate",
        "layer.conv2 direct 1x1 int8",
        "avgpool global_avg_pool",
        "fc linear int8",
        "softmax softmax",
        "output.probabilities store",
    ];
    assert_eq!(steps, expected);
}

#[test]
fn a_batch_that_is_none_or_fills_no_memory_is_refused() {
    let network = Spec::open("cifar_resnet").unwrap().check(&["depth=8".to_owned()]).unwrap().network;
    for (batch, reason) in [(0, "at least 1 image"), (usize::MAX / 8, "larger than this machine")] {
        let options = resnetc::Options { batch, ..resnetc::Options::default() };
        let error = resnetc::compile(&network, None, &options).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_batch_shares_weights_that_no_cache_holds() {
    let network = Spec::open("resnet18").unwrap().check(&[]).unwrap().network;
    let options = resnetc::Options { batch: 8, ..resnetc::Options::default() };
    assert_eq!(resnetc::compile(&network, None, &options).unwrap().plan.images, 8);
}

#[test]
fn a_maximum_over_what_is_no_number_is_none_at_every_level() {
    let text = "model one {\n    input image(1, 4, 4)\n    stem { max_pool 2x2 }\n}\n";
    let network = Spec::from_text("one.resnet", text, None).check(&[]).unwrap().network;
    let model = compile(&network, Vec::new(), 1);
    let mut image: Vec<f32> = (0..16).map(|v| v as f32).collect();
    image[0] = f32::NAN;
    for level in Level::available() {
        let mut session = model.session_with(Options { threads: 1, level: Some(level) }).unwrap();
        let outputs = session.run(&image).unwrap();
        let [first, rest @ ..] = outputs.main() else { panic!("four windows") };
        assert!(first.is_nan(), "{}", level.name());
        assert_eq!(rest, [7.0, 13.0, 15.0], "{}", level.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn compiled_networks_give_what_the_oracle_gives(random in random()) {
        let text = random.spec();
        let checked = Spec::from_text("random.resnet", &text, None).check(&[]);
        let network = checked.unwrap_or_else(|e| panic!("{e}\n{text}")).network;
        let values = values(&network);
        let [c, h, w] = random.input;
        let images = synthetic::input([random.batch, c, h, w]);

        let graph = graph::lower(&network, Some(values.clone()));
        prop_assert_eq!(graph::verify(&graph), vec![]);
        let wide: Vec<f64> = images.iter().map(|&v| f64::from(v)).collect();
        let wide = Array4::from_shape_vec((random.batch, c, h, w), wide).unwrap();
        let truth = eval::eval(&graph, &wide).unwrap();

        // A larger batch than is run: the plan takes any number of images up to its own.
        let model = compile(&network, values, random.batch + 1);
        let mut session = model.session_with(Options { threads: random.threads, ..Options::default() }).unwrap();
        let outputs = session.run(&images).unwrap();
        for ((output, found), truth) in outputs.iter().zip(&truth) {
            let truth: Vec<f64> = truth.iter().copied().collect();
            let error = resnetc_tests::relative_error(found.iter().map(|&v| f64::from(v)), &truth);
            prop_assert!(error < 2e-5, "{}: relative L2 error {error:.1e}\n{text}", output.name);
        }
    }

    #[test]
    fn networks_of_any_precision_give_what_their_plans_say(
        random in random(),
        deployment in deployment(),
    ) {
        let text = random.spec();
        let checked = Spec::from_text("random.resnet", &text, None).check(&[]);
        let network = checked.unwrap_or_else(|e| panic!("{e}\n{text}")).network;
        let values = values(&network);
        let [c, h, w] = random.input;
        let images = synthetic::input([random.batch, c, h, w]);
        let calibration = calibrate(&network, &values, &images);
        let precisions = Precisions { deployment, calibration: Some(calibration) };
        let text = format!("{}{text}", precisions.deployment);
        let options = resnetc::Options { batch: random.batch + 1, precisions, ..resnetc::Options::default() };
        let graph = resnetc::fuse(&network, Some(values));
        let compiled = resnetc::compile_graph(&network, &graph, &options);
        let compiled = compiled.unwrap_or_else(|e| panic!("{e}\n{text}"));
        let bytes = compiled.weights.unwrap();
        let words = bytes[resnetc_runtime::weights::HEADER..].chunks_exact(4);
        let words: Vec<f32> = words.map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect();
        // In f64, but for what is stored: as the plan says it.
        let truth = resnetc_runtime::reference::run(&compiled.plan, &words, &images);
        let model = Model::from_bytes(compiled.plan, bytes).unwrap();
        let mut one: Option<Vec<f32>> = None;
        for threads in [1, random.threads] {
            let mut session = model.session(threads).unwrap();
            session.poison(f32::NAN);
            let outputs = session.run(&images).unwrap();
            for ((output, found), truth) in outputs.iter().zip(&truth) {
                let error = resnetc_tests::relative_error(found.iter().map(|&v| f64::from(v)), truth);
                // What lies between two values that can be stored may be rounded to either.
                prop_assert!(error < 0.03, "{}: relative L2 error {error:.1e}\n{text}", output.name);
            }
            let main = outputs.main().to_vec();
            prop_assert!(one.get_or_insert_with(|| main.clone()) == &main, "{threads} threads\n{text}");
        }
    }

    #[test]
    fn passes_keep_what_a_graph_computes(random in random()) {
        let text = random.spec();
        let network = Spec::from_text("random.resnet", &text, None).check(&[]).unwrap_or_else(|e| panic!("{e}\n{text}")).network;
        let [c, h, w] = random.input;
        let images = synthetic::input([1, c, h, w]).iter().map(|&v| f64::from(v)).collect();
        let images = Array4::from_shape_vec((1, c, h, w), images).unwrap();
        let mut graph = graph::lower(&network, Some(values(&network)));
        let mut before = eval::eval(&graph, &images).unwrap();
        for pass in passes::PASSES {
            (pass.run)(&mut graph);
            prop_assert_eq!(graph::verify(&graph), vec![], "after {}", pass.name);
            let after = eval::eval(&graph, &images).unwrap();
            for (a, b) in after.iter().zip(&before) {
                let b: Vec<f64> = b.iter().copied().collect();
                // Folded weights are rounded to f32 once.
                let error = resnetc_tests::relative_error(a.iter().copied(), &b);
                prop_assert!(error < 3e-6, "{}: {error:.1e}\n{text}", pass.name);
            }
            before = after;
        }
    }
}
