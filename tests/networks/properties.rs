//! What holds of every network.

use ndarray::Array4;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use resnetc::emit::{self, Weights};
use resnetc::graph::{self, eval};
use resnetc::passes;
use resnetc_runtime::isa::Level;

use super::runner::{Case, hold};
use super::subject::{Subject, images, network, values};
use super::variant::variants;
use super::{bounds, differential};

#[test]
fn every_way_to_compute_a_network_gives_what_the_oracle_gives() {
    for level in Level::ALL.into_iter().filter(|level| !level.is_available()) {
        println!("skipped: this machine has no {}", level.name());
    }
    hold(|case| {
        let subject = Subject::new(&case.network.spec(), case.batch);
        differential::check(&subject, &case.chances, &mut bounds::hold)
    });
}

#[test]
fn passes_keep_what_a_graph_computes() {
    hold(passes_keep);
}

fn passes_keep(case: &Case) -> TestCaseResult {
    let network = network(&case.network.spec());
    let [c, h, w] = network.nodes[0].shape;
    let images = images(&network, 1).iter().map(|&v| f64::from(v)).collect();
    let images = Array4::from_shape_vec((1, c, h, w), images).unwrap();
    let mut graph = graph::lower(&network, Some(values(&network)));
    let mut before = eval::eval(&graph, &images).unwrap();
    for pass in passes::PASSES {
        (pass.run)(&mut graph);
        let fail = |what: String| TestCaseError::fail(format!("after {}: {what}", pass.name));
        let wrong = graph::verify(&graph);
        if !wrong.is_empty() {
            return Err(fail(format!("{wrong:?}")));
        }
        let after = eval::eval(&graph, &images).unwrap();
        for (after, before) in after.iter().zip(&before) {
            let before: Vec<f64> = before.iter().copied().collect();
            let after: Vec<f32> = after.iter().map(|&v| v as f32).collect();
            // Folded weights are rounded to f32 once.
            let error = bounds::error(&after, &before);
            if error.is_nan() || error > bounds::FOLDED {
                return Err(fail(format!("an error of {error:.1e}")));
            }
        }
        before = after;
    }
    Ok(())
}

#[test]
fn a_network_is_compiled_to_the_same_bytes_every_time() {
    hold(|case| {
        let text = case.network.spec();
        let compile = || {
            let subject = Subject::new(&text, case.batch);
            let variants = variants(&subject, &case.chances);
            let compiled = variants.iter().map(|variant| {
                let compiled = variant.compile(&subject);
                (emit::network(&compiled.plan, &Weights::File), compiled.weights)
            });
            compiled.collect::<Vec<_>>()
        };
        let same = compile() == compile();
        if same { Ok(()) } else { Err(TestCaseError::fail("compiled twice it is another")) }
    });
}
