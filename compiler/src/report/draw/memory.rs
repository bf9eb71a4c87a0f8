//! The arena over the schedule: each buffer a rectangle, from the step that writes it to the last that reads it.

use crate::numbers::size;
use crate::report::figure::{Drawing, Figure, hint, line, rect, text, text_width};
use crate::report::markup::Element;
use crate::report::scale::Scale;
use crate::report::schedule::{Buffer, Schedule};
use crate::report::subject::Subject;

use super::WIDTH;
use super::steps::{Columns, legend, unit, value_axis};

const HEIGHT: f64 = 340.0;
const SPAN: [f64; 2] = [46.0, WIDTH - 8.0];
const TOP: f64 = 36.0;
const BOTTOM: f64 = HEIGHT - 28.0;

/// Draws a plan's memory.
pub fn memory(subject: &Subject) -> Figure {
    let schedule = &subject.schedule;
    let alive = schedule.alive();
    let peak = (0..alive.len()).rev().max_by_key(|&step| alive[step]).unwrap_or(0);
    let at = schedule.steps.get(peak).map_or("", |step| step.name.as_str());
    let description = format!(
        "{} buffers over {} steps of the plan in {}: from left to right when each is alive, from bottom to top where it lies. The arena \
         has {}; the most that is alive at once is {}, at {at}.",
        schedule.buffers.len(),
        schedule.steps.len(),
        subject.precision,
        size(schedule.arena),
        size(subject.live_bytes),
    );
    Figure {
        name: "memory".to_owned(),
        title: format!("Memory of {} over its schedule", subject.name),
        description,
        drawing: Drawing { width: WIDTH, height: HEIGHT, shapes: plot(schedule, subject.live_bytes, peak) },
    }
}

/// The unit that an arena is told in, and its bytes.
fn scale_unit(bytes: usize) -> (&'static str, f64) {
    if bytes >= 1 << 20 { ("MiB", (1 << 20) as f64) } else { ("KiB", 1024.0) }
}

fn plot(schedule: &Schedule, live: usize, peak: usize) -> Vec<Element> {
    let (name, bytes) = scale_unit(schedule.arena);
    let value = |amount: usize| amount as f64 / bytes;
    let y = Scale::linear(value(schedule.arena), [BOTTOM, TOP]);
    let columns = Columns { span: SPAN, count: schedule.steps.len(), parts: &schedule.parts };
    let mut shapes = vec![unit(name, 14.0)];
    shapes.extend(columns.parts([TOP, BOTTOM]));
    shapes.extend(value_axis(&y, SPAN));
    for buffer in &schedule.buffers {
        shapes.extend(draw_buffer(
            schedule,
            buffer,
            &columns,
            [y.at(value(buffer.offset)), y.at(value(buffer.offset + buffer.size))],
        ));
    }
    let (arena, most) = (y.at(value(schedule.arena)), y.at(value(live)));
    shapes.push(line("limit", [SPAN[0], arena], [SPAN[1], arena]));
    shapes.push(line("limit dashed", [SPAN[0], most], [SPAN[1], most]));
    let middle = columns.left(peak) + columns.width() / 2.0;
    shapes.push(line("limit dashed", [middle, TOP - 6.0], [middle, BOTTOM]));
    let key = |class: &str| line(class, [-10.0, 0.0], [8.0, 0.0]);
    let entries = vec![
        (key("limit"), format!("arena, {}", size(schedule.arena))),
        (key("limit dashed"), format!("most alive at once, {}", size(live))),
    ];
    shapes.extend(legend(entries, SPAN[1]));
    shapes
}

fn draw_buffer(
    schedule: &Schedule,
    buffer: &Buffer,
    columns: &Columns,
    [bottom, top]: [f64; 2],
) -> Vec<Element> {
    let (left, right) = (columns.left(buffer.first), columns.left(buffer.last + 1));
    let name = |step: usize| schedule.steps.get(step).map_or("", |step| step.name.as_str());
    let told = format!(
        "{}: {} from {}, to {}",
        name(buffer.first),
        size(buffer.size),
        size(buffer.offset),
        name(buffer.last)
    );
    // Outlines would be all that is seen of what is alive for a moment.
    let class = if right - left < 4.0 { "buffer thin" } else { "buffer" };
    let shape = hint(rect(class, [left, top, right - left, bottom - top]), told);
    let label = name(buffer.first);
    let fits = text_width(label, 10.0) + 4.0 < right - left && bottom - top > 12.0;
    let label =
        fits.then(|| text("tiny", [(left + right) / 2.0, (top + bottom) / 2.0 + 3.5], "middle", label));
    [shape].into_iter().chain(label).collect()
}
