//! Compiled networks against PyTorch: logits in float64 of the same weights and the same input.
//!
//! `reference/goldens.py` makes the goldens; `reference/parity.py` does the same with whole
//! checkpoints and programs.

use resnetc_runtime::Options;
use resnetc_tests::golden::Golden;
use resnetc_tests::synthetic::{self, Norms, fnv1a};
use serde_json::Value;

fn within(bound: f64, names: &[&str]) {
    for name in names {
        let error = Golden::read(name).error(Options { threads: 2, ..Options::default() });
        println!("{name}: relative L2 error {error:.2e}");
        assert!(error <= bound, "{name}: relative L2 error {error:.2e} is over {bound:.0e}");
    }
}

#[test]
fn synthetic_tensors_are_those_of_python() {
    let path = resnetc_tests::path("goldens/synthetic.json");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let norms = Norms {
        scales: json["norms"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| (k.clone(), (v[0].as_f64().unwrap(), v[1].as_f64().unwrap())))
            .collect(),
        small: json["small"].as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()).collect(),
    };
    for tensor in json["tensors"].as_array().unwrap() {
        let name = tensor["name"].as_str().unwrap();
        let shape: Vec<usize> =
            tensor["shape"].as_array().unwrap().iter().map(|d| d.as_u64().unwrap() as usize).collect();
        let values = match (name, shape.as_slice()) {
            ("input", &[n, c, h, w]) => synthetic::input([n, c, h, w]),
            _ => synthetic::tensor(name, &shape, &norms),
        };
        let hash = fnv1a(values.iter().flat_map(|v| v.to_le_bytes()));
        assert_eq!(format!("{hash:016x}"), tensor["fnv1a"].as_str().unwrap(), "{name}");
    }
}

#[test]
fn torchvision_basic_networks() {
    within(5e-6, &["resnet18", "resnet34"]);
}

#[test]
fn torchvision_bottleneck_networks() {
    within(1e-5, &["resnet50", "resnet101", "wide_resnet50_2"]);
}

#[test]
fn torchvision_resnet152() {
    within(1e-4, &["resnet152"]);
}

#[test]
fn torchvision_resnext() {
    within(1e-5, &["resnext50_32x4d"]);
}

#[test]
fn timm_variants() {
    within(1e-5, &["resnet50d", "seresnet50", "resnetv2_50"]);
}

#[test]
fn the_papers_own_stride_placement() {
    within(1e-5, &["resnet50_v1"]);
}

#[test]
fn shortcut_options_and_plain_networks() {
    within(5e-6, &["plain18", "resnet18_zero_pad", "resnet18_projection_all"]);
    within(1e-5, &["cifar_resnet20_projection", "cifar_resnet20_projection_all", "cifar_plain20"]);
}

#[test]
fn cifar_networks() {
    within(1e-5, &["cifar_resnet20", "cifar_resnet56", "cifar_resnext29_8x64d", "mlperf_tiny_resnet8"]);
}

#[test]
fn preactivation_networks() {
    within(1e-5, &["cifar_preact_basic110", "cifar_preact164", "wrn_28_10"]);
}

#[test]
fn every_operation() {
    within(1e-5, &["everything"]);
}
