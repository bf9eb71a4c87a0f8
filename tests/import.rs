//! `resnetc import`: specs out of names and shapes, those of the shipped specs and of timm's models.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use resnetc::graph::wanted;
use resnetc::import::{ImportError, Imported, import};
use resnetc::model::Network;
use resnetc::weights::{self, Checkpoint};
use resnetc::{Spec, shipped_models, syntax};

type Shapes = Vec<(String, Vec<usize>)>;

fn shapes(network: &Network) -> Shapes {
    wanted(network).into_iter().map(|tensor| (tensor.name, tensor.shape)).collect()
}

fn imported(name: &str, tensors: Shapes) -> Imported {
    let spec = import(&Checkpoint::from_shapes(tensors), name).unwrap_or_else(|e| panic!("{name}: {e}"));
    let parsed = Spec::from_text("imported", &spec.text, None);
    assert_eq!(syntax::format(parsed.file()), spec.text, "the formatter changes {name}");
    assert!(!spec.notes.is_empty());
    spec
}

fn refusal(tensors: Shapes) -> String {
    match import(&Checkpoint::from_shapes(tensors), "net") {
        Ok(spec) => panic!("a spec was written:\n{}", spec.text),
        Err(error) => error.to_string(),
    }
}

/// What a network computes: each layer with what it reads and gives.
fn layers(network: &Network) -> Vec<String> {
    network.nodes.iter().map(|node| format!("{:?} {:?} {:?}", node.layer, node.inputs, node.shape)).collect()
}

/// The network of a written spec after what its notes say about what shapes cannot tell.
fn edited(model: &str, spec: &Imported) -> Network {
    let mut text = spec.text.clone();
    let mut settings = Vec::new();
    if model.starts_with("plain") || model == "cifar_plain" {
        settings.push("shortcut=none".to_owned());
    }
    if model.ends_with("_v1") {
        text = text.replace("bottleneck(", "bottleneck_v1(");
    }
    if model == "mlperf_tiny_resnet8" {
        text = text
            .replace("bias; norm", "pad same, bias; norm eps 1e-3")
            .replace("stride, bias", "stride, pad same, bias");
        text = text.replace("global_avg_pool", "avg_pool 8x8").replace("pad same, pad same", "pad same");
    }
    let checked = Spec::from_text(model, &text, None).check(&settings);
    checked.unwrap_or_else(|e| panic!("{model}: {e}\n{text}")).network
}

#[test]
fn shipped_specs_come_back_from_their_names_and_shapes() {
    for model in shipped_models().keys() {
        let network = Spec::open(model).unwrap().check(&[]).unwrap().network;
        let spec = imported("net", shapes(&network));
        let found = edited(model, &spec);
        for (found, wanted) in layers(&found).iter().zip(layers(&network)) {
            assert_eq!(*found, wanted, "{model}\n{}", spec.text);
        }
        assert_eq!(found.nodes.len(), network.nodes.len(), "{model}");
        assert_eq!(found.total_params(), network.total_params(), "{model}");
        assert_eq!(found.total_macs(), network.total_macs(), "{model}");
    }
}

/// A model of `goldens/state_dicts.txt`.
struct Model {
    name: String,
    /// Parameters and MACs; none if it is to be refused.
    counts: Option<[u64; 2]>,
    tensors: Shapes,
}

fn timm_models() -> Vec<Model> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens/state_dicts.txt");
    let text = fs::read_to_string(path).unwrap();
    let mut models: Vec<Model> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let sizes = |text: &str| text.split('x').filter_map(|size| size.parse().ok()).collect::<Vec<usize>>();
        let counts = match words[..] {
            ["model", _, params, macs] => Some([params.parse().unwrap(), macs.parse().unwrap()]),
            _ => None,
        };
        if matches!(words[0], "model" | "refused") {
            models.push(Model { name: words[1].to_owned(), counts, tensors: Vec::new() });
            continue;
        }
        let tensors = &mut models.last_mut().unwrap().tensors;
        match words[..] {
            ["=", name, shape] => tensors.push((name.to_owned(), sizes(shape))),
            [path, "norm", channels] => {
                let fields = ["weight", "bias", "running_mean", "running_var"];
                tensors.extend(fields.map(|field| (format!("{path}.{field}"), sizes(channels))));
                tensors.push((format!("{path}.num_batches_tracked"), Vec::new()));
            }
            [path, shape] => tensors.push((format!("{path}.weight"), sizes(shape))),
            [path, shape, "bias"] => {
                tensors.push((format!("{path}.weight"), sizes(shape)));
                tensors.push((format!("{path}.bias"), vec![sizes(shape)[0]]));
            }
            _ => panic!("{line}"),
        }
    }
    models
}

