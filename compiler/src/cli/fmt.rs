//! `resnetc fmt`: the one format of specs.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::{Error, Spec, files, syntax};

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
    let mut failed = false;
    for path in matches.get_many::<PathBuf>("file").into_iter().flatten() {
        if path == Path::new("-") {
            terminal::print(&format_stdin()?)?;
            continue;
        }
        match format_file(path, matches.get_flag("check")) {
            Ok(()) => {}
            Err(Failure::Error(error)) => {
                terminal::error(&error);
                failed = true;
            }
            Err(Failure::Told) => failed = true,
            Err(Failure::Closed) => return Err(Failure::Closed),
        }
    }
    if failed { Err(Failure::Told) } else { Ok(()) }
}

fn format_file(path: &Path, check: bool) -> Outcome {
    let text = files::read_text(path, files::MOST_SPEC)?;
    let formatted = formatted(&Spec::from_text(&path.to_string_lossy(), &text, None))?;
    if formatted == text {
        return Ok(());
    }
    if check {
        terminal::say(&format!("{}: not formatted", path.display()));
        return Err(Failure::Told);
    }
    Ok(files::write_whole(path, formatted.as_bytes())?)
}

fn format_stdin() -> Result<String, Failure> {
    let text = files::read_to_end(std::io::stdin(), files::MOST_SPEC)
        .map_err(|source| Error::Read { path: "standard input".into(), source })?;
    formatted(&Spec::from_text("standard input", &text, None))
}

fn formatted(spec: &Spec) -> Result<String, Failure> {
    spec.check_syntax().map_err(|report| Error::Spec(Box::new(report)))?;
    Ok(syntax::format(spec.file()))
}
