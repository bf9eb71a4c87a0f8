//! `resnetc compare`: the first layer that departs from a dump, and why.
//!
//! Dumps are those of another spec under the same weights, computed by the oracle; the one of the example is
//! PyTorch's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::{Array4, Axis};
use resnetc::Spec;
use resnetc::compare::{Comparison, Difference, TOLERANCE, compare};
use resnetc::graph::{Op, eval, lower, wanted};
use resnetc::model::Network;
use resnetc::precision::probe::{add_probes, layer};
use resnetc::weights::Checkpoint;
use serde_json::Value;

const BASIC: &str = "
model net {
    input image(3, 16, 16)
    shortcut zero_pad
    stem { conv 3x3, 8; norm; relu; max_pool 3x3, stride 2 }
    stage layer1 { 2 of unit(8) }
    stage layer2 { 1 of unit(16), stride 2 }
    head { global_avg_pool; linear 5 }
}
block unit(width) {
    residual { conv 3x3, width, stride; norm; relu; conv 3x3, width; norm }
    relu
}
";

const BOTTLENECKS: &str = "
model net {
    input image(3, 16, 16)
    shortcut projection
    stem { conv 3x3, 8; norm; relu }
    stage layer1 { 1 of bottleneck(8), stride 2 }
    head { global_avg_pool; linear 5 }
}
";

const PREACTIVATED: &str = "
model net {
    input image(3, 8, 8)
    shortcut projection
    stem { conv 3x3, 8 }
    stage layer1 { 2 of unit(8) }
    head { norm as norm; relu; global_avg_pool; linear 5 }
}
block unit(width) {
    residual {
        preactivate { norm; relu }
        conv 3x3, width, stride; norm; relu
        conv 3x3, width
    }
}
";

fn network(text: &str) -> Network {
    Spec::from_text("net.resnet", text, None).check(&[]).unwrap_or_else(|e| panic!("{e}\n{text}")).network
}

/// Values between -1 and 1, other ones for each name.
fn drawn(name: &str, count: usize) -> Vec<f32> {
    let mut state = name.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
    });
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn weights(network: &Network) -> Tensors {
    let draw = |tensor: resnetc::weights::Wanted| {
        let mut values = drawn(&tensor.name, tensor.shape.iter().product());
        if tensor.name.ends_with("running_var") {
            values.iter_mut().for_each(|value| *value = 0.6 + 0.5 * *value);
        }
        (tensor.name, (tensor.shape, values))
    };
    wanted(network).into_iter().map(draw).collect()
}

fn checkpoint(tensors: &Tensors) -> Checkpoint {
    let tensors = tensors.iter().map(|(name, (shape, values))| (name.clone(), shape.clone(), values.clone()));
    Checkpoint::from_tensors(tensors)
}

fn images(network: &Network) -> Array4<f64> {
    let [c, h, w] = network.nodes[0].shape;
    let values = drawn("input", 2 * c * h * w).into_iter().map(f64::from).collect();
    Array4::from_shape_vec([2, c, h, w], values).unwrap()
}

/// Every node's value under its path, by the oracle; a block's under the block's name, and the input.
fn values(network: &Network, tensors: &Tensors, images: &Array4<f64>) -> BTreeMap<String, Array4<f64>> {
    let values = resnetc::join(network, &[checkpoint(tensors)], &[]).unwrap();
    let mut graph = lower(network, Some(values));
    add_probes(&mut graph);
    let mut names: Vec<(usize, String)> = Vec::new();
    for id in graph.order() {
        if let Op::Output { name, index } = &graph.node(id).op {
            names.push((*index, layer(name).unwrap_or("output").to_owned()));
        }
    }
    names.sort();
    let found = eval::eval(&graph, images).unwrap();
    let mut all: BTreeMap<String, Array4<f64>> = names.into_iter().map(|(_, name)| name).zip(found).collect();
    for node in &network.nodes {
        if let Some(block) = node.block {
            let value = all[&node.path].clone();
            all.insert(format!("{}.{block}", network.parts[node.part]), value);
        }
    }
    all
}

