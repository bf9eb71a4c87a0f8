//! Each operation by its definition, one output value at a time.

use super::Memory;
use crate::plan::winograd::{Form, packed_at};
use crate::plan::{
    Activation, Algorithm, AvgPool, BlurPool, Conv, Depthwise, Element, LANES, Op, Pool, Residual, View,
};

/// The activation by its definition.
pub fn activate(activation: Activation, x: f64) -> f64 {
    let hard_sigmoid = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match activation {
        Activation::None => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                f64::from(slope) * x
            }
        }
        Activation::Silu => x * sigmoid(x),
        Activation::Gelu => 0.5 * x * libm::erfc(-x / 2.0_f64.sqrt()),
        Activation::Sigmoid => sigmoid(x),
        Activation::HardSigmoid => hard_sigmoid(x),
        Activation::HardSwish => x * hard_sigmoid(x),
        Activation::Tanh => x.tanh(),
    }
}

/// Runs one step.
///
/// # Panics
///
/// If a view, an offset or an index is out of range.
pub fn apply(op: &Op, memory: &mut Memory) {
    match op {
        Op::Load { output } => {
            let View { channels, height, width, .. } = *output;
            memory.fill(output, |memory, [n, y, x, c]| {
                f64::from(memory.images[((n * channels + c) * height + y) * width + x])
            });
        }
        Op::Conv(op) => memory.fill(&op.output, |memory, at| match op.algorithm {
            Algorithm::Direct => conv(memory, op, at),
            Algorithm::Winograd { form, .. } => winograd(memory, op, form, at),
        }),
        Op::Depthwise(op) => memory.fill(&op.output, |memory, at| depthwise(memory, op, at)),
        Op::MaxPool(pool) => memory.fill(&pool.output, |memory, at| max_pool(memory, pool, at)),
        Op::AvgPool(avg) => memory.fill(&avg.pool.output, |memory, at| avg_pool(memory, avg, at)),
        Op::GlobalAvgPool { input, output } => memory.fill(output, |memory, [n, _, _, c]| {
            let places = (0..input.height).flat_map(|y| (0..input.width).map(move |x| [n, y, x, c]));
            let sum: f64 = places.map(|at| memory.get(input, at)).sum();
            sum / (input.height * input.width) as f64
        }),
        Op::BlurPool(op) => memory.fill(&op.output, |memory, at| blur(memory, op, at)),
        Op::Affine { input, output, weights, activation } => memory.fill(output, |memory, at| {
            let scale = f64::from(memory.weights[weights + at[3]]);
            let shift = f64::from(memory.weights[weights + output.lanes() + at[3]]);
            activate(*activation, memory.get(input, at) * scale + shift)
        }),
        Op::Activate { input, output, activation } => {
            memory.fill(output, |memory, at| activate(*activation, memory.get(input, at)));
        }
        Op::Add { input, residual, output, activation } => memory.fill(output, |memory, at| {
            activate(*activation, memory.get(input, at) + shortcut(memory, Some(residual), at))
        }),
        Op::Gate { input, gate, residual, output, activation } => memory.fill(output, |memory, at| {
            let [n, y, x, c] = at;
            let broadcast = (gate.height, gate.width) == (1, 1);
            let gate = memory.get(gate, if broadcast { [n, 0, 0, c] } else { [n, y, x, c] });
            let sum = memory.get(input, at) * gate + shortcut(memory, residual.as_ref(), at);
            activate(*activation, sum)
        }),
        Op::PadChannels { residual, output } => {
            memory.fill(output, |memory, at| shortcut(memory, Some(residual), at));
        }
        Op::Softmax { input, output } => memory.fill(output, |memory, [n, y, x, c]| {
            let all = || (0..input.channels).map(|c| memory.get(input, [n, y, x, c]));
            let greatest = all().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = all().map(|x| (x - greatest).exp()).sum();
            (memory.get(input, [n, y, x, c]) - greatest).exp() / sum
        }),
        Op::Store { input, output } => {
            let View { channels, height, width, .. } = *input;
            let index = |i: usize| {
                let (row, x) = (i / width, i % width);
                let (plane, y) = (row / height, row % height);
                [plane / channels, y, x, plane % channels]
            };
            let len = memory.n * channels * height * width;
            memory.results[*output] = (0..len).map(|i| memory.get(input, index(i))).collect();
        }
    }
}

