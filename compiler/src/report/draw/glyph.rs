//! A run of blocks in short, after the brackets of He et al. 2015, Table 1, and their Figure 3: its convolutions,
//! how often, and the shortcut: a solid line for an identity, a dotted one for zero padding, a box on the line for
//! a projection.

use crate::report::figure::{Drawing, path, rect, text, title_lines};
use crate::report::markup::Element;
use crate::report::structure::{Body, Item, Kind, Run, Side, SideKind};

use super::arrow;
use super::block::{bend, join, line_class};

/// The canvas' width, the same for all, so that their lines meet.
pub const WIDTH: f64 = 236.0;
/// Where the main path is.
pub const CENTRE: f64 = 108.0;
const BOX: [f64; 2] = [38.0, 140.0];
const LANE: f64 = 206.0;
const LINE: f64 = 15.0;
const TOP: f64 = 19.0;
const MOST_LINES: usize = 5;

/// Draws a run.
pub fn glyph(run: &Run) -> Drawing {
    let lines: Vec<String> =
        essentials(&run.body).iter().flat_map(|line| title_lines(line, BOX[1] - 4.0, 11.5)).collect();
    let height = LINE * lines.len() as f64 + 11.0;
    let shortcut = run.body.sides.iter().rfind(|side| side.kind != SideKind::Gate);
    let bottom = TOP + height;
    let end = if shortcut.is_some() { bottom + 33.0 } else { bottom + 10.0 };
    let mut shapes = vec![path("flow", &format!("M{CENTRE} 0V{TOP}")), arrow([CENTRE, TOP])];
    if run.times > 1 {
        shapes.extend([6.0, 3.0].map(|by| rect("layer conv card", [BOX[0] + by, TOP + by, BOX[1], height])));
        shapes.push(text(
            "times",
            [BOX[0] - 9.0, TOP + height / 2.0 + 6.0],
            "end",
            format!("×{}", run.times),
        ));
    }
    shapes.push(rect("layer conv", [BOX[0], TOP, BOX[1], height]));
    for (index, line) in lines.iter().enumerate() {
        shapes.push(text("label", [CENTRE, TOP + 16.0 + LINE * index as f64], "middle", line));
    }
    let from = if run.times > 1 { bottom + 6.0 } else { bottom };
    shapes.push(path("flow", &format!("M{CENTRE} {from}V{end}")));
    if let Some(side) = shortcut {
        shapes.extend(side_path(side, bottom + 19.0));
    }
    Drawing { width: WIDTH, height: end, shapes }
}

/// A run in words.
pub fn describe(run: &Run) -> String {
    let times = if run.times > 1 { format!("{} blocks of ", run.times) } else { String::new() };
    let sides: Vec<&str> = run.body.sides.iter().map(|side| side.kind.name()).collect();
    let sides = if sides.is_empty() { String::new() } else { format!("; {}", sides.join(", ")) };
    format!("{times}{}{sides}", essentials(&run.body).join("; "))
}

/// What weighs in a block: its convolutions, pools and gates.
fn essentials(body: &Body) -> Vec<String> {
    let gated = |place: usize| body.sides.iter().any(|s| s.to == place && s.kind == SideKind::Gate);
    let line = |(place, item): (usize, &Item)| match item.kind {
        Kind::Conv => Some(item.title.replacen(" conv", "", 1)),
        Kind::Pool | Kind::Linear => Some(item.title.clone()),
        Kind::Join if gated(place) => Some("× gate".to_owned()),
        Kind::Input | Kind::Norm | Kind::Activation | Kind::Join | Kind::Other => None,
    };
    let mut said: Vec<String> = body.main.iter().enumerate().filter_map(line).collect();
    if said.is_empty() {
        said.extend(body.main.iter().take(MOST_LINES).map(|item| item.title.clone()));
    }
    if said.len() > MOST_LINES {
        let more = said.len() - (MOST_LINES - 1);
        said.truncate(MOST_LINES - 1);
        said.push(format!("… {more} more"));
    }
    said
}

fn side_path(side: &Side, to: f64) -> Vec<Element> {
    let mut shapes = vec![
        path(line_class(side.kind), &bend([CENTRE, 6.0], LANE, [CENTRE + 8.0, to])),
        path("tip", &format!("M{} {to:.1}l6 -3.5v7z", CENTRE + 8.0)),
    ];
    let middle = to / 2.0 + 1.0;
    let label = match side.kind {
        SideKind::Projection => {
            let conv = side.items.iter().find(|item| item.kind == Kind::Conv);
            let title = conv.map_or("", |item| item.title.as_str());
            shapes.push(rect("layer projection", [LANE - 26.0, middle - 10.0, 52.0, 20.0]));
            let stride = title.split(", ").find(|word| word.starts_with('/')).unwrap_or_default();
            format!("{} {stride}", title.split(' ').next().unwrap_or_default()).trim_end().to_owned()
        }
        SideKind::ZeroPad => {
            shapes.push(rect("mask", [LANE - 26.0, middle - 9.0, 52.0, 18.0]));
            "zero pad".to_owned()
        }
        SideKind::Identity | SideKind::Gate => String::new(),
    };
    if !label.is_empty() {
        shapes.push(text("small", [LANE, middle + 3.6], "middle", label));
    }
    shapes.extend(join([CENTRE, to], "add", side.kind.name()));
    shapes
}