/// What PyTorch's hooks would record: modules with weights, poolings and blocks.
fn dump(network: &Network, values: &BTreeMap<String, Array4<f64>>) -> Tensors {
    let is_module = |name: &str| {
        let node = network.nodes.iter().find(|node| node.path == name);
        node.is_none_or(|node| !network.tensors(node).is_empty() || name.ends_with("pool") || name == "input")
    };
    let keep = values.iter().filter(|(name, _)| is_module(name) && *name != "output");
    let to_f32 = |value: &Array4<f64>| value.iter().map(|v| *v as f32).collect();
    keep.map(|(name, value)| (name.clone(), (value.shape().to_vec(), to_f32(value)))).collect()
}

fn run(spec: &str, tensors: &Tensors, dump: &Tensors) -> Comparison {
    compare(&network(spec), &checkpoint(tensors), &checkpoint(dump), &[], TOLERANCE).unwrap()
}

/// Compares a spec with the dump of another.
fn against(spec: &str, reference: &str) -> Comparison {
    let other = network(reference);
    let tensors = weights(&other);
    let values = values(&other, &tensors, &images(&other));
    run(spec, &tensors, &dump(&other, &values))
}

/// The layer that departs, and its first cause.
fn cause(found: &Comparison) -> (String, String) {
    let departure = found.departure.as_ref().expect("a layer departs");
    let first = departure.causes.first();
    let first = first.unwrap_or_else(|| panic!("{}: no cause in {}", departure.layer, departure.tried));
    assert!(!first.mend.is_empty() && first.distance.relative <= TOLERANCE);
    (departure.layer.clone(), first.what.clone())
}

/// Holds that `spec` against its own text with `change` made in it departs at a layer for a reason.
fn finds(spec: &str, change: (&str, &str), layer: &str, why: &str) {
    let reference = spec.replace(change.0, change.1);
    assert_ne!(reference, spec, "{}", change.0);
    let (found, cause) = cause(&against(spec, &reference));
    assert_eq!(found, layer, "{cause}");
    assert!(cause.contains(why), "{layer}: {cause}");
}

#[test]
fn a_network_agrees_with_its_own_dump() {
    for spec in [BASIC, BOTTLENECKS, PREACTIVATED] {
        let found = against(spec, spec);
        assert!(found.departure.is_none(), "{:?}", found.departure);
        assert!(found.agreeing.len() > 8 && found.left == 0);
        assert!(found.agreeing.iter().all(|layer| layer.distance.relative < 1e-6));
    }
}

#[test]
fn the_epsilon_of_a_norm_is_found() {
    finds(BASIC, ("8; norm;", "8; norm eps 1e-3;"), "bn1", "epsilon of 1e-3");
}

#[test]
fn another_activation_is_found() {
    finds(
        BASIC,
        ("stride; norm; relu", "stride; norm; silu"),
        "layer1.0.conv2",
        "is `silu`, in the spec `relu`",
    );
    finds(BASIC, ("    relu\n}", "    leaky_relu 0.1\n}"), "layer1.0.relu2", "is `leaky_relu 0.1`");
}

#[test]
fn an_activation_that_one_side_lacks_is_found() {
    finds(BASIC, ("stride; norm; relu", "stride; norm"), "layer1.0.conv2", "there is no activation");
    let bare = BASIC.replace("    relu\n}", "}");
    finds(&bare, ("norm }\n}", "norm }\n    relu\n}"), "layer1.0.add", "a `relu` follows");
    let bare = BASIC.replace("stride; norm; relu", "stride; norm");
    finds(&bare, ("stride; norm;", "stride; norm; relu;"), "layer1.0.conv2", "a `relu` stands between");
}

#[test]
fn strides_padding_and_dilation_are_found() {
    let same = ("conv 3x3, width, stride;", "conv 3x3, width, stride, pad same;");
    finds(BASIC, same, "layer2.0.conv1", "TensorFlow's padding");
    finds(BASIC, ("unit(16), stride 2", "unit(16)"), "layer2.0.conv1", "has stride 1, in the spec 2");
    finds(BASIC, ("conv 3x3, 8;", "conv 3x3, 8, dilation 2;"), "conv1", "dilation of 2");
    let pool = ("max_pool 3x3, stride 2", "max_pool 3x3, stride 2, pad 0, ceil_mode");
    finds(BASIC, pool, "maxpool", "no padding, and windows that reach past the map");
}

