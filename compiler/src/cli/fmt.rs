//! `resnetc fmt`: the one format of specs.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::{Error, Spec, syntax};

use super::{Failure, Outcome, terminal};

pub fn command() -> Command {
    Command::new("fmt")
        .about("Format .resnet files in place")
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("A .resnet file; `-` reads standard input and prints"),
        )
        .arg(
            Arg::new("check")
                .long("check")
                .action(ArgAction::SetTrue)
                .help("Change nothing; fail and name the files that are not formatted"),
        )
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let mut unformatted = false;
    for path in matches.get_many::<PathBuf>("file").into_iter().flatten() {
        if path == Path::new("-") {
            terminal::print(&format_stdin()?)?;
            continue;
        }
        let spec = Spec::open(&path.to_string_lossy())?;
        let text = formatted(&spec)?;
        if text == spec.text() {
            continue;
        }
        if matches.get_flag("check") {
            terminal::say(&format!("{}: not formatted", path.display()));
            unformatted = true;
        } else {
            crate::files::write_whole(path, text.as_bytes())?;
        }
    }
    if unformatted { Err(Failure::Told) } else { Ok(()) }
}

fn format_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|source| Error::Read { path: "standard input".into(), source })?;
    formatted(&Spec::from_text("standard input", &text, None))
}

fn formatted(spec: &Spec) -> Result<String, Failure> {
    spec.check_syntax().map_err(|report| Error::Spec(Box::new(report)))?;
    Ok(syntax::format(spec.file()))
}
