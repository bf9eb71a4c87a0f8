//! Files to a batch of inputs, decoded on several threads.
//!
//! In: paths. Out: the inputs of those that could be read, one behind the other in the order of the
//! paths, and for each path whether it was read or why not.

use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::failure::Failure;
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
    pub(super) fn load(
        &mut self,
        paths: &[PathBuf],
        plan: &Plan,
        threads: usize,
    ) -> (&[f32], Vec<Result<(), Unread>>) {
        self.load_with(paths, threads, |path, place| load(path, plan, place))
    }

    fn load_with(
        &mut self,
        paths: &[PathBuf],
        threads: usize,
        load: impl Fn(&Path, &mut [f32]) -> Result<(), Unread> + Sync,
    ) -> (&[f32], Vec<Result<(), Unread>>) {
        let image = self.image;
        self.values.resize(paths.len() * image, 0.0);
        let mut fates: Vec<_> = paths.iter().map(|_| Ok(())).collect();
        let each = paths.len().div_ceil(threads.max(1)).max(1);
        let values = self.values.chunks_mut(each * image);
        let mut shares = paths.chunks(each).zip(values).zip(fates.chunks_mut(each));
        let work = |((paths, values), fates): Share<'_>| {
            for ((path, place), fate) in paths.iter().zip(values.chunks_exact_mut(image)).zip(fates) {
                *fate = contain(|| load(path, place));
            }
        };
        std::thread::scope(|scope| {
            let own = shares.next();
            for share in shares {
                scope.spawn(move || work(share));
            }
            own.map(work);
        });
        let mut kept = 0;
        for (index, _) in fates.iter().enumerate().filter(|(_, fate)| fate.is_ok()) {
            self.values.copy_within(index * image..(index + 1) * image, kept * image);
            kept += 1;
        }
        (&self.values[..kept * image], fates)
    }
}

/// Makes a panic in a decoder, which is a defect of it, the fate of one picture alone.
fn contain(load: impl FnOnce() -> Result<(), Unread>) -> Result<(), Unread> {
    // What a panic leaves in the picture's place is not used.
    catch_unwind(AssertUnwindSafe(load))
        .unwrap_or_else(|_| Err(io::Error::other("the decoder failed").into()))
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
    fn a_decoder_that_panics_fails_one_picture() {
        for threads in [1, 2, 8] {
            let mut inputs = Inputs::new(&PLAN);
            let paths = ["a", "b", "c", "d"].map(PathBuf::from);
            let (values, fates) = inputs.load_with(&paths, threads, |path, place| {
                place.fill(f32::from(path.as_os_str().as_encoded_bytes()[0]));
                assert_ne!(path, Path::new("b"), "a defect");
                Ok(())
            });
            assert_eq!(values, [97.0, 99.0, 100.0].map(|value| [value; 48]).concat());
            assert_eq!(fates.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, true]);
        }
    }

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
            let (values, fates) = inputs.load(&paths, &PLAN, threads);
            assert_eq!(values, [[10.0 / 255.0; 48], [30.0 / 255.0; 48]].concat());
            assert_eq!(fates.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        }
    }
}
