//! The axis that charts of a schedule share: a column a step, the parts named below.

use crate::report::figure::{line, moved, rect, text, text_width};
use crate::report::markup::Element;
use crate::report::scale::{Scale, tick};

/// How far a part's name may reach past the last step.
const EDGE: f64 = 6.0;

/// Steps from left to right.
pub struct Columns<'a> {
    /// Where the first begins, and the last ends.
    pub span: [f64; 2],
    /// How many.
    pub count: usize,
    /// The parts, and their first steps.
    pub parts: &'a [(String, usize)],
}

/// Where each run of equal parts begins; steps of none are of another part.
pub fn runs<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> Vec<(String, usize)> {
    let mut runs: Vec<(String, usize)> = Vec::new();
    for (step, part) in parts.into_iter().enumerate() {
        let name = part.unwrap_or("other");
        if runs.last().is_none_or(|(last, _)| last != name) {
            runs.push((name.to_owned(), step));
        }
    }
    runs
}

impl Columns<'_> {
    /// Where a step's column begins.
    pub fn left(&self, step: usize) -> f64 {
        let [from, to] = self.span;
        from + (to - from) * step as f64 / self.count.max(1) as f64
    }

    /// A column's width.
    pub fn width(&self) -> f64 {
        self.left(1) - self.left(0)
    }

    /// Bands behind every second part, and the parts' names below.
    pub fn parts(&self, [top, bottom]: [f64; 2]) -> Vec<Element> {
        let ends = self.parts.iter().skip(1).map(|(_, first)| *first).chain([self.count]);
        let mut shapes = Vec::new();
        let mut free = self.span[0];
        for (index, ((name, first), end)) in self.parts.iter().zip(ends).enumerate() {
            let (left, right) = (self.left(*first), self.left(end));
            if index % 2 == 1 {
                shapes.push(rect("band", [left, top, right - left, bottom - top]));
            }
            let half = text_width(name, 11.0) / 2.0;
            let middle = ((left + right) / 2.0).min(self.span[1] + EDGE - half);
            // Names may reach past their parts, but not past each other.
            if middle - half >= free - 2.0 {
                shapes.push(text("small", [middle, bottom + 16.0], "middle", name));
                free = middle + half + 4.0;
            }
        }
        shapes
    }
}

/// An axis of values on the left: lines across, and their values.
pub fn value_axis(scale: &Scale, [left, right]: [f64; 2]) -> Vec<Element> {
    let mark = |value: f64| {
        let y = scale.at(value);
        let label = text("small", [left - 7.0, y + 3.8], "end", tick(value));
        [line("rule", [left, y], [right, y]), label]
    };
    scale.ticks().into_iter().flat_map(mark).collect()
}

/// Keys and what they stand for, in a line that ends at a place; a key is drawn around the origin.
pub fn legend(entries: Vec<(Element, String)>, right: f64) -> Vec<Element> {
    let width = |said: &str| KEY + text_width(said, 12.0) + KEY;
    let mut left = right + KEY - entries.iter().map(|(_, said)| width(said)).sum::<f64>();
    let mut shapes = Vec::new();
    for (key, said) in entries {
        shapes.push(moved([left, 12.0], vec![key]));
        shapes.push(text("small", [left + KEY * 0.75, 16.0], "start", &said));
        left += width(&said);
    }
    shapes
}

/// What a key takes of a legend's line.
const KEY: f64 = 16.0;

/// What is measured on the left axis, above it.
pub fn unit(label: &str, y: f64) -> Element {
    text("small", [4.0, y], "start", label)
}
