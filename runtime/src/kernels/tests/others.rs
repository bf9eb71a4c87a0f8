//! What is no convolution.

use proptest::prelude::*;

use super::*;

prop_compose! {
    /// Maximum, mean and blur over windows; in ceil mode if `ceil`.
    pub(super) fn pool()(
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
        let mut layout = Layout::new(batch, seed);
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
        Case { op, inputs: vec![input], layout, weights: vec![], batch, n, seed }
    }
}

prop_compose! {
    pub(super) fn element_wise()(
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
        let mut layout = Layout::new(batch, seed);
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
        Case { op, inputs, layout, weights, batch, n, seed }
    }
}

prop_compose! {
    /// What is no convolution, on elements of all kinds.
    pub(super) fn of_any_element()(
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
        let mut layout = Layout::new(batch, seed);
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
        Case { op, inputs, layout, weights, batch, n, seed }
    }
}
