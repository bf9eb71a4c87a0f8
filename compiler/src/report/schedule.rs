//! The schedule of a plan: every kernel call of a run in order, with its part and its costs, and the buffers of
//! the arena with the steps at which they live.
//!
//! Buffers are read off the plan: one begins where a step writes to a place that it did not read in the same
//! step, and ends with the last step that reads it. A sum that is computed in place so keeps its buffer.

use resnetc_runtime::plan::{Conv, Depthwise, Op, Plan, Residual, View};

/// Bytes of a word.
const WORD: usize = size_of::<f32>();

/// A plan's steps and buffers.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The steps in order, repetitions one by one; their costs are those of all rounds of a whole batch.
    pub steps: Vec<Step>,
    /// Where each part begins, by the number of its first step.
    pub parts: Vec<(String, usize)>,
    /// The buffers, in the order of their first steps.
    pub buffers: Vec<Buffer>,
    /// The arena's size in bytes.
    pub arena: usize,
}

/// A kernel call.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name: `layer2.0.conv1`.
    pub name: String,
    /// What computes it: `direct 3x3`.
    pub kernel: String,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes that memory moves at least.
    pub bytes: u64,
}

/// A stretch of the arena, from a step to a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// The step that writes it first, and names it.
    pub first: usize,
    /// The last that reads it.
    pub last: usize,
    /// Where it begins, in bytes.
    pub offset: usize,
    /// Its size in bytes.
    pub size: usize,
}

impl Schedule {
    /// That of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        let mut ops: Vec<&Op> = Vec::new();
        for images in plan.rounds(plan.batch) {
            let first = steps.is_empty();
            for (index, call) in plan.calls(images.len()).enumerate() {
                let (macs, bytes) = (call.step.op.macs(images.len()), call.step.op.bytes(images.len()));
                if first {
                    let name = call.step.name.replace('*', &call.index.to_string());
                    steps.push(Step { name, kernel: call.step.op.kernel(), macs, bytes });
                    ops.push(&call.step.op);
                } else if let Some(step) = steps.get_mut(index) {
                    step.macs = step.macs.saturating_add(macs);
                    step.bytes = step.bytes.saturating_add(bytes);
                }
            }
        }
        let buffers = buffers(&ops, plan.images);
        Self { parts: parts(plan), buffers, arena: plan.arena * WORD, steps }
    }

    /// Bytes that are alive at each step.
    pub fn alive(&self) -> Vec<usize> {
        let mut alive = vec![0; self.steps.len()];
        for buffer in &self.buffers {
            for step in &mut alive[buffer.first..=buffer.last] {
                *step += buffer.size;
            }
        }
        alive
    }
}

/// The names of the plan's stages, and their first steps.
fn parts(plan: &Plan) -> Vec<(String, usize)> {
    let mut first = 0;
    let part = |stage: &resnetc_runtime::plan::Stage| {
        let begin = first;
        first += stage.sections.iter().map(|section| section.times * section.steps.len()).sum::<usize>();
        (stage.name.to_string(), begin)
    };
    plan.stages.iter().map(part).collect()
}

fn buffers(ops: &[&Op], images: usize) -> Vec<Buffer> {
    let mut all: Vec<Buffer> = Vec::new();
    // The buffers that a later step may read, by their places in `all`.
    let mut open: Vec<usize> = Vec::new();
    for (step, op) in ops.iter().enumerate() {
        let (reads, writes) = touched(op);
        for view in reads {
            let at = |&&index: &&usize| all[index].offset == view.offset * WORD;
            if let Some(&index) = open.iter().find(at) {
                all[index].last = step;
            }
        }
        let Some(view) = writes else { continue };
        let begin = view.offset * WORD;
        let size = (view.image() * images * WORD).next_multiple_of(ALIGNMENT);
        if let Some(&index) = open.iter().find(|&&i| all[i].offset == begin && all[i].last == step) {
            all[index].size = all[index].size.max(size);
            continue;
        }
        open.retain(|&i| all[i].offset + all[i].size <= begin || begin + size <= all[i].offset);
        open.push(all.len());
        all.push(Buffer { first: step, last: step, offset: begin, size });
    }
    all
}

/// What buffers are multiples of, in bytes.
const ALIGNMENT: usize = resnetc_runtime::plan::LANES * WORD;

/// The maps that a step reads from the arena, and the one that it writes to it.
fn touched(op: &Op) -> (Vec<View>, Option<View>) {
    let with = |input: &View, residual: &Option<Residual>| {
        [*input].into_iter().chain(residual.map(|residual| residual.view)).collect()
    };
    match op {
        Op::Load { output } => (Vec::new(), Some(*output)),
        Op::Conv(Conv { input, residual, output, .. })
        | Op::Depthwise(Depthwise { input, residual, output, .. }) => (with(input, residual), Some(*output)),
        Op::MaxPool(pool) => (vec![pool.input], Some(pool.output)),
        Op::AvgPool(avg) => (vec![avg.pool.input], Some(avg.pool.output)),
        Op::BlurPool(blur) => (vec![blur.input], Some(blur.output)),
        Op::GlobalAvgPool { input, output }
        | Op::Affine { input, output, .. }
        | Op::Activate { input, output, .. }
        | Op::Softmax { input, output } => (vec![*input], Some(*output)),
        Op::Add { input, residual, output, .. } => (vec![*input, residual.view], Some(*output)),
        Op::Gate { input, gate, residual, output, .. } => {
            let mut reads: Vec<View> = with(input, residual);
            reads.push(*gate);
            (reads, Some(*output))
        }
        Op::PadChannels { residual, output } => (vec![residual.view], Some(*output)),
        Op::Store { input, .. } => (vec![*input], None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Spec, compile, shipped_models};

    #[test]
    fn buffers_never_share_a_byte_and_their_most_is_the_live_bound() {
        for name in shipped_models().keys() {
            let network = Spec::open(name).and_then(|spec| spec.check(&[])).unwrap().network;
            let compiled = compile(&network, None, &Options { batch: 3, ..Options::default() }).unwrap();
            let schedule = Schedule::of(&compiled.plan);
            for (index, a) in schedule.buffers.iter().enumerate() {
                assert!(a.offset + a.size <= schedule.arena, "{name}: {a:?}");
                for b in schedule.buffers[index + 1..].iter().take_while(|b| b.first <= a.last) {
                    let apart = a.offset + a.size <= b.offset || b.offset + b.size <= a.offset;
                    assert!(apart, "{name}: {a:?} {b:?}");
                }
            }
            assert_eq!(schedule.alive().into_iter().max(), Some(compiled.live_bytes), "{name}");
        }
    }

    #[test]
    fn steps_are_those_of_a_run_with_the_costs_of_a_batch() {
        let network = Spec::open("cifar_resnet").and_then(|spec| spec.check(&[])).unwrap().network;
        let of = |batch| {
            Schedule::of(&compile(&network, None, &Options { batch, ..Options::default() }).unwrap().plan)
        };
        let (one, many) = (of(1), of(64));
        assert_eq!(one.steps.iter().map(|step| step.macs).sum::<u64>(), network.total_macs());
        assert_eq!(many.steps.iter().map(|step| step.macs).sum::<u64>(), 64 * network.total_macs());
        assert_eq!(one.steps.len(), many.steps.len(), "the steps of a round");
        let names: Vec<&str> = one.parts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["stem", "layer1", "layer2", "layer3", "head"]);
        assert_eq!(one.steps[one.parts[2].1].name, "layer2.0.conv1");
    }
}
