//! Two subjects side by side, in numbers.

use crate::numbers::{grouped, size};
use crate::report::Subject;
use crate::report::compare::{Comparison, LayerPair, Pair, Total, Unit};
use crate::report::draw::pairs::pairs;
use crate::report::markup::Element;

use super::tables::{Cell, numbers, table, words};
use super::{Section, frame};

/// The first section of a page with two subjects.
pub fn section(comparison: &Comparison, [first, second]: [&Subject; 2]) -> Section {
    let said = |place: &str, subject: &Subject| {
        let unplanned = if subject.is_planned_as_timed() {
            ""
        } else {
            " Its plan here is not the one that was timed, so its memory is left out."
        };
        let line = Element::new("li").text(format!("The {place} is "));
        line.child(Element::new("b").text(&subject.name))
            .text(format!(", {}.{unplanned}", subject.conditions()))
    };
    let both = Element::new("ul").class("both").child(said("first", first)).child(said("second", second));
    let mut content = vec![both, totals(comparison)];
    content.extend(pairs(comparison, [first, second]).map(|figure| frame(&figure)));
    content.push(layers(comparison));
    Section { id: "comparison", title: "Side by side".to_owned(), content }
}

fn totals(comparison: &Comparison) -> Element {
    let columns = [
        words("total"),
        numbers("first"),
        numbers("second"),
        numbers("difference"),
        numbers("second / first"),
    ];
    let row = |total: &Total| {
        let [a, b] = total.values;
        let difference = a.zip(b).map(|(a, b)| b - a);
        let show =
            |value: Option<f64>| value.map_or(Cell::none(), |v| Cell::number(amount(v, total.unit), v));
        let ratio = a.zip(b).filter(|(a, _)| *a > 0.0).map(|(a, b)| b / a);
        let signed = difference.map_or(Cell::none(), |v| {
            let sign = if v > 0.0 {
                "+"
            } else if v < 0.0 {
                "−"
            } else {
                ""
            };
            Cell::number(format!("{sign}{}", amount(v.abs(), total.unit)), v)
        });
        let ratio = ratio.map_or(Cell::none(), |r| Cell::number(format!("{r:.3}"), r));
        vec![Cell::word(total.what), show(a), show(b), signed, ratio]
    };
    let known = comparison.totals.iter().filter(|total| total.values != [None, None]);
    table("Totals of both", &columns, known.map(row).collect())
}

fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => grouped(value as u64),
        Unit::Bytes => size(value as usize),
        Unit::Milliseconds => format!("{value:.2} ms"),
    }
}

fn layers(comparison: &Comparison) -> Element {
    if comparison.layers.is_empty() {
        return Element::new("p").text("Layer by layer both have the same parameters and MACs.");
    }
    let timed = comparison.layers.iter().any(|pair| pair.ms != [None, None]);
    let mut columns = vec![
        words("layer"),
        words("in"),
        numbers("parameters, first"),
        numbers("second"),
        numbers("MACs, first"),
        numbers("second"),
    ];
    if timed {
        columns.extend([numbers("ms, first"), numbers("second"), numbers("difference")]);
    }
    let rows = comparison.layers.iter().map(|pair| row(pair).into_iter().take(columns.len()).collect());
    table("Layers that differ, or were timed", &columns, rows.collect())
}

fn row(pair: &LayerPair) -> Vec<Cell> {
    let has = |side: usize| pair.params[side].is_some() || pair.ms[side].is_some();
    let place = match (has(0), has(1)) {
        (true, true) => "both",
        (true, false) => "first only",
        _ => "second only",
    };
    let count = |of: &Pair<u64>, side: usize| match of[side] {
        Some(value) => Cell::number(grouped(value), value as f64),
        None => Cell::none(),
    };
    let ms = |value: Option<f64>| value.map_or(Cell::none(), |v| Cell::number(format!("{v:.3}"), v));
    let difference = pair.ms[0].zip(pair.ms[1]).map(|(a, b)| b - a);
    vec![
        Cell::word(&pair.name),
        Cell::word(place),
        count(&pair.params, 0),
        count(&pair.params, 1),
        count(&pair.macs, 0),
        count(&pair.macs, 1),
        ms(pair.ms[0]),
        ms(pair.ms[1]),
        difference.map_or(Cell::none(), |v| Cell::number(format!("{v:+.3}"), v)),
    ]
}
