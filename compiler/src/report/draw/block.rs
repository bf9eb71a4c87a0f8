//! A block in full: its layers from top to bottom, each side path to their right in a lane of its own.
//!
//! A norm and an activation stand right below what they follow. Where a side path has more layers than the
//! main path has beside it, the main path waits.

use crate::report::figure::{Drawing, hint, path, rect, text, title_lines};
use crate::report::markup::Element;
use crate::report::structure::{Body, Item, Kind, Side, SideKind, Source};

use super::arrow;

/// Width of a layer of the main path, and of one on a side path.
const MAIN: f64 = 138.0;
const SIDE: f64 = 116.0;
/// Between lanes, and at the canvas' edges.
const GAP: f64 = 16.0;
const EDGE: f64 = 4.0;
/// Between layers that do not stand right below each other, and where a path leaves.
const STEP: f64 = 13.0;
const FORK: f64 = 20.0;
/// From one line of a title to the next.
const LINE: f64 = 13.0;
/// Radius of a join.
const JOIN: f64 = 8.0;

/// Draws a block.
pub fn block(body: &Body) -> Drawing {
    let rows = rows(body);
    let end = rows.last().map_or(0.0, |row| row.bottom) + STEP;
    let lanes = lanes(body, &rows);
    let centre = EDGE + MAIN / 2.0;
    let (places, right) = lane_places(body, &lanes);
    let mut shapes = Vec::new();
    let bottoms = [0.0].into_iter().chain(rows.iter().map(|row| row.bottom));
    for (from, row) in bottoms.zip(&rows) {
        shapes.extend(flow(centre, from, row.top));
    }
    // The next block has the arrow's head.
    shapes.push(path("flow", &format!("M{centre} {:.1}V{end:.1}", end - STEP)));
    for (side, &place) in body.sides.iter().zip(&places) {
        shapes.extend(side_path(side, [from(side, &rows), to(side, &rows)], [centre, place]));
    }
    for (item, row) in body.main.iter().zip(&rows) {
        shapes.extend(layer(item, [EDGE, row.top, MAIN, row.bottom - row.top]));
    }
    Drawing { width: right + EDGE, height: end, shapes }
}

/// Where a layer of the main path is.
#[derive(Clone, Copy)]
struct Row {
    top: f64,
    bottom: f64,
}

fn rows(body: &Body) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(body.main.len());
    for (place, item) in body.main.iter().enumerate() {
        let before = place.checked_sub(1);
        let leaves = |source: Source| body.sides.iter().any(|side| side.from == source);
        let bottom = rows.last().map_or(0.0, |row| row.bottom);
        let gap = match before {
            None if leaves(Source::Entry) => FORK,
            Some(before) if leaves(Source::Main(before)) => FORK,
            Some(before) if follows(item, &body.main[before]) => 0.0,
            None | Some(_) => STEP,
        };
        let mut top = bottom + gap;
        // A join waits for what comes from the side.
        for side in body.sides.iter().filter(|side| side.to == place && !side.items.is_empty()) {
            top = top.max(from(side, &rows) + column_height(&side.items) + 2.0 * STEP - JOIN);
        }
        rows.push(Row { top, bottom: top + height(item, MAIN) });
    }
    rows
}

/// Whether a layer stands right below another.
fn follows(item: &Item, before: &Item) -> bool {
    matches!(item.kind, Kind::Norm | Kind::Activation) && before.kind != Kind::Join
}

/// A layer's height where it has so much width; a title that is wider has several lines.
fn height(item: &Item, width: f64) -> f64 {
    let one = match item.kind {
        Kind::Join => return 2.0 * JOIN,
        Kind::Conv | Kind::Linear | Kind::Pool => 27.0,
        Kind::Norm | Kind::Activation | Kind::Input | Kind::Other => 18.0,
    };
    one + LINE * (titles(item, width).len() - 1) as f64
}

fn titles(item: &Item, width: f64) -> Vec<String> {
    title_lines(&item.title, width - 8.0, 11.5)
}

fn column_height(items: &[Item]) -> f64 {
    let gaps = items.windows(2).filter(|pair| !follows(&pair[1], &pair[0])).count();
    items.iter().map(|item| height(item, SIDE)).sum::<f64>() + STEP * gaps as f64
}

/// Where a side path leaves the main one.
fn from(side: &Side, rows: &[Row]) -> f64 {
    match &side.from {
        Source::Entry => FORK / 2.0 - 3.0,
        Source::Main(place) => rows.get(*place).map_or(0.0, |row| row.bottom + FORK / 2.0 - 3.0),
        // It comes from above the block.
        Source::Elsewhere(_) => 0.0,
    }
}

/// Where it joins again.
fn to(side: &Side, rows: &[Row]) -> f64 {
    rows.get(side.to).map_or(0.0, |row| (row.top + row.bottom) / 2.0)
}