#[test]
fn a_pooling_that_is_subsampled_behind_it_is_found() {
    let blurred = BASIC.replace("max_pool 3x3, stride 2", "max_pool 3x3, stride 1; blur_pool 3, stride 2");
    let network = network(&blurred);
    let tensors = weights(&network);
    let mut recorded = values(&network, &tensors, &images(&network));
    // PyTorch has both in one module.
    let both = recorded.remove("blur_pool").unwrap();
    recorded.insert("maxpool".to_owned(), both);
    let (layer, why) = cause(&run(BASIC, &tensors, &dump(&network, &recorded)));
    assert!(layer == "maxpool" && why.contains("a blur behind it has its stride"), "{layer}: {why}");
}

#[test]
fn a_border_that_is_not_of_zeros_is_found() {
    // A reference over images that are padded already, and whose first convolution pads nothing.
    let padded = BASIC.replace("(3, 16, 16)", "(3, 18, 18)").replace("3x3, 8;", "3x3, 8, pad 0;");
    let (network, small) = (network(&padded), images(&network(BASIC)));
    let mirror = |at: usize| {
        if at == 0 {
            1
        } else if at == 17 {
            14
        } else {
            at - 1
        }
    };
    let large = Array4::from_shape_fn([2, 3, 18, 18], |(n, c, y, x)| small[[n, c, mirror(y), mirror(x)]]);
    let tensors = weights(&network);
    let mut values = values(&network, &tensors, &large);
    values.insert("input".to_owned(), small);
    let (layer, why) = cause(&run(BASIC, &tensors, &dump(&network, &values)));
    assert!(layer == "conv1" && why.contains("reflect"), "{layer}: {why}");
}

#[test]
fn shortcuts_are_found() {
    finds(BASIC, ("shortcut zero_pad", "shortcut none"), "layer1.0.relu2", "adds no shortcut");
    let plain = BASIC.replace("shortcut zero_pad", "shortcut none");
    finds(&plain, ("shortcut none", "shortcut zero_pad"), "layer1.0.relu2", "a shortcut is added before");
    let pooled =
        ("norm }\n", "norm } projection { avg_pool size stride, stride; zero_pad_channels width }\n");
    let projecting = BASIC.replace("shortcut zero_pad", "shortcut projection").replace(pooled.0, pooled.1);
    let (layer, why) = cause(&against(BASIC, &projecting));
    assert!(layer == "layer2.0.relu2" && why.contains("option A takes the mean of 2 x 2"), "{layer}: {why}");
    let begins = PREACTIVATED
        .replace("preactivate { norm; relu }\n", "")
        .replace("    residual {", "    norm; relu\n    residual {");
    let (layer, why) = cause(&against(PREACTIVATED, &begins));
    assert!(layer == "layer1.0.add" && why.contains("begins behind the first norm"), "{layer}: {why}");
}

#[test]
fn the_stride_of_a_bottleneck_is_found_on_its_other_convolution() {
    let found = against(BOTTLENECKS, &BOTTLENECKS.replace("bottleneck(", "bottleneck_v1("));
    let (layer, why) = cause(&found);
    assert!(layer == "layer1.0.conv1" && why.contains("has stride 2"), "{layer}: {why}");
    let departure = found.departure.unwrap();
    assert!(departure.causes[0].mend.contains("bottleneck_v1"));
    let Difference::Shapes(found, recorded) = departure.difference else {
        panic!("{:?}", departure.difference)
    };
    assert_eq!((found, recorded), ([2, 8, 16, 16], [2, 8, 8, 8]));
    let v1 = BOTTLENECKS.replace("bottleneck(", "bottleneck_v1(");
    finds(&v1, ("bottleneck_v1(", "bottleneck("), "layer1.0.conv1", "has stride 1");
}

