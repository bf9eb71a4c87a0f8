//! The network as a column of blocks that unfold to their layers.

use crate::numbers::short;
use crate::report::Subject;
use crate::report::draw::network::{LEGEND, describe};
use crate::report::draw::{block, glyph};
use crate::report::figure::{Drawing, Figure};
use crate::report::markup::Element;
use crate::report::structure::{Part, Run};

use super::Section;
use super::tables::scroll;

/// Layers in no block that are drawn at once; more are folded.
const MOST_LAYERS: usize = 16;
/// What a drawing has on a telephone, in CSS pixels.
const NARROW: f64 = 290.0;

/// The networks, side by side where there are two.
pub fn section(subjects: &[&Subject]) -> Section {
    let networks = subjects.iter().map(|subject| {
        let heading = (subjects.len() > 1).then(|| Element::new("h3").text(&subject.name));
        let level = if subjects.len() > 1 { "h4" } else { "h3" };
        let parts = subject.structure.parts.iter().map(|p| part(&subject.name, p, level));
        let column = Element::new("div").class("network").attribute("data-network", &subject.name);
        column.children(heading).children(parts)
    });
    let intro = match subjects {
        [subject] => describe(&subject.structure),
        _ => LEGEND.to_owned(),
    };
    let button = Element::new("button")
        .attribute("type", "button")
        .attribute("id", "unfold")
        .attribute("aria-pressed", "false")
        // The script shows it, as it is the script's.
        .attribute("hidden", "")
        .text("Unfold all blocks");
    let content = vec![
        Element::new("p").text(intro).text(" A block unfolds to its layers when it is chosen."),
        Element::new("p").class("tools").child(button),
        Element::new("div").class("networks").children(networks),
    ];
    Section { id: "network", title: "Network".to_owned(), content }
}

fn part(network: &str, part: &Part, level: &'static str) -> Element {
    let [c, h, w] = part.shape;
    let mut counts = vec![format!("{c}×{h}×{w}"), format!("{} parameters", short(part.params))];
    counts.extend((part.macs > 0).then(|| format!("{} MACs", short(part.macs))));
    let head = Element::new("div")
        .class("part-head")
        .child(Element::new(level).text(&part.name))
        .child(Element::new("p").children(counts.into_iter().map(|text| Element::new("span").text(text))));
    let runs = part.runs.iter().map(|r| run(network, part, r));
    let runs = Element::new("div").class("runs").children(runs);
    Element::new("div").class("part").child(head).child(runs)
}

fn run(network: &str, part: &Part, run: &Run) -> Element {
    let layers = layers(network, part, run);
    if run.block.is_none() && run.body.main.len() <= MOST_LAYERS {
        return layers;
    }
    let short = draw(run, "block", glyph::glyph(run)).inline();
    let summary = Element::new("summary")
        .child(Element::new("span").class("glyph").child(short))
        .child(says(part, run));
    Element::new("details").class("run").attribute("data-times", run.times).child(summary).child(layers)
}

/// A block's layers, in a frame that scrolls if a telephone is narrower.
fn layers(network: &str, part: &Part, run: &Run) -> Element {
    let drawing = block::block(&run.body);
    let wide = drawing.width > NARROW;
    let drawn = draw(run, "layers", drawing).inline();
    let drawn = if wide {
        scroll(&format!("{network}, {}, {}, which can be scrolled", part.name, label(run)), drawn)
    } else {
        drawn
    };
    Element::new("div").class("layers").child(drawn)
}

fn draw(run: &Run, name: &str, drawing: Drawing) -> Figure {
    Figure { name: name.to_owned(), title: label(run), description: glyph::describe(run), drawing }
}

/// `block 0`, `blocks 1 to 5`, or `layers`
fn label(run: &Run) -> String {
    match (run.block, run.times) {
        (None, _) => "layers".to_owned(),
        (Some(first), 1) => format!("block {first}"),
        (Some(first), times) => format!("blocks {first} to {}", first + times - 1),
    }
}

/// What stands beside a block.
fn says(part: &Part, run: &Run) -> Element {
    let [c, h, w] = run.shape;
    let each = if run.times > 1 { "each " } else { "" };
    let line = |text: String| Element::new("span").text(text);
    Element::new("span")
        .class("says")
        .child(Element::new("b").text(format!("{}, {}", part.name, label(run))))
        .child(line(format!("{each}{c}×{h}×{w}")))
        .child(line(format!("{} params", short(run.params))))
        .child(line(format!("{} MACs", short(run.macs))))
        .children(run.body.sides.iter().map(|side| line(side.kind.name().to_owned()).class("side")))
}
