//! `resnetc completions`: for a shell.

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use super::{Outcome, terminal};

pub fn command() -> Command {
    Command::new("completions")
        .about("Print completions for a shell")
        .arg(Arg::new("shell").value_name("SHELL").required(true).value_parser(value_parser!(Shell)))
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let mut out = Vec::new();
    if let Some(shell) = matches.get_one::<Shell>("shell") {
        clap_complete::generate(*shell, &mut super::command(), "resnetc", &mut out);
    }
    terminal::print(&String::from_utf8_lossy(&out))
}
