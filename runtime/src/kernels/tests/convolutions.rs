//! Convolutions of floats: direct, by Winograd's algorithm, depthwise.

use proptest::prelude::*;

use super::*;

prop_compose! {
    pub(super) fn conv()(
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
        let mut layout = Layout::new(batch, seed);
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
        Case { op, inputs, layout, weights, batch, n, seed }
    }
}

prop_compose! {
    /// A 3 x 3 kernel's weights as Winograd's algorithm has them, in any block.
    pub(super) fn winograd()(
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
        let mut layout = Layout::new(batch, seed);
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
        Case { op: Op::Conv(conv), inputs, layout, weights, batch, n, seed }
    }
}

prop_compose! {
    pub(super) fn depthwise()(
        input in map(1..10, 40),
        axes in [axis(), axis()],
        output_border in border(),
        shortcut in shortcut(),
        activation in activation(),
        (n, batch) in images(),
        seed in any::<u64>(),
    ) -> Case {
        let mut layout = Layout::new(batch, seed);
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
        Case { op, inputs, layout, weights, batch, n, seed }
    }
}
