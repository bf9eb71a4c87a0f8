//! Where every value lies: its channels' padding, its border of zeros, its buffer.
//!
//! A value's border is as wide as the widest that a convolution behind it reads, so nothing is ever
//! copied to be padded. A sum is computed in the buffer of its identity shortcut where that dies
//! with it; the values that share a buffer so have one geometry.

use std::collections::HashMap;

use resnetc_runtime::plan::{Border, Element, View};

use crate::graph::{Conv, Graph, NodeId, Op, ResidualRead};
use crate::model::window::axes;

use super::PlanError;
use super::elements::Elements;
use super::memory::{self, Request};

/// The views of all values, and the arena that they are in.
pub struct Layout {
    views: HashMap<NodeId, View>,
    /// Size of the arena.
    pub arena: usize,
    /// The largest sum of sizes that are alive at once.
    pub live: usize,
}

/// Values that share one buffer, one after the other.
struct Group {
    border: Border,
    first: usize,
    last: usize,
}

impl Layout {
    /// Lays out a graph that runs in `order`, for so many images at once.
    pub fn new(
        graph: &Graph,
        order: &[NodeId],
        images: usize,
        elements: &Elements,
    ) -> Result<Self, PlanError> {
        let at: HashMap<NodeId, usize> = order.iter().enumerate().map(|(i, &id)| (id, i)).collect();
        let last_use = |id: NodeId| graph.uses(id).iter().map(|(user, _)| at[user]).max();
        let mut groups: Vec<Group> = Vec::new();
        let mut group_of: HashMap<NodeId, usize> = HashMap::new();
        for (step, &id) in order.iter().enumerate() {
            if matches!(graph.node(id).op, Op::Output { .. }) {
                continue;
            }
            let border = border(graph, id);
            let last = last_use(id).unwrap_or(step);
            let shared =
                in_place(graph, id, elements).filter(|&r| last_use(r) == Some(step)).map(|r| group_of[&r]);
            let group = match shared {
                Some(group) => {
                    groups[group].border = groups[group].border.union(border);
                    groups[group].last = last;
                    group
                }
                None => {
                    groups.push(Group { border, first: step, last });
                    groups.len() - 1
                }
            };
            group_of.insert(id, group);
        }
        let mut requests = Vec::with_capacity(groups.len());
        let mut views: HashMap<NodeId, View> = HashMap::new();
        for &id in order {
            let Some(&group) = group_of.get(&id) else { continue };
            let view = view(graph, id, elements).bordered(groups[group].border);
            if requests.len() == group {
                let size =
                    checked_image(&view).and_then(|s| s.checked_mul(images)).ok_or(PlanError::TooLarge)?;
                requests.push(Request { first: groups[group].first, last: groups[group].last, size });
            }
            views.insert(id, view);
        }
        let placed = memory::place(&requests).ok_or(PlanError::TooLarge)?;
        for (id, view) in &mut views {
            view.offset = placed.offsets[group_of[id]];
        }
        Ok(Self { views, arena: placed.size, live: placed.live })
    }

    /// Where a node's value lies.
    pub fn view(&self, id: NodeId) -> View {
        self.views[&id]
    }
}

/// The shortcut in whose buffer a node can compute its sum.
fn in_place(graph: &Graph, id: NodeId, elements: &Elements) -> Option<NodeId> {
    let operands = graph.operands(id);
    let residual = match &graph.node(id).op {
        Op::Conv(c) => (c.residual? == ResidualRead::IDENTITY).then_some(operands[1])?,
        Op::Gate(g) => (g.residual? == ResidualRead::IDENTITY).then_some(operands[2])?,
        _ => return None,
    };
    let others = operands.iter().filter(|&&o| o == residual).count();
    let alike = graph.node(residual).shape == graph.node(id).shape
        && elements.of(residual).stores_as(elements.of(id))
        && view(graph, residual, elements).pixel == view(graph, id, elements).pixel;
    (others == 1 && alike).then_some(residual)
}

/// A value's shape and elements. An image that only dense convolutions read keeps its three channels, or
/// as many as fill words: their taps lie side by side then.
fn view(graph: &Graph, id: NodeId, elements: &Elements) -> View {
    let shape @ [channels, ..] = graph.node(id).shape;
    let element = elements.of(id);
    let dense = |user: NodeId| match &graph.node(user).op {
        Op::Conv(c) => c.attributes.groups == 1 && c.residual.is_none(),
        _ => false,
    };
    let view = View::new(0, shape).of(element);
    if graph.node(id).op != Op::Input || !graph.uses(id).iter().all(|&(user, _)| dense(user)) {
        return view;
    }
    view.pixel(match element {
        Element::F32 => channels,
        Element::Bf16 | Element::Split { .. } | Element::U8(_) => element.words(channels.next_multiple_of(4)),
    })
}

/// The zeros that the convolutions behind a value read around it.
fn border(graph: &Graph, id: NodeId) -> Border {
    let [_, height, width] = graph.node(id).shape;
    graph.uses(id).into_iter().fold(Border::NONE, |border, (user, place)| match &graph.node(user).op {
        Op::Conv(conv) if place == 0 => {
            border.union(conv_border(conv, graph.node(user).shape, height, width))
        }
        _ => border,
    })
}

fn conv_border(conv: &Conv, [_, rows, columns]: [usize; 3], height: usize, width: usize) -> Border {
    let a = &conv.attributes;
    let [y, x] = axes(a.kernel, a.stride, a.dilation, a.pad);
    // How far the last window reaches past the map.
    let reach = |outputs: usize, stride: usize, extent: usize, before: usize, length: usize| {
        ((outputs - 1) * stride + extent).saturating_sub(before + length)
    };
    Border {
        top: a.pad.top,
        left: a.pad.left,
        bottom: reach(rows, y.stride, y.extent(), y.before, height),
        right: reach(columns, x.stride, x.extent(), x.before, width),
    }
}

fn checked_image(view: &View) -> Option<usize> {
    let b = view.border;
    let columns = view.width.checked_add(b.left)?.checked_add(b.right)?;
    let rows = view.height.checked_add(b.top)?.checked_add(b.bottom)?;
    columns.checked_mul(view.pixel)?.checked_mul(rows)
}