/// The lane of each side path: the innermost that is free from where it leaves to where it joins.
fn lanes(body: &Body, rows: &[Row]) -> Vec<usize> {
    let span = |side: &Side| (from(side, rows), to(side, rows));
    let mut lanes: Vec<usize> = Vec::with_capacity(body.sides.len());
    for side in &body.sides {
        let (begin, end) = span(side);
        let taken = |lane: usize| {
            let others = body.sides.iter().zip(&lanes).filter(|(_, other)| **other == lane);
            others.map(|(other, _)| span(other)).any(|(first, last)| first < end && begin < last)
        };
        lanes.push((0..).find(|&lane| !taken(lane)).unwrap_or(0));
    }
    lanes
}

/// The middle of each side path's lane, and where the last lane ends.
fn lane_places(body: &Body, lanes: &[usize]) -> (Vec<f64>, f64) {
    let count = lanes.iter().max().map_or(0, |most| most + 1);
    let mut left = EDGE + MAIN + GAP;
    let mut middles = Vec::with_capacity(count);
    for lane in 0..count {
        let mut own = body.sides.iter().zip(lanes).filter(|(_, l)| **l == lane);
        let width = if own.any(|(side, _)| !side.items.is_empty()) { SIDE } else { 2.0 };
        middles.push(left + width / 2.0);
        left += width + GAP;
    }
    (lanes.iter().map(|&lane| middles[lane]).collect(), left - GAP)
}

/// The line of the main path between two layers.
fn flow(x: f64, from: f64, to: f64) -> Vec<Element> {
    if to - from < 1.0 {
        return Vec::new();
    }
    vec![path("flow", &format!("M{x} {from:.1}V{to:.1}")), arrow([x, to])]
}

fn side_path(side: &Side, [from, to]: [f64; 2], [centre, lane]: [f64; 2]) -> Vec<Element> {
    let mut shapes = vec![
        hint(path(line_class(side.kind), &bend([centre, from], lane, [centre + JOIN, to])), side.kind.name()),
        path("tip", &format!("M{} {to:.1}l6 -3.5v7z", centre + JOIN)),
    ];
    if let Source::Elsewhere(path) = &side.from {
        shapes.push(text("small", [lane + 4.0, from + 9.0], "start", format!("from {path}")));
    }
    let mut top = (from + to - column_height(&side.items)) / 2.0;
    for (index, item) in side.items.iter().enumerate() {
        if index > 0 && !follows(item, &side.items[index - 1]) {
            top += STEP;
        }
        let height = height(item, SIDE);
        shapes.extend(layer(item, [lane - SIDE / 2.0, top, SIDE, height]));
        top += height;
    }
    shapes
}

/// The class of a side path's line: a projection's layers stand on a solid one.
pub fn line_class(kind: SideKind) -> &'static str {
    match kind {
        SideKind::Identity | SideKind::Projection => "shortcut",
        SideKind::ZeroPad => "shortcut dotted",
        SideKind::Gate => "shortcut gate",
    }
}

/// From a point to the right, down, and back to a point, round at the corners.
pub fn bend([x, from]: [f64; 2], right: f64, [end, to]: [f64; 2]) -> String {
    let radius = 8f64.min((to - from) / 2.0).max(0.0);
    format!(
        "M{x} {from:.1}H{:.1}a{radius:.1} {radius:.1} 0 0 1 {radius:.1} {radius:.1}V{:.1}\
         a{radius:.1} {radius:.1} 0 0 1 -{radius:.1} {radius:.1}H{end:.1}",
        right - radius,
        to - radius,
    )
}

/// A layer, told in full when a pointer rests on it.
fn layer(item: &Item, [x, y, width, height]: [f64; 4]) -> Vec<Element> {
    let [c, h, w] = item.shape;
    let full = format!("{}: {}, gives {c}×{h}×{w}", item.path, item.title);
    let (middle, centre) = (x + width / 2.0, y + height / 2.0);
    if item.kind == Kind::Join {
        return join([middle, centre], &item.title, &full);
    }
    let class = match item.kind {
        Kind::Conv => "layer conv",
        Kind::Linear => "layer linear",
        Kind::Pool => "layer pool",
        Kind::Norm | Kind::Activation | Kind::Input | Kind::Join | Kind::Other => "layer chip",
    };
    let size = if class == "layer chip" { "small" } else { "label" };
    let titles = titles(item, width);
    let first = centre + 3.8 - LINE * (titles.len() - 1) as f64 / 2.0;
    let mut shapes = vec![hint(rect(class, [x, y, width, height]), full)];
    for (line, title) in titles.into_iter().enumerate() {
        shapes.push(text(size, [middle, first + LINE * line as f64], "middle", title));
    }
    shapes
}

/// A plus or a cross in a circle.
pub fn join([x, y]: [f64; 2], title: &str, full: &str) -> Vec<Element> {
    let circle = Element::new("circle").class("join").length("cx", x).length("cy", y).length("r", JOIN);
    let cross = if title == "multiply" {
        format!("M{:.1} {:.1}l6.4 6.4m0 -6.4l-6.4 6.4", x - 3.2, y - 3.2)
    } else {
        format!("M{:.1} {y:.1}h9M{x:.1} {:.1}v9", x - 4.5, y - 4.5)
    };
    vec![hint(circle, full), path("sign", &cross)]
}
