//! `profile`: where does the time go, layer by layer, and how near is each to what this machine can do?
//!
//! Random images are run over and over; a layer's time is the median over the runs. Its limit is the
//! longer of two times: the products that its kernel makes at the machine's measured peak, and its bytes at the
//! memory's measured bandwidth. What stays in a cache from the last layer may so exceed 100 %.
//!
//! A layer's figures are those of all rounds of a batch; its kernel and tile are the first round's.
//!
//! With `--json` one object: `model`, `precision`, `batch`, `threads`, `isa`, `runs`, `limits`
//! (`gmacs_per_s` of floats, `bf16_gmacs_per_s` and `int8_gmacs_per_s`, 0 where the network has none, and
//! `gbytes_per_s`), `layers`, and `total`. A layer has `name`, `kernel`, `tile` (`[pixels, channels]` or
//! `null`), `ms`, `share_percent`, `macs`, `gmacs_per_s`, `bytes`, `limit_percent`, and `bound`, which is
//! `compute` or `memory`; the total has `ms`, `macs`, `gmacs_per_s`, `bytes`, `limit_percent`.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Value, json};

use super::bench::{parse_seconds, quantile, random_values, rounded};
use super::failure::Failure;
use super::pending::{Pending, is_stream, resolved};
use super::terminal::{Style, Terminal};
use super::{Program, opening, trace};
use crate::kernels::limits::Limits;
use crate::plan::{Element, Plan};
use crate::{Profile, Session, StepProfile};

/// Runs that are always made, however short the time.
const LEAST_RUNS: usize = 5;
/// Runs whose times are kept.
const MOST_RUNS: u32 = 10_000;
/// How long to measure where nothing is said.
const SECONDS: f64 = 3.0;

pub(super) fn declare(command: Command, plan: &'static Plan) -> Command {
    let name: &'static str = &plan.name;
    command
        .about("Measure where the time goes, layer by layer")
        .arg(opening::batch_argument())
        .arg(opening::threads_argument())
        .arg(
            Arg::new("runs")
                .long("runs")
                .value_name("R")
                .value_parser(value_parser!(u32).range(1..=i64::from(MOST_RUNS)))
                .conflicts_with("seconds")
                .help("How many runs to measure, after a fifth as many that are not"),
        )
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_name("S")
                .value_parser(parse_seconds)
                .help("How long to measure, after a warm-up of a fifth of it [default: 3]"),
        )
        .arg(
            Arg::new("sort")
                .long("sort")
                .value_name("BY")
                .value_parser(["order", "time"])
                .default_value("order")
                .help("Layers as they run, or the slowest first"),
        )
        .arg(
            Arg::new("trace")
                .long("trace")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Write one run as a Chrome trace, for Perfetto; - for that alone on standard output"),
        )
        .arg(opening::json_argument("Print one JSON object instead of text"))
        .after_help(format!(
            "Examples:\n  {name} profile --sort time\n  {name} profile --threads 1 --json\n  \
             {name} profile --trace run.json      open it in https://ui.perfetto.dev\n\n\
             The limit is what this machine was measured to multiply, or to read from memory, whichever \
             takes a layer longer. Layers whose data stay in a cache may exceed that of memory."
        ))
}

pub(super) fn run(program: &Program, arguments: &ArgMatches, terminal: &mut Terminal) -> Result<(), Failure> {
    let plan = program.plan;
    let batch = opening::batch(plan, arguments)?;
    let trace = arguments.get_one::<PathBuf>("trace");
    let mut file = trace.map(|path| Pending::new(path)).transpose()?;
    let mut session = opening::open(program, arguments)?.session(opening::threads(arguments))?;
    let limits = session.measure_limits()?;
    let images = random_values(batch * plan.input.iter().product::<usize>())?;
    let until = Until::asked(arguments);
    measure(&mut session, &images, until.warm_up())?;
    let (times, last) = measure(&mut session, &images, until)?;
    if let Some(file) = &mut file {
        let isa = session.level().name();
        file.write(|out| trace::write(out, &format!("{} ({isa})", plan.name), &last))?;
    }
    if !trace.is_some_and(|path| is_stream(&resolved(path))) {
        let table = Table::new(&last, &times, limits);
        let by_time = arguments.get_one::<String>("sort").is_some_and(|by| by == "time");
        match arguments.get_flag("json") {
            true => writeln!(terminal, "{}", table.describe(plan, &session, by_time))?,
            false => table.print(plan, &session, by_time, terminal)?,
        }
    }
    file.map_or(Ok(()), |file| file.commit(terminal))
}

