//! Networks run on a folder of pictures: what `calibrate` and `accuracy` have in common.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, value_parser};
use resnetc_runtime::program::Dataset;
use resnetc_runtime::{Model, Outputs, Session, default_threads};

use crate::{Compiled, Error};

use super::terminal::{self, Progress};

/// `--images FOLDER`, `--count N` and `--threads N`
pub fn arguments(count: &'static str) -> [Arg; 3] {
    [
        Arg::new("images")
            .long("images")
            .value_name("FOLDER")
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help("Pictures, in folders or none"),
        Arg::new("count")
            .long("count")
            .value_name("N")
            .value_parser(value_parser!(u32).range(1..))
            .default_value(count)
            .help("Take at most so many of them, spread evenly over the folder"),
        Arg::new("threads")
            .long("threads")
            .value_name("N")
            .value_parser(value_parser!(u32).range(1..=1024))
            .help("Threads to run with [default: the physical cores]"),
    ]
}

/// A folder's pictures, and how they are run.
pub struct Pictures {
    dataset: Dataset,
    threads: usize,
}

/// Some pictures' inputs, and what they show where that is known.
pub struct Batch {
    pub inputs: Vec<f32>,
    pub classes: Vec<Option<usize>>,
}

impl Pictures {
    /// Those that the arguments name, for a network.
    pub fn list(matches: &ArgMatches, compiled: &Compiled) -> Result<Self, Error> {
        let root = matches.get_one::<PathBuf>("images").map_or(Path::new(""), PathBuf::as_path);
        let most = matches.get_one::<u32>("count").map(|&count| count as usize);
        let dataset = Dataset::list(root, &compiled.plan, most);
        let dataset = dataset.map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Self { dataset, threads: threads(matches) })
    }

    /// Why it is not known what the pictures show, if their folders could have told.
    pub fn unmatched(&self) -> Option<&str> {
        self.dataset.unmatched()
    }

    /// Decodes them, a batch of a plan after the other; files that are no pictures are named and left out.
    pub fn for_each(
        &self,
        session: &mut Session,
        what: &str,
        progress: &Progress,
        mut see: impl FnMut(&mut Session, &Batch) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let plan = session.plan().clone();
        let (all, mut read) = (self.dataset.len(), 0);
        for first in (0..all).step_by(plan.batch) {
            progress.count(what, (first, all));
            let files = first..all.min(first + plan.batch);
            let loaded = self.dataset.load(files, &plan, self.threads)?;
            for unread in &loaded.unread {
                terminal::warn(&format!("left out {unread}"));
            }
            if loaded.read.is_empty() {
                continue;
            }
            read += loaded.read.len();
            let classes = loaded.read.iter().map(|&file| self.dataset.class(file)).collect();
            see(session, &Batch { inputs: loaded.values, classes })?;
        }
        match read {
            0 => Err(Error::Usage("none of the files is a picture that can be read".to_owned())),
            read => Ok(read),
        }
    }

    /// A session of a network that was compiled with its weights.
    pub fn session(&self, compiled: Compiled) -> Result<Session, Error> {
        let model = Model::from_bytes(compiled.plan, compiled.weights.unwrap_or_default())?;
        Ok(model.session(self.threads)?)
    }
}

/// Runs a batch.
pub fn run_batch<'s>(session: &'s mut Session, batch: &Batch) -> Result<Outputs<'s>, Error> {
    Ok(session.run(&batch.inputs)?)
}

fn threads(matches: &ArgMatches) -> usize {
    matches.get_one::<u32>("threads").map_or_else(default_threads, |&n| n as usize)
}
