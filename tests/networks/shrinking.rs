//! Planted faults: what a failure shows is small, and says all that is needed to see it again.

use proptest::test_runner::{TestCaseError, TestCaseResult};
use resnetc::model::network::Layer;

use super::bounds;
use super::differential::{Found, check};
use super::runner::{Case, Failure, first_failure};
use super::subject::Subject;

/// Networks among which every planted fault is.
const NETWORKS: u64 = 200;
/// Lines of a model with a stage of one block, and of that block.
const FEW_LINES: usize = 8;
/// Values of an image that is as small as a blur can read.
const FEW_VALUES: usize = 16;

/// The smallest failure that is found.
fn find(property: impl Fn(&Case) -> TestCaseResult) -> Box<Failure> {
    first_failure(0, NETWORKS, property).expect_err("a fault was planted")
}

#[test]
fn a_fault_is_shrunk_to_the_lines_that_show_it() {
    for word in ["gate", "blur_pool", "ceil_mode", "dilation", "groups channels", "preactivate", "zero_pad\n"]
    {
        let failure = find(|case| {
            let has = case.network.spec().contains(word);
            if has { Err(TestCaseError::fail(format!("there is `{word}`"))) } else { Ok(()) }
        });
        let spec = failure.case.network.spec();
        assert!(spec.lines().count() <= FEW_LINES && spec.contains(word), "{spec}");
        let values = failure.case.network.input.iter().product::<usize>();
        assert!(values <= FEW_VALUES, "{failure}");
        assert_eq!(failure.case.batch, 1, "{failure}");
    }
}

#[test]
fn a_fault_of_a_kernel_is_told_with_the_way_to_it() {
    // As if maxima were wrong.
    let failure = find(|case| {
        let subject = Subject::new(&case.network.spec(), case.batch);
        if !subject.network.nodes.iter().any(|node| matches!(node.layer, Layer::MaxPool(_))) {
            return Ok(());
        }
        check(&subject, &case.chances, &mut |variant, found| {
            let wrong = if variant.name == "f32 --exact" { 1.0 } else { 0.0 };
            bounds::hold(variant, &Found { plan: found.plan + wrong, ..found.clone() })
        })
    });
    let spec = failure.case.network.spec();
    assert!(spec.lines().count() <= FEW_LINES && spec.contains("max_pool"), "{spec}");
    let told = failure.to_string();
    let again = format!("RESNETC_SEED={} RESNETC_NETWORKS=1", failure.seed);
    for part in ["1.0e0 from what the plan says", "by f32 --exact at ", "1 image of", &spec, &again] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    assert!(first_failure(failure.seed, 1, |_| Err(TestCaseError::fail("any"))).is_err());
}
