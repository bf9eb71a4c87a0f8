//! `resnetc check`: whether specs are right.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::{Error, Spec};

use super::{Failure, Outcome, args, terminal};

pub fn command() -> Command {
    Command::new("check")
        .about("Check specs, and report every mistake in them")
        .arg(
            Arg::new("spec")
                .value_name("SPEC")
                .required(true)
                .action(ArgAction::Append)
                .num_args(1..)
                .help("A .resnet file (every model in it), FILE.resnet:MODEL, or a shipped model's name"),
        )
        .args(args::settings())
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let settings: Vec<String> = matches.get_many("set").into_iter().flatten().cloned().collect();
    let mut failed = false;
    for name in matches.get_many::<String>("spec").into_iter().flatten() {
        let models = match models(name) {
            Ok(models) => models,
            Err(error) => {
                failed = true;
                terminal::error(&error);
                continue;
            }
        };
        for model in models {
            let checked = Spec::open(&model)
                .map(|spec| spec.with_limits(args::limits(matches)))
                .and_then(|spec| spec.check(&settings));
            match checked {
                Ok(checked) => {
                    terminal::diagnostics(&checked.warnings);
                    let network = &checked.network;
                    terminal::print(&format!(
                        "{}: {} parameters, {} MACs\n",
                        network.name,
                        network.total_params(),
                        network.total_macs()
                    ))?;
                }
                Err(error) => {
                    failed = true;
                    terminal::error(&error);
                }
            }
        }
    }
    if failed { Err(Failure::Told) } else { Ok(()) }
}

/// Every model that a SPEC means: all of a file, unless one is named.
fn models(name: &str) -> Result<Vec<String>, Error> {
    let spec = Spec::open(name)?;
    let all = spec.models();
    // What is wrong with the text is told once, not once a model.
    if all.len() > 1 {
        spec.check_syntax().map_err(|report| Error::Spec(Box::new(report)))?;
    }
    if all.len() > 1 && name.ends_with(".resnet") {
        return Ok(all.iter().map(|model| format!("{name}:{model}")).collect());
    }
    Ok(vec![name.to_owned()])
}
