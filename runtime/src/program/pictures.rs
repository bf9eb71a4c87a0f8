//! Files to a batch of inputs, decoded on several threads.
//!
//! In: paths. Out: the inputs of those that could be read, one behind the other in the order of the
//! paths, and for each path whether it was read or why not.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;

use super::failure::Failure;
use crate::Error;
use crate::buffer::lengthen;
use crate::plan::Plan;
use crate::preprocess::{self, PictureError};

/// The largest file that is read as a picture, in bytes.
const MAX_FILE: u64 = 512 << 20;

/// Why a file is not among the inputs.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error("the file is larger than {} MB", MAX_FILE >> 20)]
    TooLong,
}

/// Refuses a network whose input is no picture.
pub(super) fn check_channels(plan: &Plan) -> Result<(), Failure> {
    match plan.input[0] {
        1 | 3 => Ok(()),
        channels => Err(Failure::NoPictures(channels)),
    }
}

/// What one thread does: paths, the places of their inputs, and their fates.
type Share<'a> = ((&'a [PathBuf], &'a mut [f32]), &'a mut [Result<(), Unread>]);

/// The inputs of the pictures that could be read, and the fate of each.
type Outcome<'a> = Result<(&'a [f32], Vec<Result<(), Unread>>), Error>;

/// A place for the inputs of some pictures.
pub(super) struct Inputs {
    values: Vec<f32>,
    image: usize,
}

impl Inputs {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { values: Vec::new(), image: plan.input.iter().product() }
    }

    /// Reads the files; gives the inputs of those that were read, and each file's fate.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`], [`Error::Spawn`].
    pub(super) fn load(&mut self, paths: &[PathBuf], plan: &Plan, threads: usize) -> Outcome<'_> {
        let image = self.image;
        let length = paths.len() * image;
        lengthen(&mut self.values, length)?;
        let mut fates: Vec<_> = paths.iter().map(|_| Ok(())).collect();
        let each = paths.len().div_ceil(threads.max(1)).max(1);
        let values = self.values[..length].chunks_mut(each * image);
        let mut shares = paths.chunks(each).zip(values).zip(fates.chunks_mut(each));
        let work = |((paths, values), fates): Share<'_>| {
            for ((path, place), fate) in paths.iter().zip(values.chunks_exact_mut(image)).zip(fates) {
                *fate = load(path, plan, place);
            }
        };
        thread::scope(|scope| {
            let own = shares.next();
            for share in shares {
                let begun = thread::Builder::new().spawn_scoped(scope, move || work(share));
                begun.map_err(Error::Spawn)?;
            }
            own.map(work);
            Ok::<_, Error>(())
        })?;
        let mut kept = 0;
        for (index, _) in fates.iter().enumerate().filter(|(_, fate)| fate.is_ok()) {
            self.values.copy_within(index * image..(index + 1) * image, kept * image);
            kept += 1;
        }
        Ok((&self.values[..kept * image], fates))
    }

    /// The first values of what was read last, where they lie.
    pub(super) fn into_values(mut self, length: usize) -> Vec<f32> {
        self.values.truncate(length);
        self.values
    }
}

fn load(path: &Path, plan: &Plan, place: &mut [f32]) -> Result<(), Unread> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Unread::TooLong);
    }
    Ok(preprocess::load(&bytes, &plan.preprocess, plan.input, place)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::tests::PLAN;

    #[test]
    fn inputs_close_up_behind_a_file_that_cannot_be_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = |name: &str| directory.path().join(name);
        for (name, grey) in [("a.png", 10), ("c.png", 30)] {
            let file = File::create(place(name)).expect("creates");
            let mut encoder = png::Encoder::new(file, 4, 4);
            encoder.set_color(png::ColorType::Grayscale);
            let mut writer = encoder.write_header().expect("a header");
            writer.write_image_data(&[grey; 16]).expect("the data fit");
        }
        for threads in [1, 2, 8] {
            let mut inputs = Inputs::new(&PLAN);
            let paths = ["a.png", "b.png", "c.png"].map(place);
            let (values, fates) = inputs.load(&paths, &PLAN, threads).expect("memory and threads");
            assert_eq!(values, [[10.0 / 255.0; 48], [30.0 / 255.0; 48]].concat());
            assert_eq!(fates.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        }
    }
}
