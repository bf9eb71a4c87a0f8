//! `resnetc lsp`: the language server, for editors.

use std::io::{self, BufReader};

use clap::{ArgMatches, Command};

use crate::Error;
use crate::lsp::{Ended, serve};

use super::{Failure, Outcome, cache};

pub fn command() -> Command {
    Command::new("lsp").about("Serve an editor: the Language Server Protocol over standard input and output")
}

pub fn run(_: &ArgMatches) -> Outcome {
    let served = serve(BufReader::new(io::stdin()), io::stdout().lock(), cache::folder().ok());
    match served {
        Ok(Ended::Asked) => Ok(()),
        Ok(Ended::Abruptly) => Err(Failure::Told),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Closed),
        Err(source) => Err(Error::Write { path: "standard output".into(), source }.into()),
    }
}
