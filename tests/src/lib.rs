//! What the integration tests share: synthetic weights, and the goldens that PyTorch computed.

pub mod golden;
pub mod synthetic;

use std::path::PathBuf;

/// A path below this crate's folder.
pub fn path(below: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// Relative L2 error of `values` against `truth`.
pub fn relative_error(values: impl IntoIterator<Item = f64>, truth: &[f64]) -> f64 {
    let mut count = 0;
    let (mut wrong, mut all) = (0.0, 0.0);
    for (value, truth) in values.into_iter().zip(truth) {
        wrong += (value - truth).powi(2);
        all += truth * truth;
        count += 1;
    }
    assert_eq!(count, truth.len(), "another number of values than of true ones");
    (wrong / all).sqrt()
}
