//! What the figures of a schedule show, as tables.

use crate::numbers::{grouped, size};
use crate::report::Subject;
use crate::report::markup::Element;

use super::tables::{Cell, fold, numbers, table, words};

/// Every timed step.
pub fn times(subject: &Subject) -> Element {
    let Some(profile) = &subject.profile else { return fold("No times", []) };
    let columns = [
        words("step"),
        words("kernel"),
        numbers("ms"),
        numbers("share"),
        numbers("GFLOP/s"),
        numbers("FLOP/B"),
        numbers("of the limit"),
        words("bound by"),
    ];
    let all = profile.ms().max(f64::MIN_POSITIVE);
    let rows = profile.layers.iter().map(|layer| {
        let (flop, ms) = (2.0 * layer.macs as f64, layer.ms.max(f64::MIN_POSITIVE));
        let rate = |value: f64| {
            if layer.macs == 0 { Cell::none() } else { Cell::number(format!("{value:.1}"), value) }
        };
        let percent = |value: f64| Cell::number(format!("{:.1} %", 100.0 * value), value);
        vec![
            Cell::word(&layer.name),
            Cell::word(&layer.kernel),
            Cell::number(format!("{:.3}", layer.ms), layer.ms),
            percent(layer.ms / all),
            rate(flop / ms / 1e6),
            rate(flop / layer.bytes.max(1) as f64),
            percent(layer.floor_ms / ms),
            Cell::word(layer.bound.name()),
        ]
    });
    let caption = format!("The steps of {}", subject.name);
    fold("Every step’s time", [table(&caption, &columns, rows.collect())])
}

/// Every buffer of the arena.
pub fn buffers(subject: &Subject) -> Element {
    let schedule = &subject.schedule;
    let columns =
        [words("written by"), words("last read by"), numbers("steps"), numbers("begins at"), numbers("size")];
    let name = |step: usize| schedule.steps.get(step).map_or("", |step| step.name.as_str());
    let rows = schedule.buffers.iter().map(|buffer| {
        let steps = buffer.last - buffer.first + 1;
        vec![
            Cell::word(name(buffer.first)),
            Cell::word(name(buffer.last)),
            Cell::number(steps.to_string(), steps as f64),
            Cell::number(grouped(buffer.offset as u64), buffer.offset as f64),
            Cell::number(size(buffer.size), buffer.size as f64),
        ]
    });
    let caption = format!("The buffers of {}", subject.name);
    fold("Every buffer", [table(&caption, &columns, rows.collect())])
}
