//! Arguments that several subcommands share.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, value_parser};

use crate::model::Limits;
use crate::plan::tuning::Tuning;
use crate::precision::{Precision, Precisions};
use crate::spec::Checked;
use crate::weights::{self, Checkpoint, Rename};
use crate::{Algorithms, Compiled, Error, Options, Spec, compile_values, files, join};

use super::{Failure, Outcome, random, terminal};

/// SPEC
pub fn spec() -> Arg {
    Arg::new("spec")
        .value_name("SPEC")
        .required(true)
        .help("A .resnet file, FILE.resnet:MODEL, or a shipped model's name")
}

/// `--set NAME=VALUE` and `--allow-large`
pub fn settings() -> [Arg; 2] {
    [
        Arg::new("set")
            .long("set")
            .value_name("NAME=VALUE")
            .action(ArgAction::Append)
            .help("Set a parameter of the model, `shortcut` (none, zero_pad, ...) or `input` (320, 320x240)"),
        Arg::new("allow-large")
            .long("allow-large")
            .action(ArgAction::SetTrue)
            .help("Take a network past the usual limits: see `resnetc explain R0401`"),
    ]
}

/// What `--allow-large` allows.
pub fn limits(matches: &ArgMatches) -> Limits {
    if matches.get_flag("allow-large") { Limits::LARGE } else { Limits::USUAL }
}

/// `--json`
pub fn json() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON")
}

/// `--batch N`
pub fn batch() -> Arg {
    Arg::new("batch")
        .long("batch")
        .value_name("N")
        .value_parser(value_parser!(u32).range(1..=4096))
        .default_value("1")
        .help("The largest number of images in one run")
}

/// `-o FILE`
pub fn output() -> Arg {
    Arg::new("output")
        .short('o')
        .long("output")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("Write to a file")
}

/// Writes a text to the file of `-o`, or to the standard output.
pub fn write_output(matches: &ArgMatches, text: &str) -> Outcome {
    match matches.get_one::<PathBuf>("output") {
        Some(path) => Ok(files::write_whole(path, text.as_bytes())?),
        None => terminal::print(text),
    }
}

/// `--exact` and `--tuning FILE`
pub fn algorithms() -> [Arg; 2] {
    [
        Arg::new("exact")
            .long("exact")
            .action(ArgAction::SetTrue)
            .conflicts_with("tuning")
            .help("Multiply each convolution's products as they stand: no Winograd, and slower"),
        Arg::new("tuning")
            .long("tuning")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Choose the algorithms that `resnetc tune` found fastest"),
    ]
}

/// What `--exact` and `--tuning` choose.
fn chosen(matches: &ArgMatches, batch: usize) -> Result<Algorithms, Error> {
    if matches.try_get_one::<bool>("exact").ok().flatten() == Some(&true) {
        return Ok(Algorithms::Exact);
    }
    let Some(path) = matches.try_get_one::<PathBuf>("tuning").ok().flatten() else {
        return Ok(Algorithms::default());
    };
    let text = files::read_text(path, files::MOST_TEXT)?;
    let wrong = |reason| Error::Tuning { path: path.clone(), reason };
    let tuning = Tuning::parse(&text).map_err(|error| wrong(error.to_string()))?;
    if tuning.batch != batch {
        let batches = format!("made for a batch of {}, not of {batch}", tuning.batch);
        return Err(wrong(format!("{batches}: tune again with --batch {batch}")));
    }
    Ok(Algorithms::Tuned(tuning))
}

/// `--precision P`, `--deployment FILE` and `--calibration FILE`
pub fn precisions() -> [Arg; 3] {
    [
        Arg::new("precision")
            .long("precision")
            .value_name("P")
            .value_parser(Precision::ALL.map(Precision::name))
            .help("What layers compute in; f32 unless given"),
        Arg::new("deployment")
            .long("deployment")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help(
                "Lines such as `precision int8` and `precision bf16 layer4 fc`; they go before --precision",
            ),
        Arg::new("calibration")
            .long("calibration")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("The activations' ranges, which int8 needs: what `resnetc calibrate` wrote"),
    ]
}

