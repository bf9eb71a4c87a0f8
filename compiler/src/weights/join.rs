//! The values that a network wants, out of a checkpoint.
//!
//! In: names and shapes of a network's tensors, a checkpoint, rename rules. Out: the values in the
//! network's order, or one [`Mismatch`] with all that is missing, left over or of
//! another shape. Values are converted only once everything fits.

use std::collections::HashSet;

use super::hints::find_hints;
use super::mismatch::{Extra, Mismatch, Misshaped, Missing, list_nearest};
use super::names::{Prefix, Rules};
use super::{Checkpoint, WeightsError};

/// A tensor that a network needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The network's name for it, such as `layer1.0.conv1.weight`.
    pub name: String,
    /// Its shape, such as `[64, 64, 3, 3]`. A linear layer's `[out, in]` also fits `[out, in, 1, 1]`,
    /// and the other way round.
    pub shape: Vec<usize>,
    /// Whether the network can do without it.
    pub optional: bool,
}

/// A rule of the spec: `*` stands for any text, dots included, and keeps its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Pattern on the network's name.
    pub from: String,
    /// The checkpoint's name.
    pub to: String,
}

/// The values of all wanted tensors, row-major, in the order of `wanted`. An optional tensor that the
/// checkpoint does not have is an empty vector.
///
/// The first of `renames` that fits a name replaces it; prefixes that training tools put in front of
/// all names are found by themselves. Integer tensors, and counters such as `num_batches_tracked`, may
/// be left over.
///
/// # Errors
///
/// [`WeightsError::Mismatch`] if a tensor is missing, left over or of another shape,
/// [`WeightsError::Values`] if a value is not finite or of a type that is not read, and
/// [`WeightsError::Rename`] if the two sides of a rule do not have as many `*`.
pub fn join(
    wanted: &[Wanted],
    checkpoint: &Checkpoint,
    renames: &[Rename],
) -> Result<Vec<Vec<f32>>, WeightsError> {
    let found = find(wanted, checkpoint, renames)?;
    found.into_iter().map(|name| name.map_or_else(|| Ok(Vec::new()), |name| checkpoint.read(name))).collect()
}

/// Whether [`join()`] would find every tensor, and have none left over. No value is read.
///
/// # Errors
///
/// Those of [`join()`], but for values.
pub fn fit(wanted: &[Wanted], checkpoint: &Checkpoint, renames: &[Rename]) -> Result<(), WeightsError> {
    find(wanted, checkpoint, renames).map(|_| ())
}

/// The checkpoint's name of each wanted tensor; none for an optional one that is not there.
///
/// # Errors
///
/// Those of [`fit`].
pub(crate) fn find<'c>(
    wanted: &[Wanted],
    checkpoint: &'c Checkpoint,
    renames: &[Rename],
) -> Result<Vec<Option<&'c str>>, WeightsError> {
    let rules = Rules::new(renames)?;
    let names: Vec<String> = wanted.iter().map(|wanted| rules.apply(&wanted.name)).collect();
    let prefix = Prefix::choose(&names, checkpoint);
    let found: Vec<Option<&str>> = names.iter().map(|name| prefix.find(name, checkpoint)).collect();

    let mut mismatch = compare(wanted, &names, &found, checkpoint);
    if !mismatch.is_empty() {
        mismatch.hints = find_hints(&mismatch, wanted, checkpoint);
        let idle = rules.idle(wanted.iter().map(|wanted| &*wanted.name));
        let idle = idle.iter().map(|rule| format!("rename `{}` fits no name of the network", rule.from));
        mismatch.hints.extend(idle);
        return Err(WeightsError::Mismatch { path: checkpoint.path().into(), mismatch: Box::new(mismatch) });
    }
    Ok(found)
}