#[test]
fn a_projection_that_pools_is_found() {
    let strided = "projection { conv 1x1, width, stride as conv; norm as norm }";
    let pooled = "projection { avg_pool size stride, stride; conv 1x1, width as conv; norm as norm }";
    let spec = BASIC.replace("shortcut zero_pad", "shortcut projection");
    let spec = spec.replace("norm }\n", &format!("norm }} {strided}\n"));
    finds(&spec, (strided, pooled), "layer2.0.downsample.conv", "takes the mean of 2 x 2 values");
    let spec = spec.replace(strided, pooled);
    finds(&spec, (pooled, strided), "layer2.0.downsample.conv", "takes no mean before");
}

#[test]
fn images_in_another_form_are_found() {
    let network = network(BASIC);
    let tensors = weights(&network);
    let values = values(&network, &tensors, &images(&network));
    let with = |input: Array4<f64>| {
        let mut values = values.clone();
        values.insert("input".to_owned(), input);
        cause(&run(BASIC, &tensors, &dump(&network, &values))).1
    };
    let mut reversed = values["input"].clone();
    reversed.invert_axis(Axis(1));
    assert!(with(reversed).contains("BGR"));
    assert!(with(values["input"].mapv(|v| v * 255.0)).contains("from 0..255 to 0..1"));
}

#[test]
fn statistics_of_the_batch_are_found() {
    let network = network(BASIC);
    let mut training = weights(&network);
    let tensors = training.clone();
    let conv1 = values(&network, &tensors, &images(&network))["conv1"].clone();
    for (c, channel) in conv1.axis_iter(Axis(1)).enumerate() {
        training.get_mut("bn1.running_mean").unwrap().1[c] = channel.mean().unwrap() as f32;
        training.get_mut("bn1.running_var").unwrap().1[c] = channel.var(0.0) as f32;
    }
    let recorded = values(&network, &training, &images(&network));
    let (layer, why) = cause(&run(BASIC, &tensors, &dump(&network, &recorded)));
    assert!(layer == "bn1" && why.contains("as in training"), "{layer}: {why}");
}

#[test]
fn a_norm_whose_module_has_the_activation_agrees() {
    let network = network(BASIC);
    let tensors = weights(&network);
    let mut recorded = values(&network, &tensors, &images(&network));
    recorded.insert("bn1".to_owned(), recorded["relu"].clone());
    let found = run(BASIC, &tensors, &dump(&network, &recorded));
    assert!(found.departure.is_none(), "{:?}", found.departure);
}

#[test]
fn what_no_change_explains_has_no_cause() {
    let network = network(BASIC);
    let mut tensors = weights(&network);
    let recorded = dump(&network, &values(&network, &tensors, &images(&network)));
    tensors.get_mut("layer1.1.conv1.weight").unwrap().1[7] += 1.0;
    let found = run(BASIC, &tensors, &recorded);
    let departure = found.departure.unwrap();
    assert_eq!(departure.layer, "layer1.1.conv1");
    assert!(departure.causes.is_empty() && departure.tried > 10, "{:?}", departure.causes);
}

fn refusal(change: impl FnOnce(&mut Tensors)) -> String {
    let network = network(BASIC);
    let tensors = weights(&network);
    let mut recorded = dump(&network, &values(&network, &tensors, &images(&network)));
    change(&mut recorded);
    let found = compare(&network, &checkpoint(&tensors), &checkpoint(&recorded), &[], TOLERANCE);
    found.map(|found| panic!("{found:?}")).unwrap_err().to_string()
}

