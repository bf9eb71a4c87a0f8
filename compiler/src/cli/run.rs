//! `resnetc run`: builds a program in the cache, unless it is there, and executes it.

use std::process::Command as Process;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::Error;

use super::build::source;
use super::cache::Cache;
use super::{Failure, Outcome, args};

pub fn command() -> Command {
    Command::new("run")
        .about("Build a spec in the cache, and execute the program with the arguments behind `--`")
        .arg(args::spec())
        .args(args::weights())
        .args(args::settings())
        .arg(args::batch())
        .args(args::algorithms())
        .args(args::precisions())
        .arg(
            Arg::new("args")
                .value_name("ARGS")
                .action(ArgAction::Append)
                .num_args(0..)
                .last(true)
                .help("Arguments for the program: `classify PICTURE...`, `bench`, `--help`, ..."),
        )
        .after_help(
            "Examples:\n  resnetc run resnet50 --weights resnet50.pth -- classify dog.jpg\n  \
             resnetc run resnet50 --random-weights -- bench --threads 1",
        )
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let (spec, checked) = args::check(matches)?;
    let compiled = args::compile_with_weights(matches, &spec, &checked)?;
    let program = source(&compiled.plan, None);
    let path = Cache::open()?.program(&program, compiled.weights.as_deref().unwrap_or_default())?;
    let given: Vec<&String> = matches.get_many("args").into_iter().flatten().collect();
    execute(Process::new(&path).args(given))
}

#[cfg(unix)]
fn execute(process: &mut Process) -> Outcome {
    use std::os::unix::process::CommandExt;
    // Only returns if it fails: the program takes this process's place.
    let source = process.exec();
    Err(Failure::Error(Error::Read { path: process.get_program().into(), source }))
}

#[cfg(not(unix))]
fn execute(process: &mut Process) -> Outcome {
    let path = process.get_program().into();
    match process.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(source) => Err(Failure::Error(Error::Read { path, source })),
    }
}
