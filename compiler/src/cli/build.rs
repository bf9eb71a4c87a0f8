//! `resnetc build`: a spec and its weights to a standalone program.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use resnetc_runtime::plan::Plan;

use crate::emit::{labels_file, module_name, program};
use crate::{Compiled, Error};

use super::cache::{Cache, Packed, Source};
use super::terminal::Progress;
use super::{Outcome, args};

pub fn command() -> Command {
    Command::new("build")
        .about("Compile a spec with its weights into a standalone program")
        .arg(args::spec())
        .args(args::weights())
        .args(args::settings())
        .arg(args::batch())
        .args(args::algorithms())
        .args(args::precisions())
        .arg(
            Arg::new("embed")
                .long("embed")
                .action(ArgAction::SetTrue)
                .help("Put the weights into the executable; this is so unless --no-embed is given"),
        )
        .arg(
            Arg::new("no-embed")
                .long("no-embed")
                .action(ArgAction::SetTrue)
                .conflicts_with("embed")
                .help("Write the weights to a file beside the executable"),
        )
        .arg(
            Arg::new("output")
                .short('o')
                .long("output")
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .help("Where the executable goes; the model's name unless given"),
        )
        .after_help(
            "Examples:\n  resnetc build resnet50 --weights resnet50.safetensors -o resnet50\n  \
             resnetc build cifar_resnet --set depth=56 --weights r56.th --batch 8 --no-embed -o r56",
        )
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let begin = Instant::now();
    let progress = Progress::new("reading the spec and its weights");
    let (spec, checked) = args::check(matches)?;
    let path = output(matches, &checked.network.name)?;
    let compiled = args::compile_with_weights(matches, &spec, &checked)?;
    let beside = matches.get_flag("no-embed");
    build(&Cache::open()?, &compiled, &path, !beside, &progress)?;
    progress.finish(&format!("built {} in {:.1} s", path.display(), begin.elapsed().as_secs_f64()));
    Ok(())
}

/// Compiles a program to `path`, and its weights to `path.weights` unless they are embedded.
fn build(
    cache: &Cache,
    compiled: &Compiled,
    path: &Path,
    embed: bool,
    progress: &Progress,
) -> Result<(), Error> {
    let packed = compiled.weights.as_deref().unwrap_or_default();
    if embed {
        return cache.build(&source(&compiled.plan, None), path, Packed::Behind(packed), progress);
    }
    let beside = weights_path(path);
    let file = beside.file_name().unwrap_or_default().to_string_lossy();
    cache.build(&source(&compiled.plan, Some(&file)), path, Packed::Beside(&beside, packed), progress)
}

/// The source of a program whose weights are in the file `beside` in its folder, or behind the executable.
pub fn source(plan: &Plan, beside: Option<&str>) -> Source {
    let labels = || (labels_file(plan), plan.labels.join("\n"));
    Source {
        name: module_name(&plan.name),
        main: program(plan, beside),
        included: (!plan.labels.is_empty()).then(labels),
    }
}

/// Where the executable goes: not onto what it is made from, and into a folder that is there.
fn output(matches: &ArgMatches, model: &str) -> Result<PathBuf, Error> {
    let path = match matches.get_one::<PathBuf>("output") {
        Some(path) if path.is_dir() => {
            let told = format!("{} is a folder: -o takes the executable's path", path.display());
            return Err(Error::Usage(told));
        }
        Some(path) => path.clone(),
        // A project's folder has its model's name.
        None if Path::new(model).is_dir() => Path::new(model).join(model),
        None => PathBuf::from(model),
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Error::Usage(format!("there is no folder {} to write to", folder.display())));
    }
    let spec = matches.get_one::<String>("spec").map(|s| s.rsplit_once(':').map_or(s.as_str(), |(p, _)| p));
    let inputs = [spec.map(Path::new), matches.get_one::<PathBuf>("weights").map(PathBuf::as_path)];
    for input in inputs.into_iter().flatten().filter_map(|p| p.canonicalize().ok()) {
        for written in [path.clone(), weights_path(&path)] {
            if written.canonicalize().is_ok_and(|w| w == input && w.is_file()) {
                let told = format!("{} is what is read: write to another path with -o", written.display());
                return Err(Error::Usage(told));
            }
        }
    }
    Ok(path)
}

/// The weights of an executable.
fn weights_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".weights");
    path.with_file_name(name)
}
