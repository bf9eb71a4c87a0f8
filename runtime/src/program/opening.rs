//! From arguments to a model and its threads: what all subcommands that run the network share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, value_parser};

use super::failure::Failure;
use super::terminal::Terminal;
use super::{Program, Weights};
use crate::isa::Level;
use crate::plan::{Element, Plan};
use crate::{Error, Model};

/// Names a weights file, for a program whose weights are not in it.
const WEIGHTS_VARIABLE: &str = "RESNETC_WEIGHTS";

pub(super) fn weights_argument(file: &'static str) -> Arg {
    Arg::new("weights-file")
        .long("weights-file")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .global(true)
        .help(format!("Packed weights [default: ${WEIGHTS_VARIABLE}, or {file} beside this program]"))
}

pub(super) fn threads_argument() -> Arg {
    Arg::new("threads")
        .long("threads")
        .value_name("T")
        .value_parser(value_parser!(u16).range(1..=1024))
        .help("Threads to run on [default: one for each core]")
}

pub(super) fn batch_argument() -> Arg {
    Arg::new("batch")
        .long("batch")
        .value_name("N")
        .value_parser(value_parser!(u32).range(1..))
        .help("Images in one run [default: as many as the program was compiled for]")
}

pub(super) fn json_argument(help: &'static str) -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help(help)
}

pub(super) fn threads(arguments: &ArgMatches) -> usize {
    match arguments.get_one::<u16>("threads") {
        Some(&threads) => usize::from(threads),
        None => crate::default_threads(),
    }
}

/// Images in one run.
pub(super) fn batch(plan: &Plan, arguments: &ArgMatches) -> Result<usize, Failure> {
    match arguments.get_one::<u32>("batch") {
        Some(&asked) if asked as usize > plan.batch => {
            Err(Failure::Batch { most: plan.batch, asked: asked as usize })
        }
        Some(&asked) => Ok(asked as usize),
        None => Ok(plan.batch),
    }
}

/// The program's network with its weights.
pub(super) fn open(program: &Program, arguments: &ArgMatches) -> Result<Model, Failure> {
    match program.weights {
        Weights::Appended => {
            let executable = std::env::current_exe().map_err(Failure::Executable)?;
            Model::open_appended(program.plan, &executable).map_err(|source| match source {
                Error::Magic => Failure::Appended { path: executable, source },
                _ => explained(source, executable),
            })
        }
        Weights::Beside(name) => {
            let asked = arguments.try_get_one::<PathBuf>("weights-file").ok().flatten().cloned();
            let path = match asked.or_else(|| named(std::env::var_os(WEIGHTS_VARIABLE))) {
                Some(path) => path,
                None => beside(name)?,
            };
            Model::open(program.plan, &path).map_err(|source| explained(source, path))
        }
    }
}

/// Tells what else than it was compiled for a network runs on: never silently.
pub(super) fn note_units(plan: &Plan, terminal: &Terminal) {
    // A level that is none stops the run with an error of its own.
    let Ok(level) = Level::choose() else { return };
    let layers = plan.layers_by_element();
    if layers.iter().any(|(element, _)| *element != Element::F32) && Level::Amx.is_refused() {
        let line =
            format!("this processor has AMX, which the system does not lend; {} is used", level.name());
        terminal.note("note", &line);
    }
    for (element, _) in layers {
        let (by, native) = level.unit(element);
        if !native {
            let line = format!(
                "{} is computed by {by}: {} has no unit for it, and f32 is likely to be faster",
                element.precision(),
                level.name()
            );
            terminal.note("note", &line);
        }
    }
}

/// What an error says of a file of weights; one that names the file already, or is not about it,
/// stands alone.
fn explained(error: Error, path: PathBuf) -> Failure {
    match error {
        Error::Open { .. } | Error::Plan(_) => Failure::Model(error),
        source => Failure::Weights { path, source },
    }
}

fn named(variable: Option<OsString>) -> Option<PathBuf> {
    variable.filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The file of that name in the executable's directory.
fn beside(name: &'static str) -> Result<PathBuf, Failure> {
    let executable = std::env::current_exe().unwrap_or_default();
    let directory = executable.parent().unwrap_or(Path::new("."));
    let path = directory.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::NoWeights { name, directory: directory.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_weights_file_is_told_with_the_way_out() {
        let failure = beside("no-such.weights").expect_err("it is not there");
        let line = failure.line();
        assert!(line.contains("no-such.weights") && line.contains("--weights-file"), "{line}");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named_once() {
        let path = || PathBuf::from("tiny.weights");
        let error = Error::Open { path: path(), source: std::io::ErrorKind::NotFound.into() };
        let line = explained(error, path()).line();
        assert_eq!(line.matches("tiny.weights").count(), 1, "{line}");
        let line = explained(Error::Damaged, path()).line();
        assert_eq!(line.matches("tiny.weights").count(), 1, "{line}");
    }

    #[test]
    fn a_program_without_its_weights_says_what_may_have_happened() {
        let line = Failure::Appended { path: "tiny".into(), source: Error::Magic }.line();
        assert!(line.starts_with("tiny ") && line.contains("stripped"), "{line}");
    }

    #[test]
    fn an_empty_variable_names_nothing() {
        assert_eq!(named(Some(OsString::new())), None);
        assert_eq!(named(Some("w".into())), Some(PathBuf::from("w")));
    }
}
