//! Each step's time as a bar, its floor as a line across: what is above the line could be faster.

use crate::report::figure::{Drawing, Figure, hint, line, path, rect};
use crate::report::markup::Element;
use crate::report::profile::{Bound, LayerTime, Profile};
use crate::report::scale::Scale;
use crate::report::subject::Subject;

use super::WIDTH;
use super::steps::{Columns, legend, runs, unit, value_axis};

const HEIGHT: f64 = 300.0;
const SPAN: [f64; 2] = [46.0, WIDTH - 8.0];
const TOP: f64 = 30.0;
const BOTTOM: f64 = HEIGHT - 28.0;

/// Draws a network's times, if it has a profile.
pub fn times(subject: &Subject) -> Option<Figure> {
    let profile = subject.profile.as_ref()?;
    let slowest = profile.layers.iter().max_by(|a, b| a.ms.total_cmp(&b.ms))?;
    let description = format!(
        "Milliseconds of each of {} steps in the order in which they run, {:.2} ms together; lines across the bars are \
         what this machine needs at least, {:.2} ms together. The slowest is {} with {:.3} ms. Hatched bars are bound \
         by memory, plain ones by computing.",
        profile.layers.len(),
        profile.ms(),
        profile.floor_ms(),
        slowest.name,
        slowest.ms,
    );
    let names = profile.layers.iter().map(|layer| layer.name.as_str());
    let parts = runs(subject.parts_of(names));
    let columns = Columns { span: SPAN, count: profile.layers.len(), parts: &parts };
    Some(Figure {
        name: "times".to_owned(),
        title: format!("Time of each step of {}", subject.name),
        description,
        drawing: Drawing { width: WIDTH, height: HEIGHT, shapes: plot(profile, &columns) },
    })
}

fn plot(profile: &Profile, columns: &Columns) -> Vec<Element> {
    let most = profile.layers.iter().map(|layer| layer.ms.max(layer.floor_ms)).fold(0.0, f64::max);
    let y = Scale::linear(most, [BOTTOM, TOP]);
    let mut shapes = vec![hatch("hatch", "memory"), unit("ms", 14.0)];
    shapes.extend(columns.parts([TOP, BOTTOM]));
    shapes.extend(value_axis(&y, SPAN));
    for (step, layer) in profile.layers.iter().enumerate() {
        shapes.extend(bar(layer, [columns.left(step), columns.width()], &y));
    }
    let key = |class: &str| rect(class, [-6.0, -5.5, 12.0, 11.0]);
    let entries = vec![
        (key("bar compute"), "bound by computing".to_owned()),
        (key("bar memory"), "bound by memory".to_owned()),
        (line("floor", [-8.0, 0.0], [8.0, 0.0]), "the machine’s floor".to_owned()),
    ];
    shapes.extend(legend(entries, SPAN[1]));
    shapes
}

fn bar(layer: &LayerTime, [left, width]: [f64; 2], y: &Scale) -> [Element; 2] {
    let (top, floor) = (y.at(layer.ms), y.at(layer.floor_ms));
    let gap = if width > 4.0 { width * 0.16 } else { 0.0 };
    let class = match layer.bound {
        Bound::Compute => "bar compute",
        Bound::Memory => "bar memory",
    };
    let told = format!(
        "{}: {:.3} ms, at least {:.3} ms, {}, bound by {}",
        layer.name,
        layer.ms,
        layer.floor_ms,
        layer.kernel,
        layer.bound.name()
    );
    [
        hint(rect(class, [left + gap, top, width - 2.0 * gap, BOTTOM - top]), told),
        line("floor", [left + gap / 2.0, floor], [left + width - gap / 2.0, floor]),
    ]
}

/// Lines aslant, by which bars differ without their colour; their classes are those of `what`.
pub fn hatch(id: &str, what: &str) -> Element {
    let pattern = Element::new("pattern").attribute("id", id).attribute("patternUnits", "userSpaceOnUse");
    let pattern = pattern.length("width", 4.0).length("height", 4.0);
    let ground = rect(&format!("ground {what}"), [0.0, 0.0, 4.0, 4.0]);
    let strokes = path(&format!("stroke {what}"), "M-1 5L5 -1M-1 1L1 -1M3 5L5 3");
    Element::new("defs").child(pattern.child(ground).child(strokes))
}
