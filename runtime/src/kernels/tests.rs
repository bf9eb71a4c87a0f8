//! Every kernel, at every level that this machine has, against the reference; on shapes that nobody
//! would think of.
//!
//! Each operand begins or ends right next to a page that faults, so nothing beside it is touched there.
//! On its other side memory is NaN up to such a page, so a value read there is seen, and so is one written.

mod convolutions;
#[cfg(all(target_os = "linux", not(miri)))]
mod faults;
mod others;
mod words;

use std::ops::Range;

use convolutions::{conv, depthwise, winograd};
use others::{element_wise, of_any_element, pool};
use proptest::prelude::*;
use words::dots;

use super::element;
use super::{Context, Share, StepCall};
use crate::guarded::{Edge, Guarded, page_size};
use crate::isa::{Isa, Level};
use crate::plan::*;
use crate::reference::{Memory, SLOTS, apply};

pub(super) const ACTIVATIONS: [Activation; 10] = [
    Activation::None,
    Activation::Relu,
    Activation::Relu6,
    Activation::LeakyRelu(0.1),
    Activation::Silu,
    Activation::Gelu,
    Activation::Sigmoid,
    Activation::HardSigmoid,
    Activation::HardSwish,
    Activation::Tanh,
];

/// An operation with the memory it needs.
#[derive(Clone, Debug)]
struct Case {
    op: Op,
    /// What the operation reads.
    inputs: Vec<View>,
    layout: Layout,
    weights: Vec<f32>,
    batch: usize,
    n: usize,
    seed: u64,
}

/// Numbers in -1..1 that depend on the seed alone.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Views one behind the other, each on pages of its own, at an edge of them, and behind a page that is
/// nobody's.
#[derive(Clone, Debug)]
struct Layout {
    batch: usize,
    edge: Edge,
    end: usize,
    /// The pages that are nobody's.
    gaps: Vec<Range<usize>>,
}

impl Layout {
    /// At the edge that is for this seed.
    fn new(batch: usize, seed: u64) -> Self {
        Self { batch, edge: Edge::ALL[(seed % 2) as usize], end: 0, gaps: Vec::new() }
    }

    fn place(&mut self, view: View) -> View {
        let (page, size) = (page_size() / size_of::<f32>(), self.batch * view.image());
        let start = self.end + page;
        self.gaps.push(self.end..start);
        self.end = (start + size).next_multiple_of(page);
        let offset = match self.edge {
            Edge::Before => start,
            Edge::Behind => self.end - size,
        };
        View { offset, ..view }
    }
}

impl Case {
    fn output(&self) -> View {
        *self.op.extent()
    }

    /// NaN, but for the inputs: maps of numbers in borders of zeros.
    fn memory(&self) -> Vec<f32> {
        let mut numbers = Numbers(self.seed);
        let mut arena = vec![f32::NAN; self.layout.end];
        for view in &self.inputs {
            let zero = f32::from_bits(u32::from_le_bytes(view.element.border()));
            arena[view.offset..view.offset + self.n * view.image()].fill(zero);
            for place in super::places(0..self.n * view.height, view) {
                for channel in 0..view.lanes() {
                    // SAFETY: the view lies in the arena, and the pixel has the channel.
                    unsafe {
                        let pixel = arena.as_mut_ptr().add(place.offset(view));
                        element::write(view, pixel, channel, numbers.next());
                    }
                }
            }
        }
        arena
    }

    /// The inputs as the reference has them.
    fn slots(&self) -> Vec<f64> {
        self.slots_of(&self.memory())
    }

    fn slots_of(&self, arena: &[f32]) -> Vec<f64> {
        let mut slots = vec![f64::NAN; SLOTS * arena.len()];
        for view in &self.inputs {
            for (place, channel) in super::places(0..self.n * view.height, view)
                .flat_map(|place| (0..view.channels).map(move |channel| (place, channel)))
            {
                let at = place.offset(view);
                // SAFETY: the view lies in the arena, and the pixel has the channel.
                let value = unsafe { element::read(view, arena.as_ptr().add(at), channel) };
                slots[SLOTS * at + channel] = value.into();
            }
        }
        slots
    }

    /// The plan of this step alone.
    fn plan(&self) -> Plan {
        let output = self.output();
        let step = |op| Step { name: "step".into(), op, split: Split::Rows };
        let steps = vec![step(self.op.clone()), step(Op::Store { input: output, output: 0 })];
        let section = Section { times: 1, first: 0, weight_step: 0, steps: steps.into() };
        Plan {
            name: "case".into(),
            digest: [0; 32],
            batch: self.batch,
            images: self.batch,
            input: [1, 1, 1],
            preprocess: Preprocess { resize: None, filter: Filter::Bilinear, mean: [0.0; 3], std: [1.0; 3] },
            labels: vec![].into(),
            outputs: vec![Output { name: "y".into(), shape: [output.channels, output.height, output.width] }]
                .into(),
            arena: self.layout.end,
            weights: self.weights.len(),
            params: 0,
            macs: 0,
            stages: vec![Stage { name: "s".into(), sections: vec![section].into() }].into(),
        }
    }

