//! Single networks: those that were once compiled wrongly, and what is refused.

use ndarray::Array4;
use resnetc::Spec;
use resnetc::graph::{self, eval};
use resnetc::precision::calibration::Range;
use resnetc::precision::histogram::Method;
use resnetc::precision::{Calibration, Deployment, Precision, Precisions};
use resnetc::weights::Checkpoint;
use resnetc_runtime::Options;
use resnetc_runtime::isa::Level;
use resnetc_runtime::plan::Algorithm;
use resnetc_runtime::plan::winograd::Form;
use resnetc_tests::golden::compile;
use resnetc_tests::synthetic;

use super::bounds;
use super::differential::check;
use super::subject::{Subject, values};
use super::variant::Chances;

/// Holds one spec against the oracle, in every way.
fn agrees(text: &str) {
    let tuning = vec![Algorithm::Winograd { form: Form::F4x4, block: 5 }];
    let precisions = vec![Precision::Int8, Precision::F32, Precision::Bf16];
    let chances = Chances { tuning, precisions, at_once: 1, turn: 0 };
    check(&Subject::new(text, 3), &chances, &mut bounds::hold)
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
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
