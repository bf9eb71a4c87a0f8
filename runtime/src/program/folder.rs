//! A folder of folders, one for each class, as labelled pictures.
//!
//! In: the folder, the network's labels. Out: each file with the class that its folder stands for.
//! Folders stand for classes by the first of these rules that fits all of them: each is a label (of
//! a label with commas, the whole or the first part; case, `_` and `-` do not matter); each is a
//! class number; there are as many as classes, and they stand for them in sorted order, as in
//! torchvision's `ImageFolder`. Hidden entries are left out.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::failure::Failure;

/// How many folders may lie in each other; also what ends a circle of links.
pub(super) const MAX_DEPTH: usize = 8;

/// How folders were matched with classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Labels,
    Numbers,
    Sorted,
}

impl Rule {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Numbers => "numbers",
            Self::Sorted => "sorted",
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Labels => "folder names are labels",
            Self::Numbers => "folder names are class numbers",
            Self::Sorted => "folders in sorted order are the classes in order",
        }
    }
}

/// Files and their classes, sorted by folder and name.
pub(super) struct Labelled {
    pub files: Vec<(PathBuf, usize)>,
    pub folders: usize,
    pub rule: Rule,
}

/// Finds the pictures under `root`.
pub(super) fn list<S: AsRef<str>>(root: &Path, labels: &[S], classes: usize) -> Result<Labelled, Failure> {
    let folders: Vec<PathBuf> = entries(root)?.into_iter().filter(|path| path.is_dir()).collect();
    if folders.is_empty() {
        return Err(Failure::NoFolders(root.to_owned()));
    }
    let names: Vec<String> = folders.iter().map(|folder| name(folder)).collect();
    let (rule, matched) = match_classes(&names, labels, classes)?;
    let mut files = Vec::new();
    for (folder, class) in folders.iter().zip(matched) {
        let mut found = Vec::new();
        collect(folder, MAX_DEPTH, &mut found)?;
        files.extend(found.into_iter().map(|file| (file, class)));
    }
    if files.is_empty() {
        return Err(Failure::NoFiles(root.to_owned()));
    }
    Ok(Labelled { files, folders: folders.len(), rule })
}

/// All files below a folder.
pub(super) fn files(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    collect(root, MAX_DEPTH, &mut files)?;
    if files.is_empty() { Err(Failure::Empty(root.to_owned())) } else { Ok(files) }
}

/// The class of each folder.
fn match_classes<S: AsRef<str>>(
    names: &[String],
    labels: &[S],
    classes: usize,
) -> Result<(Rule, Vec<usize>), Failure> {
    let known = known_labels(labels);
    let by_label: Vec<_> = names.iter().map(|name| known.get(&normal(name)).copied().flatten()).collect();
    if let Some(matched) = by_label.iter().copied().collect() {
        return Ok((Rule::Labels, matched));
    }
    let number = |name: &String| name.parse().ok().filter(|&class: &usize| class < classes);
    if let Some(matched) = names.iter().map(number).collect() {
        return Ok((Rule::Numbers, matched));
    }
    // Where some names are labels, a rest in sorted order would count wrong answers as right.
    let stranger = names.iter().zip(&by_label).find(|(_, class)| class.is_none());
    match stranger {
        Some((name, _)) if by_label.iter().any(Option::is_some) => Err(Failure::NoMatch {
            folders: format!("folder `{}`", name.replace(char::is_control, "?")),
            classes,
            way_out: "other folders are named as labels, this one as none, or as one that two classes share",
        }),
        _ if names.len() == classes => Ok((Rule::Sorted, (0..classes).collect())),
        _ => Err(Failure::NoMatch {
            folders: format!("{} folders", names.len()),
            classes,
            way_out: "name the folders as the labels or by class number, or have one for each class",
        }),
    }
}

