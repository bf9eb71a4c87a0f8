//! Pictures of a folder as inputs, for tools that run a network on many of them.
//!
//! In: a folder and a plan. Out: its pictures, decoded and preprocessed as the plan has it, and, where the
//! folder has a subfolder for each class, what they are pictures of.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::folder::{self, Labelled};
use super::pictures::{self, Inputs};
use super::{answers, terminal};
use crate::Error;
use crate::plan::Plan;

/// Why a folder has no pictures for a network.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.line())]
pub struct DatasetError(Failure);

impl From<Failure> for DatasetError {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

/// A folder's files.
#[derive(Clone, Debug)]
pub struct Dataset {
    files: Vec<PathBuf>,
    /// What each shows, if that is known of all.
    classes: Option<Vec<usize>>,
    /// Why it is not, if the folder has others of its own.
    unmatched: Option<String>,
}

/// Some of the pictures, decoded.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The inputs of those that could be read, one behind the other.
    pub values: Vec<f32>,
    /// Which they are.
    pub read: Vec<usize>,
    /// What was wrong with the others.
    pub unread: Vec<String>,
}

impl Dataset {
    /// The files below a folder, at most `most` of them, spread evenly; all if it is `None`.
    ///
    /// # Errors
    ///
    /// If there are none, or the network takes no pictures.
    pub fn list(root: &Path, plan: &Plan, most: Option<usize>) -> Result<Self, DatasetError> {
        pictures::check_channels(plan)?;
        let labelled = answers::classes(plan).and_then(|classes| folder::list(root, &plan.labels, classes));
        let all = match labelled {
            Ok(Labelled { files, .. }) => {
                let (files, classes) = files.into_iter().unzip();
                Self { files, classes: Some(classes), unmatched: None }
            }
            Err(reason) => {
                let unmatched = matches!(reason, Failure::NoMatch { .. }).then(|| reason.line());
                Self { files: folder::files(root)?, classes: None, unmatched }
            }
        };
        Ok(match most {
            Some(most) if most < all.files.len() => all.spread(most),
            _ => all,
        })
    }

    /// `count` files at equal distances.
    fn spread(&self, count: usize) -> Self {
        let places = || (0..count).map(|index| index * self.files.len() / count);
        Self {
            files: places().map(|at| self.files[at].clone()).collect(),
            classes: self.classes.as_ref().map(|classes| places().map(|at| classes[at]).collect()),
            unmatched: self.unmatched.clone(),
        }
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Why it is not known what the files show, if their folders could have told.
    pub fn unmatched(&self) -> Option<&str> {
        self.unmatched.as_deref()
    }

    /// What a file shows, if that is known.
    pub fn class(&self, file: usize) -> Option<usize> {
        self.classes.as_ref()?.get(file).copied()
    }

    /// Decodes some files, on several threads.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`], [`Error::Spawn`].
    pub fn load(&self, files: Range<usize>, plan: &Plan, threads: usize) -> Result<Loaded, Error> {
        let paths = self.files.get(files.clone()).unwrap_or_default();
        let mut inputs = Inputs::new(plan);
        let (values, fates) = inputs.load(paths, plan, threads)?;
        let kept = values.len();
        let mut loaded = Loaded { values: inputs.into_values(kept), ..Loaded::default() };
        for ((file, path), fate) in files.zip(paths).zip(fates) {
            match fate {
                Ok(()) => loaded.read.push(file),
                Err(unread) => loaded.unread.push(format!("{}: {unread}", terminal::shown(path))),
            }
        }
        Ok(loaded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::tests::PLAN;

    #[test]
    fn files_are_spread_over_all_there_are() {
        let all = Dataset {
            files: (0..10).map(|index| PathBuf::from(index.to_string())).collect(),
            classes: Some((0..10).collect()),
            unmatched: None,
        };
        let some = all.spread(4);
        assert_eq!(some.classes, Some(vec![0, 2, 5, 7]));
        assert_eq!(some.files[2], PathBuf::from("5"));
        assert_eq!((some.len(), some.class(3), some.class(4)), (4, Some(7), None));
    }

    #[test]
    fn inputs_are_those_of_the_pictures_that_could_be_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let files: Vec<PathBuf> = ["a.png", "b.png", "c.png"].map(|name| directory.path().join(name)).into();
        for (file, grey) in [(&files[0], 10), (&files[2], 30)] {
            let mut encoder = png::Encoder::new(std::fs::File::create(file).expect("creates"), 4, 4);
            encoder.set_color(png::ColorType::Grayscale);
            let mut writer = encoder.write_header().expect("a header");
            writer.write_image_data(&[grey; 16]).expect("the data fit");
        }
        let dataset = Dataset { files, classes: None, unmatched: None };
        let loaded = dataset.load(0..3, &PLAN, 2).expect("memory and threads");
        assert_eq!(loaded.values, [[10.0 / 255.0; 48], [30.0 / 255.0; 48]].concat());
        assert_eq!((loaded.read, loaded.unread.len()), (vec![0, 2], 1));
        assert!(loaded.unread[0].contains("b.png"), "{:?}", loaded.unread);
    }
}
