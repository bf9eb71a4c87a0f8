//! A calibration: the ranges of a network's activations, as a small text file that is read, reviewed and
//! committed.
//!
//! Behind a first line that says what the file is: `model`, `weights` (a digest of those that were
//! observed; it fits no others), `images` (how many), and a line a tensor, the layer that gives it, its range
//! and the method that chose it: `range layer1.0.conv1 0 4.1875 mse`. `#` begins a comment.

use std::collections::BTreeMap;
use std::fmt;
use std::str::SplitWhitespace;

use sha2::{Digest, Sha256};

use crate::Network;
use crate::numbers::hex;

use super::histogram::Method;

const TITLE: &str = "resnetc calibration 1";

/// The ranges of a network's activations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// The network that was observed.
    pub model: String,
    /// SHA-256 of its weights, as hexadecimal digits.
    pub weights: String,
    /// How many images.
    pub images: usize,
    /// For each layer the range of what it gives.
    pub ranges: BTreeMap<String, Range>,
}

/// The range of a tensor's values that 8 bits stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The least value.
    pub low: f32,
    /// The greatest.
    pub high: f32,
    /// How it was chosen.
    pub method: Method,
}

/// Why a text is no calibration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct CalibrationError {
    line: usize,
    reason: String,
}

/// A calibration that is not this network's, or of other weights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the calibration is of {found}, not of {wanted}: calibrate again")]
pub struct Unfit {
    found: String,
    wanted: String,
}

/// SHA-256 of a network's weights, in hexadecimal digits.
pub fn digest(values: &[Vec<f32>]) -> String {
    let mut hash = Sha256::new();
    for tensor in values {
        hash.update((tensor.len() as u64).to_le_bytes());
        for chunk in tensor.chunks(1 << 14) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|value| value.to_le_bytes()).collect();
            hash.update(&bytes);
        }
    }
    hex(&hash.finalize())
}

impl Calibration {
    /// Whether it was made for a network, and for its weights.
    ///
    /// # Errors
    ///
    /// If it was not.
    pub fn check(&self, network: &Network, values: &[Vec<f32>]) -> Result<(), Unfit> {
        let unfit = |found, wanted| Err(Unfit { found, wanted });
        if self.model != network.name {
            return unfit(self.model.clone(), network.name.clone());
        }
        let own = digest(values);
        if !self.weights.eq_ignore_ascii_case(&own) {
            let short = |digest: &str| format!("the weights {}...", digest.get(..12).unwrap_or(digest));
            return unfit(short(&self.weights), short(&own));
        }
        Ok(())
    }

    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// The first line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, CalibrationError> {
        let mut calibration = Self::default();
        let mut titled = false;
        for (index, line) in text.lines().enumerate() {
            let wrong = |reason: &str| CalibrationError { line: index + 1, reason: reason.to_owned() };
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            if !titled {
                titled = line == TITLE;
                if !titled {
                    return Err(wrong(&format!("not a calibration, which begins with `{TITLE}`")));
                }
                continue;
            }
            let mut words = line.split_whitespace();
            match words.next() {
                Some("model") => {
                    calibration.model = words.next().ok_or_else(|| wrong("which model?"))?.into()
                }
                Some("weights") => {
                    let digest = words.next().filter(|digest| is_digest(digest));
                    calibration.weights = digest.ok_or_else(|| wrong("no digest of 64 digits"))?.into();
                }
                Some("images") => {
                    let count = words.next().and_then(|word| word.parse().ok());
                    calibration.images = count.ok_or_else(|| wrong("how many images?"))?;
                }
                Some("range") => {
                    let (path, range) = read_range(&mut words).map_err(|reason| wrong(&reason))?;
                    if calibration.ranges.insert(path.clone(), range).is_some() {
                        return Err(wrong(&format!("a second range of {path}")));
                    }
                }
                _ => return Err(wrong("none of `model`, `weights`, `images`, `range`")),
            }
            if let Some(word) = words.next() {
                return Err(wrong(&format!("`{word}` is too much")));
            }
        }
        let missing =
            |what: &str| CalibrationError { line: text.lines().count(), reason: format!("no {what}") };
        match () {
            () if !titled => Err(missing("calibration, which has a title")),
            () if calibration.model.is_empty() => Err(missing("`model`")),
            () if calibration.weights.is_empty() => Err(missing("`weights`")),
            () if calibration.ranges.is_empty() => Err(missing("`range`")),
            () => Ok(calibration),
        }
    }
}

fn is_digest(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// PATH LOW HIGH METHOD
fn read_range(words: &mut SplitWhitespace<'_>) -> Result<(String, Range), String> {
    let path = words.next().ok_or("a range of which layer?")?;
    let mut bound = || -> Option<f32> { words.next()?.parse().ok().filter(|value: &f32| value.is_finite()) };
    let (low, high) = bound().zip(bound()).ok_or("a range has two finite numbers")?;
    if low > high {
        return Err("a range ends below its begin".to_owned());
    }
    let name = words.next().unwrap_or_default();
    let method = Method::from_name(name).ok_or_else(|| format!("`{name}` is no method"))?;
    Ok((path.to_owned(), Range { low, high, method }))
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, weights, images, ranges } = self;
        writeln!(f, "{TITLE}\nmodel {model}\nweights {weights}\nimages {images}")?;
        for (path, Range { low, high, method }) in ranges {
            writeln!(f, "range {path} {low} {high} {method}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> String {
        format!(
            "{TITLE}\nmodel net\nweights {}\nimages 300\nrange conv1 0 4.1875 mse\nrange fc -1.5 2 max\n",
            "0f".repeat(32)
        )
    }

    #[test]
    fn a_calibration_is_read_as_it_is_written() {
        let calibration = Calibration::parse(&example()).unwrap();
        assert_eq!(calibration.to_string(), example());
        assert_eq!((calibration.images, calibration.ranges["fc"].low), (300, -1.5));
    }

    #[test]
    fn whatever_is_wrong_is_told_with_its_line() {
        let told = |from: &str, to: &str| match Calibration::parse(&example().replace(from, to)) {
            Ok(calibration) => panic!("{calibration} was read"),
            Err(error) => error.to_string(),
        };
        assert!(told(TITLE, "resnetc tuning 1").starts_with("line 1: not a calibration"));
        assert!(told("0f0f", "0g0f").contains("line 3: no digest"));
        assert!(told("images 300", "images many").contains("line 4"));
        assert!(told("0 4.1875", "0 inf").contains("line 5: a range has two finite numbers"));
        assert!(told("0 4.1875", "5 4.1875").contains("line 5: a range ends below"));
        assert!(told("mse", "guess").contains("`guess` is no method"));
        assert!(told("range fc", "range conv1").contains("line 6: a second range of conv1"));
        assert!(told("2 max", "2 max 3").contains("line 6: `3` is too much"));
        assert!(told("model net\n", "").contains("no `model`"));
        assert!(told(&format!("weights {}\n", "0f".repeat(32)), "").contains("no `weights`"));
        assert!(Calibration::parse("").unwrap_err().to_string().contains("no calibration"));
    }
}