#[test]
fn a_dump_of_another_network_is_refused() {
    let told = refusal(|dump| _ = dump.remove("input"));
    assert!(told.contains("has no tensor `input`"), "{told}");
    let told = refusal(|dump| {
        dump.remove("layer1.0.bn2");
        dump.remove("fc");
    });
    assert!(told.contains("lacks 2 of the network's layers: `layer1.0.bn2`, `fc`"), "{told}");
    let told = refusal(|dump| _ = dump.insert("conv1".into(), (vec![2, 9, 16, 16], vec![0.0; 4608])));
    assert!(told.contains("`conv1`: the layer gives [2, 8, 16, 16], the dump has [2, 9, 16, 16]"), "{told}");
    let told = refusal(|dump| _ = dump.insert("fc".into(), (vec![3, 5], vec![0.0; 15])));
    assert!(told.contains("`fc`: the layer gives [2, 5, 1, 1]"), "{told}");
    let told = refusal(|dump| _ = dump.insert("input".into(), (vec![2, 3, 8, 8], vec![0.0; 384])));
    assert!(told.contains("--set input=8x8"), "{told}");
    let told = refusal(|dump| _ = dump.insert("conv1".into(), (vec![2, 8, 0, 16], vec![])));
    assert!(told.contains("`conv1`: [2, 8, 0, 16] has no elements"), "{told}");
    let told = refusal(|dump| _ = dump.insert("bn1".into(), (vec![4096], vec![0.0; 4096])));
    assert!(told.contains("neither [n, c, h, w] nor [n, c]"), "{told}");
    let told = refusal(|dump| dump.get_mut("bn1").unwrap().1[3] = f32::NAN);
    assert!(told.contains("`bn1`: element 3 is NaN"), "{told}");
    let told = refusal(|dump| dump.get_mut("input").unwrap().1[5] = f32::INFINITY);
    assert!(told.contains("`input`: element 5 is inf"), "{told}");
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/compare").join(name)
}

/// `resnetc compare` of a spec with the example's weights and dump: its exit code and what it prints.
fn command(spec: &str, more: &[&str]) -> (Option<i32>, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{:?}.resnet", std::thread::current().id()));
    fs::write(&path, spec).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_resnetc"));
    command.arg("compare").arg(path).arg("--weights").arg(example("network.safetensors"));
    command.arg("--reference").arg(example("activations.safetensors")).args(more).env("NO_COLOR", "1");
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_examples_mistakes_are_found_one_after_the_other() {
    let spec = fs::read_to_string(example("network.resnet")).unwrap();
    let (code, told) = command(&spec, &[]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(".resnet:11) is the first that departs: relative L2 error 1.5e-3"), "{told}");
    assert!(told.contains("write `norm eps 1e-3`"), "{told}");

    let spec = spec.replace("norm; relu", "norm eps 1e-3; relu");
    let (code, told) = command(&spec, &[]);
    assert_eq!(code, Some(1), "{told}");
    let place = "layer2.0.conv1 (std/bottleneck.resnet:7) is the first that departs";
    assert!(told.contains(&format!("{place}: its shape is [1, 8, 12, 12]")), "{told}");
    assert!(told.contains("`bottleneck_v1`"), "{told}");

    let (code, told) = command(&spec.replace("bottleneck(8)", "bottleneck_v1(8)"), &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("layers agree"), "{told}");
}

#[test]
fn json_has_the_departure_and_its_causes() {
    let spec = fs::read_to_string(example("network.resnet")).unwrap();
    let (code, text) = command(&spec, &["--json"]);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, Some(1));
    assert_eq!(json["agrees"], false);
    assert_eq!(json["layers"][0]["layer"], "conv1");
    assert_eq!(json["departure"]["layer"], "bn1");
    assert!(json["departure"]["place"].as_str().unwrap().ends_with(".resnet:11"));
    assert!(json["departure"]["relative"].as_f64().unwrap() > 1e-3);
    assert!(json["departure"]["causes"][0]["relative"].as_f64().unwrap() < 1e-6);
    let (code, text) = command(&spec, &["--json", "--tolerance", "0.01"]);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, Some(1));
    assert_eq!(json["departure"]["layer"], "layer2.0.conv1");
    assert_eq!(json["departure"]["shapes"][1], serde_json::json!([1, 8, 6, 6]));
}

#[test]
fn a_change_that_leaves_no_room_for_the_next_window_is_no_cause() {
    let spec = |first: &str| {
        format!("model m {{\n    input image(3, 3, 3)\n    stem {{ {first}; conv 3x3, 8, pad 0 }}\n}}\n")
    };
    // The pooling is not recorded, so others are tried in its place: of 2 x 2 maps nothing is left.
    let found = against(&spec("max_pool 3x3, stride 1"), &spec("relu"));
    assert_eq!(found.departure.unwrap().layer, "conv1");
}
