//! `infer`: arrays in, arrays out.
//!
//! In: a `.npy` of `[n, channels, height, width]`, or of one image without the n; the values are
//! what the network takes, already normalised. Out: `[n, classes]`, or `[n, channels, height, width]`
//! for a map. n is any number: images run in batches, and only one is in memory.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::failure::Failure;
use super::pending::{Pending, is_stream, resolved};
use super::terminal::Terminal;
use super::{Program, opening};
use crate::buffer::lengthen;
use crate::npy::{self, NpyReader};
use crate::plan::{Output, Plan};

pub(super) fn declare(command: Command, plan: &'static Plan) -> Command {
    let name: &'static str = &plan.name;
    let outputs: Vec<&str> = plan.outputs.iter().map(|output| &*output.name).collect();
    let path = |id: &'static str| {
        Arg::new(id).long(id).value_name("FILE").required(true).value_parser(value_parser!(PathBuf))
    };
    command
        .about("Run the network on a NumPy array")
        .arg(path("input").help("Images as .npy, float32 or float64; - for standard input"))
        .arg(path("output").help("Where the main output goes, as .npy float32; - for standard output"))
        .arg(
            Arg::new("outputs")
                .long("outputs")
                .value_name("NAME=FILE")
                .num_args(1..)
                .action(ArgAction::Append)
                .help("Where other outputs go"),
        )
        .arg(opening::threads_argument())
        .after_help(format!(
            "Outputs: {}\n\nExamples:\n  {name} infer --input x.npy --output y.npy\n  \
             cat x.npy | {name} infer --input - --output - > y.npy\n\n\
             Files appear when they are complete, or not at all.",
            outputs.join(", ")
        ))
}

pub(super) fn run(program: &Program, arguments: &ArgMatches, terminal: &mut Terminal) -> Result<(), Failure> {
    let plan = program.plan;
    let path = |id| arguments.get_one::<PathBuf>(id).cloned().unwrap_or_default();
    let input = path("input");
    let wanted = wanted_outputs(plan, &path("output"), arguments.get_many("outputs").into_iter().flatten())?;
    let mut array = open(&input)?;
    let images = count_images(&array, &input, plan)?;
    let threads = opening::threads(arguments);
    let mut session = opening::open(program, arguments)?.session(threads)?;

    let mut files = Vec::with_capacity(wanted.len());
    for (output, target) in &wanted {
        let mut file = Pending::new(target)?;
        file.write(|out| npy::write_header(out, &shape(output, images)))?;
        files.push(file);
    }
    let image: usize = plan.input.iter().product();
    let mut values = Vec::new();
    lengthen(&mut values, plan.batch.min(images) * image)?;
    let mut left = images;
    while left > 0 {
        let n = left.min(plan.batch);
        let values = &mut values[..n * image];
        array.read(values).map_err(|source| Failure::Array { path: input.clone(), source })?;
        let outputs = session.run(values)?;
        for ((output, _), file) in wanted.iter().zip(&mut files) {
            let values = outputs.get(&output.name).unwrap_or(&[]);
            file.write(|out| npy::write_values(out, values))?;
        }
        left -= n;
    }
    files.into_iter().try_for_each(|file| file.commit(terminal))
}

fn open(path: &Path) -> Result<NpyReader<Box<dyn Read>>, Failure> {
    let stream: Box<dyn Read> = match is_stream(path) {
        true => Box::new(BufReader::new(io::stdin())),
        false => {
            let file = File::open(path).map_err(|source| Failure::Read { path: path.to_owned(), source })?;
            Box::new(BufReader::new(file))
        }
    };
    NpyReader::new(stream).map_err(|source| Failure::Array { path: path.to_owned(), source })
}

/// n, if the array has the network's shape.
fn count_images<R: Read>(array: &NpyReader<R>, path: &Path, plan: &Plan) -> Result<usize, Failure> {
    let [channels, height, width] = plan.input;
    match *array.shape() {
        [n, ref image @ ..] if image == plan.input => Ok(n),
        ref image if image == plan.input => Ok(1),
        ref other => Err(Failure::ArrayShape {
            path: path.to_owned(),
            found: format!("{other:?}"),
            expected: format!("[n, {channels}, {height}, {width}]"),
        }),
    }
}

fn shape(output: &Output, images: usize) -> Vec<usize> {
    match output.shape {
        [channels, 1, 1] => vec![images, channels],
        [channels, height, width] => vec![images, channels, height, width],
    }
}

/// The outputs to write and their files: the main one, then those of `NAME=FILE`.
fn wanted_outputs<'a>(
    plan: &'a Plan,
    main: &Path,
    others: impl Iterator<Item = &'a String>,
) -> Result<Vec<(&'a Output, PathBuf)>, Failure> {
    let mut wanted = Vec::new();
    wanted.extend(plan.outputs.first().map(|output| (output, main.to_owned())));
    for assignment in others {
        let (name, file) = assignment
            .split_once('=')
            .filter(|(_, file)| !file.is_empty())
            .ok_or_else(|| Failure::NoAssignment(assignment.clone()))?;
        let output = plan.outputs.iter().find(|output| output.name == name).ok_or_else(|| {
            let known: Vec<&str> = plan.outputs.iter().map(|output| &*output.name).collect();
            Failure::NoOutput { name: name.to_owned(), known: known.join(", ") }
        })?;
        wanted.push((output, PathBuf::from(file)));
    }
    let mut seen = HashSet::new();
    match wanted.iter().find(|(_, file)| !seen.insert(resolved(file))) {
        Some((_, file)) => Err(Failure::WrittenTwice(file.clone())),
        None => Ok(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::tests::PLAN;

    fn wanted(others: &[&str]) -> Result<Vec<PathBuf>, Failure> {
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        let wanted = wanted_outputs(&PLAN, Path::new("y.npy"), others.iter())?;
        Ok(wanted.into_iter().map(|(_, file)| file).collect())
    }

    #[test]
    fn the_main_output_comes_first_and_others_by_name() {
        assert_eq!(wanted(&["logits=z.npy"]).expect("known"), [Path::new("y.npy"), Path::new("z.npy")]);
    }

    #[test]
    fn outputs_that_make_no_sense_are_refused() {
        assert!(matches!(wanted(&["c3=z.npy"]), Err(Failure::NoOutput { .. })));
        assert!(matches!(wanted(&["logits"]), Err(Failure::NoAssignment(_))));
        assert!(matches!(wanted(&["logits="]), Err(Failure::NoAssignment(_))));
        for file in ["y.npy", "./y.npy", ".//./y.npy"] {
            let again = format!("logits={file}");
            assert!(matches!(wanted(&[&again]), Err(Failure::WrittenTwice(_))), "{file}");
        }
    }

    #[test]
    fn one_image_may_lack_the_leading_dimension() {
        let count = |shape: &[usize]| {
            let mut bytes = Vec::new();
            npy::write_header(&mut bytes, shape).expect("a vector takes all");
            let array = NpyReader::new(bytes.as_slice()).expect("a header");
            count_images(&array, Path::new("x.npy"), &PLAN).ok()
        };
        assert_eq!(count(&[7, 3, 4, 4]), Some(7));
        assert_eq!(count(&[3, 4, 4]), Some(1));
        assert_eq!(count(&[7, 4, 4, 3]), None);
        assert_eq!(count(&[]), None);
    }
}
