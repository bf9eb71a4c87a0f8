//! `completions`: a script that teaches a shell the program's arguments.

use std::io::Write;

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use super::Program;
use super::failure::Failure;
use super::terminal::Terminal;
use crate::plan::Plan;

pub(super) fn declare(command: Command, plan: &'static Plan) -> Command {
    let name: &'static str = &plan.name;
    command
        .about("Print a completion script for a shell")
        .arg(Arg::new("shell").value_name("SHELL").required(true).value_parser(value_parser!(Shell)))
        .after_help(format!(
            "Example:\n  {name} completions bash > ~/.local/share/bash-completion/completions/{name}"
        ))
}

pub(super) fn run(program: &Program, arguments: &ArgMatches, terminal: &mut Terminal) -> Result<(), Failure> {
    let shell = arguments.get_one::<Shell>("shell").copied().unwrap_or(Shell::Bash);
    let mut command = super::declare(program);
    let name = command.get_name().to_owned();
    // The generator panics if it cannot write, which it always can to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    Ok(terminal.write_all(&script)?)
}
