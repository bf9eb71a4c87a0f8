//! Algorithms as they were timed on a machine: a small text file that is read, reviewed and committed.
//!
//! A line a shape of convolution: `64x56x56 -> 64x56x56: winograd 4x4 by 24`, behind a first line that
//! says what the file is and for which batch. `#` begins a comment. Shapes that it does not have are
//! chosen by the cost model.

use std::collections::BTreeMap;
use std::fmt;

use resnetc_runtime::plan::winograd::Form;
use resnetc_runtime::plan::{Algorithm, Conv, Element, View};

/// What a tuning file begins with.
const TITLE: &str = "resnetc tuning 1, batch ";

/// A 3 x 3 convolution of stride 1: the channels, height and width that it reads, and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    input: [usize; 3],
    output: [usize; 3],
}

impl Shape {
    /// The shape of a convolution between these maps.
    pub fn new(input: &View, output: &View) -> Self {
        let shape = |view: &View| [view.channels, view.height, view.width];
        Self { input: shape(input), output: shape(output) }
    }

    /// The shape of a convolution of a plan, if its algorithm is a matter of choice.
    pub fn of(conv: &Conv) -> Option<Self> {
        (conv.suits_winograd() && conv.input.element == Element::F32)
            .then(|| Self::new(&conv.input, &conv.output))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [[a, b, c], [d, e, g]] = [self.input, self.output];
        write!(f, "{a}x{b}x{c} -> {d}x{e}x{g}")
    }
}

/// The algorithm of each shape, for plans of one batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tuning {
    /// The batch that was timed.
    pub batch: usize,
    /// What was fastest.
    pub choices: BTreeMap<Shape, Algorithm>,
}

/// Why a text is no tuning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct TuningError {
    line: usize,
    reason: String,
}

impl Tuning {
    /// Reads a tuning file's text.
    ///
    /// # Errors
    ///
    /// The first line that makes no sense, and why.
    pub fn parse(text: &str) -> Result<Self, TuningError> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let mut lines = lines.enumerate().filter(|(_, line)| !line.is_empty());
        let fail = |line: usize, reason: String| TuningError { line: line + 1, reason };
        let title = lines.next().ok_or_else(|| fail(0, "this is no tuning file: it is empty".to_owned()))?;
        let batch = title.1.strip_prefix(TITLE).and_then(|batch| batch.parse().ok()).filter(|&b| b > 0);
        let wanted = || fail(title.0, format!("this is no tuning file: it begins with `{TITLE}N`"));
        let mut tuning = Self { batch: batch.ok_or_else(wanted)?, choices: BTreeMap::new() };
        for (number, line) in lines {
            let (shape, algorithm) = line
                .split_once(':')
                .and_then(|(shape, algorithm)| {
                    Some((parse_shape(shape)?, parse_algorithm(algorithm.trim())?))
                })
                .ok_or_else(|| {
                    let like = "`64x56x56 -> 64x56x56: winograd 4x4 by 24`, `winograd 2x2 by N`, or `direct`";
                    fail(number, format!("`{line}` is not like {like}"))
                })?;
            if tuning.choices.insert(shape, algorithm).is_some() {
                return Err(fail(number, format!("{shape} is there twice")));
            }
        }
        Ok(tuning)
    }
}

fn parse_shape(text: &str) -> Option<Shape> {
    let (input, output) = text.split_once("->")?;
    let sizes = |text: &str| -> Option<[usize; 3]> {
        let sizes: Vec<usize> =
            text.trim().split('x').map(|size| size.parse().ok()).collect::<Option<_>>()?;
        sizes.try_into().ok()
    };
    Some(Shape { input: sizes(input)?, output: sizes(output)? })
}

fn parse_algorithm(text: &str) -> Option<Algorithm> {
    if text == "direct" {
        return Some(Algorithm::Direct);
    }
    let (form, block) = text.strip_prefix("winograd ")?.split_once(" by ")?;
    let form = Form::ALL.into_iter().find(|f| form == format!("{0}x{0}", f.outputs()))?;
    let block = block.parse().ok().filter(|block| (1..=MOST_TILES).contains(block))?;
    Some(Algorithm::Winograd { form, block })
}

/// The most tiles of a block that is believed.
const MOST_TILES: usize = 1024;

/// The words of an algorithm, as a tuning file has them.
pub fn algorithm_words(algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::Direct => "direct".to_owned(),
        Algorithm::Winograd { form, block } => format!("winograd {0}x{0} by {block}", form.outputs()),
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE}{}", self.batch)?;
        let mut choices = self.choices.iter();
        choices.try_for_each(|(shape, choice)| writeln!(f, "{shape}: {}", algorithm_words(*choice)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "resnetc tuning 1, batch 2\n64x56x56 -> 64x56x56: winograd 4x4 by 24\n\
                    512x7x7 -> 512x7x7: winograd 2x2 by 16\n8x1x1 -> 8x1x1: direct\n";
        let tuning = Tuning::parse(text).unwrap();
        assert_eq!((tuning.batch, tuning.choices.len()), (2, 3));
        assert_eq!(Tuning::parse(&tuning.to_string()), Ok(tuning));
    }

    #[test]
    fn a_line_that_makes_no_sense_is_told() {
        let title = "resnetc tuning 1, batch 1\n";
        for (text, line) in [
            (String::new(), 1),
            ("hello\n".to_owned(), 1),
            ("resnetc tuning 1, batch 0\n".to_owned(), 1),
            (format!("{title}64x56 -> 64x56x56: direct\n"), 2),
            (format!("{title}# fine\n\n64x56x56 -> 64x56x56: winograd 3x3 by 8\n"), 4),
            (format!("{title}64x56x56 -> 64x56x56: winograd 2x2 by 0\n"), 2),
            (format!("{title}1x1x1 -> 1x1x1: direct\n1x1x1 -> 1x1x1: direct\n"), 3),
        ] {
            assert_eq!(Tuning::parse(&text).map_err(|error| error.line), Err(line), "{text}");
        }
    }
}
