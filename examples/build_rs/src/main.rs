//! Classifies pictures with a network that is part of this program.
//!
//! In: paths of pictures. Out: a line each, the picture and its class. The network, its weights
//! included, was compiled by `build.rs`.

use std::error::Error;

use resnetc_runtime::preprocess;

include!(concat!(env!("OUT_DIR"), "/cifar10.rs"));

fn main() -> Result<(), Box<dyn Error>> {
    let model = cifar10::model()?;
    let plan = model.plan();
    let mut session = model.session(1)?;
    let mut image = vec![0.0; plan.input.iter().product()];
    for path in std::env::args_os().skip(1) {
        preprocess::load(&std::fs::read(&path)?, &plan.preprocess, plan.input, &mut image)?;
        let outputs = session.run(&image)?;
        println!("{}: {}", path.display(), plan.labels[top(outputs.main())]);
    }
    Ok(())
}

/// The index of the largest value.
fn top(logits: &[f32]) -> usize {
    (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiled_network_takes_any_batch_up_to_its_own() {
        let model = cifar10::model().unwrap();
        let mut session = model.session(2).unwrap();
        let images = vec![0.25; 5 * 3 * 32 * 32];
        let logits = session.run(&images).unwrap().main().to_vec();
        assert_eq!(logits.len(), 5 * 10);
        assert!(logits.chunks(10).all(|one| one == &logits[..10]), "equal images have equal logits");
        assert!(session.run(&vec![0.25; 9 * 3 * 32 * 32]).is_err(), "the plan is for 8 images");
    }
}
