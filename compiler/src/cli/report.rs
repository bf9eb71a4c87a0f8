//! `resnetc report`: a network as a page of pictures.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::precision::{Precision, Precisions};
use crate::report::{Profile, Report, Subject, figures, to_html};
use crate::{Checked, Error, Options, Spec, compile, files, join, weights};

use super::{Failure, Outcome, args, terminal};

pub fn command() -> Command {
    Command::new("report")
        .about("Write a page with pictures of a model: its blocks, roofline, times, memory and passes")
        .arg(args::spec())
        .args(args::settings())
        .arg(args::batch())
        .args(args::algorithms())
        .args(args::precisions())
        .arg(file("weights", "A checkpoint that is to fit; adds the size of each layer's weights"))
        .arg(args::rename())
        .arg(file("profile", "The model's times: what `PROGRAM profile --json` wrote"))
        .arg(
            Arg::new("against").long("against").value_name("OTHER").action(ArgAction::Append).help(
                "A SPEC to hold it against, or a profile (.json) of that; may be given twice, for both",
            ),
        )
        .arg(
            Arg::new("against-set")
                .long("against-set")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("Like --set, for what it is held against: the same SPEC if --against names none"),
        )
        .arg(
            Arg::new("svg")
                .long("svg")
                .value_name("FOLDER")
                .value_parser(value_parser!(PathBuf))
                .help("Also write each picture as an .svg file"),
        )
        .arg(args::output().required_unless_present("svg"))
        .after_help(
            "Examples:\n  resnetc report resnet50 -o resnet50.html\n  \
             ./resnet50 profile --json > resnet50.json\n  \
             resnetc report resnet50 --profile resnet50.json -o resnet50.html\n  \
             resnetc report resnet18 --against plain18 -o plain.html\n  \
             resnetc report cifar_resnet --against-set depth=56 -o depth.html\n  \
             resnetc report resnet50 --profile f32.json --against int8.json -o int8.html",
        )
}

fn file(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let (_, checked) = args::check(matches)?;
    let options = args::options(matches)?;
    let name = named(matches.get_one::<String>("spec").map_or("", String::as_str), &strings(matches, "set"));
    let mut main = subject(&name, checked, &options)?;
    if let Some(path) = matches.get_one::<PathBuf>("weights") {
        let values = join(&main.network, &[weights::read(path)?], &options.renames)?;
        if let Some(calibration) = &options.precisions.calibration {
            calibration.check(&main.network, &values)?;
        }
        main = main.weighed(&values);
    }
    if let Some(path) = matches.get_one::<PathBuf>("profile") {
        main = profiled(main, Profile::read(path)?, path)?;
    }
    let report = distinguished(Report { other: other(matches, &options)?, main });
    if let Some(folder) = matches.get_one::<PathBuf>("svg") {
        write_figures(&report, folder)?;
    }
    match matches.contains_id("output") {
        true => args::write_output(matches, &to_html(&report)),
        false => Ok(()),
    }
}

fn subject(name: &str, checked: Checked, options: &Options) -> Result<Subject, Error> {
    let compiled = compile(&checked.network, None, options)?;
    Ok(Subject::new(name, checked.network, &compiled))
}

fn profiled(subject: Subject, profile: Profile, path: &Path) -> Result<Subject, Error> {
    subject.profiled(profile).map_err(|reason| Error::Profile { path: path.to_owned(), reason })
}

/// What `--against` and `--against-set` name, if they name anything.
fn other(matches: &ArgMatches, options: &Options) -> Result<Option<Subject>, Failure> {
    let (named_others, settings) = (strings(matches, "against"), strings(matches, "against-set"));
    if named_others.is_empty() && settings.is_empty() {
        return Ok(None);
    }
    let is_profile = |name: &&String| Path::new(name).extension().is_some_and(|e| e == "json");
    let (profiles, specs): (Vec<&String>, Vec<&String>) = named_others.iter().partition(is_profile);
    if profiles.len() > 1 || specs.len() > 1 {
        let twice = "--against takes one SPEC and one profile at most";
        return Err(Error::Usage(twice.to_owned()).into());
    }
    let own = matches.get_one::<String>("spec");
    // The same spec keeps its settings, but for those that are set anew.
    let before = if specs.is_empty() { strings(matches, "set") } else { Vec::new() };
    let kept = before.into_iter().filter(|set| !settings.iter().any(|new| key(new) == key(set)));
    let settings: Vec<String> = kept.chain(settings.iter().cloned()).collect();
    let spec = specs.first().copied().or(own).map_or("", String::as_str);
    let checked = Spec::open(spec)?.with_limits(args::limits(matches)).check(&settings)?;
    terminal::diagnostics(&checked.warnings);
    let name = named(spec, &settings);
    let Some(path) = profiles.first().map(Path::new) else {
        return Ok(Some(subject(&name, checked, options)?));
    };
    let profile = Profile::read(path)?;
    let options = Options { precisions: timed_precisions(&profile, options), ..options.clone() };
    Ok(Some(profiled(subject(&name, checked, &options)?, profile, path)?))
}

/// The precisions that a profile's program had, as far as a profile tells them.
fn timed_precisions(profile: &Profile, options: &Options) -> Precisions {
    let calibration = &options.precisions.calibration;
    match Precision::from_name(&profile.precision) {
        Some(precision) if precision != Precision::Int8 || calibration.is_some() => {
            Precisions { calibration: calibration.clone(), ..Precisions::all(precision) }
        }
        // Without its ranges int8 has no plan, and of several precisions the layers are not known.
        _ => options.precisions.clone(),
    }
}

fn strings(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.get_many(name).into_iter().flatten().cloned().collect()
}

/// The NAME of NAME=VALUE.
fn key(setting: &str) -> &str {
    setting.split_once('=').map_or(setting, |(name, _)| name)
}

/// A spec as the report calls it: its file or model, and its settings.
fn named(spec: &str, settings: &[String]) -> String {
    let file = Path::new(spec).file_name().map_or(spec.into(), |name| name.to_string_lossy());
    let name = file.strip_suffix(".resnet").unwrap_or(&file);
    [name].into_iter().chain(settings.iter().map(String::as_str)).collect::<Vec<_>>().join(", ")
}

/// Two subjects of one name also have their precisions, or their numbers, in it.
fn distinguished(mut report: Report) -> Report {
    let Some(other) = &mut report.other else { return report };
    if report.main.name != other.name {
        return report;
    }
    let precision = |subject: &Subject| match &subject.profile {
        Some(profile) => profile.precision.clone(),
        None => subject.precision.clone(),
    };
    let words = match (precision(&report.main), precision(other)) {
        (first, second) if first != second => [first, second],
        _ => ["first".to_owned(), "second".to_owned()],
    };
    report.main.name += &format!(" ({})", words[0]);
    other.name += &format!(" ({})", words[1]);
    report
}

fn write_figures(report: &Report, folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    for figure in figures(report) {
        files::write_whole(&folder.join(format!("{}.svg", figure.name)), figure.to_svg().as_bytes())?;
    }
    Ok(())
}
