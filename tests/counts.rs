//! Parameters and MACs of the shipped specs, against PyTorch's modules and the published numbers.

use resnetc::{Spec, shipped_models};
use serde_json::Value;

fn counts(spec: &str, settings: &[String]) -> (u64, u64) {
    let own = resnetc_tests::path(&format!("specs/{spec}.resnet"));
    let name = if own.exists() { own.display().to_string() } else { spec.to_owned() };
    let network =
        Spec::open(&name).unwrap().check(settings).unwrap_or_else(|e| panic!("{spec}: {e}")).network;
    (network.total_params(), network.total_macs())
}

#[test]
fn counts_are_those_of_pytorch() {
    let path = resnetc_tests::path("goldens/counts.json");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let all = json.as_object().unwrap();
    assert!(all.len() >= 40, "only {} networks are counted", all.len());
    for (key, count) in all {
        let mut words = key.split(' ').map(str::to_owned);
        let spec = words.next().unwrap();
        let found = counts(&spec, &words.collect::<Vec<_>>());
        let expected = (count[0].as_u64().unwrap(), count[1].as_u64().unwrap());
        assert_eq!(found, expected, "{key}");
    }
}

#[test]
fn counts_are_those_that_people_quote() {
    for (spec, depth, params, macs) in [
        ("resnet18", None, 11_689_512, 1_814_073_344),
        ("resnet34", None, 21_797_672, 3_663_761_408),
        ("resnet50", None, 25_557_032, 4_089_184_256),
        ("resnet101", None, 44_549_160, 7_801_405_440),
        ("resnet152", None, 60_192_808, 11_513_626_624),
        ("resnext50_32x4d", None, 25_028_904, 4_230_479_872),
        ("resnext101_32x8d", None, 88_791_336, 16_414_015_488),
        ("resnext101_64x4d", None, 83_455_272, 15_460_270_080),
        ("wide_resnet50_2", None, 68_883_240, 11_398_021_120),
        ("wide_resnet101_2", None, 126_886_696, 22_753_050_624),
        ("resnet50d", None, 25_576_264, 4_328_824_832),
        ("seresnet50", None, 28_088_024, 4_091_699_200),
        ("resnetv2_50", None, 25_549_352, 4_089_184_256),
        ("cifar_resnet", Some(20), 269_722, 40_551_040),
        ("cifar_resnet", Some(32), 464_154, 68_862_592),
        ("cifar_resnet", Some(44), 658_586, 97_174_144),
        ("cifar_resnet", Some(56), 853_018, 125_485_696),
        ("cifar_resnet", Some(110), 1_727_962, 252_887_680),
        ("cifar_resnet", Some(1202), 19_421_274, 2_829_238_912),
    ] {
        let settings: Vec<String> = depth.map(|d: u32| format!("depth={d}")).into_iter().collect();
        assert_eq!(counts(spec, &settings), (params, macs), "{spec} {settings:?}");
    }
}

#[test]
fn every_shipped_model_checks() {
    for name in shipped_models().keys() {
        let checked = Spec::open(name).unwrap().check(&[]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(checked.warnings.diagnostics, [], "{name}");
    }
}
