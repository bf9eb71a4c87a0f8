//! The command line: one file a subcommand.

mod accuracy;
mod args;
mod build;
mod cache;
mod calibrate;
mod check;
mod children;
mod compare;
mod completions;
mod emit;
mod explain;
mod fmt;
mod import;
mod list;
mod lsp;
mod manual;
mod new;
mod pictures;
mod random;
mod report;
mod run;
mod summary;
mod terminal;
mod tune;

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use resnetc_runtime::program::explain_signals;

use crate::Error;

/// Why a subcommand ended early.
#[derive(Debug)]
enum Failure {
    /// Something to tell the user; exit code 1.
    Error(Error),
    /// All has been told already; exit code 1.
    Told,
    /// Nobody reads what is printed any more; exit code 0.
    Closed,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

type Outcome = Result<(), Failure>;

struct Subcommand {
    command: fn() -> Command,
    run: fn(&ArgMatches) -> Outcome,
}

const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { command: check::command, run: check::run },
    Subcommand { command: fmt::command, run: fmt::run },
    Subcommand { command: summary::command, run: summary::run },
    Subcommand { command: emit::command, run: emit::run },
    Subcommand { command: report::command, run: report::run },
    Subcommand { command: build::command, run: build::run },
    Subcommand { command: run::command, run: run::run },
    Subcommand { command: tune::command, run: tune::run },
    Subcommand { command: calibrate::command, run: calibrate::run },
    Subcommand { command: accuracy::command, run: accuracy::run },
    Subcommand { command: compare::command, run: compare::run },
    Subcommand { command: import::command, run: import::run },
    Subcommand { command: new::command, run: new::run },
    Subcommand { command: list::command, run: list::run },
    Subcommand { command: lsp::command, run: lsp::run },
    Subcommand { command: explain::command, run: explain::run },
    Subcommand { command: completions::command, run: completions::run },
    Subcommand { command: manual::command, run: manual::run },
];

fn command() -> Command {
    Command::new("resnetc")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A compiler for residual networks: .resnet specs and trained weights to standalone programs")
        .after_help(
            "Where a command takes a SPEC, it is a .resnet file, FILE.resnet:MODEL, or a shipped\n\
             model's name (`resnetc list`).\n\n\
             Examples:\n  \
             resnetc summary resnet50\n  \
             resnetc build resnet50 --weights resnet50.pth -o resnet50\n  \
             ./resnet50 classify dog.jpg\n  \
             resnetc run mine.resnet --weights mine.safetensors -- eval pictures/",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(SUBCOMMANDS.iter().map(|s| (s.command)()))
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    explain_signals();
    // Without a handler an interrupt only leaves a hidden file more.
    let _ = ctrlc::set_handler(|| {
        children::end_all();
        crate::files::remove_temporaries();
        std::process::exit(130);
    });
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Help goes to stdout with 0, a misuse to stderr with 2, where nobody may be listening.
            let code = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            return match terminal::printed(error.print()) {
                Err(failure) if !error.use_stderr() => end(Err(failure)),
                _ => code,
            };
        }
    };
    let Some((name, inner)) = matches.subcommand() else { return ExitCode::from(2) };
    let found = SUBCOMMANDS.iter().find(|s| (s.command)().get_name() == name);
    end(found.map_or(Err(Failure::Told), |s| (s.run)(inner)))
}

/// Tells what there is to tell; the exit code.
fn end(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Told) => ExitCode::FAILURE,
        Err(Failure::Error(error)) => {
            terminal::error(&error);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
