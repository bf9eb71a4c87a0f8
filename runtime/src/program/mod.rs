//! The command line of a standalone program: a network, its weights, and what can be done with it.
//!
//! In: a [`Program`], which the emitted `main` holds as a constant. Out: an exit code. 0: done; 1: a
//! user's mistake, told in one line on standard error; 2: arguments that make no sense. A closed
//! standard output ends the program quietly. Each subcommand is a file that declares its arguments
//! and runs; `SUBCOMMANDS` lists them.

mod answers;
mod bench;
mod classify;
mod completions;
mod dataset;
mod eval;
mod failure;
mod folder;
mod infer;
mod info;
mod opening;
mod pending;
mod pictures;
mod profile;
mod signals;
mod terminal;
mod trace;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgMatches, Command};

use crate::plan::Plan;
pub use dataset::{Dataset, DatasetError, Loaded};
use failure::Failure;
pub use signals::explain as explain_signals;
use terminal::Terminal;

/// A network as a program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The network.
    pub plan: &'static Plan,
    /// Where its weights are.
    pub weights: Weights,
}

/// Where a program has its weights from.
#[derive(Clone, Copy, Debug)]
pub enum Weights {
    /// Behind the program, in the executable itself.
    Appended,
    /// In a file of this name, in the directory of the executable. `--weights-file` and the
    /// environment variable `RESNETC_WEIGHTS` name another one.
    Beside(&'static str),
}

/// One subcommand.
struct Subcommand {
    name: &'static str,
    declare: fn(Command, &'static Plan) -> Command,
    run: fn(&Program, &ArgMatches, &mut Terminal) -> Result<(), Failure>,
}

/// In the order of the help.
const SUBCOMMANDS: [Subcommand; 7] = [
    Subcommand { name: "classify", declare: classify::declare, run: classify::run },
    Subcommand { name: "infer", declare: infer::declare, run: infer::run },
    Subcommand { name: "eval", declare: eval::declare, run: eval::run },
    Subcommand { name: "bench", declare: bench::declare, run: bench::run },
    Subcommand { name: "profile", declare: profile::declare, run: profile::run },
    Subcommand { name: "info", declare: info::declare, run: info::run },
    Subcommand { name: "completions", declare: completions::declare, run: completions::run },
];

/// Runs the program on the arguments of the process.
pub fn main(program: &Program) -> ExitCode {
    signals::explain();
    let matches = match declare(program).try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let code = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            let printed = error.print().and_then(|()| io::stdout().flush());
            return match printed {
                // Of a misuse it was the complaint that could not be written.
                Err(failed) if !error.use_stderr() => end(Err(failed.into()), &mut Terminal::new()),
                _ => code,
            };
        }
    };
    let mut terminal = Terminal::new();
    let done = run(program, &matches, &mut terminal).and_then(|()| Ok(terminal.finish()?));
    end(done, &mut terminal)
}

/// Tells a failure; the exit code.
fn end(done: Result<(), Failure>, terminal: &mut Terminal) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_output() => ExitCode::SUCCESS,
        Err(failure) => {
            // What was answered before the failure is to be seen before it.
            let _ = terminal.finish();
            terminal.complain("error", &failure);
            ExitCode::from(1)
        }
    }
}

fn run(program: &Program, matches: &ArgMatches, terminal: &mut Terminal) -> Result<(), Failure> {
    let Some((name, arguments)) = matches.subcommand() else { return Ok(()) };
    if !["info", "completions"].contains(&name) {
        opening::note_units(program.plan, terminal);
    }
    match SUBCOMMANDS.iter().find(|subcommand| subcommand.name == name) {
        Some(subcommand) => (subcommand.run)(program, arguments, terminal),
        None => Ok(()),
    }
}

/// The whole command line.
fn declare(program: &Program) -> Command {
    let plan = program.plan;
    let [channels, height, width] = plan.input;
    let name: &'static str = &plan.name;
    let mut command = Command::new(name)
        .about(format!(
            "{name}: a network for images of {channels} x {height} x {width}, compiled by resnetc"
        ))
        .after_help(format!(
            "Examples:\n  \
             {name} classify cat.jpg dog.png      what is in these pictures?\n  \
             {name} infer --input x.npy --output y.npy\n  \
             {name} eval photos/                  accuracy over a folder of folders\n  \
             {name} bench --seconds 5             how fast is this machine?\n  \
             {name} profile --sort time           where does the time go?\n\n\
             Environment:\n  \
             RESNETC_ISA      the instruction set to use instead of the best one\n  \
             NO_COLOR         no colours\n\n\
             Exit codes: 0 done, 1 an error that is told, 2 arguments that make no sense."
        ))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(SUBCOMMANDS.iter().map(|entry| (entry.declare)(Command::new(entry.name), plan)));
    if let Weights::Beside(file) = program.weights {
        command = command.arg(opening::weights_argument(file));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Filter, Output, Preprocess};
    use std::borrow::Cow;

    pub(super) static PLAN: Plan = Plan {
        name: Cow::Borrowed("tiny"),
        digest: [0; 32],
        batch: 1,
        images: 1,
        input: [3, 4, 4],
        preprocess: Preprocess { resize: None, filter: Filter::Bilinear, mean: [0.0; 3], std: [1.0; 3] },
        labels: Cow::Borrowed(&[]),
        outputs: Cow::Borrowed(&[Output { name: Cow::Borrowed("logits"), shape: [2, 1, 1] }]),
        arena: 0,
        weights: 0,
        params: 0,
        macs: 0,
        stages: Cow::Borrowed(&[]),
    };

    #[test]
    fn the_declared_arguments_are_sound() {
        declare(&Program { plan: &PLAN, weights: Weights::Appended }).debug_assert();
        declare(&Program { plan: &PLAN, weights: Weights::Beside("tiny.weights") }).debug_assert();
    }

    #[test]
    fn arguments_without_a_subcommand_are_a_usage_error() {
        let command = declare(&Program { plan: &PLAN, weights: Weights::Appended });
        let error = command.try_get_matches_from(["tiny", "nonsense"]).expect_err("no such subcommand");
        assert_eq!(error.exit_code(), 2);
    }
}
