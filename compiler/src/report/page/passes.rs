//! What each pass merged, removed and rewrote, node by node.

use crate::report::Subject;
use crate::report::draw;
use crate::report::markup::Element;
use crate::report::trace::{Change, Fate, PassTrace};

use super::frame;
use super::tables::{Cell, fold, numbers, table, words};

/// The passes of a subject's graph.
pub fn passes(subject: &Subject) -> Vec<Element> {
    let columns = [
        words("pass"),
        numbers("merged"),
        numbers("removed"),
        numbers("rewritten"),
        numbers("nodes behind it"),
    ];
    let number = |count: usize| Cell::number(count.to_string(), count as f64);
    let row = |pass: &PassTrace| {
        let [merged, removed, rewritten] = pass.totals();
        let after = pass.after.values().sum();
        vec![Cell::word(pass.name), number(merged), number(removed), number(rewritten), number(after)]
    };
    let passes = &subject.trace.passes;
    let caption = format!("The passes over the graph of {}", subject.name);
    let counts = table(&caption, &columns, passes.iter().map(row).collect());
    let changed = passes.iter().filter(|pass| !pass.changes.is_empty()).map(changes);
    [frame(&draw::passes::passes(subject)), counts].into_iter().chain(changed).collect()
}

fn changes(pass: &PassTrace) -> Element {
    let count = pass.changes.len();
    let summary = format!("{}: {count} {}", pass.name, if count == 1 { "node" } else { "nodes" });
    let list = Element::new("ul").class("changes").children(pass.changes.iter().map(change));
    fold(&summary, [list])
}

fn change(change: &Change) -> Element {
    let code = |text: &str| Element::new("code").text(text);
    let line = Element::new("li").child(code(&change.path)).text(" ");
    let gone = || line.clone().child(Element::new("del").text(&change.before));
    match &change.fate {
        Fate::Removed => gone().text(" removed"),
        Fate::Rewritten { after } => gone().text(" rewritten to ").child(Element::new("ins").text(after)),
        Fate::Merged { into, change: [before, after] } => {
            let merged = gone().text(" merged into ").child(code(into)).text(": ");
            match after.strip_prefix(before.as_str()).filter(|more| !more.is_empty()) {
                Some(more) => merged.text(before).child(Element::new("ins").text(more)),
                None if before == after => merged.text(after),
                None => merged
                    .child(Element::new("del").text(before))
                    .text(" to ")
                    .child(Element::new("ins").text(after)),
            }
        }
    }
}
