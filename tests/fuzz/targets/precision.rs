//! Calibration, deployment and tuning files: a text that is one of them reads the same when it is written, and a
//! network can be planned with it, or is refused; what is planned runs.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use resnetc::Algorithms;
use resnetc::plan::tuning::Tuning;
use resnetc::precision::{Calibration, Deployment, Precision, Precisions};
use resnetc_fuzz::Small;
use resnetc_runtime::Model;

static SMALL: LazyLock<Small> = LazyLock::new(Small::new);
static IMAGES: LazyLock<Vec<f32>> = LazyLock::new(Small::images);

fn run(options: &resnetc::Options) {
    let Ok(compiled) = resnetc::compile_graph(&SMALL.network, &SMALL.graph, options) else { return };
    let weights = compiled.weights.expect("the graph has values");
    let model = Model::from_bytes(compiled.plan, weights).expect("the planner's plans are sound");
    model.session(1).and_then(|mut session| session.run(&IMAGES).map(|_| ())).expect("it runs");
}

fn with_precisions(precisions: Precisions) {
    run(&resnetc::Options { precisions, ..Small::options() });
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    // A NUL ends the deployment, and a calibration follows.
    let (first, second) = text.split_once('\0').unwrap_or((&text, ""));
    let calibration = Calibration::parse(second).ok();
    if let Ok(deployment) = Deployment::parse(first) {
        assert_eq!(Deployment::parse(&deployment.to_string()), Ok(deployment.clone()));
        with_precisions(Precisions { deployment, calibration });
    }
    if let Ok(calibration) = Calibration::parse(first) {
        assert_eq!(Calibration::parse(&calibration.to_string()), Ok(calibration.clone()));
        let deployment = Deployment::all(Precision::Int8);
        with_precisions(Precisions { deployment, calibration: Some(calibration) });
    }
    if let Ok(tuning) = Tuning::parse(first) {
        assert_eq!(Tuning::parse(&tuning.to_string()), Ok(tuning.clone()));
        run(&resnetc::Options { algorithms: Algorithms::Tuned(tuning), ..Small::options() });
    }
});
