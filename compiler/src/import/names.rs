//! Names: their natural order, and what can stand in a spec.

use std::cmp::Ordering;

/// A name that is ordered by its parts, numbers within them by their value: `conv2` before `conv10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Natural {
    /// The name.
    pub text: String,
}

impl Natural {
    /// A name.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    /// Runs of digits, and of anything else.
    fn runs(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        let alike = |a: &u8, b: &u8| a.is_ascii_digit() == b.is_ascii_digit() && (*a == b'.') == (*b == b'.');
        self.text.as_bytes().chunk_by(alike).map(|run| {
            let text = std::str::from_utf8(run).unwrap_or_default();
            (text, text.parse().ok())
        })
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_runs = self.runs().map(|(text, number)| (number, text));
        by_runs
            .cmp(other.runs().map(|(text, number)| (number, text)))
            .then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The number of a part such as `0` or `12`.
pub fn number(part: &str) -> Option<usize> {
    if part.bytes().all(|b| b.is_ascii_digit()) { part.parse().ok() } else { None }
}

/// The number that a word ends with, and the word before it: `conv2`.
pub fn numbered(part: &str) -> Option<(&str, usize)> {
    let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
    Some((word, number(&part[word.len()..])?))
}

/// Whether a path can stand in a spec: words and numbers, joined by dots, a word first.
pub fn is_path(path: &str) -> bool {
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let begins = path.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    // A part that begins with a digit is a number and nothing else.
    let is_part =
        |part: &str| is_word(part) && (number(part).is_some() || !part.as_bytes()[0].is_ascii_digit());
    begins && path.split('.').all(is_part)
}

/// A model's name for a file's: letters, digits and `_`, a letter first.
pub fn identifier(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("net_{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_that_people_count_in() {
        let mut names =
            ["layer1.10.conv1", "layer1.2.conv1", "conv1", "conv1.3", "layer1.2.conv10"].map(Natural::new);
        names.sort();
        let names = names.map(|n| n.text);
        assert_eq!(names, ["conv1", "conv1.3", "layer1.2.conv1", "layer1.2.conv10", "layer1.10.conv1"]);
    }

    #[test]
    fn paths_are_what_a_spec_can_name() {
        assert!(is_path("stages.0.blocks") && is_path("_a.b1.0"));
        assert!(
            !is_path("0.conv1") && !is_path("") && !is_path("a..b") && !is_path("a-b") && !is_path("a.1x1")
        );
    }

    #[test]
    fn a_file_gives_its_model_a_name() {
        assert_eq!(identifier("resnet50-0676ba61"), "resnet50_0676ba61");
        assert_eq!(identifier("20 layers"), "net_20_layers");
    }
}
