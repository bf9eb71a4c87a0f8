//! How far results may be from the truth.
//!
//! What the plan's reference says is rounded as the kernels round it, so nearly all results are as near to it as singles
//! can be; but a sum that lies between two values which can be stored may be rounded to either, and what reads it goes on
//! from there. The greatest errors are those of answers of a single value, which is a small difference of large ones. The
//! bounds are about five times the greatest that [`super::measure`] found, in singles ten times.

use resnetc::precision::Precision;

use super::differential::Found;
use super::variant::Variant;

/// Values of which the root mean square is less count as if it were this: they are differences of greater ones.
const LEAST: f64 = 0.02;

/// The L2 error of `found`, relative to the greater of the truth's norm and that of values of [`LEAST`].
pub fn error(found: &[f32], truth: &[f64]) -> f64 {
    assert_eq!(found.len(), truth.len(), "as many values as true ones");
    let (mut wrong, mut all) = (0.0, 0.0);
    for (found, truth) in found.iter().zip(truth) {
        wrong += (f64::from(*found) - truth).powi(2);
        all += truth * truth;
    }
    let least = LEAST * LEAST * truth.len() as f64;
    (wrong / f64::max(all, least)).sqrt()
}

/// The most that passes may change a graph.
pub const FOLDED: f64 = 3e-6;

/// How far a variant may be from its references.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    plan: f64,
    oracle: f64,
}

impl Bounds {
    fn of(variant: &Variant) -> Self {
        let (plan, oracle) = match variant.precision {
            Precision::F32 | Precision::F32Fast3 => (1e-5, 1e-5),
            Precision::F32Fast => (5e-4, 5e-4),
            Precision::Bf16 => (0.03, 0.15),
            // Zeros would have an error of one from the oracle: this bound is only a net against nonsense. What checks
            // the code is the plan's, whose reference rounds as the kernels do.
            Precision::Int8 => (0.04, 0.8),
        };
        Self { plan, oracle }
    }
}

/// Whether an output is near enough, for how it was compiled.
///
/// # Errors
///
/// If it is not.
pub fn hold(variant: &Variant, found: &Found) -> Result<(), String> {
    let (Bounds { plan, oracle }, Found { output, .. }) = (Bounds::of(variant), found);
    // An error that is no number is none that is small.
    if found.plan <= plan && found.oracle <= oracle {
        return Ok(());
    }
    Err(format!(
        "{output} has an error of {:.1e} from what the plan says, of {plan:.0e} at most, and of {:.1e} from the \
         oracle, of {oracle:.0e} at most",
        found.plan, found.oracle
    ))
}
