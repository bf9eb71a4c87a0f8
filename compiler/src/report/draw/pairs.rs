//! The times of two profiles: two bars a step, the first subject's left, the second's right and hatched.

use crate::report::Subject;
use crate::report::compare::{Comparison, LayerPair};
use crate::report::figure::{Drawing, Figure, hint, rect};
use crate::report::markup::Element;
use crate::report::scale::Scale;

use super::WIDTH;
use super::steps::{Columns, legend, runs, unit, value_axis};
use super::times::hatch;

const HEIGHT: f64 = 290.0;
const SPAN: [f64; 2] = [46.0, WIDTH - 8.0];
const TOP: f64 = 30.0;
const BOTTOM: f64 = HEIGHT - 28.0;

/// Draws the times of both, if both have some.
pub fn pairs(comparison: &Comparison, subjects: [&Subject; 2]) -> Option<Figure> {
    let names = subjects.map(|subject| subject.name.as_str());
    let timed: Vec<&LayerPair> = comparison.layers.iter().filter(|pair| pair.ms != [None, None]).collect();
    let both = [0, 1].map(|side: usize| timed.iter().filter_map(|pair| pair.ms[side]).sum::<f64>());
    if both.contains(&0.0) {
        return None;
    }
    // A step of the second alone is in one of its parts.
    let [first, second] =
        subjects.map(|subject| subject.parts_of(timed.iter().map(|pair| pair.name.as_str())));
    let parts = runs(first.into_iter().zip(second).map(|(first, second)| first.or(second)));
    let columns = Columns { span: SPAN, count: timed.len(), parts: &parts };
    let most = timed.iter().flat_map(|pair| pair.ms).flatten().fold(0.0, f64::max);
    let y = Scale::linear(most, [BOTTOM, TOP]);
    let mut shapes = vec![hatch("hatch-pairs", "second"), unit("ms", 14.0)];
    shapes.extend(columns.parts([TOP, BOTTOM]));
    shapes.extend(value_axis(&y, SPAN));
    for (index, pair) in timed.iter().enumerate() {
        shapes.extend(bars(pair, names, [columns.left(index), columns.width()], &y));
    }
    let entries = [0, 1].map(|side: usize| {
        (rect(["bar first", "bar second"][side], [-6.0, -5.5, 12.0, 11.0]), names[side].to_owned())
    });
    shapes.extend(legend(entries.into(), SPAN[1]));
    Some(Figure {
        name: "times-against".to_owned(),
        title: format!("Time of each step, {} against {}", names[0], names[1]),
        description: format!(
            "Two bars for each of {} steps: on the left {}, {:.2} ms together, on the right and hatched {}, {:.2} ms \
             together.",
            timed.len(),
            names[0],
            both[0],
            names[1],
            both[1],
        ),
        drawing: Drawing { width: WIDTH, height: HEIGHT, shapes },
    })
}

fn bars(pair: &LayerPair, names: [&str; 2], [left, width]: [f64; 2], y: &Scale) -> Vec<Element> {
    let half = width * 0.42;
    let bar = |side: usize| {
        let ms = pair.ms[side]?;
        let class = ["bar first", "bar second"][side];
        let x = left + width * 0.08 + half * side as f64;
        let shape = rect(class, [x, y.at(ms), half, BOTTOM - y.at(ms)]);
        Some(hint(shape, format!("{}, {}: {ms:.3} ms", pair.name, names[side])))
    };
    [0, 1].into_iter().filter_map(bar).collect()
}