/// All that differs; `names` are the wanted ones after renaming, `found` those of the checkpoint.
fn compare(wanted: &[Wanted], names: &[String], found: &[Option<&str>], checkpoint: &Checkpoint) -> Mismatch {
    let used: HashSet<&str> = found.iter().flatten().copied().collect();
    let left = checkpoint.names().filter(|name| !used.contains(name) && !is_harmless(name, checkpoint));
    let extra = left
        .map(|name| Extra { name: name.into(), shape: checkpoint.shape(name).unwrap_or_default().into() });

    let mut mismatch = Mismatch { wanted: wanted.len(), extra: extra.collect(), ..Mismatch::default() };
    for ((wanted, name), found) in wanted.iter().zip(names).zip(found) {
        match found.map(|found| (found, checkpoint.shape(found).unwrap_or_default())) {
            None if wanted.optional => {}
            None => mismatch.missing.push(Missing {
                name: wanted.name.clone(),
                looked_for: name.clone(),
                shape: wanted.shape.clone(),
                nearest: Vec::new(),
            }),
            Some((_, shape)) if fits(&wanted.shape, shape) => {}
            Some((found, shape)) => mismatch.misshaped.push(Misshaped {
                name: wanted.name.clone(),
                found_name: found.into(),
                found: shape.into(),
                wanted: wanted.shape.clone(),
            }),
        }
    }
    list_nearest(&mut mismatch);
    mismatch
}

/// Whether a shape can be read as another: the same, or a linear layer and a 1x1 convolution.
fn fits(wanted: &[usize], found: &[usize]) -> bool {
    let is_same = |matrix: &[usize], kernel: &[usize]| {
        matrix.len() == 2 && kernel.len() == 4 && kernel[..2] == *matrix && kernel[2..] == [1, 1]
    };
    wanted == found || is_same(wanted, found) || is_same(found, wanted)
}

