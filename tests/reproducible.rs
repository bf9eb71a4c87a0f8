//! Same inputs, same bytes; and a plan's digest tells apart whatever makes its code or its weights differ.

use resnetc::emit::{self, Weights};
use resnetc::plan::tuning::Tuning;
use resnetc::precision::calibration::{Calibration, Range, digest};
use resnetc::precision::histogram::Method;
use resnetc::precision::{Precision, Precisions};
use resnetc::weights::Wanted;
use resnetc::{Algorithms, Compiled, Network, Options, Spec, compile_values, graph};
use resnetc_runtime::{Error, Model};
use resnetc_tests::synthetic::{self, Norms};

const SPEC: &str = "model net(width = 16) {
    input image(3, 16, 16)
    normalize mean(0.5, 0.5, 0.5), std(0.25, 0.25, 0.25)
    labels \"a\", \"b\", \"c\", \"d\"
    stem { conv 3x3, width; norm; relu }
    stage layer1 { 2 of basic(width) }
    stage layer2 { 2 of basic(2 * width), stride 2 }
    head { global_avg_pool; linear 4 }
    output layer1
}
";

fn network(spec: &str) -> Network {
    Spec::from_text("net.resnet", spec, None).check(&[]).unwrap_or_else(|error| panic!("{error}")).network
}

fn values(network: &Network) -> Vec<Vec<f32>> {
    let value = |wanted: Wanted| {
        let mut values = synthetic::tensor(&wanted.name, &wanted.shape, &Norms::default());
        if wanted.name.ends_with("running_var") {
            values.iter_mut().for_each(|value| *value = value.abs() + 0.5);
        }
        values
    };
    graph::wanted(network).into_iter().map(value).collect()
}

/// Ranges of all layers, of which the upper end is `high`.
fn calibration(network: &Network, values: &[Vec<f32>], high: f32) -> Calibration {
    let range = Range { low: -4.0, high, method: Method::Max };
    Calibration {
        model: network.name.clone(),
        weights: digest(values),
        images: 1,
        ranges: network.nodes.iter().map(|node| (node.path.clone(), range)).collect(),
    }
}

fn int8(network: &Network, values: &[Vec<f32>], high: f32) -> Options {
    let precisions = Precisions {
        calibration: Some(calibration(network, values, high)),
        ..Precisions::all(Precision::Int8)
    };
    Options { precisions, ..usual() }
}

fn usual() -> Options {
    Options { batch: 2, ..Options::default() }
}

fn built(spec: &str, options: &Options) -> Compiled {
    let network = network(spec);
    let values = values(&network);
    compile_values(&network, Some(values), options).unwrap()
}

/// The code of a module and of a program, and the file of weights.
fn bytes(compiled: &Compiled) -> (String, String, Vec<u8>) {
    let plan = &compiled.plan;
    let weights = compiled.weights.clone().unwrap_or_default();
    (emit::network(plan, &Weights::File), emit::program(plan, Some("net.weights")), weights)
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let network = network(SPEC);
    let of_precision = |precision| Options { precisions: Precisions::all(precision), ..usual() };
    let mut all =
        [Precision::F32, Precision::F32Fast, Precision::F32Fast3, Precision::Bf16].map(of_precision).to_vec();
    all.push(int8(&network, &values(&network), 4.0));
    for options in all {
        let first = bytes(&built(SPEC, &options));
        // Each table of a compilation is seeded anew.
        for _ in 0..5 {
            assert!(bytes(&built(SPEC, &options)) == first, "{:?}", options.precisions);
        }
    }
}

/// Whatever a build is made from, changed one at a time; the first is unchanged.
fn variants() -> Vec<(&'static str, Compiled)> {
    let network = network(SPEC);
    let values = values(&network);
    let with = |options: Options| compile_values(&network, Some(values.clone()), &options).unwrap();
    let changed_value = |tensor: usize| {
        let mut values = values.clone();
        *values[tensor].last_mut().unwrap() += 1e-3;
        compile_values(&network, Some(values), &usual()).unwrap()
    };
    let changed_spec = |from: &str, to: &str| {
        let spec = SPEC.replacen(from, to, 1);
        assert_ne!(spec, SPEC, "{from}");
        built(&spec, &usual())
    };
    let of = |precision| with(Options { precisions: Precisions::all(precision), ..usual() });
    let tuned = |algorithm: &str| {
        let text = format!("resnetc tuning 1, batch 2\n16x16x16 -> 16x16x16: {algorithm}\n");
        let tuning = Tuning::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        with(Options { algorithms: Algorithms::Tuned(tuning), ..usual() })
    };
    let mut one_stage = Precisions::default();
    one_stage.deployment.add(Precision::Bf16, vec!["layer2.*".to_owned()]);
    vec![
        ("nothing", with(usual())),
        ("the first weight", changed_value(0)),
        ("the last weight", changed_value(values.len() - 1)),
        ("another layer", changed_spec("2 of basic(width)", "3 of basic(width)")),
        ("another width", changed_spec("width = 16", "width = 32")),
        ("another stride", changed_spec("stride 2", "stride 1")),
        ("another activation", changed_spec("norm; relu", "norm; silu")),
        ("another epsilon", changed_spec("norm;", "norm eps 1e-3;")),
        ("another side", changed_spec("(3, 16, 16)", "(3, 16, 32)")),
        ("another mean", changed_spec("mean(0.5", "mean(0.25")),
        ("another label", changed_spec("\"d\"", "\"e\"")),
        ("another output", changed_spec("output layer1", "output layer2")),
        ("another name", changed_spec("model net", "model other")),
        ("another batch", with(Options { batch: 3, ..usual() })),
        ("no Winograd", with(Options { algorithms: Algorithms::Exact, ..usual() })),
        ("a tuning", tuned("winograd 2x2 by 8")),
        ("another tuning", tuned("winograd 4x4 by 8")),
        ("bf16", of(Precision::Bf16)),
        ("f32-fast", of(Precision::F32Fast)),
        ("f32-fast3", of(Precision::F32Fast3)),
        ("int8", with(int8(&network, &values, 4.0))),
        ("int8 of another calibration", with(int8(&network, &values, 4.5))),
        ("bf16 of one stage", with(Options { precisions: one_stage, ..usual() })),
    ]
}

#[test]
fn whatever_differs_has_another_digest_and_its_weights_are_refused() {
    let all = variants();
    for (index, (one, compiled)) in all.iter().enumerate() {
        for (another, other) in &all[index + 1..] {
            assert_ne!(compiled.plan.digest, other.plan.digest, "{one} and {another}");
        }
    }
    let (_, own) = &all[0];
    let load = |compiled: &Compiled| Model::from_bytes(own.plan.clone(), compiled.weights.clone().unwrap());
    assert!(load(own).is_ok());
    for (what, other) in &all[1..] {
        assert!(matches!(load(other), Err(Error::Digest)), "{what}");
    }
}

#[test]
fn what_changes_nothing_keeps_the_digest() {
    let own = built(SPEC, &usual()).plan.digest;
    let commented = format!("// Only a comment.\n{}", SPEC.replace("16, 16)", "16,   16)"));
    assert_eq!(built(&commented, &usual()).plan.digest, own);
    let unused = format!("{SPEC}\nblock unused {{ relu }}\n");
    assert_eq!(built(&unused, &usual()).plan.digest, own);
}