#[test]
fn timms_residual_networks_get_specs_of_their_counts() {
    // A blur or a mean behind the 3x3, which takes its stride and has no tensors: a note tells.
    let antialiased = ["resnetaa50", "resnetblur18"];
    let mut count = 0;
    for Model { name, counts, tensors } in timm_models() {
        let Some([params, macs]) = counts else { continue };
        let spec = imported(&name, tensors);
        assert_eq!(spec.network.total_params(), params, "{name}");
        assert_eq!(
            spec.network.total_macs() == macs,
            !antialiased.contains(&&*name),
            "{name}\n{}",
            spec.text
        );
        count += 1;
    }
    assert!(count >= 30, "{count}");
}

#[test]
fn other_families_are_refused_with_their_tensors() {
    let mut count = 0;
    for model in timm_models().into_iter().filter(|model| model.counts.is_none()) {
        let names: Vec<String> = model.tensors.iter().map(|(name, _)| name.clone()).collect();
        let error = import(&Checkpoint::from_shapes(model.tensors), "net").expect_err(&model.name);
        let ImportError::Unplaced(unplaced) = error else { panic!("{}: {error}", model.name) };
        for one in unplaced {
            assert!(!one.reason.is_empty() && !one.tensors.is_empty(), "{}: {one}", model.name);
            assert!(one.tensors.iter().all(|(name, _)| names.contains(name)), "{}: {one}", model.name);
        }
        count += 1;
    }
    assert!(count >= 20, "{count}");
}

/// The tensors of `cifar_resnet` with projections under other names.
fn renamed(renames: &[(&str, &str)]) -> Shapes {
    let settings = ["depth=20".to_owned(), "shortcut=projection".to_owned()];
    let network = Spec::open("cifar_resnet").unwrap().check(&settings).unwrap().network;
    let rename = |name: String| renames.iter().fold(name, |name, (from, to)| name.replace(from, to));
    shapes(&network).into_iter().map(|(name, shape)| (rename(name), shape)).collect()
}