/// When there are runs enough.
#[derive(Clone, Copy)]
enum Until {
    Runs(usize),
    Time(Duration),
}

impl Until {
    fn asked(arguments: &ArgMatches) -> Self {
        match (arguments.get_one::<u32>("runs"), arguments.get_one::<f64>("seconds")) {
            (Some(&runs), _) => Self::Runs(runs as usize),
            (None, seconds) => Self::Time(Duration::from_secs_f64(seconds.copied().unwrap_or(SECONDS))),
        }
    }

    /// A fifth of it.
    fn warm_up(self) -> Self {
        match self {
            Self::Runs(runs) => Self::Runs(runs.div_ceil(5)),
            Self::Time(time) => Self::Time(time / 5),
        }
    }

    fn is_reached(self, runs: usize, begin: Instant) -> bool {
        match self {
            Self::Runs(wanted) => runs >= wanted,
            Self::Time(time) => runs >= MOST_RUNS as usize || (runs >= LEAST_RUNS && begin.elapsed() >= time),
        }
    }
}

/// Each step's times in seconds, and the last run.
fn measure(session: &mut Session, images: &[f32], until: Until) -> Result<(Vec<Vec<f64>>, Profile), Failure> {
    let begin = Instant::now();
    let mut last = session.profile(images)?;
    let mut times: Vec<Vec<f64>> = last.steps.iter().map(|step| vec![step.time().as_secs_f64()]).collect();
    let mut runs = 1;
    while !until.is_reached(runs, begin) {
        last = session.profile(images)?;
        for (times, step) in times.iter_mut().zip(&last.steps) {
            times.push(step.time().as_secs_f64());
        }
        runs += 1;
    }
    Ok((times, last))
}

/// What bounds a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    Compute,
    Memory,
}

impl Bound {
    fn name(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Memory => "memory",
        }
    }
}

/// The least seconds that this machine needs, and why.
fn floor((products, element): (u64, Element), bytes: u64, limits: &Limits) -> (f64, Bound) {
    let compute = products as f64 / limits.macs_of(element);
    let memory = bytes as f64 / limits.bytes_per_s;
    if compute > memory { (compute, Bound::Compute) } else { (memory, Bound::Memory) }
}

/// One layer's figures, of all rounds together; times in seconds.
struct Row<'a> {
    /// Its step in the first round.
    step: &'a StepProfile,
    macs: u64,
    bytes: u64,
    time: f64,
    floor: f64,
    bound: Bound,
}

/// All layers, in the order in which they ran, and their sum.
struct Table<'a> {
    rows: Vec<Row<'a>>,
    limits: Limits,
    images: usize,
    runs: usize,
    time: f64,
    floor: f64,
    macs: u64,
    bytes: u64,
}

impl<'a> Table<'a> {
    fn new(last: &'a Profile, times: &[Vec<f64>], limits: Limits) -> Self {
        let runs = times.first().map_or(0, Vec::len);
        // A round's steps are as many as are of the same images as the first; the others' follow.
        let same = |step: &&StepProfile| last.steps.first().is_some_and(|first| first.images == step.images);
        let calls = last.steps.iter().take_while(same).count();
        let steps = || last.steps.iter().zip(times);
        let layers = (0..calls).map(|call| steps().skip(call).step_by(calls).collect());
        let row = |layer: Vec<(&'a StepProfile, &Vec<f64>)>| {
            let sum = |of: fn(&StepProfile) -> u64| layer.iter().map(|(step, _)| of(step)).sum();
            let (macs, bytes): (u64, u64) = (sum(|step| step.macs), sum(|step| step.bytes));
            let products = (sum(|step| step.products), layer.first()?.0.element);
            let (floor, bound) = floor(products, bytes, &limits);
            let run = |run: usize| layer.iter().map(|(_, times)| times[run]).sum();
            let times: Vec<f64> = (0..runs).map(run).collect();
            let (step, _) = *layer.first()?;
            Some(Row { step, macs, bytes, time: median(&times), floor, bound })
        };
        let rows: Vec<Row> = layers.filter_map(row).collect();
        Self {
            images: last.images,
            runs,
            time: rows.iter().map(|row| row.time).sum(),
            floor: rows.iter().map(|row| row.floor).sum(),
            macs: rows.iter().map(|row| row.macs).sum(),
            bytes: rows.iter().map(|row| row.bytes).sum(),
            rows,
            limits,
        }
    }

