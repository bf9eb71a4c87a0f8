//! `resnetc tune`: times the algorithms of each convolution on this machine, and writes down the fastest.
//!
//! A network is compiled for each candidate and profiled, in turn and some rounds over; a shape's time is
//! the least of all layers together that have it. The cost model's choice stays unless another is faster
//! by more than noise.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches, Command, value_parser};
use resnetc_runtime::plan::winograd::Form;
use resnetc_runtime::plan::{Algorithm, Op};
use resnetc_runtime::{Model, Session, default_threads};

use crate::plan::tuning::{Shape, Tuning, algorithm_words};
use crate::weights::Checkpoint;
use crate::{Algorithms, Compiled, Network, Options, compile};

use super::terminal::Progress;
use super::{Failure, Outcome, args, random};

/// Tiles of a block that are tried.
const BLOCKS: [usize; 3] = [24, 48, 96];
/// What another algorithm's time must be below, as a part of the cost model's choice's.
const BETTER: f64 = 0.98;
/// How often the candidates are timed, in turn, the least time of each counting: machines drift.
const ROUNDS: usize = 3;
/// Runs of each candidate, at least, in a round.
const LEAST_RUNS: usize = 5;

pub fn command() -> Command {
    Command::new("tune")
        .about(
            "Time the algorithms of each convolution here, and write down the fastest for `build --tuning`",
        )
        .arg(args::spec())
        .args(args::settings())
        .arg(args::batch())
        .arg(
            Arg::new("threads")
                .long("threads")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..=1024))
                .help("Threads to time with [default: the physical cores]"),
        )
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_name("S")
                .value_parser(value_parser!(u32).range(1..=3600))
                .default_value("2")
                .help("How long to time each candidate"),
        )
        .arg(args::output())
        .after_help(
            "Examples:\n  resnetc tune resnet50 -o resnet50.tuning\n  \
             resnetc build resnet50 --weights resnet50.pth --tuning resnet50.tuning\n\n\
             Weights are invented: they do not change the time. Keep the machine idle.",
        )
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let (_, checked) = args::check(matches)?;
    let options = args::options(matches)?;
    let threads = matches.get_one::<u32>("threads").map_or_else(default_threads, |&n| n as usize);
    let seconds = matches.get_one::<u32>("seconds").map_or(2, |&s| u64::from(s));
    let timer = Timer {
        network: &checked.network,
        weights: random::checkpoint(&checked.network)?,
        options,
        threads,
        time: Duration::from_secs(seconds).div_f64(ROUNDS as f64),
    };
    let (timed, level) = timer.measure_in_turn(&candidates())?;
    let best = fastest(&timed);
    let mut text = format!("# {}, {level}, {threads} threads\n", checked.network.name);
    for (shape, (algorithm, time)) in &best {
        let before =
            timed.first().and_then(|estimated| estimated.get(shape)).map_or(*time, |(_, time)| *time);
        let words = algorithm_words(*algorithm);
        text += &format!("# {shape}: {:.3} ms by {words}, {:.3} by estimate\n", 1e3 * time, 1e3 * before);
    }
    let choices = best.into_iter().map(|(shape, (algorithm, _))| (shape, algorithm)).collect();
    text += &Tuning { batch: timer.options.batch, choices }.to_string();
    args::write_output(matches, &text)
}

/// A network's convolutions by shape: the algorithm, and the time of all that have it, in seconds.
type Times = BTreeMap<Shape, (Algorithm, f64)>;

/// The fastest algorithm of each shape; the first candidate's, unless another is faster by more than noise.
fn fastest(timed: &[Times]) -> Times {
    let estimated = timed.first().cloned().unwrap_or_default();
    let mut best = estimated.clone();
    for (&shape, &(algorithm, time)) in timed.iter().flatten() {
        let limit = estimated.get(&shape).map_or(time, |(_, estimated)| estimated * BETTER);
        if best.get(&shape).is_none_or(|(_, best)| time < limit.min(*best)) {
            best.insert(shape, (algorithm, time));
        }
    }
    best
}

