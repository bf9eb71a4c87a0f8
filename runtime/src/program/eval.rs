//! `eval`: how often is the network right?
//!
//! In: a folder with a subfolder for each class. Files that cannot be read are named on standard
//! error and counted, and do not enter the accuracy; those for which the network gives NaN count as
//! wrong, and how many they are is told. With `--json` one object: `images` (that were read), `top1`,
//! `top5` (fractions of them), `images_per_s` (decoding included), `correct_top1`, `correct_top5`,
//! `unreadable`, `nan`, `seconds`, `matched` (labels, numbers or sorted).

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Arg, ArgMatches, Command, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::failure::Failure;
use super::folder::Labelled;
use super::pictures::Inputs;
use super::terminal::{Style, Terminal, shown};
use super::{Program, answers, folder, opening, pictures};
use crate::Session;
use crate::plan::Plan;

pub(super) fn declare(command: Command, plan: &'static Plan) -> Command {
    let name: &'static str = &plan.name;
    command
        .about("Measure the accuracy over a folder of class folders")
        .arg(
            Arg::new("folder")
                .value_name("FOLDER")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("A folder with a subfolder for each class"),
        )
        .arg(opening::threads_argument())
        .arg(opening::json_argument("Print one JSON object instead of text"))
        .after_help(format!(
            "Example:\n  {name} eval val/        with val/cat/1.jpg, val/cat/2.jpg, val/dog/1.jpg, ...\n\n\
             Subfolders are matched with classes by label, else by class number, else, if there is\n\
             one for each class, in sorted order; which of these it was is told."
        ))
}

pub(super) fn run(program: &Program, arguments: &ArgMatches, terminal: &mut Terminal) -> Result<(), Failure> {
    let plan = program.plan;
    let classes = answers::classes(plan)?;
    pictures::check_channels(plan)?;
    let root = arguments.get_one::<PathBuf>("folder").cloned().unwrap_or_default();
    let labelled = folder::list(&root, &plan.labels, classes)?;
    let threads = opening::threads(arguments);
    let mut session = opening::open(program, arguments)?.session(threads)?;

    let begin = Instant::now();
    let tally = count(&mut session, &labelled, threads, terminal)?;
    let seconds = begin.elapsed().as_secs_f64();
    if tally.images == 0 {
        return Err(Failure::NothingRead(tally.unreadable));
    }
    if tally.nan > 0 {
        let line = format!("{} for {} images, which count as wrong", answers::NO_NUMBERS, tally.nan);
        terminal.note("warning", &line);
    }
    let fraction = |correct: usize| correct as f64 / tally.images as f64;
    let (top1, top5, images_per_s) =
        (fraction(tally.top1), fraction(tally.top5), tally.images as f64 / seconds);
    if arguments.get_flag("json") {
        let line = json!({
            "images": tally.images,
            "top1": top1,
            "top5": top5,
            "images_per_s": images_per_s,
            "correct_top1": tally.top1,
            "correct_top5": tally.top5,
            "unreadable": tally.unreadable,
            "nan": tally.nan,
            "seconds": seconds,
            "matched": labelled.rule.name(),
        });
        return Ok(writeln!(terminal, "{line}")?);
    }
    let title = terminal.paint(Style::Bold, &plan.name);
    writeln!(terminal, "{title}  {} folders: {}", labelled.folders, labelled.rule.describe())?;
    let rows = [
        ("images", format!("{}", tally.images)),
        ("top 1", format!("{:.2} %  ({} right)", 100.0 * top1, tally.top1)),
        ("top 5", format!("{:.2} %  ({} right)", 100.0 * top5, tally.top5)),
        ("speed", format!("{images_per_s:.1} images/s, decoding included")),
        ("unreadable", format!("{}", tally.unreadable)),
    ];
    for (key, value) in rows {
        let key = terminal.paint(Style::Dim, &format!("{key:<12}"));
        writeln!(terminal, "  {key}{value}")?;
    }
    Ok(())
}

/// What came out.
#[derive(Default)]
struct Tally {
    images: usize,
    top1: usize,
    top5: usize,
    unreadable: usize,
    /// Images for which the network gave NaN.
    nan: usize,
}

fn count(
    session: &mut Session,
    labelled: &Labelled,
    threads: usize,
    terminal: &Terminal,
) -> Result<Tally, Failure> {
    let plan = session.plan().clone();
    let image: usize = plan.input.iter().product();
    // Enough files at once that every thread decodes, in whole batches.
    let group = plan.batch * threads.div_ceil(plan.batch);
    let bar = progress(labelled.files.len());
    let mut inputs = Inputs::new(&plan);
    let mut tally = Tally::default();
    for files in labelled.files.chunks(group) {
        let (paths, truth): (Vec<_>, Vec<_>) = files.iter().cloned().unzip();
        let (images, fates) = inputs.load(&paths, &plan, threads)?;
        let mut read = Vec::with_capacity(files.len());
        for ((path, class), fate) in paths.iter().zip(truth).zip(fates) {
            match fate {
                Ok(()) => read.push(class),
                Err(unread) => {
                    tally.unreadable += 1;
                    let line = format!("left out {}: {unread}", shown(path));
                    bar.suspend(|| terminal.note("warning", &line));
                }
            }
        }
        for (images, truth) in images.chunks(plan.batch * image).zip(read.chunks(plan.batch)) {
            tally.add(session.run(images)?.main(), truth);
        }
        bar.inc(files.len() as u64);
    }
    bar.finish_and_clear();
    Ok(tally)
}

impl Tally {
    /// Counts the images of one run.
    fn add(&mut self, values: &[f32], truth: &[usize]) {
        let classes = values.len() / truth.len().max(1);
        for (values, class) in values.chunks_exact(classes.max(1)).zip(truth) {
            let best = answers::best(values, 5);
            self.images += 1;
            self.nan += usize::from(values.iter().any(|value| value.is_nan()));
            self.top1 += usize::from(best.first() == Some(class));
            self.top5 += usize::from(best.contains(class));
        }
    }
}

/// On standard error, and only if that is a terminal.
fn progress(files: usize) -> ProgressBar {
    let bar = ProgressBar::new(files as u64);
    match ProgressStyle::with_template("{bar:30} {pos}/{len}  {per_sec}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_counts_for_both_and_the_sixth_for_none() {
        let mut tally = Tally::default();
        let values = [0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
        tally.add(&[values, values, values].concat(), &[0, 4, 5]);
        assert_eq!((tally.images, tally.top1, tally.top5), (3, 1, 2));
    }

    #[test]
    fn what_is_no_number_is_wrong_and_counted() {
        let mut tally = Tally::default();
        tally.add(&[f32::NAN, 0.0, 1.0, 0.0], &[0, 0]);
        assert_eq!((tally.images, tally.top1, tally.top5, tally.nan), (2, 1, 1, 1));
    }
}