/// Labels, and their first parts, in normal form; `None` where two classes share one.
fn known_labels<S: AsRef<str>>(labels: &[S]) -> HashMap<String, Option<usize>> {
    let mut known = HashMap::new();
    for whole in [true, false] {
        let mut parts = HashMap::new();
        for (class, label) in labels.iter().enumerate() {
            let label = label.as_ref();
            let part = if whole { label } else { label.split(',').next().unwrap_or(label) };
            let shared = parts.entry(normal(part)).or_insert(Some(class));
            if *shared != Some(class) {
                *shared = None;
            }
        }
        for (part, class) in parts {
            known.entry(part).or_insert(class);
        }
    }
    known
}

fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '-'], " ")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What is in a directory, without hidden entries, sorted by name.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fail = |source| Failure::Read { path: directory.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if !name(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// Files below a directory, and what cannot be looked at, which is told when it is read. No pipes and devices:
/// reading those may never end.
fn collect(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for path in entries(directory)? {
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() && depth > 0 => collect(&path, depth - 1, files)?,
            Ok(found) if found.is_dir() => return Err(Failure::Deep(path)),
            Ok(found) if !found.is_file() => {}
            _ => files.push(path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(names: &[&str], labels: &[&str], classes: usize) -> Option<(Rule, Vec<usize>)> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        match_classes(&names, labels, classes).ok()
    }

    const LABELS: [&str; 4] = ["tench, Tinca tinca", "great_white", "crane", "crane"];

    #[test]
    fn labels_match_whatever_their_case_and_strokes() {
        let both = matched(&["Great-White", "tench"], &LABELS, 4);
        assert_eq!(both, Some((Rule::Labels, vec![1, 0])));
        assert_eq!(matched(&["Tench, Tinca tinca"], &LABELS, 4), Some((Rule::Labels, vec![0])));
    }

    #[test]
    fn a_label_that_two_classes_share_stands_for_neither() {
        assert_eq!(matched(&["crane", "tench"], &LABELS, 4), None);
    }

    #[test]
    fn numbers_are_classes_and_labels_go_before_numbers() {
        assert_eq!(matched(&["003", "1"], &LABELS, 4), Some((Rule::Numbers, vec![3, 1])));
        assert_eq!(matched(&["7", "3"], &["3", "7"], 2), Some((Rule::Labels, vec![1, 0])));
        assert_eq!(matched(&["4"], &LABELS, 4), None);
    }

    #[test]
    fn unknown_names_stand_in_sorted_order_only_if_all_classes_are_there() {
        assert_eq!(matched(&["n01", "n02"], &["a", "b"], 2), Some((Rule::Sorted, vec![0, 1])));
        assert_eq!(matched(&["n01"], &["a", "b"], 2), None);
        assert_eq!(matched(&["a", "n02"], &["a", "b"], 2), None);
    }

    #[test]
    fn files_lie_in_folders_and_hidden_ones_and_pipes_are_left_out() {
        let root = tempfile::tempdir().expect("a directory");
        for file in ["a/1.png", "a/deep/2.png", "a/.hidden", "b/3.png"] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().expect("it has one")).expect("makes");
            fs::write(path, b"").expect("writes");
        }
        let pipe = std::process::Command::new("mkfifo").arg(root.path().join("a/pipe.png")).status();
        assert!(pipe.expect("mkfifo starts").success());
        let labelled = list(root.path(), &["b", "a"], 2).expect("lists");
        let found: Vec<_> = labelled.files.iter().map(|(path, class)| (name(path), *class)).collect();
        let expected = [("1.png", 1), ("2.png", 1), ("3.png", 0)];
        assert_eq!(found, expected.map(|(name, class)| (name.to_owned(), class)));
    }

    #[test]
    fn folders_too_deep_are_told_not_left_out() {
        let root = tempfile::tempdir().expect("a directory");
        let deepest = (0..=MAX_DEPTH).fold(root.path().to_owned(), |path, _| path.join("deep"));
        fs::create_dir_all(deepest.parent().expect("it has one")).expect("makes");
        fs::write(deepest.with_file_name("1.png"), b"").expect("writes");
        assert_eq!(
            files(root.path()).map_err(|failure| failure.to_string()),
            Ok(vec![deepest.with_file_name("1.png")])
        );
        fs::create_dir(&deepest).expect("makes");
        assert!(matches!(files(root.path()), Err(Failure::Deep(path)) if path == deepest));
    }
}