fn shortcut(memory: &Memory, residual: Option<&Residual>, [n, y, x, c]: [usize; 4]) -> f64 {
    residual.map_or(0.0, |Residual { view, stride, channel_offset }| {
        c.checked_sub(*channel_offset).map_or(0.0, |c| memory.get(view, [n, y * stride, x * stride, c]))
    })
}

fn conv(memory: &Memory, op: &Conv, at: [usize; 4]) -> f64 {
    let [n, y, x, c] = at;
    let [height, width] = op.kernel;
    let lanes = op.output.lanes();
    let in_group = op.input.element.channels(op.group_input);
    let group = c / (lanes / op.groups);
    let mut sum = 0.0;
    for ky in 0..height {
        for kx in 0..width {
            for k in 0..in_group {
                let weight = packed_weight(memory.weights, op, c, (ky * width + kx, k));
                let (y, x) = (y * op.stride[0] + ky * op.dilation[0], x * op.stride[1] + kx * op.dilation[1]);
                let at = [n, y, x, group * in_group + k];
                sum += weight * memory.factor(&op.input, at, op.pad);
            }
        }
    }
    let constants = op.weights + height * width * op.group_input * lanes;
    let constant = |index: usize| memory.weights[constants + index * lanes + c];
    let biased = match op.input.element {
        // The packed scale is for integers, and the bias makes up for the input's zeros.
        Element::U8(_) => sum * f64::from(constant(0)) + f64::from(constant(1)),
        Element::F32 | Element::Bf16 | Element::Split { .. } => sum + f64::from(constant(0)),
    };
    activate(op.activation, biased + shortcut(memory, op.residual.as_ref(), at))
}

/// What a convolution's packed weights say of an output channel's product with a group's input channel `k`
/// at a tap.
fn packed_weight(weights: &[f32], op: &Conv, c: usize, (tap, k): (usize, usize)) -> f64 {
    let element = op.input.element;
    let panel = op.kernel[0] * op.kernel[1] * op.group_input * LANES;
    let plane = op.group_input / element.parts();
    let word = |part: usize, in_word: usize| {
        let line = tap * op.group_input + part * plane + k / in_word;
        weights[op.weights + c / LANES * panel + line * LANES + c % LANES].to_bits()
    };
    let half = |part: usize| {
        let bits = word(part, 2) >> (k % 2 * 16) << 16;
        f64::from(f32::from_bits(bits))
    };
    match element {
        Element::F32 => f32::from_bits(word(0, 1)).into(),
        Element::Bf16 | Element::Split { .. } => (0..element.parts()).map(half).sum(),
        Element::U8(_) => f64::from((word(0, 4) >> (k % 4 * 8)) as u8 as i8),
    }
}

/// The definition with matrices, for the tile that the output is in.
fn winograd(memory: &Memory, op: &Conv, form: Form, [n, y, x, c]: [usize; 4]) -> f64 {
    let (size, inputs, points) = (form.outputs(), form.inputs(), form.points());
    let (input, output) = (form.input_matrix(), form.output_matrix());
    let panel = points * op.group_input * LANES;
    let mut sum = f64::from(memory.weights[op.weights + op.output.pixel / LANES * panel + c]);
    for k in 0..op.group_input {
        let tap = |at: usize| {
            let (row, column) = (y / size * size + at / inputs, x / size * size + at % inputs);
            memory.get_padded(&op.input, [n, row, column, k], op.pad)
        };
        let taps: Vec<f64> = (0..points).map(tap).collect();
        for point in 0..points {
            let (row, column) = (point / inputs, point % inputs);
            let term = |(at, tap): (usize, &f64)| input[row][at / inputs] * input[column][at % inputs] * tap;
            let transformed: f64 = taps.iter().enumerate().map(term).sum();
            let weight = op.weights + packed_at(form, [op.input.pixel, op.output.pixel], c, point, k);
            sum += output[y % size][row]
                * output[x % size][column]
                * transformed
                * f64::from(memory.weights[weight]);
        }
    }
    activate(op.activation, sum + shortcut(memory, op.residual.as_ref(), [n, y, x, c]))
}

