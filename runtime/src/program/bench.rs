//! `bench`: how fast is this network on this machine?
//!
//! Random images are run over and over. The last line of the output is always one JSON object:
//! `model`, `precision`, `batch`, `threads`, `isa`, `runs`, `median_ms`, `p05_ms`, `p95_ms`, `images_per_s` and
//! `gmacs_per_s` (both at the median). With `--json` it is the only line.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches, Command};
use serde_json::json;

use super::failure::Failure;
use super::terminal::{Style, Terminal};
use super::{Program, opening};
use crate::buffer::lengthen;
use crate::plan::Plan;
use crate::{Error, Session};

/// Runs that are always made, however short the time.
const LEAST_RUNS: usize = 5;

/// Runs whose times are kept.
const MOST_RUNS: usize = 1_000_000;

pub(super) fn declare(command: Command, plan: &'static Plan) -> Command {
    let name: &'static str = &plan.name;
    command
        .about("Measure how fast the network runs here")
        .arg(opening::batch_argument())
        .arg(opening::threads_argument())
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_name("S")
                .value_parser(parse_seconds)
                .default_value("3")
                .help("How long to measure, after a warm-up of a fifth of it"),
        )
        .arg(opening::json_argument("Print the JSON line only"))
        .after_help(format!(
            "Examples:\n  {name} bench\n  {name} bench --threads 1 --seconds 10 --json\n\n\
             The last line is always JSON."
        ))
}

pub(super) fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number from 0 to 86400 is wanted".into()),
    }
}

pub(super) fn run(program: &Program, arguments: &ArgMatches, terminal: &mut Terminal) -> Result<(), Failure> {
    let plan = program.plan;
    let batch = opening::batch(plan, arguments)?;
    let seconds = arguments.get_one::<f64>("seconds").copied().unwrap_or(3.0);
    let mut session = opening::open(program, arguments)?.session(opening::threads(arguments))?;
    let images = random_values(batch * plan.input.iter().product::<usize>())?;
    measure(&mut session, &images, Duration::from_secs_f64(seconds / 5.0))?;
    let mut times = measure(&mut session, &images, Duration::from_secs_f64(seconds))?;
    times.sort_unstable_by(f64::total_cmp);

    let [p05, median, p95] = [0.05, 0.5, 0.95].map(|rank| quantile(&times, rank));
    let (images_per_s, gmacs_per_s) = (batch as f64 / median, batch as f64 * plan.macs as f64 / median / 1e9);
    let isa = session.level().name();
    if !arguments.get_flag("json") {
        let title = terminal.paint(Style::Bold, &plan.name);
        let precision = plan.precision();
        writeln!(terminal, "{title}  {precision}, batch {batch}, {} threads, {isa}", session.threads())?;
        let rows = [
            ("median", format!("{:10.3} ms", 1e3 * median)),
            ("5 %", format!("{:10.3} ms", 1e3 * p05)),
            ("95 %", format!("{:10.3} ms", 1e3 * p95)),
            ("images", format!("{images_per_s:10.1} /s")),
            ("GMACs", format!("{gmacs_per_s:10.2} /s")),
            ("runs", format!("{:10}", times.len())),
        ];
        for (key, value) in rows {
            let key = terminal.paint(Style::Dim, &format!("{key:<8}"));
            writeln!(terminal, "  {key}{value}")?;
        }
    }
    let line = json!({
        "model": plan.name,
        "precision": plan.precision(),
        "batch": batch,
        "threads": session.threads(),
        "isa": isa,
        "runs": times.len(),
        "median_ms": rounded(1e3 * median),
        "p05_ms": rounded(1e3 * p05),
        "p95_ms": rounded(1e3 * p95),
        "images_per_s": rounded(images_per_s),
        "gmacs_per_s": rounded(gmacs_per_s),
    });
    Ok(writeln!(terminal, "{line}")?)
}

/// The time of each run, in seconds.
fn measure(session: &mut Session, images: &[f32], time: Duration) -> Result<Vec<f64>, Failure> {
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < LEAST_RUNS || (begin.elapsed() < time && times.len() < MOST_RUNS) {
        let begin = Instant::now();
        std::hint::black_box(session.run(images)?.main());
        times.push(begin.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// Between the two nearest of sorted values.
pub(super) fn quantile(sorted: &[f64], rank: f64) -> f64 {
    let at = rank * sorted.len().saturating_sub(1) as f64;
    let value = |index: f64| sorted.get(index as usize).copied().unwrap_or(f64::NAN);
    value(at.floor()) + (value(at.ceil()) - value(at.floor())) * at.fract()
}

pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// Uniform in -2..2, about what normalised pictures are; the same in each process (SplitMix64).
pub(super) fn random_values(count: usize) -> Result<Vec<f32>, Error> {
    let mut values = Vec::new();
    lengthen(&mut values, count)?;
    let mut state = 0_u64;
    let next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits >> 40) as f32 / (1 << 22) as f32) - 2.0
    };
    values.fill_with(next);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        let times = [1.0, 2.0, 3.0, 4.0];
        assert_eq!([0.0, 0.5, 1.0].map(|rank| quantile(&times, rank)), [1.0, 2.5, 4.0]);
        assert_eq!(quantile(&[7.0], 0.95), 7.0);
    }

    #[test]
    fn random_values_spread_over_their_range() {
        let values = random_values(10_000).expect("memory");
        assert!(values.iter().all(|value| (-2.0..2.0).contains(value)));
        assert!((values.iter().sum::<f32>() / 1e4).abs() < 0.05);
    }

    #[test]
    fn only_a_sensible_time_is_taken() {
        assert_eq!(parse_seconds("0.5"), Ok(0.5));
        for text in ["-1", "nan", "inf", "soon", "1e9"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
