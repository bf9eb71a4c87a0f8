//! Each pass on a small network: the graph before and after, as text.
//!
//! `passes/NAME.resnet` is a network that the pass of that name changes, `passes/NAME.expected` the
//! graph before it and after it. The passes before it in the list have run.

use std::fs;

use resnetc::graph::{self, to_text};
use resnetc::{Spec, passes};

#[test]
fn passes_change_graphs_as_their_fixtures_say() {
    for (index, pass) in passes::PASSES.iter().enumerate() {
        let spec = resnetc_tests::path(&format!("passes/{}.resnet", pass.name));
        let checked = Spec::open(&spec.display().to_string()).unwrap().check(&[]);
        let mut graph = graph::lower(&checked.unwrap_or_else(|e| panic!("{e}")).network, None);
        for earlier in &passes::PASSES[..index] {
            (earlier.run)(&mut graph);
        }
        let before = to_text(&graph);
        (pass.run)(&mut graph);
        assert_eq!(graph::verify(&graph), [], "after {}", pass.name);
        let after = to_text(&graph);
        assert_ne!(before, after, "the fixture of {} shows nothing", pass.name);
        let found = format!("before {0}:\n{before}\nafter {0}:\n{after}", pass.name);
        let expected = spec.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        let golden = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(found, golden, "{}: run with UPDATE_EXPECTED=1 if the change is meant", pass.name);
    }
}