    fn sorted(&self, by_time: bool) -> Vec<&Row<'a>> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        if by_time {
            rows.sort_by(|a, b| b.time.total_cmp(&a.time));
        }
        rows
    }

    fn describe(&self, plan: &Plan, session: &Session, by_time: bool) -> Value {
        let layer = |row: &&Row| {
            json!({
                "name": row.step.name,
                "kernel": row.step.kernel,
                "tile": row.step.tile,
                "ms": rounded(1e3 * row.time),
                "share_percent": rounded(percent(row.time, self.time)),
                "macs": row.macs,
                "gmacs_per_s": rounded(rate(row.macs, row.time)),
                "bytes": row.bytes,
                "limit_percent": rounded(percent(row.floor, row.time)),
                "bound": row.bound.name(),
            })
        };
        json!({
            "model": plan.name,
            "precision": plan.precision(),
            "batch": self.images,
            "threads": session.threads(),
            "isa": session.level().name(),
            "runs": self.runs,
            "limits": {
                "gmacs_per_s": rounded(self.limits.macs_per_s / 1e9),
                "bf16_gmacs_per_s": rounded(self.limits.dots_per_s[0] / 1e9),
                "int8_gmacs_per_s": rounded(self.limits.dots_per_s[1] / 1e9),
                "gbytes_per_s": rounded(self.limits.bytes_per_s / 1e9),
            },
            "layers": self.sorted(by_time).iter().map(layer).collect::<Vec<_>>(),
            "total": {
                "ms": rounded(1e3 * self.time),
                "macs": self.macs,
                "gmacs_per_s": rounded(rate(self.macs, self.time)),
                "bytes": self.bytes,
                "limit_percent": rounded(percent(self.floor, self.time)),
            },
        })
    }

    fn print(
        &self,
        plan: &Plan,
        session: &Session,
        by_time: bool,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        let title = terminal.paint(Style::Bold, &plan.name);
        let isa = session.level().name();
        writeln!(
            terminal,
            "{title}  {}, batch {}, {} threads, {isa}, {} runs; limits {}, {:.1} GB/s",
            plan.precision(),
            self.images,
            session.threads(),
            self.runs,
            self.rates(plan),
            self.limits.bytes_per_s / 1e9,
        )?;
        for (index, line) in self.lines(by_time).iter().enumerate() {
            let header = index == 0;
            writeln!(terminal, "{}", if header { terminal.paint(Style::Dim, line) } else { line.clone() })?;
        }
        Ok(())
    }

    /// What the machine multiplies at most of what the network has.
    fn rates(&self, plan: &Plan) -> String {
        let rate = |element: Element| {
            let limit = format!("{:.1} GMAC/s", self.limits.macs_of(element) / 1e9);
            if element == Element::F32 { limit } else { format!("{limit} of {}", element.precision()) }
        };
        let mut elements: Vec<Element> =
            plan.layers_by_element().into_iter().map(|(element, _)| element).collect();
        if elements.is_empty() {
            elements.push(Element::F32);
        }
        elements.into_iter().map(rate).collect::<Vec<_>>().join(", ")
    }

    /// A header, a line for each layer, and the sum.
    fn lines(&self, by_time: bool) -> Vec<String> {
        let cells =
            |name: &str, kernel: String, time: f64, macs: u64, bytes: u64, floor: f64, bound: &str| {
                let rate = if macs == 0 { "-".to_owned() } else { format!("{:.1}", rate(macs, time)) };
                [
                    name.to_owned(),
                    format!("{:.3}", 1e3 * time),
                    format!("{:.1}", percent(time, self.time)),
                    rate,
                    format!("{:.3}", bytes as f64 / 1e6),
                    format!("{:.0}", percent(floor, time)),
                    bound.to_owned(),
                    kernel,
                ]
            };
        let header = ["layer", "ms", "%", "GMAC/s", "MB", "% of limit", "bound by", "kernel"];
        let mut lines = vec![header.map(str::to_owned)];
        for row in self.sorted(by_time) {
            let Row { step, macs, bytes, time, floor, bound } = row;
            lines.push(cells(&step.name, kernel(step), *time, *macs, *bytes, *floor, bound.name()));
        }
        lines.push(cells("total", String::new(), self.time, self.macs, self.bytes, self.floor, ""));
        align(&lines)
    }
}

