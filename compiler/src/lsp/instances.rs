//! What became of a statement in the models of its file: every time it ran, with shapes and costs.

use std::collections::HashMap;

use crate::diagnostics::Span;
use crate::model::network::Shape;
use crate::model::receptive::receptive_fields;
use crate::model::residual::show;
use crate::model::trace::{Step, Traced};
use crate::numbers::grouped;

use super::analysis::OWN;

/// The steps of the document's own statements.
pub struct Instances {
    steps: HashMap<Span, Vec<(usize, Step)>>,
    /// The receptive fields of each model's operations.
    fields: Vec<Vec<Option<[usize; 2]>>>,
}

impl Instances {
    /// Sorts the steps of all models by their statement.
    pub fn new(models: &[Traced]) -> Self {
        let mut steps: HashMap<Span, Vec<(usize, Step)>> = HashMap::new();
        for (index, model) in models.iter().enumerate() {
            for step in model.trace.steps.iter().filter(|s| s.span.file == OWN) {
                steps.entry(step.span).or_default().push((index, step.clone()));
            }
        }
        let fields = models.iter().map(|m| receptive_fields(&m.network)).collect();
        Self { steps, fields }
    }

    /// Whether a statement computes, rightly or not.
    pub fn has_run(&self, statement: Span) -> bool {
        self.steps.contains_key(&statement)
    }

    /// What a statement gives, the first time that this is known, and whether it gives the same each
    /// time.
    pub fn output(&self, statement: Span) -> Option<(Shape, bool)> {
        let mut outputs = self.steps.get(&statement)?.iter().filter_map(|(_, step)| step.output);
        let first = outputs.next()?;
        Some((first, outputs.all(|other| other == first)))
    }

    /// What a statement does in each model, a paragraph each; models in which it does the same share
    /// one.
    pub fn describe(&self, models: &[Traced], statement: Span) -> Vec<String> {
        let steps = self.steps.get(&statement).map_or(&[][..], Vec::as_slice);
        let mut told: Vec<(Vec<&str>, String)> = Vec::new();
        for (index, model) in models.iter().enumerate() {
            let of_model: Vec<_> = steps.iter().filter(|(m, _)| *m == index).map(|(_, step)| step).collect();
            let Some(first) = of_model.first() else { continue };
            let text = self.step(index, model, first, of_model.len());
            match told.iter_mut().find(|(_, known)| *known == text) {
                Some((names, _)) => names.push(&model.network.name),
                None => told.push((vec![&model.network.name], text)),
            }
        }
        let show = |(names, text): (Vec<&str>, String)| format!("In {}: {text}", some_of(&names));
        told.into_iter().map(show).collect()
    }

    fn step(&self, index: usize, model: &Traced, step: &Step, times: usize) -> String {
        let (Some(input), Some(output)) = (step.input, step.output) else {
            return "its shape is not known, for a mistake here or before.".to_owned();
        };
        let mut facts = vec![format!("{} → {}", show(input), show(output))];
        let (params, macs) = (model.params(step), model.macs(step));
        facts.extend((params > 0).then(|| format!("{} parameters", grouped(params))));
        facts.extend((macs > 0).then(|| format!("{} MACs", grouped(macs))));
        facts.push(match self.fields[index].get(step.result.0 as usize).copied().flatten() {
            Some([height, width]) => format!("receptive field {height} x {width}"),
            None => "receptive field: the whole image".to_owned(),
        });
        let first = match times {
            1 => String::new(),
            n => {
                let path = &model.network.node(step.result).path;
                format!("; the first of {n}, `{path}`")
            }
        };
        format!("{}{first}.", facts.join(", "))
    }
}

/// Names for a sentence, of many the first.
fn some_of(names: &[&str]) -> String {
    const MOST: usize = 3;
    let shown = names.iter().take(MOST).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
