//! `resnetc import`: a spec out of a checkpoint.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::import::import;
use crate::weights;

use super::{Outcome, args, terminal};

pub fn command() -> Command {
    Command::new("import")
        .about("Write the spec that fits a checkpoint, from its names and shapes; notes go to stderr")
        .arg(
            Arg::new("checkpoint")
                .value_name("CHECKPOINT")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("A state dict of the torchvision, timm or CIFAR kind: .safetensors, .pth, .pt or .th"),
        )
        .arg(args::output().value_name("NAME.resnet"))
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let path = matches.get_one::<PathBuf>("checkpoint").cloned().unwrap_or_default();
    let checkpoint = weights::read(&path)?;
    let named = matches.get_one::<PathBuf>("output").unwrap_or(&path);
    let imported = import(&checkpoint, &named.file_stem().unwrap_or_default().to_string_lossy())?;
    args::write_output(matches, &imported.text)?;
    for note in &imported.notes {
        terminal::say(&format!("note: {note}"));
    }
    Ok(())
}