/// What `--precision`, `--deployment` and `--calibration` say.
fn chosen_precisions(matches: &ArgMatches) -> Result<Precisions, Error> {
    let given = |name| matches.try_get_one::<PathBuf>(name).ok().flatten();
    let named = matches.try_get_one::<String>("precision").ok().flatten();
    let precision = named.and_then(|name| Precision::from_name(name)).unwrap_or_default();
    let mut precisions = Precisions::all(precision);
    if let Some(path) = given("deployment") {
        precisions.read_deployment(path)?;
    }
    if let Some(path) = given("calibration") {
        precisions.read_calibration(path)?;
    }
    Ok(precisions)
}

/// `--rename`
pub fn rename() -> Arg {
    Arg::new("rename")
        .long("rename")
        .value_name("FROM=TO")
        .action(ArgAction::Append)
        .help("Read the tensors FROM (`*` stands for any run of characters) under the checkpoint's names TO")
}

/// `--weights`, `--random-weights` and `--rename`
pub fn weights() -> [Arg; 3] {
    [
        Arg::new("weights")
            .long("weights")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("A checkpoint: .safetensors, .pth, .pt or .th; else the one that the spec names"),
        Arg::new("random-weights")
            .long("random-weights")
            .action(ArgAction::SetTrue)
            .conflicts_with("weights")
            .help("Invent weights: to measure speed without a checkpoint"),
        rename(),
    ]
}

/// Opens the SPEC, checks it under its settings, and shows its warnings.
pub fn check(matches: &ArgMatches) -> Result<(Spec, Checked), Failure> {
    let name = matches.get_one::<String>("spec").map_or("", String::as_str);
    let spec = Spec::open(name)?.with_limits(limits(matches));
    let settings: Vec<String> = matches.get_many("set").into_iter().flatten().cloned().collect();
    let checked = spec.check(&settings)?;
    terminal::diagnostics(&checked.warnings);
    Ok((spec, checked))
}

/// What a network is compiled with, but for its weights.
pub fn options(matches: &ArgMatches) -> Result<Options, Failure> {
    let rename = |text: &String| match text.split_once('=') {
        Some((from, to)) => Ok(Rename { from: from.to_owned(), to: to.to_owned() }),
        None => Err(Error::Usage(format!("`{text}` renames nothing: write FROM=TO, as in `fc.*=linear.*`"))),
    };
    let texts = matches.try_get_many::<String>("rename").ok().flatten();
    let batch = matches.try_get_one::<u32>("batch").ok().flatten().map_or(1, |b| *b as usize);
    Ok(Options {
        batch,
        algorithms: chosen(matches, batch)?,
        precisions: chosen_precisions(matches)?,
        renames: texts.into_iter().flatten().map(rename).collect::<Result<_, _>>()?,
    })
}

/// Compiles a checked SPEC with its weights, which must be given somehow.
pub fn compile_with_weights(
    matches: &ArgMatches,
    spec: &Spec,
    checked: &Checked,
) -> Result<Compiled, Failure> {
    let options = options(matches)?;
    let checkpoints = any_checkpoints(matches, spec, checked)?;
    let values = join(&checked.network, &checkpoints, &options.renames)?;
    Ok(compile_values(&checked.network, Some(values), &options)?)
}

/// The checkpoint that is given, those that the spec names, or one that is invented.
pub fn any_checkpoints(
    matches: &ArgMatches,
    spec: &Spec,
    checked: &Checked,
) -> Result<Vec<Checkpoint>, Failure> {
    if matches.get_flag("random-weights") {
        return Ok(vec![random::checkpoint(&checked.network)?]);
    }
    let given = matches.get_one::<PathBuf>("weights").map(PathBuf::as_path);
    let paths = spec.weights_files(&checked.network, given)?;
    if paths.is_empty() {
        return Err(Error::Usage(
            "no weights: give a checkpoint with --weights FILE, or invent some with --random-weights"
                .to_owned(),
        )
        .into());
    }
    paths.iter().map(|path| Ok(weights::read(path)?)).collect()
}
