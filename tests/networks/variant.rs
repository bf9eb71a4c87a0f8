//! The ways in which one network is compiled.

use resnetc::model::network::Layer;
use resnetc::plan::tuning::{Shape, Tuning};
use resnetc::precision::{Calibration, Deployment, Precision, Precisions};
use resnetc::{Algorithms, Compiled, Options, compile_values};
use resnetc_runtime::plan::{Algorithm, Op};

use super::subject::Subject;

/// What is run in several rounds, too.
const ROUNDS: [&str; 2] = ["f32 --exact", "int8"];

/// Chances that a compilation takes.
#[derive(Clone, Debug)]
pub struct Chances {
    /// Algorithms of a tuning, in turn for the shapes that have a choice.
    pub tuning: Vec<Algorithm>,
    /// Precisions of a deployment, in turn for the layers.
    pub precisions: Vec<Precision>,
    /// Images that are run at once where all could be, less one; modulo the batch.
    pub at_once: usize,
    /// Whose turn it is among numbers of threads and of images.
    pub turn: usize,
}

/// One way.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What failures call it.
    pub name: String,
    /// The least exact of its layers' precisions.
    pub precision: Precision,
    /// How it is compiled.
    pub options: Options,
    /// The most images that go through the network at once, if the plan lets more: small networks would be run in no
    /// more than one round.
    pub at_once: Option<usize>,
}

impl Variant {
    fn new(name: String, precision: Precision, subject: &Subject) -> Self {
        let options = Options { batch: subject.batch, ..Options::default() };
        Self { name, precision, options, at_once: None }
    }

    /// Compiles the subject so.
    pub fn compile(&self, subject: &Subject) -> Compiled {
        let compiled = compile_values(&subject.network, Some(subject.values.clone()), &self.options);
        let mut compiled = compiled.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let images = &mut compiled.plan.images;
        *images = self.at_once.map_or(*images, |at_once| at_once.min(*images));
        compiled
    }
}

/// All ways: f32 by each way to choose algorithms, every other precision, and several in one network.
pub fn variants(subject: &Subject, chances: &Chances) -> Vec<Variant> {
    let calibration = subject.calibrate();
    let estimated = Variant::new("f32".to_owned(), Precision::F32, subject);
    let tuning = tuning(&estimated.compile(subject), chances);
    let with = |algorithms: Algorithms, name: String| {
        let options = Options { algorithms, ..estimated.options.clone() };
        Variant { name, options, ..estimated.clone() }
    };
    let words = tuning.to_string();
    assert_eq!(Tuning::parse(&words).as_ref(), Ok(&tuning), "what is written is read");
    let mut variants = vec![
        with(Algorithms::Exact, "f32 --exact".to_owned()),
        with(Algorithms::Tuned(tuning.clone()), format!("f32 of this tuning:\n{words}")),
        estimated,
    ];
    let others = Precision::ALL.into_iter().filter(|precision| *precision != Precision::F32);
    variants.extend(others.map(|precision| {
        let mut variant = Variant::new(precision.to_string(), precision, subject);
        variant.options.precisions = precisions(Deployment::all(precision), &calibration);
        variant
    }));
    let (deployment, least) = mixed(subject, chances);
    let mut variant = Variant::new(format!("this deployment:\n{deployment}"), least, subject);
    variant.options.precisions = precisions(deployment, &calibration);
    variant.options.algorithms = Algorithms::Tuned(tuning);
    variants.push(variant);
    let at_once = 1 + chances.at_once % subject.batch;
    variants.extend(variants.clone().into_iter().filter(|variant| ROUNDS.contains(&&*variant.name)).map(
        |variant| {
            let name = format!("{}, {at_once} at once", variant.name);
            Variant { name, at_once: Some(at_once), ..variant }
        },
    ));
    variants
}

fn precisions(deployment: Deployment, calibration: &Calibration) -> Precisions {
    Precisions { deployment, calibration: Some(calibration.clone()) }
}

/// A tuning as `resnetc tune` could have written it.
fn tuning(compiled: &Compiled, chances: &Chances) -> Tuning {
    let plan = &compiled.plan;
    let shapes = plan.calls(plan.batch).filter_map(|call| match &call.step.op {
        Op::Conv(conv) => Shape::of(conv),
        _ => None,
    });
    let mut algorithms = chances.tuning.iter().cycle().copied();
    let mut tuning = Tuning { batch: plan.batch, ..Tuning::default() };
    for shape in shapes {
        tuning.choices.entry(shape).or_insert_with(|| algorithms.next().unwrap_or(Algorithm::Direct));
    }
    tuning
}

/// Several precisions in one network, and the least exact.
fn mixed(subject: &Subject, chances: &Chances) -> (Deployment, Precision) {
    let first = chances.precisions.first().copied().unwrap_or_default();
    let mut deployment = Deployment::all(first);
    let layers = subject.network.nodes.iter();
    let layers = layers.filter(|node| matches!(node.layer, Layer::Conv(_) | Layer::Linear { .. }));
    let mut least = first;
    for (node, &precision) in layers.zip(chances.precisions.iter().cycle()) {
        if precision != first {
            deployment.add(precision, vec![node.path.clone()]);
        }
        let rank = |precision| Precision::ALL.iter().position(|other| *other == precision);
        least = if rank(precision) > rank(least) { precision } else { least };
    }
    (deployment, least)
}