/// What is timed: the cost model's choice first.
fn candidates() -> Vec<Algorithms> {
    let winograd = |form: Form| BLOCKS.map(|block| Algorithm::Winograd { form, block });
    let one = std::iter::once(Algorithm::Direct).chain(Form::ALL.into_iter().flat_map(winograd));
    std::iter::once(Algorithms::Estimated).chain(one.map(Algorithms::Always)).collect()
}

/// What is timed, and how.
struct Timer<'a> {
    network: &'a Network,
    weights: Checkpoint,
    options: Options,
    threads: usize,
    /// Of each measurement.
    time: Duration,
}

impl Timer<'_> {
    /// The least times of each candidate over some rounds, and the instruction set.
    fn measure_in_turn(&self, candidates: &[Algorithms]) -> Result<(Vec<Times>, &'static str), Failure> {
        let progress = Progress::new("timing the cost model's choice");
        let (mut timed, mut level) = (vec![Times::new(); candidates.len()], "");
        let all = ROUNDS * candidates.len();
        for round in 0..ROUNDS {
            for (index, (candidate, least)) in candidates.iter().zip(&mut timed).enumerate() {
                let what = match candidate {
                    Algorithms::Always(algorithm) => algorithm_words(*algorithm),
                    _ => "the cost model's choice".to_owned(),
                };
                let done = round * candidates.len() + index;
                progress.count(&format!("timing {what}, in turn"), (done, all));
                let (times, of_level) = self.measure(candidate)?;
                level = of_level;
                for (shape, (algorithm, time)) in times {
                    let least = &mut least.entry(shape).or_insert((algorithm, f64::INFINITY)).1;
                    *least = least.min(time);
                }
            }
        }
        let shapes = timed.first().map_or(0, BTreeMap::len);
        progress.finish(&format!("timed {shapes} shapes of convolutions"));
        Ok((timed, level))
    }

    fn measure(&self, algorithms: &Algorithms) -> Result<(Times, &'static str), Failure> {
        let options = Options { algorithms: algorithms.clone(), ..self.options.clone() };
        let Compiled { plan, weights, .. } = compile(self.network, Some(&self.weights), &options)?;
        let model = Model::from_bytes(plan, weights.unwrap_or_default())?;
        let mut session = model.session(self.threads)?;
        let medians = self.profile(&mut session)?;
        let mut times = Times::new();
        for (call, time) in session.plan().calls(session.plan().batch).zip(medians) {
            let Op::Conv(conv) = &call.step.op else { continue };
            if let Some(shape) = Shape::of(conv) {
                times.entry(shape).or_insert((conv.algorithm, 0.0)).1 += time;
            }
        }
        Ok((times, session.level().name()))
    }

    /// The median time of each call, in seconds.
    fn profile(&self, session: &mut Session) -> Result<Vec<f64>, resnetc_runtime::Error> {
        let plan = session.plan();
        let values = plan.batch * plan.input.iter().product::<usize>();
        let steps = plan.calls(plan.batch).count();
        let images: Vec<f32> = (0..values).map(|i| (i as f32 * 0.7).sin()).collect();
        let mut runs: Vec<Vec<f64>> = vec![Vec::new(); steps];
        session.run(&images)?;
        let begin = Instant::now();
        while runs.iter().any(|times| times.len() < LEAST_RUNS) || begin.elapsed() < self.time {
            for (times, step) in runs.iter_mut().zip(session.profile(&images)?.steps) {
                times.push(step.time().as_secs_f64());
            }
        }
        let median = |mut times: Vec<f64>| {
            times.sort_unstable_by(f64::total_cmp);
            times.get(times.len() / 2).copied().unwrap_or_default()
        };
        Ok(runs.into_iter().map(median).collect())
    }
}