#[test]
fn names_of_other_implementations_become_rename_lines() {
    let text = imported("net", renamed(&[("downsample", "shortcut")])).text;
    assert!(text.contains(r#"rename "*.downsample.*" -> "*.shortcut.*""#), "{text}");
    assert!(text.contains("3 of basic(32), stride 2"), "{text}");

    let sequence = [
        ("conv1.weight", "residual_function.0.weight"),
        (".bn1.", ".residual_function.1."),
        ("conv2.weight", "residual_function.3.weight"),
        (".bn2.", ".residual_function.4."),
    ];
    let text = imported("net", renamed(&sequence)).text;
    assert!(text.contains(r#"rename "*.conv2.*" -> "*.residual_function.3.*""#), "{text}");
    assert!(text.contains("conv 3x3, 16 as residual_function.0; norm; relu"), "{text}");
}

#[test]
fn a_sequence_in_the_stem_stays_one() {
    let numbered = |name: String| match name.split_once('.') {
        Some(("conv1", field)) => format!("conv1.0.{field}"),
        Some(("bn1", field)) => format!("conv1.1.{field}"),
        _ => name.replace("layer", "conv").replace("downsample", "shortcut"),
    };
    let tensors = renamed(&[]).into_iter().map(|(name, shape)| (numbered(name), shape)).collect();
    let text = imported("net", tensors).text;
    assert!(text.contains("stem { sequential conv1 { conv 3x3, 16; norm; relu } }"), "{text}");
    assert!(text.contains("stage conv2 { 3 of basic(32), stride 2 }"), "{text}");
}

#[test]
fn names_of_senets_ported_from_caffe_tell_their_strides() {
    let model = timm_models().into_iter().find(|model| model.name == "legacy_seresnet50").unwrap();
    let text = imported("net", model.tensors).text;
    assert!(text.contains("max_pool 3x3, stride 2, pad 0, ceil_mode"), "{text}");
    assert!(text.contains("conv 1x1, width / 4, stride; norm; relu"), "{text}");
}

#[test]
fn a_prefix_of_all_names_is_kept_apart() {
    let prefixed = |prefix: &str| {
        let tensors = renamed(&[]).into_iter().map(|(name, shape)| (format!("{prefix}{name}"), shape));
        imported("net", tensors.collect()).text
    };
    assert!(!prefixed("module.").contains("rename"));
    let text = prefixed("student.");
    assert!(text.contains(r#"rename "*" -> "student.*""#), "{text}");
}

#[test]
fn a_tensor_too_many_is_named() {
    let mut tensors = renamed(&[]);
    tensors.push(("layer2.0.attention.weight".to_owned(), vec![32, 32, 1, 1]));
    let told = refusal(tensors);
    assert!(told.contains("without a place in a residual block"), "{told}");
    assert!(told.contains("layer2.0.attention.weight [32, 32, 1, 1]"), "{told}");
}

#[test]
fn a_name_with_and_without_a_prefix_is_told() {
    let mut tensors = renamed(&[]);
    tensors.push(("module.layer1.0.conv1.weight".to_owned(), vec![16, 16, 3, 3]));
    let told = refusal(tensors);
    assert!(told.contains("1 left over") && told.contains("layer1.0.conv1.weight"), "{told}");
}

#[test]
fn where_norms_stand_is_a_note_if_no_width_tells() {
    let text = |head: &str, block: &str| {
        format!(
            "model net {{ input image(3, 32, 32)\nshortcut projection\nstem {{ conv 3x3, 16; norm; relu }}\n\
                 stage layer1 {{ 2 of {block}(16) }}\nhead {{ {head}global_avg_pool; linear 10 }} }}"
        )
    };
    for (head, block, note) in
        [("", "basic", "behind their"), ("norm as norm; relu; ", "preact_basic", "before their")]
    {
        let network = Spec::from_text("net", &text(head, block), None).check(&[]).unwrap().network;
        let spec = imported("net", shapes(&network));
        assert!(spec.text.contains(&format!("2 of {block}(16)")), "{}", spec.text);
        assert!(spec.notes.iter().any(|n| n.contains(note)), "{:?}", spec.notes);
    }
}

#[test]
fn gates_of_other_names_are_found() {
    let network = Spec::open("seresnet50").unwrap().check(&[]).unwrap().network;
    let bare = |(name, shape): (String, Vec<usize>)| (name.replace(".se.", "."), shape);
    let text = imported("net", shapes(&network).into_iter().map(bare).collect()).text;
    assert!(text.contains(r#"rename "*.se.fc1.*" -> "*.fc1.*""#), "{text}");
    assert!(text.contains("6 of bottleneck_se(256), stride 2"), "{text}");
}

#[test]
fn a_tensor_too_few_is_named() {
    let gone = |lost: &str| renamed(&[]).into_iter().filter(|(name, _)| !name.starts_with(lost)).collect();
    let told = refusal(gone("layer2.1.bn2"));
    assert!(told.contains("2 convolutions and 1 norms"), "{told}");
    let told = refusal(gone("layer2.1."));
    assert!(told.contains("`layer2` has no block 1"), "{told}");
    let told = refusal(gone("layer3.0.downsample"));
    assert!(told.contains("a block without a projection though its shape changes"), "{told}");
    assert!(told.contains("layer3.0.conv1.weight [64, 32, 3, 3]"), "{told}");
}

#[test]
fn shapes_that_contradict_each_other_are_named() {
    let mut tensors = renamed(&[]);
    let (_, shape) = tensors.iter_mut().find(|(name, _)| name == "layer3.1.conv1.weight").unwrap();
    shape[1] = 48;
    let told = refusal(tensors);
    assert!(told.contains("does not fit the 64 channels before it"), "{told}");
    assert!(told.contains("layer3.1.conv1.weight [64, 48, 3, 3]"), "{told}");
}

#[test]
fn sizes_past_all_limits_are_refused() {
    let mut tensors = renamed(&[]);
    for (name, shape) in &mut tensors {
        if name == "conv1.weight" || name.starts_with("layer1.") {
            shape.iter_mut().skip(2).for_each(|side| *side = usize::MAX);
        }
    }
    refusal(tensors);
    refusal(Vec::new());
    refusal(vec![("layer1.0.conv1.weight".to_owned(), vec![0, 0, 0, 0])]);
}

/// A change of one tensor: another size, another name, or none of it.
fn mutate(tensors: &mut Shapes, (at, what, size): (usize, usize, usize)) {
    let at = at % tensors.len();
    let (name, shape) = &mut tensors[at];
    match what % 8 {
        0 => _ = tensors.remove(at),
        1 => shape.push(size),
        2 => _ = shape.pop(),
        3 => *name = name.replacen("layer", "block", 1),
        4 => *name = name.replacen('1', "2", 1),
        5 => *name = name.replacen('.', "..", 1),
        _ => {
            let place = what % shape.len().max(1);
            shape.iter_mut().skip(place).take(1).for_each(|old| *old = size);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn changed_state_dicts_give_a_spec_that_fits_or_a_reason(
        model in prop::sample::select(vec!["resnet18_c", "resnet50d", "seresnet50", "resnetv2_50", "cifar_resnet"]),
        changes in prop::collection::vec(
            (any::<usize>(), any::<usize>(), prop::sample::select(vec![0, 1, 2, 3, 7, 64, 4096, usize::MAX])),
            1..4,
        ),
    ) {
        let mut tensors = shapes(&Spec::open(model).unwrap().check(&[]).unwrap().network);
        changes.into_iter().for_each(|change| mutate(&mut tensors, change));
        let checkpoint = Checkpoint::from_shapes(tensors);
        if let Ok(spec) = import(&checkpoint, "net") {
            let network = Spec::from_text("net", &spec.text, None).check(&[]).unwrap().network;
            let fits = weights::fit(&wanted(&network), &checkpoint, &network.rules(&[]));
            prop_assert!(fits.is_ok(), "{}", spec.text);
        }
    }
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("import").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn the_command_writes_a_spec_that_takes_the_checkpoint() {
    let folder = scratch("command");
    let checkpoint =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/cifar10/resnet20-cifar10.safetensors");
    let resnetc = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_resnetc"));
        let output = command.current_dir(&folder).env("NO_COLOR", "1").args(args).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let checkpoint = checkpoint.to_string_lossy();
    let (code, told) = resnetc(&["import", &checkpoint, "-o", "mine.resnet"]);
    assert_eq!(code, Some(0), "{told}");
    let notes =
        ["shortcut none", "eps", "32 x 32", "stride 2", "`relu`", "labels", "mean and standard deviation"];
    for note in notes {
        assert!(told.contains(note), "{note}: {told}");
    }
    let spec = fs::read_to_string(folder.join("mine.resnet")).unwrap();
    assert!(spec.contains("model mine {") && spec.contains("shortcut zero_pad"), "{spec}");
    assert_eq!(resnetc(&["fmt", "--check", "mine.resnet"]).0, Some(0));
    let network =
        Spec::open(&folder.join("mine.resnet").to_string_lossy()).unwrap().check(&[]).unwrap().network;
    resnetc::join(&network, &[weights::read(Path::new(&*checkpoint)).unwrap()], &[]).unwrap();
    fs::write(folder.join("text.pth"), "no checkpoint").unwrap();
    let (code, told) = resnetc(&["import", "text.pth", "-o", "none.resnet"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(!folder.join("none.resnet").exists());
}