/// Whether a tensor can be left over: no weight, but a count by PyTorch or by a profiler (thop).
pub(super) fn is_harmless(name: &str, checkpoint: &Checkpoint) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    !checkpoint.is_float(name) || matches!(last, "num_batches_tracked" | "total_ops" | "total_params")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(tensors: &[(&str, &[usize])]) -> Checkpoint {
        let filled = |&(name, shape): &(&str, &[usize])| {
            (name.to_owned(), shape.to_vec(), vec![1.0; shape.iter().product()])
        };
        Checkpoint::from_tensors(tensors.iter().map(filled))
    }

    fn want(tensors: &[(&str, &[usize])]) -> Vec<Wanted> {
        let wanted = |&(name, shape): &(&str, &[usize])| Wanted {
            name: name.into(),
            shape: shape.into(),
            optional: false,
        };
        tensors.iter().map(wanted).collect()
    }

    fn mismatch(wanted: &[(&str, &[usize])], tensors: &[(&str, &[usize])]) -> String {
        join(&want(wanted), &checkpoint(tensors), &[]).unwrap_err().to_string()
    }

    #[test]
    fn values_come_in_the_networks_order() {
        let tensors = [("b".to_owned(), vec![1], vec![2.0]), ("a".to_owned(), vec![2], vec![3.0, 4.0])];
        let checkpoint = Checkpoint::from_tensors(tensors);
        let values = join(&want(&[("a", &[2]), ("b", &[1])]), &checkpoint, &[]);
        assert_eq!(values.unwrap(), [vec![3.0, 4.0], vec![2.0]]);
    }

    #[test]
    fn a_linear_layer_takes_a_1x1_convolution_and_nothing_else() {
        assert!(fits(&[10, 64], &[10, 64, 1, 1]) && fits(&[10, 64, 1, 1], &[10, 64]));
        assert!(
            !fits(&[10, 64], &[10, 64, 3, 3]) && !fits(&[64], &[64, 1, 1]) && !fits(&[10, 64], &[64, 10])
        );
    }

    #[test]
    fn counters_may_be_left_over_and_weights_may_not() {
        let file = [("a", &[1][..]), ("bn1.num_batches_tracked", &[]), ("total_ops", &[1])];
        assert!(join(&want(&[("a", &[1])]), &checkpoint(&file), &[]).is_ok());
        let message = mismatch(&[("a", &[1])], &[("a", &[1]), ("b", &[2, 3])]);
        assert!(message.contains("1 left over") && message.contains("b [2, 3]"), "{message}");
    }

    #[test]
    fn an_optional_tensor_is_empty_if_missing() {
        let optional = Wanted { name: "b".into(), shape: vec![1], optional: true };
        let wanted = [want(&[("a", &[1])]), vec![optional]].concat();
        assert_eq!(join(&wanted, &checkpoint(&[("a", &[1])]), &[]).unwrap(), [vec![1.0], vec![]]);
    }

    #[test]
    fn renames_come_before_prefixes() {
        let file = checkpoint(&[("module.linear.weight", &[2]), ("module.conv1.weight", &[3])]);
        let rule = Rename { from: "fc.*".into(), to: "linear.*".into() };
        let values = join(&want(&[("conv1.weight", &[3]), ("fc.weight", &[2])]), &file, &[rule]).unwrap();
        assert_eq!(values.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn a_value_that_is_not_finite_names_its_tensor() {
        let file = Checkpoint::from_tensors([("module.a".to_owned(), vec![2], vec![0.0, f32::NAN])]);
        let message = join(&want(&[("a", &[2])]), &file, &[]).unwrap_err().to_string();
        assert!(message.contains("`module.a`: element 1 is NaN"), "{message}");
    }

    #[test]
    fn a_class_count_that_differs_is_said() {
        let wanted = [("conv1.weight", &[8, 3, 3, 3][..]), ("fc.weight", &[1000, 8]), ("fc.bias", &[1000])];
        let file = [("conv1.weight", &[8, 3, 3, 3][..]), ("fc.weight", &[10, 8]), ("fc.bias", &[10])];
        let message = mismatch(&wanted, &file);
        assert!(message.contains("trained for 10 classes, the network has 1000"), "{message}");
    }

    #[test]
    fn a_layer_of_another_name_gives_the_rename_rule() {
        let wanted = [("layer1.0.downsample.0.weight", &[8][..]), ("fc.weight", &[2, 8]), ("fc.bias", &[2])];
        let file =
            [("layer1.0.shortcut.0.weight", &[8][..]), ("linear.weight", &[2, 8]), ("linear.bias", &[2])];
        let message = mismatch(&wanted, &file);
        assert!(message.contains(r#"rename "fc.*" -> "linear.*""#), "{message}");
        assert!(message.contains(r#"rename "*.downsample.*" -> "*.shortcut.*""#), "{message}");
    }

    #[test]
    fn an_unknown_prefix_gives_the_rename_rule() {
        let file = [("momentum.conv1.weight", &[8][..]), ("momentum.fc.bias", &[2])];
        let message = mismatch(&[("conv1.weight", &[8]), ("fc.bias", &[2])], &file);
        assert!(message.contains(r#"rename "*" -> "momentum.*""#), "{message}");
    }

    #[test]
    fn projections_left_over_point_at_the_shortcut_mode() {
        let file = [("a", &[1][..]), ("layer2.0.shortcut.0.weight", &[8])];
        let message = mismatch(&[("a", &[1])], &file);
        assert!(message.contains("shortcut projection"), "{message}");
    }

    #[test]
    fn another_depth_is_said() {
        let wanted = [("layer1.0.conv1.weight", &[1][..])];
        let file = [("layer1.0.conv1.weight", &[1][..]), ("layer1.1.conv1.weight", &[1])];
        let message = mismatch(&wanted, &file);
        assert!(message.contains("layer1 has 2 blocks in the checkpoint and 1 in the network"), "{message}");
    }

    #[test]
    fn long_lists_are_cut_with_a_count() {
        let names: Vec<String> = (0..45).map(|i| format!("t{i}")).collect();
        let wanted: Vec<(&str, &[usize])> = names.iter().map(|name| (&**name, &[1][..])).collect();
        let message = mismatch(&wanted, &[("x", &[1])]);
        assert!(message.contains("... and 37 more"), "{message}");
        assert!(message.lines().count() < 20, "{message}");
    }
}
