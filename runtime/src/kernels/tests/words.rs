//! Convolutions of elements with several values a word.

use proptest::prelude::*;

use super::*;

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
    pub(super) fn dots()(
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
        let mut layout = Layout::new(batch, seed);
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
        Case { op: Op::Conv(conv), inputs, layout, weights, batch, n, seed }
    }
}

/// Small convolutions of every shape of tiles: rows that are no multiple of one, words that do not fill
/// it, one image and several.
fn small_dots(element: Element) -> impl Iterator<Item = Case> {
    let sides = [(1, 1), (2, 7), (3, 15), (2, 16), (2, 17), (7, 7)];
    let channels = [(3, 16), (16, 16), (48, 32), (64, 48), (80, 16)];
    let windows = [(1, 1), (1, 2), (3, 1), (3, 2)];
    let shapes = sides.into_iter().flat_map(move |sides| channels.map(|channels| (sides, channels)));
    let shapes = shapes.flat_map(move |shape| windows.map(|window| (shape, window)));
    // At either edge.
    let seeded = shapes.flat_map(|shape| [8, 9].map(|seed| (shape, seed)));
    seeded.map(move |((((height, width), (inputs, outputs)), (kernel, stride)), seed)| {
        let n = if height == 1 { 3 } else { 1 };
        let mut layout = Layout::new(n, seed);
        let axis = (kernel, stride, 1, kernel / 2);
        let input = View::new(0, [inputs, height, width]).of(element);
        // An image's three channels lie as close as words let them.
        let input = if inputs == 3 { input.pixel(element.words(4)) } else { input };
        let (input, [height, width]) = with_windows(input, [axis; 2]);
        let input = layout.place(input);
        let output = layout.place(View::new(0, [outputs, height, width]));
        let conv = Conv::new(input, output, 0).kernel([kernel; 2], [kernel / 2; 2]).stride([stride; 2]);
        let weights = words(&conv, 5);
        Case { op: Op::Conv(conv), inputs: vec![input], layout, weights, batch: n, n, seed }
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
        for place in crate::kernels::places(0..case.n * input.height, &input) {
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
            let found = case.run_on(Isa::new(level).unwrap(), Split::Rows, 1, &arena);
            for place in crate::kernels::places(0..case.n * output.height, &output) {
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
