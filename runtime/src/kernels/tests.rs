//! Every kernel, at every level that this machine has, against the reference; on shapes that nobody
//! would think of.
//!
//! Memory is NaN wherever no operand lies, so a value read outside of them is seen, and so is one
//! written there.

use proptest::prelude::*;

use super::element;
use super::{Context, Share, StepCall};
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
    arena: usize,
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

/// Views one behind the other, with gaps between them.
struct Layout {
    batch: usize,
    end: usize,
}

impl Layout {
    fn place(&mut self, view: View) -> View {
        let view = View { offset: self.end, ..view };
        self.end += self.batch * view.image() + 5;
        view
    }
}

impl Case {
    fn output(&self) -> View {
        *self.op.extent()
    }

    /// NaN, but for the inputs: maps of numbers in borders of zeros.
    fn memory(&self) -> Vec<f32> {
        let mut numbers = Numbers(self.seed);
        let mut arena = vec![f32::NAN; self.arena];
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
            arena: self.arena,
            weights: self.weights.len(),
            params: 0,
            macs: 0,
            stages: vec![Stage { name: "s".into(), sections: vec![section].into() }].into(),
        }
    }

    /// The memory after the kernel ran, each member of a team after the other.
    fn run(&self, isa: Isa, split: Split, members: usize) -> Vec<f32> {
        self.run_on(isa, split, members, self.memory())
    }

    /// The same on other inputs.
    fn run_on(&self, isa: Isa, split: Split, members: usize, mut arena: Vec<f32>) -> Vec<f32> {
        let mut scratch = vec![f32::NAN; self.plan().scratch()];
        let context = Context {
            arena: arena.as_mut_ptr(),
            weights: self.weights.as_ptr(),
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
        arena
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

prop_compose! {
    fn conv()(
        input in map(1..12, 40),
        group_panels in prop_oneof![Just(None), (2..4_usize, 1..6_usize).prop_map(Some)],
        narrow in prop_oneof![3 => Just(None), 1 => (0..4_u32, 1..4_usize).prop_map(Some)],
        channels in prop_oneof![1..20_usize, 1..200_usize],
        axes in [axis(), axis()],
        output_border in border(),
        shortcut in shortcut(),
        activation in activation(),
        (n, batch) in images(),
        seed in any::<u64>(),
    ) -> Case {
        let mut layout = Layout { batch, end: 3 };
        let (groups, channels) = group_panels.map_or((1, channels), |(groups, panels)| {
            (groups, groups * panels * LANES)
        });
        let (input, groups, channels) = match narrow {
            Some((power, panels)) => {
                let channels = panels * LANES;
                (View { channels, pixel: channels, ..input }, channels >> power, channels)
            }
            None => (input, groups, channels),
        };
        let input = if groups > 1 { input.pixel(input.channels.next_multiple_of(groups)) } else { input };
        let (input, [height, width]) = with_windows(input, axes);
        let input = layout.place(input);
        let mut inputs = vec![input];
        let output = View::new(0, [channels, height, width]).bordered(output_border);
        let (output, residual) = place_output(&mut layout, output, shortcut, &mut inputs);
        let group_input = input.pixel / groups;
        let per_channel = axes[0].0 * axes[1].0 * group_input;
        let mut numbers = Numbers(!seed);
        let scale = (per_channel as f32).sqrt().recip();
        let count = output.pixel * (per_channel + 1) + 7;
        let mut weights: Vec<f32> = (0..count).map(|_| numbers.next() * scale).collect();
        weights[..7].fill(f32::NAN);
        // Sums on either side of every activation's bends.
        weights[7 + output.pixel * per_channel..].fill_with(|| 8.0 * numbers.next());
        for (index, weight) in weights[7..7 + output.pixel * per_channel].iter_mut().enumerate() {
            let (panel, k) = (index / LANES / per_channel, index / LANES % group_input);
            let group = panel / (output.pixel / LANES / groups).max(1);
            if narrow.is_none() && group * group_input + k >= input.channels {
                *weight = 0.0;
            }
        }
        let op = Op::Conv(Conv {
            input,
            output,
            kernel: [axes[0].0, axes[1].0],
            stride: [axes[0].1, axes[1].1],
            dilation: [axes[0].2, axes[1].2],
            pad: [axes[0].3, axes[1].3],
            groups,
            group_input,
            weights: 7,
            residual,
            activation,
            algorithm: Algorithm::Direct,
        });
        Case { op, inputs, arena: layout.end, weights, batch, n, seed }
    }
}

/// Words of weights for a convolution whose input's elements these are, and what the products of bytes
/// are multiplied with; padding multiplies nothing.
fn words(conv: &Conv, seed: u64) -> Vec<f32> {
    let element = conv.input.element;
    let (taps, lanes) = (conv.kernel[0] * conv.kernel[1], conv.output.lanes());
    let (in_group, panels) = (element.channels(conv.group_input), lanes / LANES);
    let plane = conv.group_input / element.parts();
    let scale = ((taps * in_group) as f32).sqrt().recip();
    let mut numbers = Numbers(!seed);
    let mut words = vec![0_u32; panels * taps * conv.group_input * LANES];
    let mut sums = vec![0_i32; lanes];
    for at in 0..panels * taps * in_group * LANES {
        let (lane, k) = (at % LANES, at / LANES % in_group);
        let (tap, panel) = (at / LANES / in_group % taps, at / LANES / in_group / taps);
        let group = panel / (panels / conv.groups).max(1);
        let present = group * in_group + k < conv.input.channels;
        let mut left = if present { numbers.next() } else { 0.0 };
        let line = (panel * taps + tap) * conv.group_input;
        if let Element::U8(_) = element {
            let weight = (left * 64.0).round() as i8;
            sums[panel * LANES + lane] += i32::from(weight);
            let byte = u32::from(weight.cast_unsigned()) << (k % 4 * 8);
            words[(line + k / 4) * LANES + lane] |= byte;
            continue;
        }
        left *= scale;
        for part in 0..element.parts() {
            let bits = bf16_bits(left);
            words[(line + part * plane + k / 2) * LANES + lane] |= u32::from(bits) << (k % 2 * 16);
            left -= f32::from_bits(u32::from(bits) << 16);
        }
    }
    if let Element::U8(input) = element {
        words.extend((0..lanes).map(|_| (scale / 64.0 * input.steps()[0]).to_bits()));
    }
    words.extend((0..lanes).map(|_| (8.0 * numbers.next()).to_bits()));
    if let Element::U8(_) = element {
        words.extend(sums.iter().map(|sum| sum.cast_unsigned()));
    }
    words.into_iter().map(f32::from_bits).collect()
}

prop_compose! {
    /// A convolution of elements with several values a word.
    fn dots()(
        input in map(1..12, 70),
        elements in [element(), element(), element()],
        group_panels in prop_oneof![3 => Just(None), 1 => (2..4_usize, 1..4_usize).prop_map(Some)],
        channels in prop_oneof![1..20_usize, 1..200_usize],
        axes in [axis(), axis()],
        output_border in border(),
        shortcut in shortcut(),
        activation in activation(),
        (n, batch) in images(),
        seed in any::<u64>(),
    ) -> Case {
        let mut layout = Layout { batch, end: 3 };
        let element = match elements[0] {
            Element::F32 => Element::Bf16,
            element => element,
        };
        let (groups, channels) = group_panels.map_or((1, channels), |(groups, panels)| {
            (groups, groups * panels * LANES)
        });
        let input = View { channels: if groups > 1 { LANES * groups } else { input.channels }, ..input };
        let (input, [height, width]) = with_windows(input.of(element), axes);
        let input = layout.place(input);
        let mut inputs = vec![input];
        let output = View::new(0, [channels, height, width]).of(elements[1]).bordered(output_border);
        let (output, residual) = place_output(&mut layout, output, shortcut, &mut inputs);
        let residual = residual.map(|residual| {
            let same = residual.view == output;
            let view = if same { output } else { layout.place(residual.view.of(elements[2])) };
            inputs.pop();
            inputs.push(view);
            Residual { view, ..residual }
        });
        let conv = Conv {
            kernel: [axes[0].0, axes[1].0],
            stride: [axes[0].1, axes[1].1],
            dilation: [axes[0].2, axes[1].2],
            pad: [axes[0].3, axes[1].3],
            residual,
            activation,
            ..Conv::new(input, output, 7).groups(groups, input.pixel / groups)
        };
        let mut weights = vec![f32::NAN; 7];
        weights.extend(words(&conv, seed));
        Case { op: Op::Conv(conv), inputs, arena: layout.end, weights, batch, n, seed }
    }
}

prop_compose! {
    /// A 3 x 3 kernel's weights as Winograd's algorithm has them, in any block.
    fn winograd()(
        form in prop::sample::select(&winograd::Form::ALL[..]),
        block in 1..20_usize,
        input in map(1..12, 20),
        channels in prop_oneof![4 => 1..20_usize, 1 => 70..90_usize],
        pads in [0..3_usize, 0..3_usize],
        output_border in border(),
        shortcut in shortcut(),
        activation in activation(),
        (n, batch) in images(),
        seed in any::<u64>(),
    ) -> Case {
        let mut layout = Layout { batch, end: 3 };
        let axes = pads.map(|pad| (3, 1, 1, pad));
        let (input, [height, width]) = with_windows(input, axes);
        let input = layout.place(input);
        let mut inputs = vec![input];
        let output = View::new(0, [channels, height, width]).bordered(output_border);
        let (output, residual) = place_output(&mut layout, output, shortcut, &mut inputs);
        let conv = Conv::new(input, output, 7).kernel([3, 3], pads).then(activation);
        let conv = Conv { residual, ..conv.by(Algorithm::Winograd { form, block }) };
        let (filter, panel) = (form.filter(), form.points() * input.pixel * LANES);
        let mut numbers = Numbers(!seed);
        let scale = (9.0 * input.pixel as f32).sqrt().recip();
        let mut weights = vec![f32::NAN; 7];
        weights.resize(7 + output.pixel / LANES * panel, 0.0);
        for channel in 0..output.pixel {
            for c in 0..input.channels {
                let kernel: [f32; 9] = std::array::from_fn(|_| numbers.next() * scale);
                for (point, weight) in filter.weights(&kernel).enumerate() {
                    let at = winograd::packed_at(form, [input.pixel, output.pixel], channel, point, c);
                    weights[7 + at] = weight;
                }
            }
        }
        weights.extend((0..output.pixel).map(|_| 8.0 * numbers.next()));
        Case { op: Op::Conv(conv), inputs, arena: layout.end, weights, batch, n, seed }
    }
}

prop_compose! {
    fn depthwise()(
        input in map(1..10, 40),
        axes in [axis(), axis()],
        output_border in border(),
        shortcut in shortcut(),
        activation in activation(),
        (n, batch) in images(),
        seed in any::<u64>(),
    ) -> Case {
        let mut layout = Layout { batch, end: 3 };
        let (input, [height, width]) = with_windows(input, axes);
        let input = layout.place(input);
        let mut inputs = vec![input];
        let output = View { height, width, ..input }.bordered(output_border);
        let (output, residual) = place_output(&mut layout, output, shortcut, &mut inputs);
        let mut numbers = Numbers(!seed);
        let count = output.pixel * (axes[0].0 * axes[1].0 + 1);
        let op = Op::Depthwise(Depthwise {
            input,
            output,
            kernel: [axes[0].0, axes[1].0],
            stride: [axes[0].1, axes[1].1],
            dilation: [axes[0].2, axes[1].2],
            pad: [axes[0].3, axes[1].3],
            weights: 0,
            residual,
            activation,
        });
        let weights = (0..count).map(|_| numbers.next()).collect();
        Case { op, inputs, arena: layout.end, weights, batch, n, seed }
    }
}

prop_compose! {
    /// Maximum, mean and blur over windows; in ceil mode if `ceil`.
    fn pool()(
        kind in 0..3,
        input in map(3..12, 40),
        kernel in [1..5_usize, 1..5_usize],
        stride in [1..4_usize, 1..4_usize],
        pad in [0..2_usize, 0..2_usize],
        pad_end in [0..2_usize, 0..2_usize],
        ceil in any::<bool>(),
        count_include_pad in any::<bool>(),
        output_border in border(),
        (n, batch) in images(),
        seed in any::<u64>(),
    ) -> Case {
        let mut layout = Layout { batch, end: 3 };
        let input = layout.place(input);
        let pad = [pad[0].min(kernel[0] - 1), pad[1].min(kernel[1] - 1)];
        // What pads must not make whole windows.
        let pad_end = [pad_end[0].min(kernel[0] - 1), pad_end[1].min(kernel[1] - 1)];
        let count = |axis: usize, size: usize| {
            // A blur is square.
            let of = if kind == 2 { 0 } else { axis };
            let (kernel, stride) = (kernel[of], stride[of]);
            let before = pad[of];
            let span = (size + before + pad_end[axis]).saturating_sub(kernel);
            let outputs = if ceil && kind != 2 { span.div_ceil(stride) } else { span / stride } + 1;
            // As PyTorch has it: the last window begins on the map or before it.
            if (outputs - 1) * stride >= size + before { outputs - 1 } else { outputs }
        };
        let (height, width) = (count(0, input.height), count(1, input.width));
        let view = View::new(0, [input.channels, height, width]).bordered(output_border);
        let output = layout.place(view);
        let pool = Pool { input, output, kernel, stride, pad };
        let op = match kind {
            0 => Op::MaxPool(pool),
            1 => Op::AvgPool(AvgPool { pool, pad_end, count_include_pad }),
            _ => Op::BlurPool(BlurPool { input, output, size: kernel[0], stride: stride[0], pad: pad[0] }),
        };
        Case { op, inputs: vec![input], arena: layout.end, weights: vec![], batch, n, seed }
    }
}

prop_compose! {
    fn element_wise()(
        kind in 0..7,
        input in map(1..8, 150),
        output_border in border(),
        broadcast in any::<bool>(),
        in_place in any::<bool>(),
        repad in any::<bool>(),
        shortcut in shortcut(),
        activation in activation(),
        (n, batch) in images(),
        seed in any::<u64>(),
    ) -> Case {
        let mut layout = Layout { batch, end: 3 };
        let input = layout.place(input);
        let mut inputs = vec![input];
        let shape = [input.channels, input.height, input.width];
        let output = if repad && kind != 1 { View::new(0, shape) } else { input }.bordered(output_border);
        let shortcut = match (kind, shortcut) {
            (4, Shortcut::None | Shortcut::InPlace) => Shortcut::Identity,
            (2, Shortcut::None) => Shortcut::InPlace,
            (_, shortcut) => shortcut,
        };
        let (mut output, mut residual) = place_output(&mut layout, output, shortcut, &mut inputs);
        if in_place && kind < 4 {
            if let Some(residual) = &mut residual {
                residual.channel_offset = residual.channel_offset.min(input.pixel);
                if residual.view == output {
                    residual.view = input;
                }
            }
            output = input;
        }
        let gate = if broadcast { View { height: 1, width: 1, ..input } } else { input };
        let gate = layout.place(gate);
        inputs.push(gate);
        let mut numbers = Numbers(!seed);
        let weights = (0..2 * output.pixel).map(|_| numbers.next()).collect();
        let some = residual.unwrap_or(Residual { view: input, stride: 1, channel_offset: 0 });
        let op = match kind {
            0 => Op::Activate { input, output, activation },
            1 => Op::Affine { input, output, weights: 0, activation },
            2 => Op::Add { input, residual: some, output, activation },
            3 => Op::Gate { input, gate, residual, output, activation },
            4 => Op::PadChannels { residual: some, output },
            5 => Op::Softmax { input, output },
            _ => {
                let output = View { height: 1, width: 1, ..output };
                Op::GlobalAvgPool { input, output }
            }
        };
        Case { op, inputs, arena: layout.end, weights, batch, n, seed }
    }
}

prop_compose! {
    /// What is no convolution, on elements of all kinds.
    fn of_any_element()(
        kind in 0..8,
        shape in (1..40_usize, 3..8_usize, 3..8_usize),
        elements in [element(), element(), element()],
        borders in [border(), border()],
        broadcast in any::<bool>(),
        in_place in any::<bool>(),
        stride in 1..3_usize,
        activation in activation(),
        (n, batch) in images(),
        seed in any::<u64>(),
    ) -> Case {
        let mut layout = Layout { batch, end: 3 };
        let (channels, height, width) = shape;
        let map = |height, width| View::new(0, [channels, height, width]);
        let input = layout.place(map(height, width).of(elements[0]).bordered(borders[0]));
        let mut inputs = vec![input];
        let pooled = map((height - 1) / stride + 1, (width - 1) / stride + 1);
        let (output, in_place) = match kind {
            0..4 if in_place => (input, true),
            4 => (map(1, 1).of(elements[1]), false),
            5 | 6 => (pooled.of(elements[1]).bordered(borders[1]), false),
            _ => (map(height, width).of(elements[1]).bordered(borders[1]), false),
        };
        let output = if in_place { output } else { layout.place(output) };
        let [other, gate] = [elements[2], elements[1]];
        let view = layout.place(map(height, width).of(other));
        let residual = Residual { view, stride: 1, channel_offset: 0 };
        let gate = layout.place(if broadcast { map(1, 1) } else { map(height, width) }.of(gate));
        inputs.extend([view, gate]);
        let mut numbers = Numbers(!seed);
        let weights = (0..2 * output.lanes()).map(|_| numbers.next()).collect();
        let pool = Pool { input, output, kernel: [2, 3], stride: [stride; 2], pad: [1, 1] };
        let op = match kind {
            0 => Op::Activate { input, output, activation },
            1 => Op::Affine { input, output, weights: 0, activation },
            2 => Op::Add { input, residual, output, activation },
            3 => Op::Gate { input, gate, residual: broadcast.then_some(residual), output, activation },
            4 => Op::GlobalAvgPool { input, output },
            5 => Op::MaxPool(pool),
            6 => Op::AvgPool(AvgPool { pool, pad_end: [1, 1], count_include_pad: broadcast }),
            _ => Op::PadChannels { residual: Residual { channel_offset: seed as usize % 9, ..residual }, output },
        };
        Case { op, inputs, arena: layout.end, weights, batch, n, seed }
    }
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

/// Small convolutions of every shape of tiles: rows that are no multiple of one, words that do not fill
/// it, one image and several.
fn small_dots(element: Element) -> impl Iterator<Item = Case> {
    let sides = [(1, 1), (2, 7), (3, 15), (2, 16), (2, 17), (7, 7)];
    let channels = [(3, 16), (16, 16), (48, 32), (64, 48), (80, 16)];
    let windows = [(1, 1), (1, 2), (3, 1), (3, 2)];
    let shapes = sides.into_iter().flat_map(move |sides| channels.map(|channels| (sides, channels)));
    shapes.flat_map(move |shape| windows.map(|window| (shape, window))).map(move |(shape, window)| {
        let (((height, width), (inputs, outputs)), (kernel, stride)) = (shape, window);
        let n = if height == 1 { 3 } else { 1 };
        let mut layout = Layout { batch: n, end: 0 };
        let axis = (kernel, stride, 1, kernel / 2);
        let input = View::new(0, [inputs, height, width]).of(element);
        // An image's three channels lie as close as words let them.
        let input = if inputs == 3 { input.pixel(element.words(4)) } else { input };
        let (input, [height, width]) = with_windows(input, [axis; 2]);
        let input = layout.place(input);
        let output = layout.place(View::new(0, [outputs, height, width]));
        let conv = Conv::new(input, output, 0).kernel([kernel; 2], [kernel / 2; 2]).stride([stride; 2]);
        let weights = words(&conv, 5);
        Case { op: Op::Conv(conv), inputs: vec![input], arena: layout.end, weights, batch: n, n, seed: 9 }
    })
}

#[test]
fn sums_of_bytes_are_exact_integers() {
    for mut case in small_dots(Element::U8(Scale::new(1.0, 3))) {
        let Op::Conv(conv) = &case.op else { unreachable!("the case is a convolution") };
        let lanes = conv.output.lanes();
        let constants = case.weights.len() - 3 * lanes;
        case.weights[constants..constants + lanes].fill(1.0);
        case.weights[constants + lanes..constants + 2 * lanes].fill(0.0);
        let input = case.inputs[0];
        let mut arena = case.memory();
        let mut numbers = Numbers(3);
        for place in super::places(0..case.n * input.height, &input) {
            for channel in 0..input.channels {
                let value = ((numbers.next() + 1.0) * 127.5).round() - 3.0;
                // SAFETY: the view lies in the arena, and the pixel has the channel.
                unsafe {
                    element::write(&input, arena.as_mut_ptr().add(place.offset(&input)), channel, value);
                }
            }
        }
        let mut expected = Memory {
            arena: case.slots_of(&arena),
            weights: &case.weights,
            images: &[],
            results: vec![],
            n: case.n,
        };
        apply(&case.op, &mut expected);
        let output = case.output();
        for level in Level::available() {
            let found = case.run_on(Isa::new(level).unwrap(), Split::Rows, 1, arena.clone());
            for place in super::places(0..case.n * output.height, &output) {
                for channel in 0..output.channels {
                    let at = place.offset(&output);
                    let (found, expected) = (found[at + channel], expected.arena[SLOTS * at + channel]);
                    assert_eq!(f64::from(found), expected, "{}: {place:?} of {:?}", level.name(), case.op);
                }
            }
        }
    }
}

#[test]
fn small_convolutions_of_halves_and_parts_are_the_references() {
    for element in [Element::Bf16, Element::Split { parts: 2 }, Element::Split { parts: 3 }] {
        for case in small_dots(element) {
            case.check().unwrap_or_else(|error| panic!("{error} in {:?}", case.op));
        }
    }
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
