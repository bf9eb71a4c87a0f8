//! The network as a column of blocks that unfold to their layers.

use crate::numbers::short;
use crate::report::Subject;
use crate::report::draw::{block, glyph, network::describe};
use crate::report::figure::{Drawing, Figure};
use crate::report::markup::Element;
use crate::report::structure::{Part, Run};

use super::Section;

/// Layers in no block that are drawn at once; more are folded.
const MOST_LAYERS: usize = 16;

/// The networks, side by side where there are two.
pub fn section(subjects: &[&Subject]) -> Section {
    let networks = subjects.iter().map(|subject| {
        let heading = (subjects.len() > 1).then(|| Element::new("h3").text(&subject.name));
        let level = if subjects.len() > 1 { "h4" } else { "h3" };
        let parts = subject.structure.parts.iter().map(|p| part(p, level));
        let column = Element::new("div").class("network").attribute("data-network", &subject.name);
        column.children(heading).children(parts)
    });
    let intro = subjects.first().map_or(String::new(), |subject| describe(&subject.structure));
    let button = Element::new("button")
        .attribute("type", "button")
        .attribute("id", "unfold")
        .attribute("aria-pressed", "false")
        .text("Unfold all blocks");
    let content = vec![
        Element::new("p").text(intro).text(" A block unfolds to its layers when it is chosen."),
        Element::new("p").class("tools").child(button),
        Element::new("div").class("networks").children(networks),
    ];
    Section { id: "network", title: "Network".to_owned(), content }
}

fn part(part: &Part, level: &'static str) -> Element {
    let [c, h, w] = part.shape;
    let mut counts = vec![format!("{c}×{h}×{w}"), format!("{} parameters", short(part.params))];
    counts.extend((part.macs > 0).then(|| format!("{} MACs", short(part.macs))));
    let head = Element::new("div")
        .class("part-head")
        .child(Element::new(level).text(&part.name))
        .child(Element::new("p").children(counts.into_iter().map(|text| Element::new("span").text(text))));
    let runs = part.runs.iter().map(|r| run(part, r));
    let runs = Element::new("div").class("runs").children(runs);
    Element::new("div").class("part").child(head).child(runs)
}

fn run(part: &Part, run: &Run) -> Element {
    let layers = draw(run, "layers", block::block(&run.body));
    if run.block.is_none() && run.body.main.len() <= MOST_LAYERS {
        return Element::new("div").class("layers").child(layers.inline());
    }
    let short = draw(run, "block", glyph::glyph(run)).inline();
    let summary = Element::new("summary")
        .child(Element::new("span").class("glyph").child(short))
        .child(says(part, run));
    Element::new("details")
        .class("run")
        .attribute("data-times", run.times)
        .child(summary)
        .child(Element::new("div").class("layers").child(layers.inline()))
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
    let each = if run.times > 1 { " each" } else { "" };
    let line = |text: String| Element::new("span").text(text);
    Element::new("span")
        .class("says")
        .child(Element::new("b").text(format!("{}, {}", part.name, label(run))))
        .child(line(format!("{c}×{h}×{w}")))
        .child(line(format!("{} parameters{each}", short(run.params))))
        .child(line(format!("{} MACs{each}", short(run.macs))))
        .children(run.body.sides.iter().map(|side| line(side.kind.name().to_owned())))
}
