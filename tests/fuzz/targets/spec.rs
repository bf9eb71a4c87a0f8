//! The text of a spec: read, checked, formatted, lowered, fused, planned.
//!
//! A text that can be read has one format, which says the same as the text does: the same mistakes, the same network.

#![no_main]

use libfuzzer_sys::fuzz_target;
use resnetc::diagnostics::{Code, Report};
use resnetc::{Error, Limits, Network, Options, Spec, graph, syntax};

/// Nodes of a network that is planned and printed: a larger one meets no other code, only for longer.
const MOST_NODES: usize = 400;

/// Limits that are met soon: instrumented code is slow.
const LIMITS: Limits = Limits { nodes: 2_000, text: 1 << 18, ..Limits::USUAL };

fn open(text: &str) -> Spec {
    Spec::in_folder("fuzzed.resnet", text.to_owned(), "/nonexistent".into()).with_limits(LIMITS)
}

fn check(spec: &Spec) -> Result<Network, Vec<Code>> {
    match spec.check(&[]) {
        Ok(checked) => Ok(checked.network),
        Err(Error::Spec(report)) => Err(codes(&report)),
        Err(error) => panic!("a spec's mistakes are reported: {error}"),
    }
}

fn codes(report: &Report) -> Vec<Code> {
    assert!(!report.render(false).is_empty() || report.diagnostics.is_empty());
    report.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

fn compile(network: &Network) {
    let lowered = graph::lower(network, None);
    assert_eq!(graph::verify(&lowered), []);
    let fused = resnetc::fuse(network, None);
    assert_eq!(graph::verify(&fused), []);
    let Ok(compiled) = resnetc::compile_graph(network, &fused, &Options::default()) else { return };
    compiled.plan.verify().expect("the planner's plans are sound");
    if compiled.plan.digest[0] % 16 == 0 {
        // Slow beside all else.
        resnetc::emit::program(&compiled.plan, None);
    }
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let spec = open(&text);
    let survey = codes(&spec.survey().report);
    let found = check(&spec);
    if let Ok(network) = &found
        && network.nodes.len() <= MOST_NODES
    {
        compile(network);
    }
    if spec.check_syntax().is_err() {
        return;
    }
    let formatted = syntax::format(spec.file());
    let again = open(&formatted);
    assert_eq!(again.check_syntax().map_err(|report| report.render(false)), Ok(()), "{formatted}");
    assert_eq!(syntax::format(again.file()), formatted);
    assert_eq!(codes(&again.survey().report), survey, "{formatted}");
    match (found, check(&again)) {
        (Ok(one), Ok(other)) if one.nodes.len() <= MOST_NODES => {
            let text = |network| graph::to_text(&graph::lower(network, None));
            assert_eq!(text(&one), text(&other));
        }
        (one, other) => assert_eq!(one.map(|n| n.nodes.len()), other.map(|n| n.nodes.len())),
    }
});
