//! What a report is about: a network, its plan, and its times if there are any.

use std::collections::{BTreeSet, HashMap};

use crate::Compiled;
use crate::model::{Network, Node};

use super::profile::Profile;
use super::schedule::Schedule;
use super::structure::Structure;
use super::trace::Trace;

/// A network, and all that is told of it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What the report calls it.
    pub name: String,
    /// The network.
    pub network: Network,
    /// Its precision, or precisions.
    pub precision: String,
    /// The largest number of images in one run.
    pub batch: usize,
    /// Packed weights, in bytes.
    pub weight_bytes: usize,
    /// The most that is alive at once, in bytes.
    pub live_bytes: usize,
    /// How blocks and shortcuts stand to each other.
    pub structure: Structure,
    /// Steps and buffers.
    pub schedule: Schedule,
    /// What the passes did.
    pub trace: Trace,
    /// Its times.
    pub profile: Option<Profile>,
    /// The root mean square of each node's weights, if there are weights.
    pub weights: Option<Vec<Option<f64>>>,
}

impl Subject {
    /// That of a network and its plan.
    pub fn new(name: &str, network: Network, compiled: &Compiled) -> Self {
        Self {
            name: name.to_owned(),
            precision: compiled.plan.precision(),
            batch: compiled.plan.batch,
            weight_bytes: compiled.plan.weights * size_of::<f32>(),
            live_bytes: compiled.live_bytes,
            structure: Structure::of(&network),
            schedule: Schedule::of(&compiled.plan),
            trace: Trace::of(&network),
            profile: None,
            weights: None,
            network,
        }
    }

    /// With a profile of its program, the layers in the order in which they run.
    ///
    /// # Errors
    ///
    /// Whose profile it is, if it is another network's.
    pub fn profiled(mut self, mut profile: Profile) -> Result<Self, String> {
        let own = &self.network.name;
        if profile.model != *own {
            return Err(format!("the profile is one of `{}`, not of `{own}`", profile.model));
        }
        let multiply = |(name, macs): (&String, u64)| (macs > 0).then(|| name.clone());
        let planned: BTreeSet<String> =
            self.schedule.steps.iter().filter_map(|step| multiply((&step.name, step.macs))).collect();
        let timed: BTreeSet<String> =
            profile.layers.iter().filter_map(|layer| multiply((&layer.name, layer.macs))).collect();
        if let Some(odd) = planned.symmetric_difference(&timed).next() {
            let (has, lacks) =
                if timed.contains(odd) { ("profile", "network") } else { ("network", "profile") };
            return Err(format!(
                "the profile is one of another `{own}`: the {has} has a layer `{odd}`, the {lacks} has none; give \
                 the settings that its program was built with"
            ));
        }
        let names: Vec<&str> = self.schedule.steps.iter().map(|step| step.name.as_str()).collect();
        profile.sort_by(&names);
        self.profile = Some(profile);
        Ok(self)
    }

    /// With the values of its tensors, those of [`crate::join`].
    #[must_use]
    pub fn weighed(mut self, values: &[Vec<f32>]) -> Self {
        let mut rest = values.iter();
        let mut of = |node: &Node| {
            let own: Vec<&Vec<f32>> = rest.by_ref().take(self.network.tensors(node).len()).collect();
            own.first().map(|weights| root_mean_square(weights))
        };
        self.weights = Some(self.network.nodes.iter().map(&mut of).collect());
        self
    }

    /// Whether its times, if it has some, are those of a plan of this precision.
    pub fn is_planned_as_timed(&self) -> bool {
        self.profile.as_ref().is_none_or(|profile| profile.precision == self.precision)
    }

    /// What it was planned for, and how it was timed.
    pub fn conditions(&self) -> String {
        let images =
            if self.batch == 1 { "one image".to_owned() } else { format!("a batch of {}", self.batch) };
        let planned = format!("planned in {} for {images}", self.precision);
        let Some(profile) = &self.profile else { return planned };
        let Profile { precision, isa, threads, batch, runs, .. } = profile;
        let of = |count: u64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        format!(
            "{planned}; timed in {precision} on {isa} ({}, batch {batch}, {})",
            of(*threads, "thread"),
            of(*runs, "run")
        )
    }

    /// The parts of steps that are named, each with its first; none of a step that is not the plan's.
    pub fn parts_of<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> Vec<Option<&'a str>> {
        let steps = self.schedule.steps.iter().enumerate();
        let part: HashMap<&str, &str> =
            steps.map(|(step, own)| (own.name.as_str(), self.part_of(step))).collect();
        names.into_iter().map(|name| part.get(name).copied()).collect()
    }

    /// The part that a step is in.
    pub fn part_of(&self, step: usize) -> &str {
        let begun = self.schedule.parts.iter().rev().find(|(_, first)| *first <= step);
        begun.map_or("", |(name, _)| name.as_str())
    }
}

fn root_mean_square(values: &[f32]) -> f64 {
    let squares: f64 = values.iter().map(|&v| f64::from(v).powi(2)).sum();
    (squares / values.len().max(1) as f64).sqrt()
}
