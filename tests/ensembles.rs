//! Ensembles: one network whose answer is the mean of its members' own.

use resnetc::model::Layer;
use resnetc::weights::Checkpoint;
use resnetc::{Network, Options, Spec, compile, compile_values, graph, join};
use resnetc_runtime::Model;
use resnetc_tests::synthetic::{self, Norms};

const MEMBERS: &str = "
model small { input image(3, 16, 16)
    stem { conv 3x3, 8; norm; relu }
    stage layer1 { 1 of basic(16), stride 2 }
    head { global_avg_pool; linear 5 } }
model large { input image(3, 16, 16)
    rename \"fc.*\" -> \"classifier.*\"
    stem { conv 3x3, 16; norm; relu }
    stage layer1 { 2 of basic(16) }
    head { global_avg_pool; linear 5 } }
";

fn spec(ensemble: &str, model: &str) -> Spec {
    Spec::from_text("mine.resnet", &format!("{MEMBERS}{ensemble}"), Some(model))
}

fn network(ensemble: &str, model: &str) -> Network {
    spec(ensemble, model).check(&[]).unwrap_or_else(|error| panic!("{error}")).network
}

/// A network's tensors, under the names that its checkpoint has behind `prefix`.
fn tensors(network: &Network, prefix: &str) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let head = if network.renames.is_empty() { "fc." } else { "classifier." };
    let tensor = |wanted: resnetc::weights::Wanted| {
        let values = synthetic::tensor(&format!("{}.{}", network.name, wanted.name), &wanted.shape, &norms());
        (format!("{prefix}{}", wanted.name.replace("fc.", head)), wanted.shape, values)
    };
    graph::wanted(network).into_iter().map(tensor).collect()
}

/// Norms' variances must not be negative.
fn norms() -> Norms {
    let names = ["small", "large"].map(|model| {
        let blocks = ["", "layer1.0.", "layer1.1."];
        blocks.map(|block| ["bn1", "bn2", "downsample.1"].map(|norm| format!("{model}.{block}{norm}")))
    });
    let scales = names.into_iter().flatten().flatten().map(|name| (name, (0.1, 1.0))).collect();
    Norms { scales, small: Vec::new() }
}

fn answers(network: &Network, values: Vec<Vec<f32>>, images: &[f32]) -> Vec<f32> {
    let options = Options { batch: 2, ..Options::default() };
    let compiled = compile_values(network, Some(values), &options).unwrap();
    let model = Model::from_bytes(compiled.plan, compiled.weights.unwrap()).unwrap();
    model.session(2).unwrap().run(images).unwrap().main().to_vec()
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let sums: f32 = logits.iter().map(|logit| logit.exp()).sum();
    logits.iter().map(|logit| logit.exp() / sums).collect()
}

/// The members' own logits of two images.
fn own(images: &[f32]) -> [Vec<f32>; 2] {
    ["small", "large"].map(|name| {
        let network = network("", name);
        let checkpoint = Checkpoint::from_tensors(tensors(&network, ""));
        answers(&network, join(&network, &[checkpoint], &[]).unwrap(), images)
    })
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(close, "{found:?}, not {expected:?}");
}

#[test]
fn an_ensemble_answers_with_the_mean_of_its_members() {
    let images = synthetic::input([2, 3, 16, 16]);
    let logits = own(&images);
    let mean = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect::<Vec<_>>();
    let [small, large] = ["small", "large"].map(|name| network("", name));
    for kind in ["logits", "probabilities"] {
        let text = format!("model both {{ ensemble {kind}\n member small as a\n member large as b }}");
        let both = network(&text, "both");
        let separate =
            [Checkpoint::from_tensors(tensors(&small, "")), Checkpoint::from_tensors(tensors(&large, ""))];
        let found = answers(&both, join(&both, &separate, &[]).unwrap(), &images);
        let expected: Vec<f32> = match kind {
            "logits" => mean(&logits[0], &logits[1]),
            _ => logits[0]
                .chunks(5)
                .zip(logits[1].chunks(5))
                .flat_map(|(a, b)| mean(&softmax(a), &softmax(b)))
                .collect(),
        };
        assert_close(&found, &expected);
        assert_eq!(both.outputs[0].name, kind);
        // One file with all tensors, each behind its member's name, says the same.
        let all = Checkpoint::from_tensors([tensors(&small, "a."), tensors(&large, "b.")].concat());
        assert_eq!(answers(&both, join(&both, &[all], &[]).unwrap(), &images), found);
    }
}

