//! `classify`: what is in these pictures?
//!
//! For each picture the best answers, in the order of the arguments. A picture that cannot be read, or
//! for which the network gives NaN, is named on standard error, the others are answered, and the exit
//! code is 1. With `--json` one
//! array, an object for each picture: `file`, `milliseconds` (the network's time, the batch's divided
//! by its images), `top`: an array of `class`, `label`, `probability`; or `file` and `error`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Value, json};

use super::failure::Failure;
use super::pictures::Inputs;
use super::terminal::{Style, Terminal, bar, shown};
use super::{Program, answers, opening, pictures};
use crate::plan::Plan;

pub(super) fn declare(command: Command, plan: &'static Plan) -> Command {
    let name: &'static str = &plan.name;
    command
        .about("Say what is in pictures (JPEG, PNG, WebP)")
        .arg(
            Arg::new("image")
                .value_name("IMAGE")
                .required(true)
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("Picture files"),
        )
        .arg(
            Arg::new("top")
                .long("top")
                .value_name("K")
                .value_parser(value_parser!(u32).range(1..))
                .default_value("5")
                .help("How many answers for each picture"),
        )
        .arg(opening::threads_argument())
        .arg(opening::json_argument("Print one JSON array instead of text"))
        .after_help(format!(
            "Examples:\n  {name} classify cat.jpg\n  {name} classify --top 1 --json photos/*.jpg\n\n\
             Pictures are turned, resized and cropped as the network was compiled for; see `{name} info`."
        ))
}

pub(super) fn run(program: &Program, arguments: &ArgMatches, terminal: &mut Terminal) -> Result<(), Failure> {
    let plan = program.plan;
    let classes = answers::classes(plan)?;
    pictures::check_channels(plan)?;
    let paths: Vec<PathBuf> = arguments.get_many("image").into_iter().flatten().cloned().collect();
    let top = arguments.get_one::<u32>("top").map_or(5, |&top| top as usize);
    let threads = opening::threads(arguments);
    let mut session = opening::open(program, arguments)?.session(threads)?;
    let ready = answers::gives_probabilities(plan);

    let mut report = Report { plan, terminal, json: arguments.get_flag("json"), count: 0 };
    let mut inputs = Inputs::new(plan);
    let mut failed = 0;
    for paths in paths.chunks(plan.batch) {
        let (images, fates) = inputs.load(paths, plan, threads)?;
        let begin = Instant::now();
        let logits = if images.is_empty() { &[] } else { session.run(images)?.main() };
        let read = fates.iter().filter(|fate| fate.is_ok()).count();
        let milliseconds = begin.elapsed().as_secs_f64() * 1e3 / read.max(1) as f64;
        let mut results = logits.chunks_exact(classes);
        for (path, fate) in paths.iter().zip(fates) {
            match fate {
                Err(unread) => {
                    failed += 1;
                    report.refuse(path, &unread.to_string())?;
                }
                Ok(()) => {
                    let result = results.next().unwrap_or(&[]);
                    if let Some(values) = answers::probabilities(result, ready) {
                        report.answer(path, &values, top, milliseconds)?;
                    } else {
                        failed += 1;
                        report.refuse(path, answers::NO_NUMBERS)?;
                    }
                }
            }
        }
    }
    report.end()?;
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Unreadable { failed, all: paths.len() }),
    }
}

/// Where answers go, as they come.
struct Report<'a> {
    plan: &'a Plan,
    terminal: &'a mut Terminal,
    json: bool,
    count: usize,
}

impl Report<'_> {
    fn answer(&mut self, path: &Path, values: &[f32], top: usize, milliseconds: f64) -> Result<(), Failure> {
        let best = answers::best(values, top);
        if self.json {
            let top: Vec<Value> = best
                .iter()
                .map(|&class| {
                    json!({
                        "class": class,
                        "label": answers::label(self.plan, class),
                        "probability": values[class],
                    })
                })
                .collect();
            let milliseconds = (milliseconds * 1e3).round() / 1e3;
            let entry = json!({ "file": path.to_string_lossy(), "milliseconds": milliseconds, "top": top });
            return self.entry(&entry);
        }
        let name = self.terminal.paint(Style::Bold, &shown(path));
        let time = self.terminal.paint(Style::Dim, &format!("{milliseconds:.1} ms"));
        writeln!(self.terminal, "{name}  {time}")?;
        for class in best {
            let bar = self.terminal.paint(Style::Bar, &bar(values[class], 20));
            let label = answers::label(self.plan, class);
            writeln!(self.terminal, "  {:6.2} %  {bar}  {label}", 100.0 * values[class])?;
        }
        Ok(self.terminal.flush()?)
    }

    fn refuse(&mut self, path: &Path, reason: &str) -> Result<(), Failure> {
        self.terminal.note("error", &format!("cannot classify {}: {reason}", shown(path)));
        match self.json {
            true => self.entry(&json!({ "file": path.to_string_lossy(), "error": reason })),
            false => Ok(()),
        }
    }

    fn entry(&mut self, entry: &Value) -> Result<(), Failure> {
        let lead = if self.count == 0 { "[\n " } else { ",\n " };
        self.count += 1;
        Ok(write!(self.terminal, "{lead}{entry}")?)
    }

    fn end(&mut self) -> Result<(), Failure> {
        if self.json {
            writeln!(self.terminal, "\n]")?;
        }
        Ok(())
    }
}
