//! How many nodes the graph has of each operation, before the passes and behind each.

use crate::report::figure::{Drawing, Figure, hint, rect, text, text_width};
use crate::report::markup::Element;
use crate::report::scale::Scale;
use crate::report::subject::Subject;
use crate::report::trace::{Counts, Trace};

use super::WIDTH;

const SPAN: [f64; 2] = [120.0, WIDTH - 46.0];
const ROW: f64 = 34.0;
const BAR: f64 = 24.0;

/// Draws what the passes leave.
pub fn passes(subject: &Subject) -> Figure {
    let trace = &subject.trace;
    let rows: Vec<(&str, &Counts)> = [("lowered", &trace.before)]
        .into_iter()
        .chain(trace.passes.iter().map(|pass| (pass.name, &pass.after)))
        .collect();
    let total = |counts: &Counts| counts.values().sum::<usize>();
    let most = rows.iter().map(|(_, counts)| total(counts)).max().unwrap_or(0);
    let scale = Scale::exact(most as f64, SPAN);
    let mut shapes = Vec::new();
    for (index, (name, counts)) in rows.iter().enumerate() {
        let y = ROW * index as f64 + 4.0;
        shapes.push(text("label", [SPAN[0] - 10.0, y + 16.0], "end", name));
        shapes.extend(bar(counts, words(trace), &scale, y));
        let end = scale.at(total(counts) as f64);
        shapes.push(text("label", [end + 7.0, y + 16.0], "start", total(counts)));
    }
    let last = rows.last().map_or(0, |(_, counts)| total(counts));
    Figure {
        name: "passes".to_owned(),
        title: format!("Nodes of the graph of {} after each pass", subject.name),
        description: format!(
            "A bar for the graph as it was lowered, with {most} nodes, and one behind each pass; at the end there are \
             {last}. A bar's pieces are its operations."
        ),
        drawing: Drawing { width: WIDTH, height: ROW * rows.len() as f64 + 2.0, shapes },
    }
}

/// The operations in the order of their number before the passes, the most frequent first; then the new ones.
fn words(trace: &Trace) -> Vec<&'static str> {
    let mut words: Vec<(&'static str, usize)> = trace.before.iter().map(|(&w, &n)| (w, n)).collect();
    words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut words: Vec<&'static str> = words.into_iter().map(|(word, _)| word).collect();
    for word in trace.passes.iter().flat_map(|pass| pass.after.keys()) {
        if !words.contains(word) {
            words.push(word);
        }
    }
    words
}

fn bar(counts: &Counts, words: Vec<&'static str>, scale: &Scale, y: f64) -> Vec<Element> {
    let mut shapes = Vec::new();
    let mut before = 0;
    for (place, word) in words.into_iter().enumerate() {
        let Some(&count) = counts.get(word) else { continue };
        let (left, right) = (scale.at(before as f64), scale.at((before + count) as f64));
        let class = if place % 2 == 0 { "piece" } else { "piece other" };
        shapes.push(hint(rect(class, [left, y, right - left, BAR]), format!("{count} {word}")));
        let label = format!("{word} {count}");
        if text_width(&label, 11.0) + 6.0 < right - left {
            shapes.push(text("small", [(left + right) / 2.0, y + 16.0], "middle", label));
        }
        before += count;
    }
    shapes
}