/// `direct 3x3, 6 px x 16 ch`
fn kernel(step: &StepProfile) -> String {
    match step.tile {
        Some([pixels, channels]) => format!("{}, {pixels} px x {channels} ch", step.kernel),
        None => step.kernel.clone(),
    }
}

/// Columns as wide as their widest cell: numbers to the right, words to the left.
fn align(lines: &[[String; 8]]) -> Vec<String> {
    const NUMBERS: std::ops::RangeInclusive<usize> = 1..=5;
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 8] = std::array::from_fn(width);
    let line = |cells: &[String; 8]| {
        let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if NUMBERS.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect()
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// 0 of nothing: a step may be shorter than the clock's tick.
fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

/// Billions a second.
fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds / 1e9 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { macs_per_s: 1e9, dots_per_s: [2e9, 4e9], bytes_per_s: 1e10 };

    fn step(name: &str, macs: u64, bytes: u64) -> StepProfile {
        StepProfile {
            name: name.into(),
            images: 0..1,
            kernel: "direct 3x3".into(),
            tile: Some([6, 16]),
            macs,
            products: macs,
            element: Element::F32,
            bytes,
            span: Duration::ZERO..Duration::ZERO,
            busy: Vec::new(),
        }
    }

    fn profile() -> Profile {
        let steps = vec![step("load", 0, 10_000_000), step("layer1.0.conv1", 3_000_000, 1_000)];
        Profile { images: 1, steps }
    }

    #[test]
    fn the_longer_floor_bounds() {
        assert_eq!(floor((1_000, Element::F32), 1_000, &LIMITS), (1e-6, Bound::Compute));
        assert_eq!(floor((1_000, Element::F32), 20_000, &LIMITS), (2e-6, Bound::Memory));
        assert_eq!(floor((1_000, Element::Bf16), 1_000, &LIMITS), (5e-7, Bound::Compute));
        assert_eq!(floor((0, Element::F32), 0, &LIMITS), (0.0, Bound::Memory));
    }

    #[test]
    fn a_table_has_medians_and_their_sum() {
        let profile = profile();
        let table = Table::new(&profile, &[vec![0.009, 0.001, 0.002], vec![0.006, 0.006, 0.001]], LIMITS);
        assert_eq!(table.runs, 3);
        assert!((table.time - 0.008).abs() < 1e-12);
        assert_eq!(table.macs, 3_000_000);
        let names = |by_time| table.sorted(by_time).iter().map(|row| &*row.step.name).collect::<Vec<_>>();
        assert_eq!(names(false), ["load", "layer1.0.conv1"]);
        assert_eq!(names(true), ["layer1.0.conv1", "load"]);
    }

    #[test]
    fn rounds_of_images_are_one_layer() {
        let round = |image| {
            ["pool", "pool"].map(|name| StepProfile { images: image..image + 1, ..step(name, 1_000_000, 8) })
        };
        let profile = Profile { images: 2, steps: [round(0), round(1)].concat() };
        let times = [vec![0.001, 0.003], vec![0.5, 0.5], vec![0.002, 0.004], vec![0.5, 0.5]];
        let table = Table::new(&profile, &times, LIMITS);
        let rows: Vec<_> = table.rows.iter().map(|row| (&*row.step.name, row.macs, row.bytes)).collect();
        assert_eq!(rows, [("pool", 2_000_000, 16), ("pool", 2_000_000, 16)]);
        assert!((table.rows[0].time - 0.005).abs() < 1e-12);
        assert!((table.rows[0].floor - 0.002).abs() < 1e-12);
        assert!((table.rows[1].time - 1.0).abs() < 1e-12);
    }

    #[test]
    fn columns_are_aligned() {
        let profile = profile();
        let lines = Table::new(&profile, &[vec![0.002], vec![0.006]], LIMITS).lines(false);
        assert_eq!(
            lines,
            [
                "layer              ms      %  GMAC/s      MB  % of limit  bound by  kernel",
                "load            2.000   25.0       -  10.000          50  memory    direct 3x3, 6 px x 16 ch",
                "layer1.0.conv1  6.000   75.0     0.5   0.001          50  compute   direct 3x3, 6 px x 16 ch",
                "total           8.000  100.0     0.4  10.001          50",
            ]
        );
    }

    #[test]
    fn a_step_shorter_than_a_tick_has_no_rate() {
        assert_eq!((percent(1.0, 0.0), rate(5, 0.0)), (0.0, 0.0));
    }
}
