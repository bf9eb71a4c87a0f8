//! Steps to stages, with the equal blocks of a stage rolled into a loop.
//!
//! Blocks are equal when their steps differ in nothing but the block's number and weights that lie
//! a constant distance apart. That keeps a plan as long as its spec has stages, not blocks.

use resnetc_runtime::plan::{Op, Section, Stage, Step};

use crate::graph::Graph;

use super::steps::Placed;

/// One block's steps, or steps of a part that are in no block.
struct Chunk {
    block: Option<usize>,
    /// Names with `*` for the block's number, weights counted from `base`.
    steps: Vec<Step>,
    base: usize,
}

/// Groups steps by the parts of the spec.
pub fn roll(graph: &Graph, steps: Vec<Placed>) -> Vec<Stage> {
    let mut stages: Vec<(usize, Vec<Chunk>)> = Vec::new();
    let mut base = 0;
    for placed in steps {
        let Placed { mut step, part, block, weights_end, .. } = placed;
        if stages.last().is_none_or(|(p, _)| *p != part) {
            stages.push((part, Vec::new()));
        }
        let name = graph.parts.get(part).map_or("", String::as_str);
        let Some((_, chunks)) = stages.last_mut() else { unreachable!("just pushed") };
        if chunks.last().is_none_or(|c| c.block != block) {
            chunks.push(Chunk { block, steps: Vec::new(), base });
        }
        let Some(chunk) = chunks.last_mut() else { unreachable!("just pushed") };
        if let Some(weights) = weights_mut(&mut step.op) {
            *weights -= chunk.base;
        }
        if let Some(block) = block
            && let Some(rest) = step.name.strip_prefix(&format!("{name}.{block}."))
        {
            step.name = format!("{name}.*.{rest}").into();
        }
        chunk.steps.push(step);
        base = weights_end;
    }
    let stage = |(part, chunks): (usize, Vec<Chunk>)| Stage {
        name: graph.parts.get(part).cloned().unwrap_or_default().into(),
        sections: sections(chunks).into(),
    };
    stages.into_iter().map(stage).collect()
}

fn sections(chunks: Vec<Chunk>) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut rest = chunks.as_slice();
    while let [first, behind @ ..] = rest {
        let step_of = |chunk: &Chunk, before: &Chunk| chunk.base - before.base;
        let weight_step = behind.first().map_or(0, |second| step_of(second, first));
        let mut times = 1;
        while let Some(next) = rest.get(times)
            && first.block.is_some()
            && next.block == first.block.map(|b| b + times)
            && next.steps == first.steps
            && step_of(next, &rest[times - 1]) == weight_step
        {
            times += 1;
        }
        let mut steps = first.steps.clone();
        for step in &mut steps {
            if let Some(weights) = weights_mut(&mut step.op) {
                *weights += first.base;
            }
        }
        let weight_step = if times > 1 { weight_step } else { 0 };
        sections.push(Section { times, first: first.block.unwrap_or(0), weight_step, steps: steps.into() });
        rest = &rest[times..];
    }
    sections
}

fn weights_mut(op: &mut Op) -> Option<&mut usize> {
    match op {
        Op::Conv(conv) => Some(&mut conv.weights),
        Op::Depthwise(conv) => Some(&mut conv.weights),
        Op::Affine { weights, .. } => Some(weights),
        Op::Load { .. }
        | Op::MaxPool(_)
        | Op::AvgPool(_)
        | Op::GlobalAvgPool { .. }
        | Op::BlurPool(_)
        | Op::Activate { .. }
        | Op::Add { .. }
        | Op::Gate { .. }
        | Op::PadChannels { .. }
        | Op::Softmax { .. }
        | Op::Store { .. } => None,
    }
}
