//! The table of layers.

use crate::model::receptive::receptive_fields;
use crate::model::{Layer, Node};
use crate::numbers::{grouped, size};
use crate::report::Subject;
use crate::report::markup::Element;
use crate::report::structure::title;

use super::tables::{Cell, numbers, table, words};

/// Every layer, its shape and its counts.
pub fn layers(subject: &Subject) -> Vec<Element> {
    let network = &subject.network;
    let mut columns = vec![
        words("layer"),
        words("operation"),
        numbers("output"),
        numbers("parameters"),
        numbers("MACs"),
        numbers("memory"),
        numbers("receptive field"),
    ];
    columns.extend(subject.weights.as_ref().map(|_| numbers("weights, RMS")));
    let fields = receptive_fields(network);
    let shown = network.nodes.iter().zip(&fields).enumerate().filter(|(_, (n, _))| n.layer != Layer::Input);
    let rows = shown.map(|(index, (node, field))| {
        let weights = subject.weights.as_ref().map(|weights| match weights.get(index).copied().flatten() {
            Some(value) => Cell::number(format!("{value:.2e}"), value),
            None => Cell::none(),
        });
        row(subject, node, *field).into_iter().chain(weights).collect()
    });
    let caption = format!("The layers of {}", subject.name);
    vec![table(&caption, &columns, rows.collect())]
}

fn row(subject: &Subject, node: &Node, field: Option<[usize; 2]>) -> Vec<Cell> {
    let [c, h, w] = node.shape;
    let values = node.shape.iter().product::<usize>();
    let bytes = values * size_of::<f32>();
    vec![
        Cell::word(&node.path),
        Cell::word(title(&subject.network, node)),
        Cell::number(format!("{c}×{h}×{w}"), values as f64),
        count(subject.network.params(node)),
        count(subject.network.macs(node)),
        Cell::number(size(bytes), bytes as f64),
        seen(field, subject.network.nodes[0].shape),
    ]
}

fn count(number: u64) -> Cell {
    if number == 0 { Cell::none() } else { Cell::number(grouped(number), number as f64) }
}

/// What a layer sees of the image.
fn seen(field: Option<[usize; 2]>, [_, height, width]: [usize; 3]) -> Cell {
    match field {
        None => Cell::number("the image", (height.max(width) * height.max(width)) as f64 * 1e6),
        Some([h, w]) => Cell::number(format!("{h}×{w}"), h as f64 * w as f64),
    }
}