#[test]
fn an_ensemble_may_rename_its_members_tensors() {
    let text = "model both { rename \"a.conv1.*\" -> \"a.first.*\"\n member small as a\n member large as b }";
    let both = network(text, "both");
    let renamed = |prefix: &str| {
        let stem = format!("{prefix}conv1.");
        let renamed = |name: String| match name.strip_prefix(&stem) {
            Some(field) => format!("{prefix}first.{field}"),
            None => name,
        };
        let tensors = tensors(&network("", "small"), prefix).into_iter();
        tensors.map(|(name, shape, values)| (renamed(name), shape, values)).collect::<Vec<_>>()
    };
    let large = network("", "large");
    let separate = [Checkpoint::from_tensors(renamed("")), Checkpoint::from_tensors(tensors(&large, ""))];
    let all = Checkpoint::from_tensors([renamed("a."), tensors(&large, "b.")].concat());
    let (separate, all) = (join(&both, &separate, &[]).unwrap(), join(&both, &[all], &[]).unwrap());
    assert_eq!(separate, all);
}

#[test]
fn there_is_one_checkpoint_or_one_for_each_member() {
    let both = network("model both { member small\n member large }", "both");
    let one = || Checkpoint::from_tensors(tensors(&network("", "small"), ""));
    for (network, checkpoints) in
        [(&both, vec![]), (&both, vec![one(), one(), one()]), (&network("", "small"), vec![])]
    {
        let error = join(network, &checkpoints, &[]).unwrap_err().to_string();
        assert!(error.contains("one, or one for each member"), "{error}");
    }
}

#[test]
fn a_member_that_ends_with_a_softmax_gets_no_second_one() {
    let text = "model sure { input image(3, 16, 16)\n head { global_avg_pool; linear 5; softmax } }\n\
                model both { member sure\n member small }";
    let both = network(text, "both");
    let softmaxes = both.nodes.iter().filter(|node| node.layer == Layer::Softmax).count();
    assert_eq!(softmaxes, 2, "its own, and that of the other");
}

#[test]
fn members_share_the_picture_and_the_arena() {
    let path = resnetc_tests::path("../examples/ensemble/imagenet.resnet");
    let network = Spec::open(path.to_str().unwrap()).unwrap().check(&[]).unwrap().network;
    let names = ["resnet34_b", "resnet34_c", "resnet50", "resnet101", "resnet152", "resnet152"];
    let own = names.map(|name| Spec::open(name).unwrap().check(&[]).unwrap().network);
    assert_eq!(network.members.len(), 6);
    assert_eq!(network.total_params(), own.iter().map(Network::total_params).sum::<u64>());
    assert_eq!(network.total_macs(), own.iter().map(Network::total_macs).sum::<u64>());
    let arena = |network: &Network| compile(network, None, &Options::default()).unwrap().plan.arena;
    let largest = own.iter().map(arena).max().unwrap();
    assert!(arena(&network) < largest + 300_000, "the picture and some answers more than the largest");
}

#[test]
fn outputs_of_members_have_their_names() {
    let text =
        "model both { member small as a\n member large as b\n output a.layer1 as c2\n output b.fc as own }";
    let both = network(text, "both");
    let shapes: Vec<_> = both.outputs.iter().map(|o| (o.name.as_str(), both.node(o.node).shape)).collect();
    assert_eq!(shapes, [("probabilities", [5, 1, 1]), ("c2", [16, 8, 8]), ("own", [5, 1, 1])]);
}

#[test]
fn weights_are_those_of_the_members_or_one_files() {
    let files = |ensemble: &str, given: Option<&str>| {
        let spec = spec(ensemble, "both");
        let network = spec.check(&[]).unwrap().network;
        spec.weights_files(&network, given.map(AsRef::as_ref))
            .map(|paths| paths.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>())
    };
    let own = "model both { member small, weights \"s\"\n member large, weights \"l\" }";
    assert_eq!(files(own, None).unwrap(), ["s", "l"]);
    assert_eq!(files(own, Some("all")).unwrap(), ["all"]);
    assert_eq!(files("model both { weights \"w\"\n member small\n member large }", None).unwrap(), ["w"]);
    assert!(files("model both { member small\n member large }", None).unwrap().is_empty());
    let error = files("model both { member small\n member large, weights \"l\" }", None).unwrap_err();
    assert!(error.to_string().contains("`small`"), "{error}");
}
