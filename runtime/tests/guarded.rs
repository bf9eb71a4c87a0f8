//! A whole network with all of its memory next to pages that fault: weights, arena, results, scratch memory
//! and the caller's images.

mod network;

use network::{BATCH, IMAGE, assert_close, model, numbers, plan, values};
use resnetc_runtime::guarded::{Edge, Guarded, guard};
use resnetc_runtime::isa::Level;
use resnetc_runtime::{Model, Options, reference, weights};

/// Runs the network on images that lie at the edge.
#[track_caller]
fn check(model: &Model, edge: Edge) {
    for n in 1..=BATCH {
        let images = Guarded::copy_of(&numbers(n as u32, n * IMAGE), edge).unwrap();
        let expected = reference::run(model.plan(), &values(model.plan()), &images);
        for (level, threads) in Level::available().flat_map(|level| [1, 2].map(|threads| (level, threads))) {
            let options = Options { threads, level: Some(level) };
            let mut session = guard(edge, || model.session_with(options)).unwrap();
            session.poison(f32::NAN);
            assert_close(session.run(&images).unwrap(), &expected, level);
        }
    }
}

#[test]
fn runs_touch_nothing_beside_their_memory() {
    for edge in Edge::ALL {
        check(&guard(edge, model), edge);
    }
}

#[test]
fn weights_in_the_program_are_read_up_to_their_end() {
    let bytes = weights::encode(&plan(), &values(&plan())).unwrap();
    let words: Vec<f32> =
        bytes.chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect();
    // They are a whole number of lines, so that they begin on one where they end with a page; else they would
    // be copied.
    assert!(bytes.len().is_multiple_of(64));
    let plan: &'static _ = Box::leak(Box::new(plan()));
    for edge in Edge::ALL {
        let embedded: &'static Guarded = Box::leak(Box::new(Guarded::copy_of(&words, edge).unwrap()));
        check(&Model::embedded(plan, embedded.as_bytes()).unwrap(), edge);
    }
}
