//! `resnetc calibrate`: observes a network's activations on pictures, and writes down their ranges.
//!
//! The f32 network runs on the pictures with every value an output; a histogram of each gives its range by
//! a method. `best` tries the methods tensor by tensor: of each, that with which the int8 network's logits
//! are nearest to the f32 network's.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Command};

use crate::graph::Graph;
use crate::precision::calibration::{Range, digest};
use crate::precision::histogram::{Histogram, Method};
use crate::precision::probe::{add_probes, layer};
use crate::precision::{Calibration, Deployment, Precision, Precisions};
use crate::{Error, Network, Options, compile_graph, fuse, join};

use super::pictures::{Batch, Pictures, run_batch};
use super::terminal::Progress;
use super::{Outcome, args, pictures};

/// Images in one run.
const BATCH: usize = 8;
/// Pictures on which `best` compares methods.
const COMPARED: usize = 64;
/// How `--method` names the choice tensor by tensor.
const BEST: &str = "best";

pub fn command() -> Command {
    let methods = Method::ALL.map(Method::name).into_iter().chain([BEST]);
    Command::new("calibrate")
        .about("Observe a network's activations on pictures, and write the ranges that int8 needs")
        .arg(args::spec())
        .args(args::weights())
        .args(args::settings())
        .args(pictures::arguments("300"))
        .arg(
            Arg::new("method")
                .long("method")
                .value_name("METHOD")
                .value_parser(clap::builder::PossibleValuesParser::new(methods))
                .default_value(Method::Mse.name())
                .help("How ranges are chosen; `best` tries all, tensor by tensor, by their effect on logits"),
        )
        .arg(args::output())
        .after_help(
            "Examples:\n  resnetc calibrate resnet50 --weights resnet50.pth --images val/ -o resnet50.calibration\n  \
             resnetc build resnet50 --weights resnet50.pth --precision int8 --calibration resnet50.calibration\n\n\
             The file is text, to be read, reviewed and committed; it fits no other weights.",
        )
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let (spec, checked) = args::check(matches)?;
    let network = &checked.network;
    let checkpoints = args::any_checkpoints(matches, &spec, &checked)?;
    let mut options = args::options(matches)?;
    options.batch = BATCH;
    let values = join(network, &checkpoints, &options.renames)?;
    let weights = digest(&values);
    let graph = fuse(network, Some(values));
    let progress = Progress::new("observing activations");
    let mut probed = graph.clone();
    add_probes(&mut probed);
    let compiled = compile_graph(network, &probed, &options)?;
    let pictures = Pictures::list(matches, &compiled)?;
    let mut session = pictures.session(compiled)?;
    let mut histograms: BTreeMap<String, Histogram> = BTreeMap::new();
    let mut sample = Vec::new();
    let images = pictures.for_each(&mut session, "observing activations", &progress, |session, batch| {
        for (output, values) in run_batch(session, batch)?.iter() {
            if let Some(path) = layer(&output.name) {
                histograms.entry(path.to_owned()).or_default().add(values);
            }
        }
        if sample.len() * BATCH < COMPARED {
            sample.push(Batch { inputs: batch.inputs.clone(), classes: Vec::new() });
        }
        Ok(())
    })?;
    drop(session);
    let named = matches.get_one::<String>("method").map_or("", String::as_str);
    let method = Method::from_name(named);
    let mut calibration = Calibration { model: network.name.clone(), weights, images, ..Default::default() };
    for (path, histogram) in &histograms {
        calibration.ranges.insert(path.clone(), range(histogram, method.unwrap_or(Method::Mse)));
    }
    if method.is_none() {
        let search =
            Search { network, graph: &graph, options: &options, pictures: &pictures, sample: &sample };
        search.improve(&mut calibration, &histograms, &progress)?;
    }
    progress.finish(&format!("calibrated {} tensors on {images} images", calibration.ranges.len()));
    args::write_output(matches, &calibration.to_string())
}

fn range(histogram: &Histogram, method: Method) -> Range {
    let (low, high) = histogram.range(method);
    Range { low, high, method }
}

/// Looks for the method of each tensor by its effect on the logits.
struct Search<'a> {
    network: &'a Network,
    graph: &'a Graph,
    options: &'a Options,
    pictures: &'a Pictures,
    sample: &'a [Batch],
}

impl Search<'_> {
    /// Takes for each tensor the method with which the logits are nearest to those of f32.
    fn improve(
        &self,
        calibration: &mut Calibration,
        histograms: &BTreeMap<String, Histogram>,
        progress: &Progress,
    ) -> Result<(), Error> {
        let expected = self.logits(&Precisions::default())?;
        let mut least = self.error(calibration, &expected)?;
        progress.step("comparing methods");
        for (index, (path, histogram)) in histograms.iter().enumerate() {
            progress.count("comparing methods", (index, histograms.len()));
            for method in Method::ALL {
                let tried = range(histogram, method);
                let Some(current) = calibration.ranges.get(path).copied() else { continue };
                if (tried.low, tried.high) == (current.low, current.high) {
                    continue;
                }
                calibration.ranges.insert(path.clone(), tried);
                let error = self.error(calibration, &expected)?;
                if error < least {
                    least = error;
                } else {
                    calibration.ranges.insert(path.clone(), current);
                }
            }
        }
        Ok(())
    }

    /// The sum of squares of what int8 changes in the logits.
    fn error(&self, calibration: &Calibration, expected: &[f32]) -> Result<f64, Error> {
        let precisions = Precisions {
            deployment: Deployment::all(Precision::Int8),
            calibration: Some(calibration.clone()),
        };
        let found = self.logits(&precisions)?;
        Ok(found.iter().zip(expected).map(|(a, b)| f64::from(a - b).powi(2)).sum())
    }

    fn logits(&self, precisions: &Precisions) -> Result<Vec<f32>, Error> {
        let options = Options { precisions: precisions.clone(), ..self.options.clone() };
        let mut session = self.pictures.session(compile_graph(self.network, self.graph, &options)?)?;
        let mut logits = Vec::new();
        for batch in self.sample {
            logits.extend_from_slice(run_batch(&mut session, batch)?.main());
        }
        Ok(logits)
    }
}