    /// The memory after the kernel ran, each member of a team after the other.
    fn run(&self, isa: Isa, split: Split, members: usize) -> Vec<f32> {
        self.run_on(isa, split, members, &self.memory())
    }

    /// The same on other inputs.
    fn run_on(&self, isa: Isa, split: Split, members: usize, arena: &[f32]) -> Vec<f32> {
        let Layout { edge, gaps, .. } = &self.layout;
        let copy = |values: &[f32]| Guarded::copy_of(values, *edge).expect("memory");
        let mut memory = copy(arena);
        let mut scratch = copy(&vec![f32::NAN; self.plan().scratch()]);
        let weights = copy(&self.weights);
        gaps.iter().for_each(|gap| memory.set_readable(gap.clone(), false));
        let context = Context {
            arena: memory.start().as_ptr(),
            weights: weights.as_ptr(),
            images: std::ptr::null(),
            results: std::ptr::null_mut(),
            starts: &[],
            first: 0,
            n: self.n,
            scratch: scratch.as_mut_ptr(),
        };
        let step = Step { name: "step".into(), op: self.op.clone(), split };
        for member in 0..members {
            let share = Share::of(&step, self.n, (member, members));
            // SAFETY: `check` verified the plan, and members run one after the other.
            unsafe { StepCall::new(&context, &step.op, share) }.run(isa);
        }
        gaps.iter().for_each(|gap| memory.set_readable(gap.clone(), true));
        memory.to_vec()
    }

    fn check(&self) -> Result<(), TestCaseError> {
        if let Err(invalid) = self.plan().verify() {
            return Err(TestCaseError::fail(invalid.to_string()));
        }
        let mut expected =
            Memory { arena: self.slots(), weights: &self.weights, images: &[], results: vec![], n: self.n };
        apply(&self.op, &mut expected);
        for level in Level::available() {
            let isa = Isa::new(level).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let found = self.run(isa, Split::Rows, 1);
            self.compare(level, &found, &expected.arena)?;
            for split in [Split::Rows, Split::Channels] {
                for members in 1..=3 {
                    let other = self.run(isa, split, members);
                    let same = found.iter().zip(&other).all(|(a, b)| a.to_bits() == b.to_bits());
                    prop_assert!(same, "{} members by {split:?} differ at {}", members, level.name());
                }
            }
        }
        Ok(())
    }

