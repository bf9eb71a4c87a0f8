//! From the main output to answers: probabilities, the best classes, and their names.

use std::borrow::Cow;

use super::failure::Failure;
use crate::plan::Plan;

/// The number of classes, if the main output has one value for each.
pub(super) fn classes(plan: &Plan) -> Result<usize, Failure> {
    match plan.outputs.first().map(|output| output.shape) {
        Some([classes, 1, 1]) if classes > 0 => Ok(classes),
        Some([channels, height, width]) => {
            Err(Failure::NoClasses(format!("{channels} x {height} x {width}")))
        }
        None => Err(Failure::NoClasses("none".into())),
    }
}

/// The name of a class, or its number where the network has no names.
pub(super) fn label(plan: &Plan, class: usize) -> Cow<'_, str> {
    match plan.labels.get(class) {
        Some(label) => Cow::Borrowed(label),
        None => Cow::Owned(format!("class {class}")),
    }
}

/// Whether the main output has been through a softmax already, which its name says.
pub(super) fn gives_probabilities(plan: &Plan) -> bool {
    plan.outputs.first().is_some_and(|output| output.name == "probabilities")
}

/// Why a picture has no answers.
pub(super) const NO_NUMBERS: &str = "the network gave values that are no numbers";

/// One image's probabilities from what the network gave, which are some already if `ready`; `None`
/// if they are no numbers.
pub(super) fn probabilities(result: &[f32], ready: bool) -> Option<Vec<f32>> {
    let values = if ready { result.to_vec() } else { softmax(result) };
    if values.iter().any(|value| value.is_nan()) { None } else { Some(values) }
}

/// One image's probabilities from its logits.
fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// The `count` classes of the largest values, best first; of equal ones the lower number first. None
/// if any value is no number: nothing can be said of them then.
pub(super) fn best(values: &[f32], count: usize) -> Vec<usize> {
    if values.iter().any(|value| value.is_nan()) {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    let better = |a: &usize, b: &usize| values[*b].total_cmp(&values[*a]).then(a.cmp(b));
    let count = count.min(order.len());
    if count < order.len() {
        order.select_nth_unstable_by(count, better);
        order.truncate(count);
    }
    order.sort_unstable_by(better);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Output;
    use crate::program::tests::PLAN;

    #[test]
    fn the_name_of_the_main_output_says_what_it_is() {
        let named = |names: &[&'static str]| {
            let outputs = names.iter().map(|name| Output { name: (*name).into(), shape: [2, 1, 1] });
            gives_probabilities(&Plan { outputs: outputs.collect(), ..PLAN.clone() })
        };
        assert!(named(&["probabilities", "logits"]));
        assert!(!named(&["logits", "probabilities"]));
    }

    #[test]
    fn what_is_no_number_is_no_answer() {
        assert_eq!(probabilities(&[0.0, 0.0], false), Some(vec![0.5, 0.5]));
        assert_eq!(probabilities(&[0.25, 0.75], true), Some(vec![0.25, 0.75]));
        for logits in [[0.0, f32::NAN], [0.0, f32::INFINITY], [f32::NEG_INFINITY; 2]] {
            assert_eq!(probabilities(&logits, false), None, "{logits:?}");
        }
        assert_eq!(probabilities(&[0.0, f32::NAN], true), None);
        assert_eq!(best(&[0.0, f32::NAN], 2), [0; 0]);
    }

    #[test]
    fn probabilities_sum_to_one_however_large_the_logits() {
        let probabilities = softmax(&[1e4, 1e4 - 1.0, -1e4]);
        assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((probabilities[0] - 0.731_058_6).abs() < 1e-6);
    }

    #[test]
    fn the_best_come_first_and_the_lower_number_wins_a_tie() {
        assert_eq!(best(&[0.1, 0.7, 0.2, 0.7], 3), [1, 3, 2]);
        assert_eq!(best(&[1.0], 5), [0]);
        assert_eq!(best(&[1.0, 2.0], 0), [0; 0]);
    }
}
