//! The whole network in one figure: He et al. 2015, Figure 3, with equal blocks drawn once.

use crate::numbers::short;
use crate::report::figure::{Drawing, Figure, line, moved, path, text};
use crate::report::markup::Element;
use crate::report::structure::{Part, Run, Structure};
use crate::report::subject::Subject;

use super::block::block;

/// Where blocks begin, right of the parts' names and the runs' lengths.
const LEFT: f64 = 176.0;
const TITLE: f64 = 20.0;

/// Draws a network.
pub fn network(subject: &Subject) -> Figure {
    let structure = &subject.structure;
    let (mut y, mut width) = (TITLE, LEFT);
    let mut shapes = Vec::new();
    for part in &structure.parts {
        let (own, [right, bottom]) = draw_part(part, y);
        shapes.extend(own);
        (y, width) = (bottom, width.max(right));
    }
    shapes.push(text("heading", [8.0, 14.0], "start", &subject.name));
    Figure {
        name: "network".to_owned(),
        title: format!("The network {}", subject.name),
        description: describe(structure),
        drawing: Drawing { width: width + 8.0, height: y + 4.0, shapes },
    }
}

/// Its parts and blocks, in words.
pub fn describe(structure: &Structure) -> String {
    let blocks = |part: &Part| part.runs.iter().filter(|r| r.block.is_some()).map(|r| r.times).sum::<usize>();
    let part = |part: &Part| match blocks(part) {
        0 => part.name.clone(),
        1 => format!("{} of 1 block", part.name),
        blocks => format!("{} of {blocks} blocks", part.name),
    };
    let parts: Vec<String> = structure.parts.iter().map(part).collect();
    format!("From top to bottom: {}. {LEGEND}", parts.join(", "))
}

/// What the lines and boxes mean.
pub const LEGEND: &str = "A solid line beside the layers is an identity shortcut, a dotted one is padded with zeros, one \
                          with a box on it is a projection. Equal blocks are drawn once, with their number.";

fn draw_part(part: &Part, top: f64) -> (Vec<Element>, [f64; 2]) {
    let [c, h, w] = part.shape;
    let counts = format!("{} parameters", short(part.params));
    let mut shapes = vec![
        line("rule", [8.0, top + 4.0], [LEFT - 12.0, top + 4.0]),
        text("strong", [8.0, top + 20.0], "start", &part.name),
        text("small", [8.0, top + 35.0], "start", format!("{c}×{h}×{w}")),
        text("small", [8.0, top + 49.0], "start", counts),
        text("small", [8.0, top + 63.0], "start", format!("{} MACs", short(part.macs))),
    ];
    let (mut y, mut right) = (top, LEFT);
    for run in &part.runs {
        let drawing = block(&run.body);
        if run.times > 1 {
            shapes.extend(bracket(run, y, y + drawing.height));
        }
        shapes.push(moved([LEFT, y], drawing.shapes));
        y += drawing.height;
        right = right.max(LEFT + drawing.width);
    }
    (shapes, [right, y.max(top + 72.0)])
}

/// How often a block comes, beside it.
fn bracket(run: &Run, top: f64, bottom: f64) -> [Element; 2] {
    let x = LEFT - 8.0;
    [
        path("bracket", &format!("M{x} {:.1}h-6V{:.1}h6", top + 14.0, bottom - 14.0)),
        text("times", [x - 12.0, (top + bottom) / 2.0 + 6.0], "end", format!("×{}", run.times)),
    ]
}