    fn compare(&self, level: Level, found: &[f32], expected: &[f64]) -> Result<(), TestCaseError> {
        let before = self.memory();
        let view = self.output();
        let written = view.offset..view.offset + self.n * view.image();
        let name = level.name();
        for (at, (found, before)) in found.iter().zip(&before).enumerate() {
            let kept = written.contains(&at) || found.to_bits() == before.to_bits();
            prop_assert!(kept, "{name} writes {found} outside its output, at {at}");
        }
        for n in 0..self.n {
            for y in 0..view.border.top + view.height + view.border.bottom {
                for x in 0..view.border.left + view.width + view.border.right {
                    let inner_y = y.checked_sub(view.border.top).filter(|&y| y < view.height);
                    let inner_x = x.checked_sub(view.border.left).filter(|&x| x < view.width);
                    let at = view.offset + n * view.image() + y * view.row() + x * view.pixel;
                    for c in 0..view.lanes() {
                        // SAFETY: the view lies in the arena, and the pixel has the channel.
                        let found = unsafe { element::read(&view, found.as_ptr().add(at), c) };
                        let expected = expected[SLOTS * at + c];
                        if inner_y.is_none() || inner_x.is_none() {
                            let zero = in_border(&view, c);
                            prop_assert!(found == zero, "{name}: {found} in the border at {y}, {x}");
                        } else if c >= view.channels {
                            prop_assert!(found.is_finite(), "{name}: {found} in padded channel {c}");
                        } else {
                            let close = (f64::from(found) - expected).abs() <= tolerance(&view, expected);
                            prop_assert!(close, "{name}: {found}, not {expected} at {n}, {y}, {x}, {c}");
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// What a channel's border means: 0, or what 8 bits have next to it.
fn in_border(view: &View, channel: usize) -> f32 {
    match view.element {
        Element::U8(scale) => scale.value(channel, scale.border()[channel % 4]),
        Element::F32 | Element::Bf16 | Element::Split { .. } => 0.0,
    }
}

/// How far a stored value may be from the expected one, which is rounded as it is: a last place of its
/// elements, besides the sums' own rounding errors.
fn tolerance(view: &View, expected: f64) -> f64 {
    let sums = 1e-5 * (1.0 + expected.abs());
    sums + match view.element {
        Element::F32 => 0.0,
        Element::Bf16 => expected.abs() / 127.0,
        Element::Split { .. } => expected.abs() / 65536.0,
        Element::U8(scale) => 1.001 * f64::from(scale.steps().into_iter().fold(0.0, f32::max)),
    }
}

/// Elements of every kind.
fn element() -> impl Strategy<Value = Element> {
    prop_oneof![
        Just(Element::F32),
        Just(Element::Bf16),
        (2..4_usize).prop_map(|parts| Element::Split { parts }),
        (0.005..0.02_f32, any::<u8>()).prop_map(|(step, zero)| Element::U8(Scale::new(step, zero))),
        (prop::array::uniform4(0.005..0.02_f32), prop::array::uniform4(0.0..255.0_f32))
            .prop_map(|(steps, zeros)| Element::U8(Scale::of_channels(steps, zeros))),
    ]
}

fn border() -> impl Strategy<Value = Border> {
    let side = || 0..3_usize;
    prop_oneof![
        Just(Border::NONE),
        (side(), side(), side(), side()).prop_map(|(top, left, bottom, right)| Border {
            top,
            left,
            bottom,
            right
        }),
    ]
}

/// Images of a run, and how many the plan is for.
fn images() -> impl Strategy<Value = (usize, usize)> {
    (1..4_usize, 0..2_usize).prop_map(|(n, more)| (n, n + more))
}

fn activation() -> impl Strategy<Value = Activation> {
    prop::sample::select(&ACTIVATIONS[..])
}

/// Any map; its channels may be padded or not.
fn map(sides: std::ops::Range<usize>, most_channels: usize) -> impl Strategy<Value = View> {
    (1..=most_channels, sides.clone(), sides, border(), any::<bool>()).prop_map(
        |(channels, height, width, border, padded)| {
            let view = View::new(0, [channels, height, width]).bordered(border);
            if padded { view } else { view.pixel(channels) }
        },
    )
}

#[derive(Clone, Copy, Debug)]
enum Shortcut {
    None,
    Identity,
    InPlace,
    Padded { stride: usize, channel_offset: usize },
}

fn shortcut() -> impl Strategy<Value = Shortcut> {
    prop_oneof![
        2 => Just(Shortcut::None),
        1 => Just(Shortcut::Identity),
        1 => Just(Shortcut::InPlace),
        1 => (1..3_usize, 0..10_usize)
            .prop_map(|(stride, channel_offset)| Shortcut::Padded { stride, channel_offset }),
    ]
}

/// Places the output and what is added to it, which is a further input.
fn place_output(
    layout: &mut Layout,
    output: View,
    shortcut: Shortcut,
    inputs: &mut Vec<View>,
) -> (View, Option<Residual>) {
    let output = layout.place(output);
    let identity = |view| Residual { view, stride: 1, channel_offset: 0 };
    let residual = match shortcut {
        Shortcut::None => None,
        Shortcut::Identity => Some(identity(layout.place(output.bordered(Border::all(1))))),
        Shortcut::InPlace => Some(identity(output)),
        Shortcut::Padded { stride, channel_offset } => {
            let channels = output.channels.div_ceil(2);
            let sides = [output.height, output.width].map(|side| (side - 1) * stride + 1);
            let view = layout.place(View::new(0, [channels, sides[0], sides[1]]));
            Some(Residual { view, stride, channel_offset: channel_offset.min(output.pixel) })
        }
    };
    inputs.extend(residual.map(|residual| residual.view));
    (output, residual)
}

/// Kernel, stride, dilation and padding along one axis.
type Axis = (usize, usize, usize, usize);

fn axis() -> impl Strategy<Value = Axis> {
    (1..5_usize, 1..4_usize, 1..3_usize, 0..3_usize)
}

/// The size of the output, and how much border the windows want behind the map.
fn windows((kernel, stride, dilation, pad): Axis, size: usize) -> (usize, usize) {
    let reach = (kernel - 1) * dilation;
    let outputs = (size + 2 * pad).saturating_sub(reach + 1) / stride + 1;
    let end = (outputs - 1) * stride + reach + 1;
    (outputs, end.saturating_sub(pad + size))
}

/// `input` with the border that the windows read, and the size of the output.
fn with_windows(input: View, axes: [Axis; 2]) -> (View, [usize; 2]) {
    let (height, bottom) = windows(axes[0], input.height);
    let (width, right) = windows(axes[1], input.width);
    let needed = Border { top: axes[0].3, left: axes[1].3, bottom, right };
    (input.bordered(input.border.union(needed)), [height, width])
}
/// Says which levels the other tests leave out here.
#[test]
fn levels_of_this_machine_are_known() {
    for level in Level::ALL {
        if !level.is_available() {
            println!("skipped: this machine has no {}", level.name());
        }
    }
    assert!(Level::Portable.is_available());
}

/// As many cases as `PROPTEST_CASES` says, or 400.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { 400 };
    ProptestConfig { cases, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn convolution_is_the_references(case in conv()) {
        case.check()?;
    }

    #[test]
    fn convolution_of_words_is_the_references(case in dots()) {
        case.check()?;
    }

    #[test]
    fn operations_on_any_element_are_the_references(case in of_any_element()) {
        case.check()?;
    }

    #[test]
    fn winograd_convolution_is_the_references(case in winograd()) {
        case.check()?;
    }

    #[test]
    fn depthwise_convolution_is_the_references(case in depthwise()) {
        case.check()?;
    }

    #[test]
    fn pooling_is_the_references(case in pool()) {
        case.check()?;
    }

    #[test]
    fn element_wise_operations_are_the_references(case in element_wise()) {
        case.check()?;
    }
}