fn depthwise(memory: &Memory, op: &Depthwise, at: [usize; 4]) -> f64 {
    let [n, y, x, c] = at;
    let [height, width] = op.kernel;
    let mut sum = f64::from(memory.weights[op.weights + height * width * op.output.pixel + c]);
    for ky in 0..height {
        for kx in 0..width {
            let weight = memory.weights[op.weights + (ky * width + kx) * op.output.pixel + c];
            let at = [n, y * op.stride[0] + ky * op.dilation[0], x * op.stride[1] + kx * op.dilation[1], c];
            sum += f64::from(weight) * memory.get_padded(&op.input, at, op.pad);
        }
    }
    activate(op.activation, sum + shortcut(memory, op.residual.as_ref(), at))
}

/// The positions of a window that lie on the map.
fn window(pool: &Pool, [_, y, x, _]: [usize; 4]) -> impl Iterator<Item = (usize, usize)> {
    let on_map = |axis: usize, position: usize, size: usize| {
        let (first, pad) = (position * pool.stride[axis], pool.pad[axis]);
        let positions = first..first + pool.kernel[axis];
        positions.filter_map(move |position| position.checked_sub(pad).filter(|&position| position < size))
    };
    let columns = on_map(1, x, pool.input.width);
    on_map(0, y, pool.input.height).flat_map(move |y| columns.clone().map(move |x| (y, x)))
}

fn max_pool(memory: &Memory, pool: &Pool, at: [usize; 4]) -> f64 {
    let values = window(pool, at).map(|(y, x)| memory.get(&pool.input, [at[0], y, x, at[3]]));
    values.fold(f64::NEG_INFINITY, f64::max)
}

fn avg_pool(memory: &Memory, avg: &AvgPool, at: [usize; 4]) -> f64 {
    let pool = &avg.pool;
    let sum: f64 = window(pool, at).map(|(y, x)| memory.get(&pool.input, [at[0], y, x, at[3]])).sum();
    let within_padding = |axis: usize, position: usize, size: usize| {
        let first = position * pool.stride[axis];
        let limit = size + pool.pad[axis] + avg.pad_end[axis];
        (first..first + pool.kernel[axis]).filter(|&position| position < limit).count()
    };
    let count = if avg.count_include_pad {
        within_padding(0, at[1], pool.input.height) * within_padding(1, at[2], pool.input.width)
    } else {
        window(pool, at).count()
    };
    sum / count as f64
}

fn blur(memory: &Memory, op: &BlurPool, [n, y, x, c]: [usize; 4]) -> f64 {
    let mirrored = |position: usize, size: usize| {
        let position = position as isize - op.pad as isize;
        let last = size as isize - 1;
        (last - (last - position.abs()).abs()) as usize
    };
    let binomial = |k: usize| (0..k).fold(1.0, |value, i| value * (op.size - 1 - i) as f64 / (i + 1) as f64);
    let total = 2.0_f64.powi(op.size as i32 - 1);
    let mut sum = 0.0;
    for ky in 0..op.size {
        for kx in 0..op.size {
            let row = mirrored(y * op.stride + ky, op.input.height);
            let column = mirrored(x * op.stride + kx, op.input.width);
            let weight = binomial(ky) * binomial(kx) / (total * total);
            sum += weight * memory.get(&op.input, [n, row, column, c]);
        }
    }
    sum
}
